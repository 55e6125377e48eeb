//! STUN messages on the wire (RFC 8489 5 and 14, RFC 5780 7): decoding, encoding, and nothing else.

use std::fmt;
use std::net::SocketAddr;

use super::attribute::{
    MAGIC_COOKIE, clean, read_address, read_error, write_address, write_error, xor_address,
};
use super::id::TransactionId;

/// The only method this tool speaks.
pub const BINDING: u16 = 0x001;

/// Length of a message without attributes, in bytes.
pub const HEADER: usize = 20;

/// Most bytes of PADDING or filler that are read or written.
pub const FILL_MAX: u16 = 16_384;

/// Attribute types.
pub mod kind {
    #![expect(missing_docs, reason = "the names are those of RFC 8489 18.3 and RFC 5780 9")]
    pub const MAPPED_ADDRESS: u16 = 0x0001;
    pub const CHANGE_REQUEST: u16 = 0x0003;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
    pub const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PADDING: u16 = 0x0026;
    pub const RESPONSE_PORT: u16 = 0x0027;
    /// XOR-MAPPED-ADDRESS before RFC 5389 gave it a number; still sent by old servers.
    pub const XOR_MAPPED_ADDRESS_OLD: u16 = 0x8020;
    pub const SOFTWARE: u16 = 0x8022;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const RESPONSE_ORIGIN: u16 = 0x802B;
    pub const OTHER_ADDRESS: u16 = 0x802C;
    /// Assigned to nobody and comprehension-optional: makes a request big and its answer small.
    pub const FILL: u16 = 0xC0DE;
}

/// Comprehension-required attributes that are known and say nothing here: RFC 3489's SOURCE-ADDRESS and
/// CHANGED-ADDRESS, which old servers still add, and what belongs to credentials, which are never used.
const WITHOUT_MEANING: [u16; 7] = [0x0004, 0x0005, 0x0006, 0x0014, 0x0015, 0x001D, 0x001E];

/// Types kept of UNKNOWN-ATTRIBUTES and of attributes not understood.
const TYPES_MAX: usize = 32;

/// RFC 8489 5: the two class bits of the message type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 8489 5")]
pub enum Class {
    Request,
    Indication,
    Success,
    Error,
}

/// CHANGE-REQUEST (RFC 5780 7.2): from where the server is asked to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From its other IP address.
    pub ip: bool,
    /// From its other port.
    pub port: bool,
}

/// ERROR-CODE (RFC 8489 14.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorCode {
    /// 300..=699.
    pub code: u16,
    /// Cleaned of control characters and cut.
    pub reason: String,
}

