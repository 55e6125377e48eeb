//! What a STUN server answers (RFC 8489, RFC 5780; RFC 3489 for those who ask without the cookie); bytes in, bytes out.
//! Written apart from `proto::stun`, which asks: a codec bug cannot hide on both sides.

use std::net::{IpAddr, SocketAddr};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const HEADER: usize = 20;
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

const MAPPED_ADDRESS: u16 = 0x0001;
/// CHANGE-REQUEST (RFC 5780 7.2).
pub(super) const CHANGE_REQUEST: u16 = 0x0003;
const SOURCE_ADDRESS: u16 = 0x0004;
const CHANGED_ADDRESS: u16 = 0x0005;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PADDING: u16 = 0x0026;
const RESPONSE_PORT: u16 = 0x0027;
/// SOFTWARE (RFC 8489 14.14).
pub(super) const SOFTWARE: u16 = 0x8022;
const FINGERPRINT: u16 = 0x8028;
const RESPONSE_ORIGIN: u16 = 0x802B;
const OTHER_ADDRESS: u16 = 0x802C;

/// CHANGE-REQUEST's flags (RFC 5780 7.2).
const CHANGE_IP: u8 = 0x04;
const CHANGE_PORT: u8 = 0x02;

/// Required attributes that a server may pass over: it asks nobody for credentials.
const PASSED_OVER: [u16; 4] = [0x0006, 0x0008, 0x0014, 0x0015];

/// A Binding request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// The 16 bytes after the length: the cookie and the id, or an RFC 3489 id.
    pub(super) transaction: [u8; 16],
    /// Answer from the other IP address.
    pub(super) change_ip: bool,
    /// Answer from the other port.
    pub(super) change_port: bool,
    /// Answer to this port of the client's.
    pub(super) response_port: Option<u16>,
    /// Pad the answer by so many bytes.
    pub(super) padding: u16,
    /// Comprehension-required attributes that this server does not know.
    pub(super) unknown: Vec<u16>,
}

/// Where a request came from, and where its answer leaves from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The request's source.
    pub(super) client: SocketAddr,
    /// The answer's source.
    pub(super) origin: SocketAddr,
    /// The server's other address and port, where it has them.
    pub(super) other: Option<SocketAddr>,
}

impl Request {
    /// Whether the client speaks RFC 5389 or later.
    fn has_cookie(&self) -> bool {
        self.transaction.starts_with(&COOKIE)
    }

    /// Reads a Binding request; `None` for anything else, and for a false FINGERPRINT.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if u16::from_be_bytes([header[0], header[1]]) != REQUEST
            || bytes.len() != HEADER + length
            || length % 4 != 0
        {
            return None;
        }
        let mut request = Self { transaction: *header.last_chunk()?, ..Self::default() };
        let mut at = HEADER;
        while at < bytes.len() {
            let head = bytes.get(at..)?.first_chunk::<4>()?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let size = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = bytes.get(at + 4..at + 4 + size)?;
            match kind {
                CHANGE_REQUEST => {
                    let flags = *value.get(3)?;
                    request.change_ip = flags & CHANGE_IP != 0;
                    request.change_port = flags & CHANGE_PORT != 0;
                }
                PADDING => request.padding = value.len() as u16,
                RESPONSE_PORT => request.response_port = value.first_chunk().copied().map(u16::from_be_bytes),
                FINGERPRINT if value != fingerprint(bytes.get(..at)?) => return None,
                kind if kind < 0x8000 && !PASSED_OVER.contains(&kind) => request.unknown.push(kind),
                _ => {}
            }
            at += 4 + size.next_multiple_of(4);
        }
        Some(request)
    }
}

/// The true answer.
pub(super) fn success(request: &Request, place: &Place) -> Vec<u8> {
    success_with_mapped(request, place, place.client)
}

