//! HTTP/1.1 (RFC 9112): a request for `/`, and the head of its answer.

use super::reply::{MAX_WORDS, Read, Reply, printable};

/// Words of an answer to plain HTTP at a port of TLS: nginx, Apache, Go, Jetty.
const SPEAK_TLS: &[&str] = &[
    "HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "HTTP request to an HTTPS server",
];
/// Bytes of a refusal's body that are looked at.
const BODY: usize = 512;

/// `GET /`. The answer's head is read, and the connection closed.
pub(super) fn request(host: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: connector-doctor/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
    .into_bytes()
}

pub(super) fn read(bytes: &[u8]) -> Read {
    const BEGIN: &[u8] = b"HTTP/1.";
    if bytes.len() < BEGIN.len() {
        return if BEGIN.starts_with(bytes) { Read::More } else { Read::Not };
    }
    if !bytes.starts_with(BEGIN) {
        return Read::Not;
    }
    let Some(end) = head_end(bytes) else { return Read::More };
    let head = &bytes[..end];
    let Some(reply) = head_reply(head) else { return Read::Not };
    if reply.says.starts_with("400") {
        let body = &bytes[end..];
        if body.len() < BODY && !is_whole(head, body) {
            return Read::More;
        }
        if speaks_tls(body) {
            return Read::Not;
        }
    }
    Read::Is(reply)
}

/// Whether the body says that this port speaks TLS.
pub(super) fn speaks_tls(bytes: &[u8]) -> bool {
    let text = printable(&bytes[..bytes.len().min(4096)], 4096);
    SPEAK_TLS.iter().any(|words| text.contains(words))
}

/// Whether the body is as long as the head says.
fn is_whole(head: &[u8], body: &[u8]) -> bool {
    let length = field(head, "content-length").and_then(|n| n.parse::<usize>().ok());
    length.is_some_and(|length| body.len() >= length)
}

/// Where the head ends: behind its empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let crlf = bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
    let lf = bytes.windows(2).position(|w| w == b"\n\n").map(|at| at + 2);
    match (crlf, lf) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Status, server and redirect of a head, an unfinished one too.
pub(super) fn head_reply(head: &[u8]) -> Option<Reply> {
    let line = head.split(|b| *b == b'\n').next()?;
    let text = printable(line, 160);
    let rest = text.strip_prefix("HTTP/1.")?;
    let (_, status) = rest.split_once(' ')?;
    let code: u16 = status.get(..3)?.parse().ok()?;
    if !(100..1000).contains(&code) || status.as_bytes().get(3).is_some_and(|b| *b != b' ') {
        return None;
    }
    let says: String = status.chars().take(MAX_WORDS).collect();
    let version = field(head, "server").filter(|s| !s.is_empty());
    let location = field(head, "location").filter(|_| (300..400).contains(&code));
    Some(Reply { version, location, ..Reply::of("http", says) })
}

/// A header's value.
fn field(head: &[u8], name: &str) -> Option<String> {
    head.split(|b| *b == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|b| *b == b':')?;
        let key = line.get(..colon)?;
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| printable(&line[colon + 1..], 160))
    })
}
