//! One exchange with one server: a sample of the host's clock, or the reason why it is none (RFC 5905 8, 9.2).
//! Reads no clock: the four times are arguments.

use super::packet::{ERA_PIVOT_NS, LEAP_UNKNOWN, MODE_SERVER, Packet, Timestamp};

/// Smallest root distance that is believed, ns (MINDISP, RFC 5905 7.2).
const MIN_DISTANCE_NS: i64 = 5_000_000;

/// Root distance from which a server says nothing of use, ns (MAXDISP, RFC 5905 7.2).
pub const MAX_DISTANCE_NS: i64 = 16_000_000_000;

/// A wall clock that moved this much more or less than the monotonic one was set in between, ns.
const MAX_STEP_NS: i64 = 50_000_000;

/// A round trip may come out this far below zero by the coarse stamps of a server, ns; not further.
const MAX_NEGATIVE_DELAY_NS: i64 = 1_000_000;

/// Precision of this host's own stamps, ns.
const OWN_PRECISION_NS: i64 = 1_000;

/// Frequency tolerance of a clock, parts per million (PHI, RFC 5905 7.2).
const PHI_PPM: i64 = 15;

/// What this host knows of one exchange. Wall times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The transmit timestamp of the request as sent; the answer must repeat it.
    pub origin: Timestamp,
    /// T1: when the request left, by this host's wall clock.
    pub t1_wall_ns: i64,
    /// T4: when the answer came in, by this host's wall clock.
    pub t4_wall_ns: i64,
    /// From T1 to T4 by the monotonic clock, ns.
    pub elapsed_ns: i64,
}

/// A server's clock against this host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Host minus reference, ns: **negative when the host's clock is in the past**.
    pub local_minus_ref_ns: i64,
    /// Round trip without the server's own time, ns; a little below zero when stamps are coarse.
    pub delay_ns: i64,
    /// Root distance, ns: the true offset is at most this far from `local_minus_ref_ns`, if the server is honest.
    pub error_bound_ns: i64,
    /// 1 to 15.
    pub stratum: u8,
    /// 0, or 1 and 2 when the last minute of the day has 61 or 59 seconds.
    pub leap: u8,
    /// The server's own reference: up to four letters at stratum 1, else four numbers (an address, or a hash of one).
    pub refid: String,
    /// The server's round trip to the primary reference, ns.
    pub root_delay_ns: i64,
    /// The server's dispersion to the primary reference, ns.
    pub root_dispersion_ns: i64,
    /// How long ago the server's own clock was last set, ns; `None` when it does not say.
    pub reference_age_ns: Option<i64>,
}

/// Why an answer is not a sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Shorter than a header.
    TooShort,
    /// It does not repeat the request's timestamp: stale, or forged by one who did not see the request.
    WrongOrigin,
    /// Not an answer of a server.
    WrongMode(u8),
    /// Neither version 3 nor 4.
    WrongVersion(u8),
    /// The server asks to be left alone: DENY, RSTR, RATE, … (RFC 5905 7.4); letters only.
    KissOfDeath(String),
    /// The server says that its own clock is not synchronised. The offset is for display, never for a verdict.
    Unsynchronised {
        /// Host minus that server, ns; `None` when it gave no times.
        local_minus_ref_ns: Option<i64>,
    },
    /// No receive timestamp.
    T2Zero,
    /// No transmit timestamp.
    T3Zero,
    /// The answer left before the request came.
    T3BeforeT2,
    /// This host's wall clock was set during the exchange; by so much, ns.
    ClockStepped(i64),
    /// The server's clock was last set after the answer left.
    ReferenceAfterT3,
    /// The server claims to have held the request longer than the whole exchange took.
    NegativeDelay(i64),
    /// The server is too far from its reference; the root distance, ns.
    RootDistanceTooLarge(i64),
    /// The client library refused what was acceptable here; its word for it.
    RefusedByClient(String),
}

impl Rejection {
    /// True of datagrams that do not belong to the exchange: they are dropped and waiting goes on.
    pub fn is_stray(&self) -> bool {
        matches!(self, Self::TooShort | Self::WrongOrigin | Self::WrongMode(_))
    }
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort => write!(f, "the answer is shorter than 48 bytes"),
            Self::WrongOrigin => write!(f, "the answer does not belong to the request"),
            Self::WrongMode(mode) => write!(f, "mode {mode} is not an answer of a server"),
            Self::WrongVersion(version) => write!(f, "NTP version {version}"),
            Self::KissOfDeath(code) => write!(f, "kiss-of-death {code}"),
            Self::Unsynchronised { .. } => write!(f, "the server's own clock is not synchronised"),
            Self::T2Zero => write!(f, "the receive timestamp is zero"),
            Self::T3Zero => write!(f, "the transmit timestamp is zero"),
            Self::T3BeforeT2 => write!(f, "the answer left before the request came"),
            Self::ClockStepped(ns) => {
                write!(f, "this host's clock was set by {:+.3} s during the exchange", *ns as f64 / 1e9)
            }
            Self::ReferenceAfterT3 => write!(f, "the server's clock was last set after it answered"),
            Self::NegativeDelay(_) => write!(f, "the server held the request longer than the exchange took"),
            Self::RefusedByClient(word) => write!(f, "sntpc refuses it: {word}"),
            Self::RootDistanceTooLarge(ns) => write!(f, "root distance {:.1} s", *ns as f64 / 1e9),
        }
    }
}

