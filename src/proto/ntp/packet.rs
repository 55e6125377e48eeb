//! The NTP packet header (RFC 5905 7.3) as plain data, both ways; judges nothing.

/// Length of the header; extension fields and a MAC may follow it.
pub const LEN: usize = 48;

/// Leap indicator of a server whose clock is not synchronised (RFC 5905 figure 9).
pub const LEAP_UNKNOWN: u8 = 3;

/// Mode of a request.
pub const MODE_CLIENT: u8 = 3;

/// Mode of an answer to a request.
pub const MODE_SERVER: u8 = 4;

/// Seconds from 1900-01-01, the start of era 0, to 1970-01-01.
const UNIX_EPOCH_S: i64 = 2_208_988_800;

/// Seconds in an era (RFC 5905 6): era 1 begins on 2036-02-07T06:28:16Z.
const ERA_S: i64 = 1 << 32;

const NS_PER_S: i64 = 1_000_000_000;

/// 2026-01-01T00:00:00Z, nanoseconds since 1970. A wire timestamp is read as the instant nearest to it (1957 to
/// 2094), not to the host's clock: that clock is what is on trial, and a dead one may show any year.
pub const ERA_PIVOT_NS: i64 = 1_767_225_600 * NS_PER_S;

/// A 64-bit NTP timestamp as on the wire: 32 bits of seconds in the era, 32 bits of fraction; 0 is "unknown".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// "Unknown or not synchronised" (RFC 5905 6).
    pub const ZERO: Self = Self(0);

    /// The wire form of an instant in nanoseconds since 1970, whatever its era.
    pub fn from_unix_ns(unix_ns: i64) -> Self {
        let seconds = unix_ns.div_euclid(NS_PER_S) + UNIX_EPOCH_S;
        let fraction = (unix_ns.rem_euclid(NS_PER_S) << 32) / NS_PER_S;
        Self(((seconds.rem_euclid(ERA_S) << 32) | fraction) as u64)
    }

    /// The instant in nanoseconds since 1970 that is nearest to `pivot_ns` of those that the wire form may mean.
    pub fn unix_ns(self, pivot_ns: i64) -> i64 {
        let in_era_0 = (self.0 >> 32) as i64 - UNIX_EPOCH_S;
        let era = (pivot_ns.div_euclid(NS_PER_S) - in_era_0 + ERA_S / 2).div_euclid(ERA_S);
        let seconds = in_era_0 + era * ERA_S;
        seconds.saturating_mul(NS_PER_S).saturating_add(scaled(self.0 & 0xFFFF_FFFF, 32))
    }

    /// Nanoseconds from `earlier` to `self`, right across a change of era while they are less than 68 years apart.
    pub fn since_ns(self, earlier: Self) -> i64 {
        let difference = i128::from(self.0.wrapping_sub(earlier.0).cast_signed());
        // 2^31 seconds are 2.1e18 ns: it always fits.
        ((difference * i128::from(NS_PER_S)) >> 32) as i64
    }
}

/// `value / 2^bits` seconds in nanoseconds, rounded to the nearest.
fn scaled(value: u64, bits: u32) -> i64 {
    ((value * NS_PER_S as u64 + (1 << (bits - 1))) >> bits) as i64
}

/// A span in the short format: 16 bits of seconds, 16 of fraction (RFC 5905 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(pub u32);

impl Span {
    /// The span in nanoseconds, at most 65,536 s.
    pub fn ns(self) -> i64 {
        scaled(u64::from(self.0), 16)
    }

    /// The span nearest to `ns`, held within 0 and 65,535 s.
    pub fn from_ns(ns: i64) -> Self {
        let ns = ns.clamp(0, 65_535 * NS_PER_S);
        Self(((i128::from(ns) << 16) / i128::from(NS_PER_S)) as u32)
    }
}

/// The header of RFC 5905 figure 8, field by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// Leap indicator, 0 to 3.
    pub leap: u8,
    /// Version, 0 to 7.
    pub version: u8,
    /// Mode, 0 to 7.
    pub mode: u8,
    /// Stratum; 0 is "unspecified" or a kiss-of-death.
    pub stratum: u8,
    /// Poll interval, log2 seconds.
    pub poll: i8,
    /// Precision of the sender's clock, log2 seconds.
    pub precision: i8,
    /// Round trip to the primary reference.
    pub root_delay: Span,
    /// Dispersion to the primary reference.
    pub root_dispersion: Span,
    /// Reference id: four letters at stratum 0 and 1, else an address or a hash of one.
    pub refid: [u8; 4],
    /// When the sender's clock was last set.
    pub reference: Timestamp,
    /// T1 as the client sent it.
    pub origin: Timestamp,
    /// T2: when the request came in, by the server's clock.
    pub receive: Timestamp,
    /// T3: when the answer left, by the server's clock (T1 in a request).
    pub transmit: Timestamp,
}

impl Packet {
    /// A client's request (RFC 5905 14) of version 4 that left at `transmit`.
    pub fn request(transmit: Timestamp) -> Self {
        Self { version: 4, mode: MODE_CLIENT, transmit, ..Self::default() }
    }

