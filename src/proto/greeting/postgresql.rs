//! PostgreSQL: SSLRequest and its one byte (protocol 3.0, "SSL Session Encryption"); a server tells no version before a login.

use super::reply::{MAX_WORDS, Read, Reply, printable};

/// Length 8, code 80877103.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

pub(super) fn request(_host: &str) -> Vec<u8> {
    REQUEST.to_vec()
}

pub(super) fn read(bytes: &[u8]) -> Read {
    match bytes {
        [] => Read::More,
        // One byte and no more: a server waits for the handshake now.
        [b'S'] => Read::Is(Reply::of("postgresql", "offers TLS")),
        [b'N'] => Read::Is(Reply::of("postgresql", "offers no TLS")),
        [b'E', rest @ ..] => error(rest),
        _ => Read::Not,
    }
}

/// `ErrorResponse`: length, then fields, each a letter and a string that ends with a zero byte.
fn error(rest: &[u8]) -> Read {
    let Some((length, _)) = rest.split_first_chunk::<4>() else { return Read::More };
    let length = u32::from_be_bytes(*length) as usize;
    if !(5..=1000).contains(&length) {
        return Read::Not;
    }
    let Some(fields) = rest.get(4..length) else { return Read::More };
    let mut fields = fields.split(|b| *b == 0);
    let message = fields.find_map(|f| f.strip_prefix(b"M"));
    let Some(message) = message else { return Read::Not };
    let message = printable(message, MAX_WORDS);
    Read::Is(Reply { refuses: Some(message.clone()), ..Reply::of("postgresql", message) })
}
