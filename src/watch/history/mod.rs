//! The history out of what was kept. Pure but for [`load`], which reads the store.
//!
//! A session is unbroken watching, so what lies between two of them is a gap: neither up nor down. Only settled
//! states count, so that one lost packet is no incident.

pub mod availability;
pub mod drift;
mod gaps;
mod load;
mod rows;
mod spans;
#[cfg(test)]
mod tests;
mod track;

pub(in crate::watch) use load::load_states;
pub use load::{Loaded, load};
pub use rows::{Offset, Rows};
pub(in crate::watch) use track::{controller, of_controller};

use self::availability::availability;
use self::drift::Reading;
use self::gaps::{Covered, Piece};
use self::track::Question;
use super::record::{Event, Session, state};
use crate::model::history::{
    ClockStep, History, Moment, OffsetPoint, Process, ResourceTime, TimeOffset, Watched,
};
use crate::model::report::FORMAT_VERSION;

/// The limit of the clock's offset, seconds (contract.md, `clock.offset`).
const LIMIT_S: f64 = 5.0;
/// A forecast beyond a year is none.
const FORECAST_S: f64 = 366.0 * 86_400.0;
/// Points of the curve.
const POINTS: usize = 300;

/// Tells the time from `since` to `now`; pure.
pub fn history(rows: &Rows, since: Moment, now: Moment) -> History {
    let Covered { sessions, gaps, since, until } = gaps::covered(&rows.sessions, since, now);
    let of = |question: &Question| availability(track::seen(question, &sessions, &rows.states));
    let bad_clock = availability(track::seen(&track::CLOCK, &sessions, &rows.states));
    let looked = |from: Moment, to: Moment| to.seconds_since(from);
    History {
        format_version: FORMAT_VERSION.to_owned(),
        redaction: "none".to_owned(),
        since,
        until,
        controller: of(&track::CONTROLLER),
        process: Process {
            availability: of(&track::PROCESS),
            restarts: spans::restarts(&rows.states, since),
        },
        stun: of(&track::STUN),
        resources: resources(rows, &sessions),
        watch: Watched {
            covered_s: sessions.iter().map(|s| looked(s.from, s.to)).sum(),
            gap_s: gaps.iter().map(|gap| looked(gap.started_at, gap.ended_at)).sum(),
            samples: sessions.iter().map(|piece| samples(piece, &rows.sessions)).sum(),
            starts: starts(&rows.sessions, since),
            clock_steps: steps(&rows.events, since),
        },
        gaps,
        time_offset: time_offset(&rows.offsets, since, until, bad_clock.downtime_s),
        addresses: spans::addresses(&rows.states),
        nat: spans::nat(&rows.states),
    }
}

/// Every Resource that was watched, in the order in which they came.
fn resources(rows: &Rows, pieces: &[Piece]) -> Vec<ResourceTime> {
    let mut names: Vec<&str> = Vec::new();
    for kept in rows.states.iter().filter(|kept| kept.name.starts_with(state::RESOURCE)) {
        if !names.contains(&kept.name.as_str()) {
            names.push(&kept.name);
        }
    }
    let one = |name: &str| ResourceTime {
        name: name.strip_prefix(state::RESOURCE).unwrap_or(name).to_owned(),
        availability: availability(track::resource(name, pieces, &rows.states)),
    };
    names.into_iter().map(one).collect()
}

/// Observations in a piece of a session: all of them, or its share of them, since single ones are kept for a day only.
fn samples(piece: &Piece, sessions: &[Session]) -> u64 {
    let session = sessions.binary_search_by_key(&piece.session, |session| session.id).map(|n| &sessions[n]);
    let Ok(session) = session else { return 0 };
    let whole_ns = session.last_ns.saturating_sub(session.started_ns);
    let share = (piece.to.0 - piece.from.0) as f64 / whole_ns.max(1) as f64;
    if share >= 1.0 || whole_ns <= 0 {
        session.samples
    } else {
        (session.samples as f64 * share).round() as u64
    }
}

fn starts(sessions: &[Session], since: Moment) -> u64 {
    sessions.iter().filter(|s| s.id == s.run && s.started_ns >= since.0).count() as u64
}

fn steps(events: &[Event], since: Moment) -> Vec<ClockStep> {
    let of_clock = events.iter().filter(|e| e.kind == "clock-step" && e.at_ns >= since.0);
    of_clock.filter_map(|e| Some(ClockStep { at: Moment(e.at_ns), step_s: e.seconds? })).collect()
}

fn time_offset(offsets: &[Offset], since: Moment, until: Moment, outside_s: f64) -> TimeOffset {
    let readings: Vec<Reading> = offsets.iter().map(|offset| offset.reading).collect();
    let last = readings.last();
    let drift = drift::drift(&readings);
    let limit_in_s = drift.zip(last).and_then(|(drift, last)| {
        let away_s = if drift.ppm < 0.0 { -LIMIT_S - last.offset_s } else { LIMIT_S - last.offset_s };
        let in_s = away_s / (drift.ppm * 1e-6) - until.seconds_since(last.at);
        // What may as well be no drift at all leads nowhere.
        let leads = drift.ppm.abs() > drift.error_ppm && (0.0..=FORECAST_S).contains(&in_s);
        leads.then_some(in_s)
    });
    TimeOffset {
        last_s: last.map(|reading| reading.offset_s),
        last_error_s: last.map(|reading| reading.error_s),
        min_s: offsets.iter().map(|offset| offset.min_s).min_by(f64::total_cmp),
        max_s: offsets.iter().map(|offset| offset.max_s).max_by(f64::total_cmp),
        drift_ppm: drift.map(|drift| drift.ppm),
        drift_error_ppm: drift.map(|drift| drift.error_ppm),
        limit_in_s,
        outside_s,
        points: points(offsets, since, until),
    }
}

/// The curve in even stretches of time, so that a pause stays a pause.
fn points(offsets: &[Offset], since: Moment, until: Moment) -> Vec<OffsetPoint> {
    let whole_s = until.seconds_since(since).max(f64::MIN_POSITIVE);
    let place = |offset: &Offset| (offset.reading.at.seconds_since(since) / whole_s * POINTS as f64) as usize;
    let point = |some: &[Offset]| {
        let last = some.last()?.reading;
        let min_s = some.iter().map(|offset| offset.min_s).min_by(f64::total_cmp)?;
        let max_s = some.iter().map(|offset| offset.max_s).max_by(f64::total_cmp)?;
        Some(OffsetPoint { at: last.at, offset_s: last.offset_s, min_s, max_s })
    };
    offsets.chunk_by(|a, b| place(a) == place(b)).filter_map(point).collect()
}
