//! How a responder misbehaves, as data, and what it then sends; opens no socket and reads no clock.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::binding::{self, Place, Request};
use crate::proto::ntp::packet::{self, Packet, Timestamp};

/// What a forged STUN answer claims: whoever believes it shows it.
pub const FORGED_MAPPED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66)), 6666);

/// How far ahead a forged NTP answer says the time is, ns: whoever believes it is 7 s behind.
pub const FORGED_AHEAD_NS: i64 = 7_000_000_000;

/// What a responder does with the requests that it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct<F> {
    /// Answers as the protocol says.
    Honest,
    /// Its port is open and swallows everything, as behind a firewall that drops.
    Silent,
    /// Nobody listens: the host answers with ICMP port unreachable, or with a TCP reset.
    Closed,
    /// Misbehaves, and never answers otherwise.
    Only(F),
    /// Misbehaves first and then sends the true answer, as when somebody else forges.
    Before(F),
}

/// How a STUN answer is wrong. A forged one claims [`FORGED_MAPPED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StunFault {
    /// Forged, under a transaction id that nobody asked with.
    WrongTransaction,
    /// Forged, right in all but the address and port that it comes from.
    OtherSource,
    /// Forged, under another message type: 0x0001 is a request, 0x0011 an indication, 0x0103 an Allocate success.
    Type(u16),
    /// Forged, without the magic cookie.
    WrongCookie,
    /// Forged, with a FINGERPRINT of something else.
    BadFingerprint,
    /// Forged, with a comprehension-required attribute that no RFC knows (RFC 8489 6.3.3: the transaction failed).
    UnknownRequired,
    /// The true answer cut short within its header.
    CutHeader,
    /// The true answer, whose last attribute claims to be longer than the message.
    CutAttribute,
    /// The true answer, whose header claims another length than the datagram's.
    WrongLength,
    /// The true answer with 1,200 bytes of SOFTWARE full of terminal escape codes.
    HostileSoftware,
    /// The true XOR-MAPPED-ADDRESS beside a forged MAPPED-ADDRESS (RFC 5780 3.6).
    MappedDiffers,
    /// An error response of this code, 300 to 699.
    Error(u16),
    /// The true answer, once the same client asks again.
    Late,
    /// The true answer after so many milliseconds.
    Slow(u16),
}

/// How an NTP answer is wrong. A forged one says that the time is [`FORGED_AHEAD_NS`] ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NtpFault {
    /// Forged by somebody who has not seen the request: its origin is another.
    WrongOrigin,
    /// A kiss-of-death by somebody who has not seen the request.
    BlindKiss,
    /// Forged, from another address and port.
    OtherSource,
    /// The request itself, sent back.
    Echo,
    /// T2 is "unknown".
    ZeroReceive,
    /// T3 is "unknown".
    ZeroTransmit,
    /// T3 lies 3 s before T2.
    Backwards,
    /// A kiss-of-death with this code (RFC 5905 7.4).
    Kiss([u8; 4]),
    /// Leap indicator 3: not synchronised.
    LeapUnknown,
    /// Stratum 16: not synchronised.
    Stratum16,
    /// Root distance beyond 16 s.
    Distant,
    /// 47 bytes.
    Cut,
    /// The answer to the request before this one.
    Late,
    /// The true answer after so many milliseconds.
    Slow(u16),
}

/// How a DNS answer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsFault {
    /// No records and this response code: 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    Rcode(u8),
    /// Another id than the question's.
    WrongId,
    /// From another address and port.
    OtherSource,
    /// Over UDP only "truncated", the records over TCP.
    Truncated,
    /// A name that points at itself (RFC 1035 4.1.4).
    Loop,
    /// The question itself, sent back.
    Echo,
}

/// One datagram that goes back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// What is sent.
    pub(super) bytes: Vec<u8>,
    /// By which of the responder's sockets.
    pub(super) from: Sender,
    /// To another port of the client than the one it asked from (RESPONSE-PORT).
    pub(super) to_port: Option<u16>,
    /// How long after the request came in.
    pub(super) after: Duration,
}

/// A socket of a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// The responder's socket of this index.
    Socket(usize),
    /// A socket of another port that is no part of the service.
    Stranger,
}

impl Reply {
    /// `bytes` at once, by the socket `index`.
    pub(super) fn now(bytes: Vec<u8>, index: usize) -> Self {
        Self { bytes, from: Sender::Socket(index), to_port: None, after: Duration::ZERO }
    }

    fn stranger(bytes: Vec<u8>) -> Self {
        Self { from: Sender::Stranger, ..Self::now(bytes, 0) }
    }
}

/// The last answer that was made for each client and held back.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<SocketAddr, Vec<u8>>);

