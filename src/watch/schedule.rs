//! When to look again, and how closely: pure.

use std::time::Duration;

use crate::config::{Meant, defaults, show_duration};

/// A full observation at every so many; those between ask what is cheap.
pub const FULL_EACH: u32 = 10;

/// The pace of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From the beginning of one observation to the next.
    pub every: Duration,
    /// The same where something has changed and a second observation is to settle it.
    pub hurried: Duration,
}

impl Pace {
    /// The pace that `meant` asks for on this host; an error where public servers would be asked too often.
    pub fn of(meant: &Meant) -> Result<Self, String> {
        let every = meant.keep.every;
        let public = meant.pause() == defaults::WAIT_PUBLIC;
        if public && every < defaults::WAIT_PUBLIC {
            return Err(format!(
                "--every {}: public servers are asked every {} at most (RFC 4330 10); \
                 name your own with --stun and --ntp to go faster",
                show_duration(every),
                show_duration(defaults::WAIT_PUBLIC)
            ));
        }
        let least = if public { defaults::WAIT_PUBLIC } else { Duration::from_secs(5) };
        Ok(Self { every, hurried: least.min(every) })
    }

    /// From the beginning of this observation to that of the next: a tenth more or less, so that a fleet that was
    /// started at once does not ask at once.
    pub fn next(&self, hurried: bool, random: [u8; 8]) -> Duration {
        let base = if hurried { self.hurried } else { self.every };
        let chance =
            f64::from(u32::from_le_bytes([random[0], random[1], random[2], random[3]])) / f64::from(u32::MAX);
        base.mul_f64(0.9 + 0.2 * chance)
    }

    /// Observations further apart than this leave a gap between them that nobody watched.
    pub fn unwatched_after(&self, took: Duration) -> Duration {
        self.every.mul_f64(1.1).max(took) + (self.every / 2).max(Duration::from_secs(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Known, Said, Source};

    fn meant(every: &str, named: bool) -> Meant {
        let said = Said { every: Some(every.to_owned()), ..Said::default() };
        let servers = Some(vec!["192.0.2.1".to_owned()]);
        let said = if named { Said { stun: servers.clone(), ntp: servers, ..said } } else { said };
        Meant::of(&[Source::command_line(said)], Known { checks: &["a.b"], formats: &["human"] }).unwrap()
    }

    #[test]
    fn public_servers_are_spared_and_named_ones_may_be_asked_each_second() {
        let error = Pace::of(&meant("14s", false)).unwrap_err();
        assert!(error.contains("15s") && error.contains("--stun"), "{error}");
        let pace = Pace::of(&meant("15s", false)).unwrap();
        assert_eq!(pace.hurried, Duration::from_secs(15));
        assert_eq!(Pace::of(&meant("1m", false)).unwrap().hurried, Duration::from_secs(15));
        assert_eq!(Pace::of(&meant("1s", true)).unwrap().hurried, Duration::from_secs(1));
        assert_eq!(Pace::of(&meant("1m", true)).unwrap().hurried, Duration::from_secs(5));
    }

    #[test]
    fn jitter_is_a_tenth_either_way() {
        let pace = Pace { every: Duration::from_mins(1), hurried: Duration::from_secs(15) };
        assert_eq!(pace.next(false, [0; 8]), Duration::from_secs(54));
        assert_eq!(pace.next(false, [255; 8]), Duration::from_secs(66));
        assert_eq!(pace.next(true, [0; 8]), Duration::from_millis(13_500));
        assert!(pace.unwatched_after(Duration::ZERO) > pace.next(false, [255; 8]));
        assert!(pace.unwatched_after(Duration::from_mins(2)) > Duration::from_mins(2));
    }
}