/// The true answer but for what MAPPED-ADDRESS says.
pub(super) fn success_with_mapped(request: &Request, place: &Place, mapped: SocketAddr) -> Vec<u8> {
    let mut message = Message::new(SUCCESS, &request.transaction);
    if request.has_cookie() {
        message.attribute(XOR_MAPPED_ADDRESS, &address(place.client, &request.transaction));
        message.attribute(MAPPED_ADDRESS, &address(mapped, &[0; 16]));
        message.attribute(RESPONSE_ORIGIN, &address(place.origin, &[0; 16]));
        if let Some(other) = place.other {
            message.attribute(OTHER_ADDRESS, &address(other, &[0; 16]));
        }
        message.attribute(SOFTWARE, b"connector-doctor lab");
        if request.padding > 0 {
            message.attribute(PADDING, &vec![0; request.padding.into()]);
        }
        return message.sealed();
    }
    message.attribute(MAPPED_ADDRESS, &address(mapped, &[0; 16]));
    message.attribute(SOURCE_ADDRESS, &address(place.origin, &[0; 16]));
    if let Some(other) = place.other {
        message.attribute(CHANGED_ADDRESS, &address(other, &[0; 16]));
    }
    message.0
}

/// An error response of `code`, 300 to 699, with UNKNOWN-ATTRIBUTES where there are any.
pub(super) fn error(request: &Request, code: u16, unknown: &[u16]) -> Vec<u8> {
    let reason = match code {
        300 => "Try Alternate",
        400 => "Bad Request",
        420 => "Unknown Attribute",
        _ => "Server Error",
    };
    let mut value = vec![0, 0, (code / 100) as u8, (code % 100) as u8];
    value.extend(reason.as_bytes());
    let mut message = Message::new(ERROR, &request.transaction);
    message.attribute(ERROR_CODE, &value);
    if !unknown.is_empty() {
        let kinds: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        message.attribute(UNKNOWN_ATTRIBUTES, &kinds);
    }
    message.sealed()
}

/// `message` with other bytes from `at` on, and a FINGERPRINT to match.
pub(super) fn patched(message: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut message = Message::unsealed(message);
    for (old, new) in message.0.iter_mut().skip(at).zip(bytes) {
        *old = *new;
    }
    message.sealed()
}

/// `message` with one attribute more.
pub(super) fn with_attribute(message: Vec<u8>, kind: u16, value: &[u8]) -> Vec<u8> {
    let mut message = Message::unsealed(message);
    message.attribute(kind, value);
    message.sealed()
}

/// `message` with a last attribute whose length runs past the message's end.
pub(super) fn with_overlong_attribute(message: Vec<u8>) -> Vec<u8> {
    let mut message = Message::unsealed(message);
    message.attribute(SOFTWARE, b"cut!");
    let length_at = message.0.len() - 6;
    for (old, new) in message.0.iter_mut().skip(length_at).zip(200_u16.to_be_bytes()) {
        *old = new;
    }
    message.0
}

/// A message under construction, always of the length that its header says.
struct Message(Vec<u8>);

impl Message {
    fn new(kind: u16, transaction: &[u8; 16]) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(transaction);
        Self(bytes)
    }

    /// A message again without its FINGERPRINT.
    fn unsealed(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(bytes.len().saturating_sub(8));
        let mut message = Self(bytes);
        message.write_length(0);
        message
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.0.extend(kind.to_be_bytes());
        self.0.extend((value.len() as u16).to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.write_length(0);
    }

    /// Writes the length as it will be with `more` bytes.
    fn write_length(&mut self, more: usize) {
        let length = ((self.0.len() + more - HEADER) as u16).to_be_bytes();
        for (old, new) in self.0.iter_mut().skip(2).zip(length) {
            *old = new;
        }
    }

    /// The message with its FINGERPRINT (RFC 8489 14.7): the length counts it already.
    fn sealed(mut self) -> Vec<u8> {
        self.write_length(8);
        let value = fingerprint(&self.0);
        self.attribute(FINGERPRINT, &value);
        self.0
    }
}

/// FINGERPRINT of the message up to it.
fn fingerprint(before: &[u8]) -> [u8; 4] {
    (crc32fast::hash(before) ^ 0x5354_554E).to_be_bytes()
}