impl Held {
    /// Clients that are remembered at most; then all are forgotten.
    const MOST: usize = 1024;

    /// Keeps `bytes` and gives what was kept before.
    fn swap(&mut self, client: SocketAddr, bytes: Vec<u8>) -> Option<Vec<u8>> {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(client, bytes)
    }
}

impl<F: Copy> Conduct<F> {
    /// What is sent, out of the true answer and of what the fault makes of it.
    pub(super) fn replies(
        self,
        honest: impl FnOnce() -> Vec<Reply>,
        faulty: impl FnOnce(F) -> Vec<Reply>,
    ) -> Vec<Reply> {
        match self {
            Self::Honest => honest(),
            Self::Silent | Self::Closed => Vec::new(),
            Self::Only(fault) => faulty(fault),
            Self::Before(fault) => {
                let mut replies = faulty(fault);
                replies.extend(honest());
                replies
            }
        }
    }
}

/// What a faulty STUN server sends to `place.client` by the socket `index`.
pub(super) fn stun(
    fault: StunFault,
    request: &Request,
    place: &Place,
    index: usize,
    held: &mut Held,
) -> Vec<Reply> {
    let truth = || binding::success(request, place);
    let forged = || binding::success(request, &Place { client: FORGED_MAPPED, ..*place });
    let bytes = match fault {
        StunFault::WrongTransaction => {
            let mut other = request.clone();
            // All but the cookie.
            other.transaction.iter_mut().skip(4).for_each(|byte| *byte ^= 0xFF);
            binding::success(&other, &Place { client: FORGED_MAPPED, ..*place })
        }
        StunFault::OtherSource => return vec![Reply::stranger(forged())],
        StunFault::Type(kind) => binding::patched(forged(), 0, &kind.to_be_bytes()),
        StunFault::WrongCookie => binding::patched(forged(), 4, &[0; 4]),
        StunFault::BadFingerprint => {
            let mut bytes = forged();
            bytes.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
            bytes
        }
        StunFault::UnknownRequired => binding::with_attribute(forged(), 0x7FFF, &[0; 4]),
        StunFault::CutHeader => truth().into_iter().take(19).collect(),
        StunFault::CutAttribute => binding::with_overlong_attribute(truth()),
        StunFault::WrongLength => {
            let mut bytes = truth();
            bytes.extend([0; 4]);
            bytes
        }
        StunFault::HostileSoftware => {
            binding::with_attribute(truth(), binding::SOFTWARE, &hostile_text(1200))
        }
        StunFault::MappedDiffers => binding::success_with_mapped(request, place, FORGED_MAPPED),
        StunFault::Error(code) => binding::error(request, code, &[]),
        StunFault::Late => {
            let earlier = held.swap(place.client, truth());
            return earlier.map(|bytes| Reply::now(bytes, index)).into_iter().collect();
        }
        StunFault::Slow(ms) => {
            let after = Duration::from_millis(ms.into());
            return vec![Reply { after, ..Reply::now(truth(), index) }];
        }
    };
    vec![Reply::now(bytes, index)]
}

/// `len` bytes that clear the screen, colour it, retitle the window and ring the bell.
fn hostile_text(len: usize) -> Vec<u8> {
    b"\x1b[2J\x1b[31m\x1b]0;owned\x07\r\n\x08".iter().copied().cycle().take(len).collect()
}

