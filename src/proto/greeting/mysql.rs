//! MySQL and MariaDB: the server's greeting, or its error (client/server protocol, HandshakeV10 and ERR packets).

use super::reply::{MAX_WORDS, Read, Reply, printable};

/// MariaDB stands behind this, for replicas that know no version above 5.
const MARIADB: &str = "5.5.5-";

pub(super) fn read(bytes: &[u8]) -> Read {
    let Some((head, payload)) = bytes.split_first_chunk::<4>() else { return Read::More };
    let length = usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
    // The first packet of a conversation has number 0; a greeting has some 80 bytes.
    if head[3] != 0 || !(4..=900).contains(&length) {
        return Read::Not;
    }
    match payload.first() {
        Some(0x0a) => greeting(payload.get(..length)),
        Some(0xff) => error(payload.get(..length)),
        Some(_) => Read::Not,
        None => Read::More,
    }
}

fn greeting(payload: Option<&[u8]>) -> Read {
    let Some(payload) = payload else { return Read::More };
    let Some(end) = payload.iter().position(|b| *b == 0) else { return Read::Not };
    let version = printable(&payload[1..end], MAX_WORDS);
    let own = version.strip_prefix(MARIADB).unwrap_or(&version).to_owned();
    if !own.starts_with(|c: char| c.is_ascii_digit()) {
        return Read::Not;
    }
    Read::Is(Reply { version: Some(own), ..Reply::of("mysql", "greeting of protocol 10") })
}

/// Code, perhaps `#` and an SQL state, then a message.
fn error(payload: Option<&[u8]>) -> Read {
    let Some(payload) = payload else { return Read::More };
    let Some(rest) = payload.get(3..) else { return Read::Not };
    let code = u16::from_le_bytes([payload[1], payload[2]]);
    let message = if rest.first() == Some(&b'#') { rest.get(6..).unwrap_or_default() } else { rest };
    let said = format!("{}, error {code}", printable(message, MAX_WORDS));
    Read::Is(Reply { refuses: Some(said.clone()), ..Reply::of("mysql", said) })
}
