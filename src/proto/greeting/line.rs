//! SMTP and FTP: a greeting of three digits and words (RFC 5321 4.2, RFC 959 4.2).

use super::reply::{MAX_WORDS, Read, Reply, first_line, printable};

pub(super) fn smtp(bytes: &[u8]) -> Read {
    read(bytes, "smtp")
}

pub(super) fn ftp(bytes: &[u8]) -> Read {
    read(bytes, "ftp")
}

fn read(bytes: &[u8], wanted: &str) -> Read {
    if !begins(bytes) {
        return Read::Not;
    }
    let Some(line) = first_line(bytes, false) else { return Read::More };
    match reply(line) {
        // One that says which of the two it is, is believed.
        Some(reply) if reply.protocol == wanted => Read::Is(reply),
        Some(reply) if reply.protocol.is_empty() => Read::Is(Reply { protocol: wanted.to_owned(), ..reply }),
        _ => Read::Not,
    }
}

/// Three digits, then a space or a hyphen, as far as they are there.
fn begins(bytes: &[u8]) -> bool {
    bytes.iter().take(3).all(u8::is_ascii_digit)
        && matches!(bytes.get(3), None | Some(b' ' | b'-' | b'\r' | b'\n'))
}

/// A greeting's line; the protocol is empty where nothing tells mail from files.
pub(super) fn reply(line: &[u8]) -> Option<Reply> {
    if !begins(line) || line.len() < 3 {
        return None;
    }
    let code = printable(&line[..3], 3);
    let words = printable(line.get(4..).unwrap_or_default(), MAX_WORDS);
    let upper = words.to_ascii_uppercase();
    let protocol = match () {
        () if upper.contains("SMTP") || upper.contains("POSTFIX") || upper.contains("EXIM") => "smtp",
        () if upper.contains("FTP") => "ftp",
        () => "",
    };
    let says = format!("{code} {words}").trim_end().to_owned();
    match code.as_bytes()[0] {
        b'2' if code == "220" => {
            Some(Reply { version: Some(words).filter(|w| !w.is_empty()), ..Reply::of(protocol, says) })
        }
        // Too many connections, no service for this client.
        b'4' | b'5' => Some(Reply { refuses: Some(says.clone()), ..Reply::of(protocol, says) }),
        _ => None,
    }
}