    /// Reads the header; `None` when there are fewer than [`LEN`] bytes. What follows the header is ignored.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<LEN>()?;
        let u32_at =
            |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let time_at = |at: usize| Timestamp((u64::from(u32_at(at)) << 32) | u64::from(u32_at(at + 4)));
        Some(Self {
            leap: header[0] >> 6,
            version: (header[0] >> 3) & 7,
            mode: header[0] & 7,
            stratum: header[1],
            poll: header[2].cast_signed(),
            precision: header[3].cast_signed(),
            root_delay: Span(u32_at(4)),
            root_dispersion: Span(u32_at(8)),
            refid: u32_at(12).to_be_bytes(),
            reference: time_at(16),
            origin: time_at(24),
            receive: time_at(32),
            transmit: time_at(40),
        })
    }

    /// The wire form; bits of `leap`, `version` and `mode` beyond their fields are cut off.
    pub fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[0] = (self.leap << 6) | ((self.version & 7) << 3) | (self.mode & 7);
        bytes[1] = self.stratum;
        bytes[2] = self.poll.cast_unsigned();
        bytes[3] = self.precision.cast_unsigned();
        bytes[4..8].copy_from_slice(&self.root_delay.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.root_dispersion.0.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.refid);
        bytes[16..24].copy_from_slice(&self.reference.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.origin.0.to_be_bytes());
        bytes[32..40].copy_from_slice(&self.receive.0.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.transmit.0.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2036-02-07T06:28:16Z, when era 1 begins.
    const ERA_1_S: i64 = 2_085_978_496;

    #[test]
    fn an_answer_is_read_as_its_sender_meant_it() {
        // Composed by hand from RFC 5905 figure 8: LI 1, version 4, mode 4, stratum 2, poll 6, precision -23.
        let mut bytes = [0_u8; LEN];
        bytes[..16].copy_from_slice(&[0x64, 2, 6, 0xE9, 0, 1, 0x80, 0, 0, 0, 0x10, 0, 192, 0, 2, 1]);
        bytes[40..].copy_from_slice(&[0x83, 0xAA, 0x7E, 0x80, 0x80, 0, 0, 0]);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!((packet.leap, packet.version, packet.mode, packet.stratum), (1, 4, 4, 2));
        assert_eq!((packet.poll, packet.precision, packet.refid), (6, -23, [192, 0, 2, 1]));
        assert_eq!((packet.root_delay.ns(), packet.root_dispersion.ns()), (1_500_000_000, 62_500_000));
        // 2,208,988,800.5 s after 1900 is half a second after 1970 began.
        assert_eq!(packet.transmit.unix_ns(ERA_PIVOT_NS), 500_000_000);
        assert_eq!(packet.encode(), bytes);
    }

    #[test]
    fn short_packets_are_refused() {
        assert!((0..LEN).all(|len| Packet::parse(&[0x24; LEN][..len]).is_none()));
        assert!(Packet::parse(&[0x24; 2048]).is_some());
    }

    #[test]
    fn eras_follow_the_pivot() {
        let just_before = Timestamp::from_unix_ns((ERA_1_S - 1) * NS_PER_S);
        let just_after = Timestamp::from_unix_ns((ERA_1_S + 1) * NS_PER_S);
        assert_eq!((just_before.0 >> 32, just_after.0 >> 32), (0xFFFF_FFFF, 1));
        assert_eq!(just_after.since_ns(just_before), 2 * NS_PER_S);
        assert_eq!(just_before.since_ns(just_after), -2 * NS_PER_S);
        for year_s in [-5, 0, 1_767_225_600, ERA_1_S - 1, ERA_1_S, 2_208_988_800, 3_900_000_000] {
            let ns = year_s * NS_PER_S + 123_456_789;
            assert_eq!(Timestamp::from_unix_ns(ns).unix_ns(ERA_PIVOT_NS), ns, "{year_s}");
        }
        // The same bits, read near another year.
        let bits = Timestamp::from_unix_ns(0);
        assert_eq!(bits.unix_ns(ERA_S * NS_PER_S), ERA_S * NS_PER_S);
    }

    #[test]
    fn the_extremes_of_a_clock_do_not_overflow() {
        for ns in [i64::MIN, i64::MAX, 0, -1] {
            let _ = Timestamp::from_unix_ns(ns).unix_ns(ns);
            let _ = Span::from_ns(ns).ns();
        }
        assert_eq!(Timestamp(1 << 63).since_ns(Timestamp::ZERO), -(1 << 31) * NS_PER_S);
    }

    proptest! {
        #[test]
        fn parse_and_encode_are_inverse(bytes in proptest::array::uniform32(any::<u8>()), rest in proptest::array::uniform16(any::<u8>())) {
            let whole: Vec<u8> = bytes.into_iter().chain(rest).collect();
            prop_assert_eq!(Packet::parse(&whole).unwrap().encode().to_vec(), whole);
        }

        #[test]
        fn nanoseconds_survive_the_wire(ns in -370_000_000_000_000_000_i64..3_900_000_000_000_000_000) {
            prop_assert_eq!(Timestamp::from_unix_ns(ns).unix_ns(ERA_PIVOT_NS), ns);
        }

        #[test]
        fn spans_survive_the_wire(raw in any::<u32>()) {
            let back = Span::from_ns(Span(raw).ns()).0;
            prop_assert!(raw.abs_diff(back) <= 1 || raw > 65_535 << 16);
        }
    }
}
