//! Connectivity checks (RFC 8445 7): STUN Binding requests and answers, each signed with a key that only holders of both
//! lines can make, one key a direction. What is not signed right is nothing.

use std::net::SocketAddr;

use ring::hmac::{self, HMAC_SHA256};

use super::line::Line;
use crate::proto::stun::message::{HEADER, kind, push_attribute, push_fingerprint};
use crate::proto::stun::{Class, Message, TransactionId};

/// Attribute types of RFC 8445 16.1.
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
/// Length of MESSAGE-INTEGRITY-SHA256's whole value (RFC 8489 14.6).
const INTEGRITY: usize = 32;

/// Keys of one pair of lines: what this side signs with, and what the other does.
#[derive(Clone, Debug)]
pub struct Keys {
    ours: hmac::Key,
    theirs: hmac::Key,
}

/// Whether this side leads (RFC 8445 6.1.1): the greater certificate hash does; `None` where both are the same.
pub fn leads(ours: &Line, theirs: &Line) -> Option<bool> {
    (ours.certificate != theirs.certificate).then_some(ours.certificate > theirs.certificate)
}

impl Keys {
    /// Keys out of both lines; the same on both sides, in different places.
    pub fn of(ours: &Line, theirs: &Line) -> Self {
        let first = ours.certificate > theirs.certificate;
        let (leader, follower) = if first { (ours, theirs) } else { (theirs, ours) };
        let both = hmac::Key::new(HMAC_SHA256, &[leader.hash(), follower.hash()].concat());
        let direction = |name: &[u8]| hmac::Key::new(HMAC_SHA256, hmac::sign(&both, name).as_ref());
        let (leads, follows) = (direction(b"peer 1 leader"), direction(b"peer 1 follower"));
        if first { Self { ours: leads, theirs: follows } } else { Self { ours: follows, theirs: leads } }
    }

    /// Ends an encoded message with this side's signature and a FINGERPRINT.
    pub fn sign(&self, message: &mut Vec<u8>) {
        let signature = hmac::sign(&self.ours, &with_length(message));
        push_attribute(message, kind::MESSAGE_INTEGRITY_SHA256, signature.as_ref());
        push_fingerprint(message);
    }
}

/// A check or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Can you hear me?
    Request {
        /// Ties the answer to it.
        id: TransactionId,
        /// PRIORITY (RFC 8445 7.1.1).
        priority: u32,
        /// USE-CANDIDATE: this pair is to be used (RFC 8445 8.1.1).
        nominate: bool,
    },
    /// Yes.
    Success {
        /// The request's.
        id: TransactionId,
        /// Where the request came from.
        seen: SocketAddr,
    },
}

impl Check {
    /// The datagram, signed with this side's key.
    pub fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut bytes = match self {
            Self::Request { id, priority, nominate } => {
                let mut bytes = Message::request(*id).encode();
                push_attribute(&mut bytes, PRIORITY, &priority.to_be_bytes());
                if *nominate {
                    push_attribute(&mut bytes, USE_CANDIDATE, &[]);
                }
                bytes
            }
            Self::Success { id, seen } => Message::success(*id, *seen).encode(),
        };
        keys.sign(&mut bytes);
        bytes
    }

    /// Reads a datagram that the other side has signed; `None` for all else.
    pub fn decode(datagram: &[u8], keys: &Keys) -> Option<Self> {
        let message = Message::decode(datagram).ok().filter(|message| message.fingerprint)?;
        let (mut at, mut priority, mut nominate) = (HEADER, None, false);
        while let Some((kind, value, next)) = attribute(datagram, at) {
            match kind {
                kind::MESSAGE_INTEGRITY_SHA256 if value.len() == INTEGRITY => {
                    hmac::verify(&keys.theirs, &with_length(datagram.get(..at)?), value).ok()?;
                    return Self::of(&message, priority, nominate);
                }
                PRIORITY => priority = priority.or(value.try_into().ok().map(u32::from_be_bytes)),
                USE_CANDIDATE => nominate = true,
                _ => {}
            }
            at = next;
        }
        None
    }

    fn of(message: &Message, priority: Option<u32>, nominate: bool) -> Option<Self> {
        let id = message.id;
        match message.class {
            Class::Request => Some(Self::Request { id, priority: priority?, nominate }),
            Class::Success => Some(Self::Success { id, seen: message.xor_mapped? }),
            Class::Indication | Class::Error => None,
        }
    }
}