/// What a faulty NTP server sends instead of `truth`, its answer to `request`.
pub(super) fn ntp(
    fault: NtpFault,
    request: &[u8],
    truth: &Packet,
    client: SocketAddr,
    held: &mut Held,
) -> Vec<Reply> {
    let ahead = |stamp: Timestamp| {
        Timestamp::from_unix_ns(stamp.unix_ns(packet::ERA_PIVOT_NS).saturating_add(FORGED_AHEAD_NS))
    };
    let forged = Packet { receive: ahead(truth.receive), transmit: ahead(truth.transmit), ..*truth };
    let kiss = |code: [u8; 4]| Packet { stratum: 0, leap: packet::LEAP_UNKNOWN, refid: code, ..*truth };
    let blind = Timestamp(truth.origin.0 ^ 0x5555_5555);
    let answer = match fault {
        NtpFault::WrongOrigin => Packet { origin: blind, ..forged },
        NtpFault::BlindKiss => Packet { origin: blind, ..kiss(*b"DENY") },
        NtpFault::OtherSource => return vec![Reply::stranger(forged.encode().to_vec())],
        NtpFault::Echo => return vec![Reply::now(request.to_vec(), 0)],
        NtpFault::ZeroReceive => Packet { receive: Timestamp::ZERO, ..*truth },
        NtpFault::ZeroTransmit => Packet { transmit: Timestamp::ZERO, ..*truth },
        NtpFault::Backwards => {
            let earlier = truth.receive.unix_ns(packet::ERA_PIVOT_NS).saturating_sub(3_000_000_000);
            Packet { transmit: Timestamp::from_unix_ns(earlier), ..*truth }
        }
        NtpFault::Kiss(code) => kiss(code),
        NtpFault::LeapUnknown => Packet { leap: packet::LEAP_UNKNOWN, ..*truth },
        NtpFault::Stratum16 => Packet { stratum: 16, ..*truth },
        NtpFault::Distant => Packet { root_dispersion: packet::Span::from_ns(20_000_000_000), ..*truth },
        NtpFault::Cut => return vec![Reply::now(truth.encode().into_iter().take(47).collect(), 0)],
        NtpFault::Late => {
            let earlier = held.swap(client, truth.encode().to_vec());
            return earlier.map(|bytes| Reply::now(bytes, 0)).into_iter().collect();
        }
        NtpFault::Slow(ms) => {
            let after = Duration::from_millis(ms.into());
            return vec![Reply { after, ..Reply::now(truth.encode().to_vec(), 0) }];
        }
    };
    vec![Reply::now(answer.encode().to_vec(), 0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)), 40_000);
    const TRANSACTION: [u8; 16] = [0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    /// 203.0.113.66:6666, masked (RFC 8489 14.2).
    const FORGED: [u8; 6] = [0x3B, 0x18, 0xEA, 0x12, 0xD5, 0x00];

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    /// Each fault's datagram, and what must be seen of it. The `match` makes a new fault fail to compile until it is here.
    #[test]
    fn every_stun_fault_is_wrong_in_its_own_way() {
        let all = [
            StunFault::WrongTransaction,
            StunFault::OtherSource,
            StunFault::Type(0x0001),
            StunFault::WrongCookie,
            StunFault::BadFingerprint,
            StunFault::UnknownRequired,
            StunFault::CutHeader,
            StunFault::CutAttribute,
            StunFault::WrongLength,
            StunFault::HostileSoftware,
            StunFault::MappedDiffers,
            StunFault::Error(500),
            StunFault::Late,
            StunFault::Slow(250),
        ];
        let request = Request { transaction: TRANSACTION, ..Request::default() };
        let place = Place { client: CLIENT, origin: CLIENT, other: None };
        let truth = binding::success(&request, &place);
        for fault in all {
            let mut held = Held::default();
            let replies = stun(fault, &request, &place, 2, &mut held);
            let Some(reply) = replies.first() else {
                assert_eq!(fault, StunFault::Late);
                let second = stun(fault, &request, &place, 2, &mut held);
                assert_eq!(second, [Reply::now(truth.clone(), 2)]);
                continue;
            };
            let bytes = &reply.bytes;
            assert_eq!(reply.from == Sender::Stranger, fault == StunFault::OtherSource);
            assert_eq!(*bytes == truth, matches!(fault, StunFault::Slow(_)), "{fault:?}");
            assert_eq!(
                bytes.get(4..20) == Some(&TRANSACTION),
                !matches!(fault, StunFault::WrongTransaction | StunFault::WrongCookie | StunFault::CutHeader),
                "{fault:?}"
            );
            let length = bytes.get(2..4).map(|it| usize::from(it[0]) << 8 | usize::from(it[1]));
            let whole = length == Some(bytes.len().saturating_sub(20));
            match fault {
                StunFault::WrongTransaction
                | StunFault::OtherSource
                | StunFault::WrongCookie
                | StunFault::UnknownRequired => assert!(whole && contains(bytes, &FORGED), "{fault:?}"),
                StunFault::BadFingerprint => {
                    assert!(whole && contains(bytes, &FORGED));
                    assert_ne!(*bytes, binding::patched(bytes.clone(), 0, &[]));
                }
                StunFault::Type(kind) => {
                    assert!(whole && bytes.starts_with(&kind.to_be_bytes()) && contains(bytes, &FORGED));
                }
                StunFault::CutHeader => assert_eq!(bytes.len(), 19),
                StunFault::CutAttribute => assert!(whole && bytes.ends_with(b"\x80\x22\x00\xC8cut!")),
                StunFault::WrongLength => assert!(!whole),
                StunFault::HostileSoftware => {
                    assert!(whole && bytes.len() > 1200 && contains(bytes, b"\x1b[2J"));
                }
                StunFault::MappedDiffers => {
                    // 203.0.113.66:6666 in the clear, and the truth masked.
                    assert!(contains(bytes, &[0x1A, 0x0A, 203, 0, 113, 66]) && !contains(bytes, &FORGED));
                }
                StunFault::Error(_) => {
                    assert!(bytes.starts_with(&[1, 0x11]) && contains(bytes, &[0, 0, 5, 0]));
                }
                StunFault::Late => unreachable!("is silent at first"),
                StunFault::Slow(ms) => assert_eq!(reply.after, Duration::from_millis(ms.into())),
            }
        }
    }

    #[test]
    fn every_ntp_fault_is_wrong_in_its_own_way() {
        let all = [
            NtpFault::WrongOrigin,
            NtpFault::BlindKiss,
            NtpFault::OtherSource,
            NtpFault::Echo,
            NtpFault::ZeroReceive,
            NtpFault::ZeroTransmit,
            NtpFault::Backwards,
            NtpFault::Kiss(*b"RATE"),
            NtpFault::LeapUnknown,
            NtpFault::Stratum16,
            NtpFault::Distant,
            NtpFault::Cut,
            NtpFault::Late,
            NtpFault::Slow(250),
        ];
        let request = Packet::request(Timestamp(77)).encode();
        let now = Timestamp::from_unix_ns(packet::ERA_PIVOT_NS);
        let truth = Packet {
            version: 4,
            mode: packet::MODE_SERVER,
            stratum: 1,
            origin: Timestamp(77),
            receive: now,
            transmit: now,
            ..Packet::default()
        };
        for fault in all {
            let mut held = Held::default();
            let replies = ntp(fault, &request, &truth, CLIENT, &mut held);
            let Some(reply) = replies.first() else {
                assert_eq!(fault, NtpFault::Late);
                let second = ntp(fault, &request, &truth, CLIENT, &mut held);
                assert_eq!(second, [Reply::now(truth.encode().to_vec(), 0)]);
                continue;
            };
            assert_eq!(reply.from == Sender::Stranger, fault == NtpFault::OtherSource);
            let Some(seen) = Packet::parse(&reply.bytes) else {
                assert_eq!((fault, reply.bytes.len()), (NtpFault::Cut, 47));
                continue;
            };
            assert_eq!(seen == truth, matches!(fault, NtpFault::Slow(_)), "{fault:?}");
            let ahead_ns = seen.transmit.since_ns(truth.transmit);
            match fault {
                NtpFault::WrongOrigin => assert!(seen.origin != truth.origin && ahead_ns == FORGED_AHEAD_NS),
                NtpFault::OtherSource => assert!(seen.origin == truth.origin && ahead_ns == FORGED_AHEAD_NS),
                NtpFault::BlindKiss => {
                    assert!(seen.origin != truth.origin && seen.stratum == 0 && seen.refid == *b"DENY");
                }
                NtpFault::Echo => assert_eq!(reply.bytes, request),
                NtpFault::ZeroReceive => assert!(seen.receive == Timestamp::ZERO && seen.transmit == now),
                NtpFault::ZeroTransmit => assert!(seen.transmit == Timestamp::ZERO && seen.receive == now),
                NtpFault::Backwards => assert_eq!(seen.transmit.since_ns(seen.receive), -3_000_000_000),
                NtpFault::Kiss(code) => {
                    assert!(seen.stratum == 0 && seen.refid == code && seen.origin.0 == 77);
                }
                NtpFault::LeapUnknown => assert_eq!(seen.leap, 3),
                NtpFault::Stratum16 => assert_eq!(seen.stratum, 16),
                NtpFault::Distant => assert!(seen.root_dispersion.ns() > 16_000_000_000),
                NtpFault::Cut | NtpFault::Late => unreachable!("{fault:?} has no whole packet at first"),
                NtpFault::Slow(ms) => assert_eq!(reply.after, Duration::from_millis(ms.into())),
            }
        }
    }

    #[test]
    fn conduct_orders_forgery_and_truth() {
        let honest = || vec![Reply::now(vec![1], 0)];
        let faulty = |()| vec![Reply::now(vec![2], 0)];
        let sent = |conduct: Conduct<()>| -> Vec<u8> {
            conduct.replies(honest, faulty).into_iter().flat_map(|reply| reply.bytes).collect()
        };
        assert_eq!(sent(Conduct::Honest), [1]);
        assert!(sent(Conduct::Silent).is_empty());
        assert!(sent(Conduct::Closed).is_empty());
        assert_eq!(sent(Conduct::Only(())), [2]);
        assert_eq!(sent(Conduct::Before(())), [2, 1]);
    }

    #[test]
    fn what_is_held_back_is_bounded() {
        let mut held = Held::default();
        for port in 1..=5000 {
            held.swap(SocketAddr::new(CLIENT.ip(), port), Vec::new());
            assert!(held.0.len() <= Held::MOST);
        }
    }
}
