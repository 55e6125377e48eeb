//! When somebody looked and when nobody did; pure.

use crate::model::history::{Gap, Moment};
use crate::watch::record::{Ended, Session};

/// A session as far as it lies in the time asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) session: i64,
    pub(super) from: Moment,
    pub(super) to: Moment,
}

/// All of the time asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Covered {
    pub(super) sessions: Vec<Piece>,
    pub(super) gaps: Vec<Gap>,
    /// The beginning of what is known, where that is later than what was asked for.
    pub(super) since: Moment,
    pub(super) until: Moment,
}

/// A reference that was taken back was wrong: of two sessions whose times overlap the one that knew a reference, or
/// watched for longer, is believed, and the end of the one before it is cut off.
pub(super) fn believed(mut sessions: Vec<Session>) -> Vec<Session> {
    let weight = |s: &Session| (s.by_reference, s.last_ns.saturating_sub(s.started_ns));
    for n in 1..sessions.len() {
        let (before, after) = (&sessions[n - 1], &sessions[n]);
        if before.last_ns > after.started_ns && weight(after) > weight(before) {
            let end = after.started_ns;
            let before = &mut sessions[n - 1];
            before.last_ns = end;
            before.started_ns = before.started_ns.min(end);
        }
    }
    sessions
}

/// A watch whose next observation is overdue by this does not go on.
const GRACE_NS: i64 = 30_000_000_000;

pub(super) fn covered(sessions: &[Session], since: Moment, now: Moment) -> Covered {
    let mut known = Covered { sessions: Vec::new(), gaps: Vec::new(), since, until: now.max(since) };
    let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else { return known };
    // Before the first session of all there was no watch, and so no gap either.
    known.since = since.max(Moment(first.started_ns)).min(known.until);
    let mut before: Option<&Session> = None;
    // Sessions whose clocks disagree may overlap: time is never told twice.
    let mut at = known.since;
    for session in sessions {
        let from = at.max(Moment(session.started_ns));
        let to = from.max(Moment(session.last_ns));
        if let Some(before) = before.filter(|_| from > at) {
            known.gaps.push(Gap { started_at: at, ended_at: from, reason: reason(before, Some(session)) });
        }
        before = Some(session);
        if session.last_ns >= known.since.0 {
            known.sessions.push(Piece { session: session.id, from, to });
            at = to;
        }
    }
    // A host whose clock was set back since is asked for more than it can have seen: the last word is the end.
    let pace_ns = i64::try_from(last.every.as_nanos()).unwrap_or(i64::MAX).saturating_mul(3);
    let goes_on =
        last.ended.is_none() && now.0 <= last.last_ns.saturating_add(pace_ns).saturating_add(GRACE_NS);
    known.until = if goes_on { at } else { known.until.max(at) };
    if known.until > at {
        known.gaps.push(Gap { started_at: at, ended_at: known.until, reason: reason(last, None) });
    }
    known
}

/// Why nobody looked after `before`.
fn reason(before: &Session, after: Option<&Session>) -> String {
    if after.is_some_and(|after| after.boot_id != before.boot_id) {
        return "reboot".to_owned();
    }
    before.ended.map_or("killed", Ended::word).to_owned()
}