/// Judges an answer. The order matters: who did not see the request (wrong origin) must not be able to make a
/// server look hostile (a kiss code) or broken.
pub fn judge(reply: &[u8], exchange: &Exchange) -> Result<Sample, Rejection> {
    let packet = Packet::parse(reply).ok_or(Rejection::TooShort)?;
    if packet.origin != exchange.origin {
        return Err(Rejection::WrongOrigin);
    }
    if packet.mode != MODE_SERVER {
        return Err(Rejection::WrongMode(packet.mode));
    }
    if let Some(code) = kiss_code(&packet) {
        return Err(Rejection::KissOfDeath(code));
    }
    if !(3..=4).contains(&packet.version) {
        return Err(Rejection::WrongVersion(packet.version));
    }
    if packet.leap == LEAP_UNKNOWN || !(1..=15).contains(&packet.stratum) {
        let local_minus_ref_ns = gives_times(&packet).then(|| offset_ns(&packet, exchange));
        return Err(Rejection::Unsynchronised { local_minus_ref_ns });
    }
    check_times(&packet, exchange)?;
    let sample = measure(&packet, exchange);
    if sample.delay_ns < -MAX_NEGATIVE_DELAY_NS {
        return Err(Rejection::NegativeDelay(sample.delay_ns));
    }
    if sample.error_bound_ns >= MAX_DISTANCE_NS {
        return Err(Rejection::RootDistanceTooLarge(sample.error_bound_ns));
    }
    Ok(sample)
}

/// The numbers as they come, believable or not: for display beside a [`Rejection`]. Offset and delay are 0 where the
/// server gave no times.
pub fn measure(packet: &Packet, exchange: &Exchange) -> Sample {
    let (local_minus_ref_ns, delay_ns) =
        if gives_times(packet) { (offset_ns(packet, exchange), delay_ns(packet, exchange)) } else { (0, 0) };
    let reference_known = packet.reference != Timestamp::ZERO;
    Sample {
        local_minus_ref_ns,
        delay_ns,
        error_bound_ns: root_distance_ns(packet, delay_ns, exchange.elapsed_ns),
        stratum: packet.stratum,
        leap: packet.leap,
        refid: refid_text(packet),
        root_delay_ns: packet.root_delay.ns(),
        root_dispersion_ns: packet.root_dispersion.ns(),
        reference_age_ns: reference_known.then(|| packet.transmit.since_ns(packet.reference)),
    }
}

fn check_times(packet: &Packet, exchange: &Exchange) -> Result<(), Rejection> {
    if packet.receive == Timestamp::ZERO {
        return Err(Rejection::T2Zero);
    }
    if packet.transmit == Timestamp::ZERO {
        return Err(Rejection::T3Zero);
    }
    if packet.transmit.since_ns(packet.receive) < 0 {
        return Err(Rejection::T3BeforeT2);
    }
    let step_ns = wall_elapsed_ns(exchange).saturating_sub(exchange.elapsed_ns);
    if !(-MAX_STEP_NS..=MAX_STEP_NS).contains(&step_ns) {
        return Err(Rejection::ClockStepped(step_ns));
    }
    if packet.reference != Timestamp::ZERO && packet.transmit.since_ns(packet.reference) < 0 {
        return Err(Rejection::ReferenceAfterT3);
    }
    Ok(())
}

fn gives_times(packet: &Packet) -> bool {
    packet.receive != Timestamp::ZERO && packet.transmit != Timestamp::ZERO
}

fn wall_elapsed_ns(exchange: &Exchange) -> i64 {
    exchange.t4_wall_ns.saturating_sub(exchange.t1_wall_ns)
}

