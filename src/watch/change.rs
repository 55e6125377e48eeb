//! What changed, and what is but a moment's: a value is settled once two observations in a row speak against the one
//! before. It then counts from the first of them. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::record::{NewState, Settled};

/// A value of one observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// A check's id, or a name of [`super::record::state`].
    pub name: String,
    /// The value.
    pub value: String,
    /// The cause that explains it.
    pub cause: Option<String>,
}

/// A change that is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub name: String,
    /// What stood before; none at the very first.
    pub from: Option<String>,
    /// What stands now.
    pub to: String,
    /// Its cause.
    pub cause: Option<String>,
    /// When it was first seen, since the session began.
    pub first: Duration,
}

/// What an observation of one value leads to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// A row to write.
    pub new: Option<NewState>,
    /// An earlier row that is settled now.
    pub settled: Option<Settled>,
    /// What to tell.
    pub change: Option<Change>,
}

/// What stands, by name.
#[derive(Clone, Debug, Default)]
pub struct Settler(BTreeMap<String, Track>);

#[derive(Clone, Debug, Default)]
struct Track {
    settled: Option<(String, Option<String>)>,
    /// What was seen once, when, and whether its row is in this session.
    pending: Option<(String, Duration, bool)>,
    /// The settled value has its row in this session.
    written: bool,
}

impl Settler {
    /// What stood when an earlier process ended: told again only where it has changed since.
    pub fn remembering(values: impl IntoIterator<Item = Value>) -> Self {
        let track =
            |v: Value| (v.name, Track { settled: Some((v.value, v.cause)), pending: None, written: false });
        Self(values.into_iter().map(track).collect())
    }

    /// A session begins: every value is to be written again. What was not settled is forgotten, but where the session
    /// before it is only one that could not be kept: `unbroken` watching goes on.
    pub fn anew(&mut self, unbroken: bool) {
        for track in self.0.values_mut() {
            track.written = false;
            track.pending =
                track.pending.take().filter(|_| unbroken).map(|(value, ..)| (value, Duration::ZERO, false));
        }
    }

    /// What stands.
    pub fn settled(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.settled.as_ref().map(|(value, _)| value.as_str())
    }

    /// The cause of what stands.
    pub fn cause(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.settled.as_ref()?.1.as_deref()
    }

    /// Whether anything waits for its second observation.
    pub fn is_waiting(&self) -> bool {
        self.0.values().any(|track| track.pending.is_some())
    }

    /// Takes a value that was observed `after` the session's beginning.
    pub fn observe(&mut self, seen: &Value, after: Duration) -> Step {
        let track = self.0.entry(seen.name.clone()).or_default();
        let now = (seen.value.clone(), seen.cause.clone());
        if track.settled.as_ref() == Some(&now) {
            track.pending = None;
            let new = (!track.written).then(|| row(seen, true));
            track.written = true;
            return Step { new, ..Step::default() };
        }
        // Nothing stood before, and nothing is wrong: no reason to wait.
        let bad = seen.cause.is_some() || matches!(seen.value.as_str(), "warn" | "fail" | "unknown");
        let at_once = track.settled.is_none() && !bad;
        let pending = track.pending.take();
        if pending.is_none() && !at_once {
            track.pending = Some((seen.value.clone(), after, true));
            return Step { new: Some(row(seen, false)), ..Step::default() };
        }
        let mut step = Step::default();
        let mut first = after;
        if let Some((value, since, true)) = pending {
            // Two that differ from each other speak against the old one all the same: both stand.
            let same = value == seen.value;
            step.settled = Some(Settled {
                name: seen.name.clone(),
                first: since,
                cause: seen.cause.clone().filter(|_| same),
            });
            if same {
                first = since;
            } else {
                step.new = Some(row(seen, true));
            }
        } else {
            step.new = Some(row(seen, true));
        }
        let before = track.settled.replace(now);
        track.written = true;
        step.change = Some(Change {
            name: seen.name.clone(),
            from: before.map(|(value, _)| value),
            to: seen.value.clone(),
            cause: seen.cause.clone(),
            first,
        });
        step
    }
}

