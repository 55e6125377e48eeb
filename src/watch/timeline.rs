//! Which time it was: a session's times follow the boot clock from a beginning that the reference gave. Pure.
//!
//! The host's own clock may step, and may be wrong; it is kept beside each observation and decides nothing where a
//! reference was measured.

use std::time::Duration;

/// The reference may move this far against the boot clock before a new session begins: less is told by the checks of
/// the clock, and an hour-long pause of a virtual machine, which its boot clock does not see, is more.
pub const MOVED: Duration = Duration::from_secs(30);

/// The host's clock may move this far against the boot clock between two looks before that is a step: a time daemon
/// slews by 500 ppm, half a millisecond in a second.
pub const STEPPED: Duration = Duration::from_millis(500);

/// The clock of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The boot clock at the beginning.
    pub boot: Duration,
    /// The beginning, nanoseconds since 1970.
    pub started_ns: i64,
    /// That is a reference's time, not the host's own.
    pub by_reference: bool,
}

impl Timeline {
    /// One that begins now. `reference_ns` is the time by the reference; without it the boot's earlier session goes on
    /// counting (`earlier`), and without that the host's own clock has to do.
    pub fn begin(boot: Duration, wall_ns: i64, reference_ns: Option<i64>, earlier: Option<Self>) -> Self {
        let earlier = earlier.filter(|earlier| earlier.boot <= boot);
        match (reference_ns, earlier) {
            (Some(started_ns), _) => Self { boot, started_ns, by_reference: true },
            (None, Some(earlier)) => Self { boot, started_ns: earlier.at(boot), ..earlier },
            (None, None) => Self { boot, started_ns: wall_ns, by_reference: false },
        }
    }

    /// Time since the beginning.
    pub fn after(&self, boot: Duration) -> Duration {
        boot.saturating_sub(self.boot)
    }

    /// The time at `boot`, nanoseconds since 1970.
    pub fn at(&self, boot: Duration) -> i64 {
        self.started_ns.saturating_add(ns(self.after(boot)))
    }

    /// Takes the reference's time at `boot`. Corrects a beginning that only the host's clock gave; how far the
    /// reference moved, where that is too far for one session.
    pub fn refer(&mut self, boot: Duration, reference_ns: i64) -> Option<i64> {
        if !self.by_reference {
            self.started_ns = reference_ns.saturating_sub(ns(self.after(boot)));
            self.by_reference = true;
            return None;
        }
        let moved = reference_ns.saturating_sub(self.at(boot));
        (moved.unsigned_abs() > MOVED.as_nanos() as u64).then_some(moved)
    }
}

/// How far the host's clock stepped between two looks at both clocks, nanoseconds; none where it did not.
pub fn stepped(before: (Duration, i64), now: (Duration, i64)) -> Option<i64> {
    let passed = ns(now.0.saturating_sub(before.0));
    let step = now.1.saturating_sub(before.1).saturating_sub(passed);
    (step.unsigned_abs() > STEPPED.as_nanos() as u64).then_some(step)
}

fn ns(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000_000;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn times_follow_the_boot_clock_whatever_the_hosts_clock_does() {
        let mut line = Timeline::begin(secs(100), 7_000 * S, Some(5_000 * S), None);
        assert_eq!(line.at(secs(160)), 5_060 * S);
        assert_eq!(line.refer(secs(160), 5_067 * S), None);
        assert_eq!(line.at(secs(160)), 5_060 * S);
        assert_eq!(line.refer(secs(200), 8_700 * S), Some(3_600 * S));
    }

    #[test]
    fn a_reference_that_comes_late_corrects_the_beginning() {
        let mut line = Timeline::begin(secs(100), 7_000 * S, None, None);
        assert_eq!((line.at(secs(110)), line.by_reference), (7_010 * S, false));
        assert_eq!(line.refer(secs(110), 5_010 * S), None);
        assert_eq!((line.started_ns, line.by_reference), (5_000 * S, true));
    }

    #[test]
    fn the_same_boot_goes_on_counting() {
        let earlier = Timeline { boot: secs(50), started_ns: 1_000 * S, by_reference: true };
        assert_eq!(Timeline::begin(secs(60), 9 * S, None, Some(earlier)).started_ns, 1_010 * S);
        // Another boot's clock says nothing here.
        assert_eq!(Timeline::begin(secs(10), 9 * S, None, Some(earlier)).started_ns, 9 * S);
    }

    #[test]
    fn steps_are_told_from_slewing_and_from_suspend() {
        assert_eq!(stepped((secs(1), 0), (secs(2), S)), None);
        assert_eq!(stepped((secs(1), 0), (secs(2), S + S / 1000)), None);
        assert_eq!(stepped((secs(1), 0), (secs(2), 3_601 * S)), Some(3_600 * S));
        assert_eq!(stepped((secs(1), 0), (secs(2), -3_599 * S)), Some(-3_600 * S));
        assert_eq!(stepped((secs(1), 0), (secs(7_201), 7_200 * S)), None);
    }
}