/// A message. Of an attribute that stands in it twice, the first counts (RFC 8489 14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Request, indication, success or error.
    pub class: Class,
    /// [`BINDING`] or something this tool does not speak; 12 bits.
    pub method: u16,
    /// Transaction id.
    pub id: TransactionId,
    /// MAPPED-ADDRESS.
    pub mapped: Option<SocketAddr>,
    /// XOR-MAPPED-ADDRESS, under its number of today or the old one; already revealed.
    pub xor_mapped: Option<SocketAddr>,
    /// CHANGE-REQUEST.
    pub change: Option<Change>,
    /// ERROR-CODE.
    pub error: Option<ErrorCode>,
    /// UNKNOWN-ATTRIBUTES: what the server did not understand.
    pub unknown_attributes: Vec<u16>,
    /// PADDING: its length in bytes.
    pub padding: Option<u16>,
    /// RESPONSE-PORT.
    pub response_port: Option<u16>,
    /// SOFTWARE, cleaned of control characters and cut.
    pub software: Option<String>,
    /// RESPONSE-ORIGIN: where the server says it answers from.
    pub response_origin: Option<SocketAddr>,
    /// OTHER-ADDRESS: the server's other IP address and other port.
    pub other_address: Option<SocketAddr>,
    /// Filler that servers skip: its length in bytes.
    pub fill: Option<u16>,
    /// Comprehension-required attributes of the peer that are not understood here; never encoded.
    pub unknown_required: Vec<u16>,
    /// Ends with a (right) FINGERPRINT.
    pub fingerprint: bool,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Shorter than a header, first bits not zero, or another cookie.
    NotStun,
    /// The length in the header is not the datagram's, or no multiple of 4.
    Length,
    /// An attribute reaches beyond the message.
    Truncated(u16),
    /// A comprehension-required attribute of a shape its type forbids.
    Attribute(u16),
    /// FINGERPRINT wrong, or not last: RFC 8489 7.3 wants the datagram discarded.
    Fingerprint,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStun => write!(f, "not STUN"),
            Self::Length => write!(f, "the length in the header is wrong"),
            Self::Truncated(kind) => write!(f, "attribute {kind:#06x} is cut short"),
            Self::Attribute(kind) => write!(f, "attribute {kind:#06x} is malformed"),
            Self::Fingerprint => write!(f, "FINGERPRINT is wrong"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Message {
    /// A message without attributes.
    pub fn new(class: Class, method: u16, id: TransactionId) -> Self {
        Self {
            class,
            method,
            id,
            mapped: None,
            xor_mapped: None,
            change: None,
            error: None,
            unknown_attributes: Vec::new(),
            padding: None,
            response_port: None,
            software: None,
            response_origin: None,
            other_address: None,
            fill: None,
            unknown_required: Vec::new(),
            fingerprint: false,
        }
    }

    /// A Binding request.
    pub fn request(id: TransactionId) -> Self {
        Self::new(Class::Request, BINDING, id)
    }

    /// The success response to a Binding request seen to come from `mapped`.
    pub fn success(id: TransactionId, mapped: SocketAddr) -> Self {
        Self { xor_mapped: Some(mapped), ..Self::new(Class::Success, BINDING, id) }
    }

    /// An error response to a Binding request; `code` in 300..=699.
    pub fn refusal(id: TransactionId, code: u16, reason: &str) -> Self {
        let error = Some(ErrorCode { code, reason: clean(reason.as_bytes()) });
        Self { error, ..Self::new(Class::Error, BINDING, id) }
    }

    /// Reads a datagram. Malformed comprehension-optional attributes are skipped, unknown
    /// comprehension-required ones are listed in `unknown_required`.
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let (mut message, mut rest) = Self::decode_header(datagram)?;
        let mut integrity = false;
        while let [k0, k1, l0, l1, tail @ ..] = rest {
            let kind = u16::from_be_bytes([*k0, *k1]);
            let length = usize::from(u16::from_be_bytes([*l0, *l1]));
            let value = tail.get(..length).ok_or(DecodeError::Truncated(kind))?;
            let next = tail.get(length.next_multiple_of(4)..).ok_or(DecodeError::Truncated(kind))?;
            if kind == kind::FINGERPRINT {
                let before = datagram.get(..datagram.len() - rest.len()).unwrap_or_default();
                if !next.is_empty() || value != fingerprint(before).to_be_bytes() {
                    return Err(DecodeError::Fingerprint);
                }
                message.fingerprint = true;
            } else if !integrity {
                message.take(kind, value)?;
            }
            // What follows is not covered by it and MUST be ignored (RFC 8489 14.5, 14.6).
            integrity |= matches!(kind, kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256);
            rest = next;
        }
        // The body is a multiple of 4 bytes, so are the attributes: nothing is left over.
        Ok(message)
    }

    fn decode_header(datagram: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let (header, body) = datagram.split_first_chunk::<HEADER>().ok_or(DecodeError::NotStun)?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
        if t0 & 0xC0 != 0 || u32::from_be_bytes([c0, c1, c2, c3]) != MAGIC_COOKIE {
            return Err(DecodeError::NotStun);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        if length != body.len() || length % 4 != 0 {
            return Err(DecodeError::Length);
        }
        let bits = u16::from_be_bytes([t0, t1]);
        let method = (bits & 0xF) | ((bits >> 1) & 0x70) | ((bits >> 2) & 0xF80);
        let class = match (bits & 0x100 != 0, bits & 0x10 != 0) {
            (false, false) => Class::Request,
            (false, true) => Class::Indication,
            (true, false) => Class::Success,
            (true, true) => Class::Error,
        };
        Ok((Self::new(class, method, id), body))
    }

    /// Takes one attribute in.
    fn take(&mut self, kind: u16, value: &[u8]) -> Result<(), DecodeError> {
        let word = || <[u8; 4]>::try_from(value).ok();
        let length = || Some((value.len() as u16).min(FILL_MAX));
        let id = self.id;
        let understood = match kind {
            kind::MAPPED_ADDRESS => first(&mut self.mapped, || read_address(value)),
            kind::XOR_MAPPED_ADDRESS | kind::XOR_MAPPED_ADDRESS_OLD => {
                first(&mut self.xor_mapped, || Some(xor_address(read_address(value)?, &id)))
            }
            kind::CHANGE_REQUEST => first(&mut self.change, || {
                word().map(|[.., flags]| Change { ip: flags & 4 != 0, port: flags & 2 != 0 })
            }),
            kind::ERROR_CODE => {
                first(&mut self.error, || read_error(value).map(|(code, reason)| ErrorCode { code, reason }))
            }
            kind::UNKNOWN_ATTRIBUTES => {
                if self.unknown_attributes.is_empty() {
                    let types =
                        value.chunks_exact(2).map(|c| c.iter().fold(0, |t, &b| (t << 8) | u16::from(b)));
                    self.unknown_attributes = types.take(TYPES_MAX).collect();
                }
                true
            }
            kind::PADDING => first(&mut self.padding, length),
            kind::RESPONSE_PORT => {
                first(&mut self.response_port, || word().map(|[a, b, ..]| u16::from_be_bytes([a, b])))
            }
            kind::SOFTWARE => first(&mut self.software, || Some(clean(value))),
            kind::RESPONSE_ORIGIN => first(&mut self.response_origin, || read_address(value)),
            kind::OTHER_ADDRESS => first(&mut self.other_address, || read_address(value)),
            kind::FILL => first(&mut self.fill, length),
            kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256 => true,
            _ => {
                let unknown = is_required(kind) && !WITHOUT_MEANING.contains(&kind);
                if unknown && self.unknown_required.len() < TYPES_MAX {
                    self.unknown_required.push(kind);
                }
                true
            }
        };
        if understood || !is_required(kind) { Ok(()) } else { Err(DecodeError::Attribute(kind)) }
    }

    /// Writes the message; at most some 34 KiB, whatever its fields hold.
    pub fn encode(&self) -> Vec<u8> {
        let method = self.method & 0xFFF;
        let class = match self.class {
            Class::Request => 0,
            Class::Indication => 0x10,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        let bits = (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | class;
        let mut bytes = bits.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(MAGIC_COOKIE.to_be_bytes());
        bytes.extend(self.id);
        for (kind, value) in self.values() {
            push_attribute(&mut bytes, kind, &value);
        }
        if self.fingerprint {
            push_fingerprint(&mut bytes);
        }
        bytes
    }

    fn values(&self) -> Vec<(u16, Vec<u8>)> {
        let filler = |length: u16| vec![0; usize::from(length.min(FILL_MAX))];
        let flags = |c: Change| vec![0, 0, 0, u8::from(c.ip) << 2 | u8::from(c.port) << 1];
        let types: Vec<u8> =
            self.unknown_attributes.iter().take(TYPES_MAX).flat_map(|t| t.to_be_bytes()).collect();
        let port = |p: u16| [p.to_be_bytes(), [0, 0]].concat();
        let text = |s: &String| clean(s.as_bytes()).into_bytes();
        [
            (kind::CHANGE_REQUEST, self.change.map(flags)),
            (kind::RESPONSE_PORT, self.response_port.map(port)),
            (kind::ERROR_CODE, self.error.as_ref().map(|e| write_error(e.code, &e.reason))),
            (kind::UNKNOWN_ATTRIBUTES, (!types.is_empty()).then_some(types)),
            (kind::XOR_MAPPED_ADDRESS, self.xor_mapped.map(|a| write_address(xor_address(a, &self.id)))),
            (kind::MAPPED_ADDRESS, self.mapped.map(write_address)),
            (kind::RESPONSE_ORIGIN, self.response_origin.map(write_address)),
            (kind::OTHER_ADDRESS, self.other_address.map(write_address)),
            (kind::SOFTWARE, self.software.as_ref().map(text)),
            (kind::PADDING, self.padding.map(filler)),
            (kind::FILL, self.fill.map(filler)),
        ]
        .into_iter()
        .filter_map(|(kind, value)| Some((kind, value?)))
        .collect()
    }
}

/// Fills an empty slot; false if the value has a shape its type forbids. A full slot stays as it is.
fn first<T>(slot: &mut Option<T>, read: impl FnOnce() -> Option<T>) -> bool {
    if slot.is_none() {
        *slot = read();
    }
    slot.is_some()
}

/// RFC 8489 14: types below 0x8000 must be understood.
pub fn is_required(kind: u16) -> bool {
    kind < 0x8000
}

/// Appends an attribute of any type and shape to an encoded message and mends the header's length.
pub fn push_attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let length = message.len().saturating_sub(HEADER);
    set_length(message, length);
}

/// Appends the FINGERPRINT of what stands there.
pub fn push_fingerprint(message: &mut Vec<u8>) {
    let value = fingerprint(message).to_be_bytes();
    push_attribute(message, kind::FINGERPRINT, &value);
}

/// FINGERPRINT of a message whose attributes up to it are `before` (RFC 8489 14.7). The header's length counts
/// the fingerprint itself.
fn fingerprint(before: &[u8]) -> u32 {
    let mut message = before.to_vec();
    set_length(&mut message, (before.len() + 8).saturating_sub(HEADER));
    crc32fast::hash(&message) ^ 0x5354_554E
}

fn set_length(message: &mut [u8], length: usize) {
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&(length as u16).to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