/// Minus theta of RFC 5905 8: ((T1 − T2) + (T4 − T3)) / 2.
fn offset_ns(packet: &Packet, exchange: &Exchange) -> i64 {
    let ahead_of =
        |local_ns: i64, wire: Timestamp| i128::from(local_ns) - i128::from(wire.unix_ns(ERA_PIVOT_NS));
    let sum = ahead_of(exchange.t1_wall_ns, packet.receive) + ahead_of(exchange.t4_wall_ns, packet.transmit);
    i64::try_from(sum / 2).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// Delta of RFC 5905 8: (T4 − T1) − (T3 − T2).
fn delay_ns(packet: &Packet, exchange: &Exchange) -> i64 {
    wall_elapsed_ns(exchange).saturating_sub(packet.transmit.since_ns(packet.receive))
}

/// Lambda of RFC 5905 A.5.5.2, of a single sample at the time it was taken.
fn root_distance_ns(packet: &Packet, delay_ns: i64, elapsed_ns: i64) -> i64 {
    let own_dispersion =
        precision_ns(packet.precision) + OWN_PRECISION_NS + elapsed_ns.max(0) / 1_000_000 * PHI_PPM;
    let round_trips = packet.root_delay.ns().saturating_add(delay_ns.max(0)).max(MIN_DISTANCE_NS);
    (round_trips / 2).saturating_add(packet.root_dispersion.ns()).saturating_add(own_dispersion)
}

/// 2^exponent seconds in ns, rounded up; 64 s and more are all the same: too much.
fn precision_ns(exponent: i8) -> i64 {
    match exponent {
        0.. => 1_000_000_000 << exponent.min(6),
        _ => (1_000_000_000 >> exponent.unsigned_abs().min(63)) + 1,
    }
}

/// The kiss code of a stratum-0 answer. Letters alone count: servers that are not synchronised also send stratum 0,
/// with a zero reference id, INIT or STEP (RFC 5905 7.4), and are not hostile.
fn kiss_code(packet: &Packet) -> Option<String> {
    let letters = packet.refid.iter().all(u8::is_ascii_alphanumeric);
    let waiting = matches!(&packet.refid, b"INIT" | b"STEP");
    (packet.stratum == 0 && letters && !waiting)
        .then(|| packet.refid.iter().map(|&b| char::from(b)).collect())
}

fn refid_text(packet: &Packet) -> String {
    let [a, b, c, d] = packet.refid;
    if packet.stratum > 1 {
        return format!("{a}.{b}.{c}.{d}");
    }
    packet.refid.iter().filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::packet::Span;
    use super::*;
    use proptest::prelude::*;

    const S: i64 = 1_000_000_000;
    const MS: i64 = 1_000_000;
    const NOW: i64 = ERA_PIVOT_NS + 123 * S;

    /// An exchange with a path of 10 ms there, 20 ms back, 1 ms in the server, whose host is `host_ns` off at `true_ns`.
    fn exchange(true_ns: i64, host_ns: i64) -> (Packet, Exchange) {
        let origin = Timestamp::from_unix_ns(true_ns + host_ns);
        let packet = Packet {
            version: 4,
            mode: MODE_SERVER,
            stratum: 2,
            precision: -23,
            refid: [192, 0, 2, 7],
            root_delay: Span::from_ns(8 * MS),
            root_dispersion: Span::from_ns(2 * MS),
            reference: Timestamp::from_unix_ns(true_ns - 64 * S),
            origin,
            receive: Timestamp::from_unix_ns(true_ns + 10 * MS),
            transmit: Timestamp::from_unix_ns(true_ns + 11 * MS),
            ..Packet::default()
        };
        let (t1_wall_ns, t4_wall_ns) = (true_ns + host_ns, true_ns + host_ns + 31 * MS);
        (packet, Exchange { origin, t1_wall_ns, t4_wall_ns, elapsed_ns: 31 * MS })
    }

    fn verdict_of(change: impl FnOnce(&mut Packet, &mut Exchange)) -> Result<Sample, Rejection> {
        let (mut packet, mut exchange) = exchange(NOW, -7 * S);
        change(&mut packet, &mut exchange);
        judge(&packet.encode(), &exchange)
    }

    #[test]
    fn a_host_in_the_past_has_a_negative_offset() {
        let sample = verdict_of(|_, _| ()).unwrap();
        // The path's asymmetry of 10 ms costs 5 ms; the bound covers it.
        assert_eq!((sample.local_minus_ref_ns, sample.delay_ns), (-7 * S + 5 * MS, 30 * MS));
        assert!((20_990_000..21 * MS).contains(&sample.error_bound_ns), "{sample:?}");
        assert_eq!((sample.stratum, sample.leap, sample.refid.as_str()), (2, 0, "192.0.2.7"));
        assert_eq!(sample.reference_age_ns.unwrap().div_euclid(S), 64);
    }

    #[test]
    fn faults_are_told_apart_in_the_order_that_no_forger_can_abuse() {
        let kiss = |p: &mut Packet, code: [u8; 4]| (p.stratum, p.leap, p.refid) = (0, 3, code);
        let rejections = [
            (verdict_of(|p, _| p.origin.0 ^= 1), Rejection::WrongOrigin),
            (
                verdict_of(|p, _| {
                    kiss(p, *b"DENY");
                    p.origin.0 ^= 1;
                }),
                Rejection::WrongOrigin,
            ),
            (verdict_of(|p, _| p.mode = 3), Rejection::WrongMode(3)),
            (verdict_of(|p, _| p.version = 7), Rejection::WrongVersion(7)),
            (verdict_of(|p, _| kiss(p, *b"RATE")), Rejection::KissOfDeath("RATE".into())),
            (verdict_of(|p, _| p.receive = Timestamp::ZERO), Rejection::T2Zero),
            (verdict_of(|p, _| p.transmit = Timestamp::ZERO), Rejection::T3Zero),
            (verdict_of(|p, _| p.transmit.0 -= 3 << 32), Rejection::T3BeforeT2),
            (verdict_of(|p, _| p.transmit.0 += 3 << 32), Rejection::NegativeDelay(30 * MS - 3 * S)),
            (verdict_of(|p, _| p.reference.0 += 100 << 32), Rejection::ReferenceAfterT3),
            (verdict_of(|_, e| e.t4_wall_ns -= 60 * S), Rejection::ClockStepped(-60 * S)),
            (verdict_of(|_, e| e.elapsed_ns -= 51 * MS), Rejection::ClockStepped(51 * MS)),
        ];
        for (got, wanted) in rejections {
            assert_eq!(got, Err(wanted));
        }
        assert_eq!(judge(&[0; 47], &exchange(NOW, 0).1), Err(Rejection::TooShort));
        let far = verdict_of(|p, _| p.root_dispersion = Span(16 << 16));
        assert!(matches!(far, Err(Rejection::RootDistanceTooLarge(MAX_DISTANCE_NS..))), "{far:?}");
        assert!(matches!(verdict_of(|p, _| p.precision = 127), Err(Rejection::RootDistanceTooLarge(_))));
        assert!(verdict_of(|p, _| p.precision = -128).is_ok());
        assert!(verdict_of(|p, _| p.reference = Timestamp::ZERO).unwrap().reference_age_ns.is_none());
    }

    #[test]
    fn an_unsynchronised_server_shows_its_offset_but_gives_no_sample() {
        let offset = Err(Rejection::Unsynchronised { local_minus_ref_ns: Some(-7 * S + 5 * MS) });
        assert_eq!(verdict_of(|p, _| p.leap = 3), offset);
        assert_eq!(verdict_of(|p, _| p.stratum = 16), offset);
        // chronyd and ntpd without a source: stratum 0, and no kiss code.
        assert_eq!(verdict_of(|p, _| (p.stratum, p.refid) = (0, [0; 4])), offset);
        assert_eq!(verdict_of(|p, _| (p.stratum, p.refid) = (0, *b"INIT")), offset);
        let no_times = verdict_of(|p, _| (p.leap, p.transmit) = (3, Timestamp::ZERO));
        assert_eq!(no_times, Err(Rejection::Unsynchronised { local_minus_ref_ns: None }));
    }

    #[test]
    fn a_reference_id_carries_no_escape_codes() {
        let sample = verdict_of(|p, _| (p.stratum, p.refid) = (1, [0x1B, b'G', b'P', 0])).unwrap();
        assert_eq!(sample.refid, "GP");
    }

    proptest! {
        /// Years 1960 to 2093 for the truth, any host clock at all: before 1970, in 2040, a dead one in 2200.
        #[test]
        fn the_truth_lies_within_the_bound(true_s in -300_000_000..3_890_000_000_i64, host_s in -300_000_000..7_200_000_000_i64) {
            let (packet, exchange) = exchange(true_s * S, (host_s - true_s) * S);
            let sample = judge(&packet.encode(), &exchange).unwrap();
            let error = sample.local_minus_ref_ns - (host_s - true_s) * S;
            prop_assert!(error.abs() <= sample.delay_ns / 2 && sample.delay_ns / 2 <= sample.error_bound_ns);
        }

        #[test]
        fn any_bytes_at_any_time_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..100),
            t1_wall_ns in any::<i64>(), t4_wall_ns in any::<i64>(), elapsed_ns in any::<i64>()) {
            let origin = Packet::parse(&bytes).unwrap_or_default().origin;
            if let Ok(sample) = judge(&bytes, &Exchange { origin, t1_wall_ns, t4_wall_ns, elapsed_ns }) {
                prop_assert!((0..MAX_DISTANCE_NS).contains(&sample.error_bound_ns));
            }
        }
    }
}
