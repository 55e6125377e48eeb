//! What was kept by `watch`, told as spans: data that the terminal, JSON and the page are written from.
//!
//! Times are moments on one line that no step of the wall clock bends: within a boot by the boot clock, hung up at
//! the reference's time where that was known. A gap, in which nobody looked, is neither up nor down.

use std::net::IpAddr;

use serde::{Serialize, Serializer};

/// Nanoseconds since 1970 by the best clock known; RFC 3339 UTC with at most milliseconds in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

impl Moment {
    /// Seconds from `earlier` to this; negative where it is the other way round.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (i128::from(self.0) - i128::from(earlier.0)) as f64 / 1e9
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0.div_euclid(1_000_000)) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => f.write_str("1970-01-01T00:00:00Z"),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Everything that `history` tells. All keys are always present in JSON, null where not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct History {
    /// `1.0`, as the report's.
    pub format_version: String,
    /// How much is hidden: `none`, `default` or `strict`, as in a report.
    pub redaction: String,
    /// From when on.
    pub since: Moment,
    /// The last moment that is known.
    pub until: Moment,
    /// Whether the Controller could be reached.
    pub controller: Availability,
    /// Whether the Connector's process ran.
    pub process: Process,
    /// Whether a STUN server told our address.
    pub stun: Availability,
    /// The Resources that were watched; none of it is the Controller's downtime.
    pub resources: Vec<ResourceTime>,
    /// What the watch itself did.
    pub watch: Watched,
    /// When nobody looked, and why, as far as that is known.
    pub gaps: Vec<Gap>,
    /// The host's clock against the reference.
    pub time_offset: TimeOffset,
    /// Public addresses, in the order in which they were seen; a change is a new row.
    pub addresses: Vec<AddressSpan>,
    /// How the NAT behaved, in order; a change is a new row.
    pub nat: Vec<NatSpan>,
}

/// Up, down, or not known although somebody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was seen to work.
    Up,
    /// It was seen not to work.
    Down,
    /// It could not be decided, or was not asked for.
    Unknown,
}

/// A stretch in which the state was the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stretch {
    /// Its start.
    pub started_at: Moment,
    /// Its end.
    pub ended_at: Moment,
    /// What held.
    pub state: State,
}

/// How long a thing worked and did not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Availability {
    /// Seconds up.
    pub uptime_s: f64,
    /// Seconds down.
    pub downtime_s: f64,
    /// Seconds in which it was looked at, and could not be told.
    pub unknown_s: f64,
    /// Up as a share of up and down, 0 to 1; null where neither was seen.
    pub availability: Option<f64>,
    /// When it was down.
    pub incidents: Vec<Incident>,
    /// All of it, gaps left out.
    pub timeline: Vec<Stretch>,
}

/// Once down.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// First seen down.
    pub started_at: Moment,
    /// First seen up again; where nobody looked then, last seen down. Null while it lasts.
    pub ended_at: Option<Moment>,
    /// Seconds in which it was seen down.
    pub downtime_s: f64,
    /// The cause that the checks named most of the time; null where they named none.
    pub cause: Option<String>,
}

/// The Connector's process.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Process {
    /// How long it ran and did not.
    #[serde(flatten)]
    pub availability: Availability,
    /// When another process took the place of the one seen before.
    pub restarts: Vec<Moment>,
}

/// A Resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResourceTime {
    /// How the user calls it.
    pub name: String,
    /// How long it was reached and was not.
    #[serde(flatten)]
    pub availability: Availability,
}

/// The watch itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Watched {
    /// Seconds in which it looked.
    pub covered_s: f64,
    /// Seconds in which it did not.
    pub gap_s: f64,
    /// Samples that were taken.
    pub samples: u64,
    /// How often it was started.
    pub starts: u64,
    /// Steps of the host's wall clock that were noticed.
    pub clock_steps: Vec<ClockStep>,
}

/// Nobody looked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// The end of what is known.
    pub started_at: Moment,
    /// The next that is known.
    pub ended_at: Moment,
    /// Why: `stopped` (the watch was stopped by a signal), `killed` (it ended without a word), `reboot`, `paused` (it or the
    /// host stood still), `clock` (a virtual machine was paused or put back), `store` (it could not be written).
    pub reason: String,
}

/// The wall clock jumped.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClockStep {
    /// When it was noticed.
    pub at: Moment,
    /// By how much, seconds; negative: set back.
    pub step_s: f64,
}

/// The host's clock against the reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TimeOffset {
    /// The last offset, host minus reference, seconds; negative: the host is in the past.
    pub last_s: Option<f64>,
    /// It is off by at most this, seconds.
    pub last_error_s: Option<f64>,
    /// The least, seconds.
    pub min_s: Option<f64>,
    /// The greatest, seconds.
    pub max_s: Option<f64>,
    /// How fast it moves since it was last set, parts per million; null where that cannot be told.
    pub drift_ppm: Option<f64>,
    /// The drift is off by about this, parts per million.
    pub drift_error_ppm: Option<f64>,
    /// At this drift, seconds from `until` to the limit of 5 s; null where it does not lead there within a year.
    pub limit_in_s: Option<f64>,
    /// Seconds beyond the limit of 5 s.
    pub outside_s: f64,
    /// The curve, at most a few hundred points.
    pub points: Vec<OffsetPoint>,
}

/// A point of the curve: what was seen in a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OffsetPoint {
    /// When.
    pub at: Moment,
    /// The last in the stretch, seconds.
    pub offset_s: f64,
    /// The least, seconds.
    pub min_s: f64,
    /// The greatest, seconds.
    pub max_s: f64,
}

/// A public address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddressSpan {
    /// The address.
    pub address: IpAddr,
    /// First seen.
    pub started_at: Moment,
    /// Last seen, where another took its place or it went; null for the one at hand.
    pub ended_at: Option<Moment>,
}

/// How the NAT behaved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NatSpan {
    /// The mapping in RFC 4787's words.
    pub mapping: String,
    /// First seen.
    pub started_at: Moment,
    /// Last seen, where another took its place; null for the one at hand.
    pub ended_at: Option<Moment>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_dates() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Moment(1_500_000_000).to_string(), "1970-01-01T00:00:01.5Z");
        assert_eq!(Moment(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert!((Moment(2_000_000_000).seconds_since(Moment(500_000_000)) - 1.5).abs() < 1e-12);
    }
}
