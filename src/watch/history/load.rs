//! Reads of the store what the history needs, as finely as the time asked for deserves.

use std::time::Duration;

use super::drift::Reading;
use super::gaps::believed;
use super::rows::{Offset, Rows};
use super::track;
use crate::model::history::Moment;
use crate::watch::record::{Point, state};
use crate::watch::store::{Reader, Resolution, StoreError};

/// Up to this long every observation is read, beyond it minutes, then hours.
const FINE: Duration = Duration::from_hours(6);
const MINUTES: Duration = Duration::from_hours(24 * 8);
/// How far off an offset may be that came without its bound, seconds.
const UNBOUND_S: f64 = 0.5;
/// Resources that are told of; a run names no more than 256.
const MOST_RESOURCES: u32 = 1024;
const HOUR_NS: i64 = 3_600_000_000_000;

/// What was read, and the moment that the host's clock shows now.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The rows.
    pub rows: Rows,
    /// From when on.
    pub since: Moment,
    /// By the reference where the last observation knew how far off the host's clock is.
    pub now: Moment,
}

/// Reads `span` back from now, which the host's clock takes for `wall_ns`.
pub fn load(reader: &Reader, span: Duration, wall_ns: i64) -> Result<Loaded, StoreError> {
    let resources = reader.names(state::RESOURCE, MOST_RESOURCES)?;
    let mut names = track::names();
    names.extend(resources.iter().map(String::as_str));
    let mut loaded = load_states(reader, span, wall_ns, &names)?;
    let (since, now) = (loaded.since, loaded.now);
    loaded.rows.events = reader.events(since.0)?;
    loaded.rows.offsets = offsets(reader, since.0, span)?;
    loaded.rows.offsets.retain(|offset| offset.reading.at <= now);
    Ok(loaded)
}

/// The same without the clock, for these names alone: a watch asks for little, and often.
pub(in crate::watch) fn load_states(
    reader: &Reader,
    span: Duration,
    wall_ns: i64,
    names: &[&str],
) -> Result<Loaded, StoreError> {
    let span_ns = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    let sessions = believed(reader.sessions(i64::MIN)?);
    // A host whose clock is years off still has a history: its times are the reference's.
    let last_ns = sessions.iter().map(|session| session.last_ns).max().unwrap_or(wall_ns);
    let last = reader.last_sample()?.filter(|sample| sample.at_ns >= last_ns.saturating_sub(HOUR_NS));
    let ahead_ns = last.map_or(0, |sample| sample.wall_ns.saturating_sub(sample.at_ns));
    let now_ns = wall_ns.saturating_sub(ahead_ns).max(last_ns);
    let since_ns = now_ns.saturating_sub(span_ns);
    let rows = Rows { sessions, states: reader.states(since_ns, names)?, ..Rows::default() };
    Ok(Loaded { rows, since: Moment(since_ns), now: Moment(now_ns) })
}

fn offsets(reader: &Reader, since_ns: i64, span: Duration) -> Result<Vec<Offset>, StoreError> {
    let mut all: Vec<Offset> = Vec::new();
    let steps: &[Resolution] = match span {
        _ if span <= FINE => &[Resolution::Sample],
        _ if span <= MINUTES => &[Resolution::Minute, Resolution::Sample],
        _ => &[Resolution::Hour, Resolution::Minute, Resolution::Sample],
    };
    for how in steps {
        // The last minute or hour may not be whole yet: it is read more finely, where that is still there.
        let from_ns = all.last().map_or(since_ns, |offset| offset.reading.at.0);
        let errors = reader.series("clock.offset.error_s", from_ns, *how)?;
        let mut errors = errors.iter().peekable();
        let points = reader.series("clock.offset.offset_s", from_ns, *how)?;
        if !points.is_empty() {
            all.pop();
        }
        for point in points {
            while errors.next_if(|error| error.at_ns < point.at_ns).is_some() {}
            let bound = errors.peek().filter(|error| error.at_ns == point.at_ns);
            all.push(of(&point, bound.map_or(UNBOUND_S, |error| error.max)));
        }
    }
    Ok(all)
}

fn of(point: &Point, error_s: f64) -> Offset {
    let reading = Reading { at: Moment(point.at_ns), offset_s: point.mean, error_s };
    Offset { reading, min_s: point.min, max_s: point.max }
}
