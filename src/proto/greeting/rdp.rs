//! RDP: the X.224 connection request with a negotiation, and its confirmation (MS-RDPBCGR 2.2.1.1, 2.2.1.2).

use super::reply::{Read, Reply};

/// TPKT (RFC 1006), X.224 CR, `RDP_NEG_REQ` that offers TLS and CredSSP; no cookie, so no user's name.
const REQUEST: [u8; 19] = [3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
/// The least confirmation: TPKT and X.224 CC.
const LEAST: usize = 11;

pub(super) fn request(_host: &str) -> Vec<u8> {
    REQUEST.to_vec()
}

pub(super) fn read(bytes: &[u8]) -> Read {
    match bytes {
        [] | [3] | [3, 0] | [3, 0, _] => return Read::More,
        [3, 0, ..] => {}
        _ => return Read::Not,
    }
    let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    if !(LEAST..=512).contains(&length) {
        return Read::Not;
    }
    if bytes.len() < length {
        return Read::More;
    }
    // Length indicator, then the connection confirm.
    if usize::from(bytes[4]) + 5 != length || bytes[5] & 0xf0 != 0xd0 {
        return Read::Not;
    }
    let said = match (bytes.get(11), bytes.get(15..19)) {
        (Some(2), Some(&[a, b, c, d])) => selected(u32::from_le_bytes([a, b, c, d])),
        (Some(3), Some(&[a, b, c, d])) => {
            let code = u32::from_le_bytes([a, b, c, d]);
            return Read::Is(Reply::of("rdp", format!("refuses TLS and NLA, code {code}")));
        }
        // An old server answers without a negotiation.
        _ => "standard RDP security",
    };
    Read::Is(Reply { version: Some(said.to_owned()), ..Reply::of("rdp", format!("offers {said}")) })
}

fn selected(protocol: u32) -> &'static str {
    match protocol {
        0 => "standard RDP security",
        1 => "TLS",
        2 | 8 => "NLA (CredSSP)",
        4 => "RDSTLS",
        _ => "another security protocol",
    }
}
