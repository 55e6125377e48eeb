//! Times of a log as people read them.

use crate::model::facts::{ConnectorLog, Place};

pub(super) const NS: i64 = 1_000_000_000;
/// A day, nanoseconds.
pub(super) const DAY_NS: i64 = 86_400 * NS;

/// A place as people read it.
pub(super) fn when(log: &ConnectorLog, place: Place) -> String {
    match place.at_ns {
        None => format!("line {}", place.line),
        // A time of day without its day.
        Some(ns) if !log.zone_known && (50 * DAY_NS..200 * DAY_NS).contains(&ns) => {
            let s = ns.rem_euclid(DAY_NS) / NS;
            format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
        }
        // Nobody's clock stood there: it counts from a start.
        Some(ns) if !log.zone_known && ns < 50 * DAY_NS => {
            format!("{}.{:03} s", ns / NS, ns % NS / 1_000_000)
        }
        Some(ns) => {
            let time = jiff::Timestamp::from_second(ns.div_euclid(NS))
                .map_or_else(|_| "?".to_owned(), |t| t.to_string());
            if log.zone_known { time } else { time.trim_end_matches('Z').to_owned() }
        }
    }
}