fn row(seen: &Value, settled: bool) -> NewState {
    NewState { name: seen.name.clone(), value: seen.value.clone(), cause: seen.cause.clone(), settled }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: &str) -> Value {
        Value { name: "a.b".into(), value: value.into(), cause: None }
    }

    /// The settled changes of a sequence, one observation a second.
    fn changes(settler: &mut Settler, values: &[&str]) -> Vec<(String, u64)> {
        let steps = values.iter().enumerate().map(|(i, v)| (i, settler.observe(&value(v), secs(i as u64))));
        steps.filter_map(|(_, s)| s.change).map(|c| (c.to, c.first.as_secs())).collect()
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn told(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
        pairs.iter().map(|(value, at)| ((*value).to_owned(), *at)).collect()
    }

    #[test]
    fn one_lost_packet_is_no_incident() {
        let mut settler = Settler::default();
        assert_eq!(changes(&mut settler, &["pass", "fail", "pass", "fail", "pass"]), told(&[("pass", 0)]));
    }

    #[test]
    fn two_in_a_row_count_from_the_first() {
        let values = ["pass", "fail", "fail", "fail", "pass", "pass"];
        let expected = told(&[("pass", 0), ("fail", 1), ("pass", 4)]);
        assert_eq!(changes(&mut Settler::default(), &values), expected);
    }

    #[test]
    fn what_keeps_changing_but_never_passes_is_not_good() {
        let values = ["pass", "fail", "warn", "fail", "warn"];
        let told_of = changes(&mut Settler::default(), &values);
        assert_eq!(told_of[1..], told(&[("warn", 2), ("warn", 4)])[..1], "{told_of:?}");
    }

    #[test]
    fn a_bad_beginning_waits_for_the_second_look_and_a_remembered_one_is_not_told_again() {
        assert_eq!(changes(&mut Settler::default(), &["fail", "fail"]), told(&[("fail", 0)]));
        let mut settler = Settler::remembering([value("fail")]);
        assert!(changes(&mut settler, &["fail", "fail"]).is_empty());
    }

    #[test]
    fn every_session_has_a_row_of_what_stands() {
        let mut settler = Settler::default();
        assert!(settler.observe(&value("pass"), secs(0)).new.is_some());
        assert!(settler.observe(&value("pass"), secs(1)).new.is_none());
        settler.anew(false);
        let step = settler.observe(&value("pass"), secs(0));
        assert!(step.new.is_some_and(|row| row.settled) && step.change.is_none());
        // One that begins with a moment's trouble gets its row when that is over.
        settler.anew(false);
        assert!(settler.observe(&value("fail"), secs(0)).new.is_some_and(|row| !row.settled));
        assert!(settler.observe(&value("pass"), secs(1)).new.is_some_and(|row| row.settled));
    }

    #[test]
    fn a_store_that_keeps_nothing_hides_no_change() {
        let mut settler = Settler::default();
        settler.observe(&value("pass"), secs(0));
        let mut changes = Vec::new();
        for seen in ["fail", "fail", "fail"] {
            // Each observation begins a session, since none of them is kept.
            settler.anew(true);
            changes.extend(settler.observe(&value(seen), secs(0)).change.map(|change| change.to));
        }
        assert_eq!(changes, ["fail"]);
    }

    #[test]
    fn the_same_outcome_for_another_cause_is_a_change() {
        let mut settler = Settler::default();
        let because = |cause: &str| Value { cause: Some(cause.into()), ..value("fail") };
        for (at, cause) in ["a", "a", "b", "b"].into_iter().enumerate() {
            settler.observe(&because(cause), secs(at as u64));
        }
        assert_eq!((settler.settled("a.b"), settler.cause("a.b")), (Some("fail"), Some("b")));
    }
}