/// An address attribute's value, masked by `mask` (RFC 8489 14.2), or plain where that is zero (14.1).
fn address(address: SocketAddr, mask: &[u8; 16]) -> Vec<u8> {
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let port = address.port().to_be_bytes();
    let mut value = vec![0, family];
    value.extend(port.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    value.extend(ip.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 2.1 without its USERNAME and MESSAGE-INTEGRITY would not be the vector: so the whole of 2.2, whose
    /// XOR-MAPPED-ADDRESS and FINGERPRINT do not depend on the password.
    const TRANSACTION: [u8; 16] =
        [0x21, 0x12, 0xA4, 0x42, 0xB7, 0xE7, 0xA7, 0x01, 0xBC, 0x34, 0xD6, 0x86, 0xFA, 0x87, 0xDF, 0xAE];

    fn place() -> Place {
        Place {
            client: "192.0.2.1:32853".parse().unwrap(),
            origin: "127.0.0.1:3478".parse().unwrap(),
            other: Some("127.0.0.2:3479".parse().unwrap()),
        }
    }

    fn request() -> Request {
        Request { transaction: TRANSACTION, ..Request::default() }
    }

    #[test]
    fn addresses_are_masked_as_in_rfc_5769() {
        assert_eq!(address(place().client, &TRANSACTION), [0, 1, 0xA1, 0x47, 0xE1, 0x12, 0xA6, 0x43]);
        let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        let masked = [
            0x00, 0x02, 0xA1, 0x47, 0x01, 0x13, 0xA9, 0xFA, 0xA5, 0xD3, 0xF1, 0x79, 0xBC, 0x25, 0xF4, 0xB5,
            0xBE, 0xD2, 0xB9, 0xD9,
        ];
        assert_eq!(address(v6, &TRANSACTION), masked);
    }

    #[test]
    fn the_fingerprint_is_that_of_rfc_5769() {
        // RFC 5769 2.2 up to its FINGERPRINT, which is c07d4c96.
        let before = [
            0x01, 0x01, 0x00, 0x3C, 0x21, 0x12, 0xA4, 0x42, 0xB7, 0xE7, 0xA7, 0x01, 0xBC, 0x34, 0xD6, 0x86,
            0xFA, 0x87, 0xDF, 0xAE, 0x80, 0x22, 0x00, 0x0B, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
            0x74, 0x6F, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xA1, 0x47, 0xE1, 0x12, 0xA6, 0x43,
            0x00, 0x08, 0x00, 0x14, 0x2B, 0x91, 0xF5, 0x99, 0xFD, 0x9E, 0x90, 0xC3, 0x8C, 0x74, 0x89, 0xF9,
            0x2A, 0xF9, 0xBA, 0x53, 0xF0, 0x6B, 0xE7, 0xD7, 0x80, 0x28, 0x00, 0x04,
        ];
        assert_eq!(fingerprint(&before[..72]), [0xC0, 0x7D, 0x4C, 0x96]);
    }

    #[test]
    fn requests_are_read_and_others_refused() {
        let mut plain = Message::new(REQUEST, &TRANSACTION);
        assert_eq!(Request::parse(&plain.0), Some(request()));
        plain.attribute(CHANGE_REQUEST, &[0, 0, 0, CHANGE_PORT]);
        plain.attribute(0x7FFF, &[]);
        plain.attribute(RESPONSE_PORT, &[0x12, 0x34, 0, 0]);
        plain.attribute(PADDING, &[0; 5]);
        let parsed = Request::parse(&plain.sealed()).unwrap();
        let expected = Request {
            change_port: true,
            unknown: vec![0x7FFF],
            response_port: Some(0x1234),
            padding: 5,
            ..request()
        };
        assert_eq!(parsed, expected);
        let answer = success(&request(), &place());
        assert_eq!(Request::parse(&answer), None);
        let sealed = Message::new(REQUEST, &TRANSACTION).sealed();
        for cut in 0..sealed.len() {
            assert_eq!(Request::parse(&sealed[..cut]), None, "{cut}");
        }
        let mut forged = sealed;
        forged[27] ^= 1;
        assert_eq!(Request::parse(&forged), None);
    }

    #[test]
    fn answers_fit_the_smallest_client() {
        // `stunclient` reads 256 bytes.
        let v6 = "[::1]:65535".parse().unwrap();
        let place = Place { client: v6, origin: v6, other: Some(v6) };
        assert!(success(&request(), &place).len() <= 256);
    }

    #[test]
    fn an_old_client_gets_the_attributes_of_its_time() {
        let old = Request { transaction: [7; 16], ..request() };
        let answer = success(&old, &place());
        assert_eq!(answer[4..20], [7; 16]);
        let kinds: Vec<u8> = answer[20..].chunks(12).map(|attribute| attribute[1]).collect();
        assert_eq!(kinds, [MAPPED_ADDRESS as u8, SOURCE_ADDRESS as u8, CHANGED_ADDRESS as u8]);
    }
}
