//! What first bytes have come to, and the few words that every reader makes of them: printable, cut in length.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most characters of a version or of what was said.
pub(super) const MAX_WORDS: usize = 80;
/// What bytes show to the reader of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The kind itself.
    Is(Reply),
    /// It may still become that.
    More,
    /// It is something else.
    Not,
}

/// What a peer shows of itself by its first bytes; every text is printable ASCII, cut in length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Reply {
    /// The protocol: the word of a kind, or another one's (`imap`, `vnc`).
    pub protocol: String,
    /// Program or protocol version, where it tells one: `OpenSSH_9.2p1 Debian-2`, `3.1.1`.
    pub version: Option<String>,
    /// What it said, for people: `200 OK`, `offers StartTLS`.
    pub says: String,
    /// It speaks its protocol, and refuses this client by it; its words.
    pub refuses: Option<String>,
    /// Where an HTTP answer redirects to.
    pub location: Option<String>,
}

/// What a conversation has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Wait for more.
    More,
    /// A protocol is recognised: the kind that was expected, or another one.
    Reply(Reply),
    /// Nothing that is known; the beginning as printable ASCII.
    Unknown(String),
}

impl Reply {
    /// A protocol and what it said.
    pub(super) fn of(protocol: &str, says: impl Into<String>) -> Self {
        Self { protocol: protocol.to_owned(), says: says.into(), ..Self::default() }
    }
}

/// Bytes as printable ASCII, cut to `max` characters; a run of anything else becomes one space.
pub(super) fn printable(bytes: &[u8], max: usize) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(max.saturating_mul(4)) {
        let shown = if byte.is_ascii_graphic() { char::from(*byte) } else { ' ' };
        if shown == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if out.len() == max {
            break;
        }
        out.push(shown);
    }
    out.truncate(out.trim_end().len());
    out
}

/// The first line that is whole, without its end; all bytes where `ended`.
pub(super) fn first_line(bytes: &[u8], ended: bool) -> Option<&[u8]> {
    let end = bytes.iter().position(|b| *b == b'\n');
    let line = match end {
        Some(end) => &bytes[..end],
        None if ended => bytes,
        None => return None,
    };
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}
