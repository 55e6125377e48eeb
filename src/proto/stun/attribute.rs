//! Values of STUN attributes, both ways; which attribute means what is `message`'s business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::id::TransactionId;

/// RFC 8489 5: in every message, and the key of XOR-MAPPED-ADDRESS.
pub(super) const MAGIC_COOKIE: u32 = 0x2112_A442;

/// Reads an address attribute (RFC 8489 14.1). The first byte MUST be ignored.
pub(super) fn read_address(value: &[u8]) -> Option<SocketAddr> {
    let [_, family, p0, p1, rest @ ..] = value else { return None };
    let ip = match family {
        1 => IpAddr::from(<[u8; 4]>::try_from(rest).ok()?),
        2 => IpAddr::from(<[u8; 16]>::try_from(rest).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes([*p0, *p1])))
}

/// Writes an address attribute's value.
pub(super) fn write_address(address: SocketAddr) -> Vec<u8> {
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let mut value = vec![0, family];
    value.extend(address.port().to_be_bytes());
    value.extend(ip);
    value
}

/// XOR-MAPPED-ADDRESS (RFC 8489 14.2): the same operation hides and reveals.
pub(super) fn xor_address(address: SocketAddr, id: &TransactionId) -> SocketAddr {
    let key =
        (u128::from(MAGIC_COOKIE) << 96) | id.iter().fold(0, |key, &byte| (key << 8) | u128::from(byte));
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() ^ MAGIC_COOKIE)),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() ^ key)),
    };
    SocketAddr::new(ip, address.port() ^ (MAGIC_COOKIE >> 16) as u16)
}

/// Reads ERROR-CODE (RFC 8489 14.8): the code 300..=699 and the cleaned reason.
pub(super) fn read_error(value: &[u8]) -> Option<(u16, String)> {
    let [_, _, class, number, reason @ ..] = value else { return None };
    let class = u16::from(class & 0b111);
    ((3..=6).contains(&class) && *number < 100).then(|| (class * 100 + u16::from(*number), clean(reason)))
}

/// Writes ERROR-CODE.
pub(super) fn write_error(code: u16, reason: &str) -> Vec<u8> {
    let mut value = vec![0, 0, (code / 100) as u8 & 0b111, (code % 100) as u8];
    value.extend(reason.as_bytes());
    value
}

/// Longest text taken from a peer, in characters.
const TEXT_MAX: usize = 128;

/// A peer's text without what could move a cursor or reorder a line, at most [`TEXT_MAX`] characters.
pub(super) fn clean(bytes: &[u8]) -> String {
    // A character is at most 4 bytes: no more need be looked at, whatever the attribute's length.
    let head = bytes.get(..TEXT_MAX * 4).unwrap_or(bytes);
    let text = String::from_utf8_lossy(head);
    text.chars().filter(|c| !c.is_control() && !is_invisible(*c)).take(TEXT_MAX).collect()
}

/// Bidirectional controls, zero-width characters, line separators and tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned_and_cut() {
        let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{202e}evil\u{200b}".repeat(40);
        let seen = clean(hostile.as_bytes());
        assert_eq!(seen.chars().count(), TEXT_MAX);
        assert!(seen.starts_with("[2J]0;ownedevil[2J"), "{seen}");
        assert_eq!(clean(&[0xff, b'a', 0x80]), "\u{fffd}a\u{fffd}");
        assert_eq!(clean(seen.as_bytes()), seen, "cleaning twice changes nothing");
    }

    #[test]
    fn addresses_of_odd_shape_are_refused() {
        for bad in [&[][..], &[0, 1, 0, 80, 1, 2, 3], &[0, 2, 0, 80, 1, 2, 3, 4], &[0, 3, 0, 80, 1, 2, 3, 4]]
        {
            assert_eq!(read_address(bad), None, "{bad:?}");
        }
        // The reserved byte MUST be ignored.
        assert_eq!(read_address(&[9, 1, 0, 80, 1, 2, 3, 4]), "1.2.3.4:80".parse().ok());
    }

    #[test]
    fn error_codes_outside_300_to_699_are_refused() {
        assert_eq!(read_error(&[0, 0, 4, 20, b'x']), Some((420, "x".into())));
        assert_eq!(
            read_error(&[0xff, 0xff, 0xfc, 1]),
            Some((401, String::new())),
            "reserved bits are ignored"
        );
        for bad in [[0, 0, 2, 0], [0, 0, 7, 0], [0, 0, 4, 100]] {
            assert_eq!(read_error(&bad), None, "{bad:?}");
        }
    }
}
