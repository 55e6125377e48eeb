//! HTTP dates as a clock (RFC 9110 6.6.1), for where NTP is blocked; asks no clock and sends nothing.
//!
//! A Date has whole seconds, rounded down: one answer holds the host's offset within 1 s and a round trip. Requests
//! timed so that they reach the server on the edge of a second halve that, down to about a round trip.

use crate::proto::ntp::select::Interval;

const NS_PER_S: i64 = 1_000_000_000;

/// An interval as narrow as this is narrow enough, ns.
const NARROW_NS: i64 = 200_000_000;

/// An offset that may be this close to a limit is worth narrowing, ns: people ask how near it is.
const NEAR_NS: i64 = NS_PER_S;

/// Halving stops here whatever the interval: each request waits up to a second for its edge.
const MAX_SAMPLES: u32 = 8;

/// A wall clock that moved this much more or less than the monotonic one was set in between, ns.
const MAX_STEP_NS: i64 = 50_000_000;

/// The seconds since 1970 of a Date header's value; `None` unless it is an IMF-fixdate.
pub fn parse(value: &str) -> Option<i64> {
    // RFC 9110 5.6.7 fixes every width; the parser of RFC 2822 dates alone would take comments and other zones.
    let fixed = value.len() == 29 && value.ends_with(" GMT");
    let parsed = fixed.then(|| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value))?;
    Some(parsed.ok()?.as_second())
}

/// One answer with a Date, and when it was asked for. Wall times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateSample {
    /// The Date, seconds since 1970.
    pub date_s: i64,
    /// When the request left, by this host's wall clock.
    pub sent_wall_ns: i64,
    /// When the first byte of the answer came, by this host's wall clock.
    pub heard_wall_ns: i64,
    /// The time between by the monotonic clock, ns.
    pub elapsed_ns: i64,
}

impl DateSample {
    /// Where the host's offset lies, host minus server: the Date was written between request and answer, up to a
    /// second after the second that it names. `None` when the host's clock was set in between.
    pub fn interval(&self) -> Option<Interval> {
        let step_ns = self.heard_wall_ns.saturating_sub(self.sent_wall_ns).saturating_sub(self.elapsed_ns);
        let whole = self.elapsed_ns >= 0 && (-MAX_STEP_NS..=MAX_STEP_NS).contains(&step_ns);
        let date_ns = self.date_s.checked_mul(NS_PER_S)?;
        let sent_ns = self.sent_wall_ns.min(self.heard_wall_ns);
        whole.then(|| Interval {
            lo_ns: sent_ns.saturating_sub(date_ns).saturating_sub(NS_PER_S),
            hi_ns: self.heard_wall_ns.saturating_sub(date_ns),
        })
    }
}

/// What the Dates say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateClock {
    /// No usable answer yet.
    Unknown,
    /// The host's offset lies in here, if the server's clock is right.
    Within(Interval),
    /// The Dates contradict each other: several servers behind one address, or a cache.
    Inconsistent,
}

/// Plans requests one after another, and takes their answers.
#[derive(Clone, Debug)]
pub struct Planner {
    /// Offsets at which a verdict changes, as magnitudes, ns.
    limits_ns: [i64; 2],
    clock: DateClock,
    min_rtt_ns: i64,
    samples: u32,
}

impl Planner {
    /// A planner that narrows only what may be within 1 s of plus or minus one of `limits_ns`.
    pub fn new(limits_ns: [i64; 2]) -> Self {
        Self { limits_ns, clock: DateClock::Unknown, min_rtt_ns: i64::MAX, samples: 0 }
    }

    /// Takes an answer.
    pub fn add(&mut self, sample: &DateSample) {
        self.samples += 1;
        let Some(interval) = sample.interval() else { return };
        self.min_rtt_ns = self.min_rtt_ns.min(sample.elapsed_ns);
        self.clock = match self.clock {
            DateClock::Unknown => DateClock::Within(interval),
            DateClock::Within(known) => {
                known.intersection(interval).map_or(DateClock::Inconsistent, DateClock::Within)
            }
            DateClock::Inconsistent => DateClock::Inconsistent,
        };
    }

    /// When to send the next request, by this host's wall clock which shows `now_wall_ns`; `None` when there is
    /// nothing more to learn.
    pub fn next_send_ns(&self, now_wall_ns: i64) -> Option<i64> {
        if self.samples >= MAX_SAMPLES {
            return None;
        }
        let interval = match self.clock {
            DateClock::Unknown => return Some(now_wall_ns),
            DateClock::Inconsistent => return None,
            DateClock::Within(interval) => interval,
        };
        // A round trip itself is the floor of what halving reaches; near it, a request no longer pays.
        let floor_ns = NARROW_NS.max(self.min_rtt_ns.saturating_add(self.min_rtt_ns / 4));
        if !self.near(interval) || interval.width_ns() <= floor_ns {
            return None;
        }
        // If the offset is the middle, the request then arrives just as a second of the server begins: which second the
        // answer names tells the halves apart.
        let lead_ns = interval.mid_ns().saturating_sub(self.min_rtt_ns / 2);
        let wait_ns = (i128::from(lead_ns) - i128::from(now_wall_ns)).rem_euclid(i128::from(NS_PER_S));
        Some(now_wall_ns.saturating_add(wait_ns as i64))
    }

    /// What is known so far.
    pub fn clock(&self) -> DateClock {
        self.clock
    }

