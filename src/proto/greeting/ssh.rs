//! SSH: the server's version line (RFC 4253 4.2); other lines may stand before it.

use super::reply::{MAX_WORDS, Read, Reply, printable};

/// Lines of OpenSSH that stand where its version should: it refuses this client.
const REFUSALS: &[&str] = &["Exceeded MaxStartups", "Not allowed at this time"];

pub(super) fn read(bytes: &[u8]) -> Read {
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let whole = line.ends_with(b"\n");
        if !line.starts_with(b"SSH-") {
            if whole && let Some(reply) = refusal(line) {
                return Read::Is(reply);
            }
            continue;
        }
        return if whole { version(line) } else { Read::More };
    }
    Read::More
}

/// The whole line as a reply, an unfinished one too.
pub(super) fn version(line: &[u8]) -> Read {
    let text = printable(line, 255);
    let mut parts = text.splitn(3, '-').skip(1);
    match (parts.next(), parts.next()) {
        (Some(protocol), Some(software)) if matches!(protocol, "2.0" | "1.99" | "1.5" | "1.3") => {
            let software: String = software.trim().chars().take(MAX_WORDS).collect();
            let says = format!("SSH {protocol}");
            Read::Is(Reply { version: Some(software), ..Reply::of("ssh", says) })
        }
        _ => Read::Not,
    }
}

/// OpenSSH's refusal in plain words.
pub(super) fn refusal(line: &[u8]) -> Option<Reply> {
    let text = printable(line, MAX_WORDS);
    let refuses = REFUSALS.iter().any(|words| text.starts_with(words));
    refuses.then(|| Reply { refuses: Some(text.clone()), ..Reply::of("ssh", text.clone()) })
}