/// Type and value of the attribute at `at`, and where the next one begins.
fn attribute(datagram: &[u8], at: usize) -> Option<(u16, &[u8], usize)> {
    let (&[k0, k1, l0, l1], rest) = datagram.get(at..)?.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    Some((u16::from_be_bytes([k0, k1]), rest.get(..length)?, at + 4 + length.next_multiple_of(4)))
}

/// What MESSAGE-INTEGRITY-SHA256 covers: all before it, under a length that counts it (RFC 8489 14.6).
fn with_length(before: &[u8]) -> Vec<u8> {
    let mut message = before.to_vec();
    let length = (before.len() + 4 + INTEGRITY).saturating_sub(HEADER) as u16;
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    message
}

/// Whether a datagram is STUN and not QUIC, by its first byte (RFC 9443 2): 0 to 3.
pub fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram, [0..=3, ..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::peer::line::{Mapping, hash};

    fn line(name: &[u8]) -> Line {
        let certificate = hash(name);
        let (mapping, hard, answers) = (Mapping::Unknown, false, None);
        Line { made_s: 1, certificate, mapping, hard, answers, candidates: Vec::new() }
    }

    fn check() -> impl Strategy<Value = Check> {
        let request = any::<(TransactionId, u32, bool)>()
            .prop_map(|(id, priority, nominate)| Check::Request { id, priority, nominate });
        let v4 = any::<(TransactionId, [u8; 4], u16)>().prop_map(|(id, ip, port)| (id, (ip, port).into()));
        let v6 = any::<(TransactionId, [u8; 16], u16)>().prop_map(|(id, ip, port)| (id, (ip, port).into()));
        prop_oneof![request, prop_oneof![v4, v6].prop_map(|(id, seen)| Check::Success { id, seen })]
    }

    #[test]
    fn both_sides_have_the_same_keys_in_other_places_and_no_third_line_has() {
        let (a, b) = (line(b"a"), line(b"b"));
        let (ours, theirs) = (Keys::of(&a, &b), Keys::of(&b, &a));
        let check = Check::Request { id: [7; 12], priority: 9, nominate: true };
        assert_eq!(Check::decode(&check.encode(&ours), &theirs), Some(check));
        assert_eq!(
            Check::decode(&check.encode(&ours), &ours),
            None,
            "what comes back is not the other side's"
        );
        let stranger = Keys::of(&a, &line(b"c"));
        assert_eq!(Check::decode(&check.encode(&stranger), &theirs), None);
        let older = Line { made_s: 0, ..line(b"a") };
        assert_eq!(Check::decode(&check.encode(&Keys::of(&older, &b)), &theirs), None, "another line's");
        assert_eq!((leads(&a, &b), leads(&a, &a)), (Some(!leads(&b, &a).unwrap()), None));
    }

    #[test]
    fn an_answer_is_no_larger_than_its_request_but_for_an_address() {
        let keys = Keys::of(&line(b"a"), &line(b"b"));
        let request = Check::Request { id: [7; 12], priority: 9, nominate: false }.encode(&keys);
        for (seen, more) in [("192.0.2.1:1", 4), ("[2001:db8::1]:1", 16)] {
            let answer = Check::Success { id: [7; 12], seen: seen.parse().unwrap() }.encode(&keys);
            assert_eq!(answer.len(), request.len() + more);
        }
    }

    #[test]
    fn stun_and_quic_are_told_apart_by_the_first_byte() {
        let keys = Keys::of(&line(b"a"), &line(b"b"));
        let check = Check::Success { id: [7; 12], seen: "192.0.2.1:1".parse().unwrap() }.encode(&keys);
        assert!(is_stun(&check));
        // Long and short headers have the fixed bit (RFC 9000 17.2, 17.3.1); a version negotiation packet the form bit.
        for quic in [0xC0_u8, 0x40, 0x80] {
            assert!(!is_stun(&[quic, 0, 0, 0]));
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_reads_the_same_and_no_bit_of_it_may_change(
            check in check(), at in any::<prop::sample::Index>(), bit in 0..8_u8
        ) {
            let (a, b) = (line(b"a"), line(b"b"));
            let datagram = check.encode(&Keys::of(&a, &b));
            let theirs = Keys::of(&b, &a);
            prop_assert_eq!(Check::decode(&datagram, &theirs), Some(check));
            let mut changed = datagram.clone();
            changed[at.index(datagram.len())] ^= 1 << bit;
            prop_assert_eq!(Check::decode(&changed, &theirs), None);
        }

        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let keys = Keys::of(&line(b"a"), &line(b"b"));
            prop_assert_eq!(Check::decode(&bytes, &keys), None);
        }
    }
}