    /// Whether the offset may be near a limit.
    fn near(&self, interval: Interval) -> bool {
        let inside = |limit: i64| interval.lo_ns < limit + NEAR_NS && limit - NEAR_NS < interval.hi_ns;
        self.limits_ns.iter().any(|&limit| inside(limit) || inside(-limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;
    const LIMITS: [i64; 2] = [3 * NS_PER_S, 5 * NS_PER_S];

    /// A host `offset_ns` off asks a right server over a path of `there` and `back`; the planner at the end, and the
    /// number of requests.
    fn simulate(offset_ns: i64, there_ns: i64, back_ns: i64, start_ns: i64) -> (Planner, u32) {
        let mut planner = Planner::new(LIMITS);
        let mut true_ns = start_ns;
        for requests in 0.. {
            let Some(send_ns) = planner.next_send_ns(true_ns + offset_ns) else { return (planner, requests) };
            let waited = send_ns - (true_ns + offset_ns);
            assert!((0..=NS_PER_S).contains(&waited), "waits {waited} ns");
            // The answer is written when the request arrives; then the caller thinks for a while.
            planner.add(&DateSample {
                date_s: (true_ns + waited + there_ns).div_euclid(NS_PER_S),
                sent_wall_ns: send_ns,
                heard_wall_ns: send_ns + there_ns + back_ns,
                elapsed_ns: there_ns + back_ns,
            });
            true_ns += waited + there_ns + back_ns + 3 * MS;
        }
        unreachable!("the planner ends")
    }

    fn within(planner: &Planner) -> Interval {
        let DateClock::Within(interval) = planner.clock() else { panic!("{planner:?}") };
        interval
    }

    #[test]
    fn dates_are_read_as_rfc_9110_writes_them() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse("Thu, 07 Feb 2036 06:28:16 GMT"), Some(2_085_978_496));
        for bad in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 EST",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 06 Nov 1994 08:49:3\u{e9} GMT",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_request_is_enough_away_from_the_limits() {
        for offset_ms in [-90_000, -7_100, -900, 0, 800, 7_500, -284_018_400_000] {
            let (planner, requests) = simulate(offset_ms * MS, 20 * MS, 20 * MS, 777 * NS_PER_S + 123 * MS);
            assert_eq!(requests, 1, "{offset_ms}");
            assert!(within(&planner).width_ns() <= 1_040 * MS);
        }
    }

    #[test]
    fn near_a_limit_the_interval_narrows_to_the_target_or_a_round_trip() {
        let paths = [(1, 0), (20, 20), (150, 150), (40, 5), (5, 60), (290, 10)];
        for (there_ms, back_ms) in paths {
            for offset_ms in [-5_010, -4_990, -3_002, -2_990, 2_995, 3_010, 4_980, 5_001, 5_020] {
                let (planner, requests) = simulate(offset_ms * MS, there_ms * MS, back_ms * MS, 5 * NS_PER_S);
                let interval = within(&planner);
                let case = format!("{offset_ms} ms over {there_ms}+{back_ms}: {interval:?} in {requests}");
                assert!(interval.lo_ns <= offset_ms * MS && offset_ms * MS <= interval.hi_ns, "{case}");
                let floor_ms = 200.max((there_ms + back_ms) * 5 / 4);
                let decided = !planner.near(interval);
                assert!(decided || interval.width_ns() <= floor_ms * MS, "{case}");
                assert!((1..=7).contains(&requests), "{case}");
            }
        }
    }

    #[test]
    fn servers_that_disagree_are_reported() {
        let mut planner = Planner::new(LIMITS);
        let at = |date_s, sent_s: i64| DateSample {
            date_s,
            sent_wall_ns: sent_s * NS_PER_S,
            heard_wall_ns: sent_s * NS_PER_S + 40 * MS,
            elapsed_ns: 40 * MS,
        };
        planner.add(&at(100, 105));
        assert!(planner.next_send_ns(106 * NS_PER_S).is_some());
        planner.add(&at(109, 112));
        assert_eq!((planner.clock(), planner.next_send_ns(0)), (DateClock::Inconsistent, None));
        planner.add(&at(100, 105));
        assert_eq!(planner.clock(), DateClock::Inconsistent);
    }

    #[test]
    fn a_clock_set_during_the_exchange_spoils_the_sample_but_not_the_end() {
        let set =
            DateSample { date_s: 9, sent_wall_ns: 9 * NS_PER_S, heard_wall_ns: -NS_PER_S, elapsed_ns: MS };
        let mut planner = Planner::new(LIMITS);
        for _ in 0..MAX_SAMPLES {
            assert_eq!(planner.next_send_ns(7), Some(7));
            planner.add(&set);
        }
        assert_eq!((planner.clock(), planner.next_send_ns(7)), (DateClock::Unknown, None));
    }

    proptest! {
        #[test]
        fn the_truth_is_never_excluded(offset_ms in -6_000_i64..6_000, there_ms in 0_i64..400, back_ms in 0_i64..400,
            start_ms in -100_000_i64..4_000_000_000) {
            let (planner, requests) = simulate(offset_ms * MS, there_ms * MS, back_ms * MS, start_ms * MS);
            let interval = within(&planner);
            prop_assert!(interval.lo_ns <= offset_ms * MS && offset_ms * MS <= interval.hi_ns);
            prop_assert!(requests <= MAX_SAMPLES);
        }

        #[test]
        fn any_numbers_are_taken(date_s in any::<i64>(), sent_wall_ns in any::<i64>(), heard_wall_ns in any::<i64>(),
            elapsed_ns in any::<i64>(), now in any::<i64>(), text in ".{0,40}") {
            let mut planner = Planner::new(LIMITS);
            for _ in 0..2 {
                planner.add(&DateSample { date_s, sent_wall_ns, heard_wall_ns, elapsed_ns });
                let _ = planner.next_send_ns(now);
            }
            let _ = parse(&text);
        }
    }
}
