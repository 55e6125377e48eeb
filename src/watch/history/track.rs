//! The states of a few checks as one question over time: does it work? Pure.

use crate::model::CheckId;
use crate::model::check::Track;
use std::collections::BTreeMap;

use super::availability::Seen;
use super::gaps::Piece;
use crate::model::history::{Moment, State};
use crate::pipeline::tracked;
use crate::watch::record::{State as Kept, state};

/// A question over time.
pub(super) struct Question {
    /// The checks that answer it say so in their rows.
    track: Track,
    /// A value of the watch itself that answers it, too.
    also: Option<&'static str>,
    answer: for<'a> fn(&Values<'a>) -> Answer<'a>,
}

impl Question {
    /// The names whose values answer it, in the order of the checks.
    fn names(&self) -> Vec<&'static str> {
        self.also.into_iter().chain(tracked(self.track).map(CheckId::as_str)).collect()
    }
}

/// The answer, and the cause where it is a bad one.
type Answer<'a> = (State, Option<&'a str>);

/// The steps to the Controller.
pub(in crate::watch) fn of_controller() -> Vec<&'static str> {
    CONTROLLER.names()
}

/// Every name that a history is told from.
pub(super) fn names() -> Vec<&'static str> {
    let mapping = tracked(Track::Mapping).map(CheckId::as_str);
    let told = mapping.chain([state::IPV4, state::IPV6]);
    told.chain([CONTROLLER, STUN, PROCESS, CLOCK].iter().flat_map(Question::names)).collect()
}

/// Whether the Controller answers: its last step decides, and any step before it can fail.
pub(super) const CONTROLLER: Question = Question {
    track: Track::Controller,
    also: None,
    answer: |values| match values.worked(CheckId::ControllerHttp.as_str()) {
        (State::Unknown, _) => values.failed(),
        decided => decided,
    },
};

/// Whether a STUN server told our address.
pub(super) const STUN: Question = Question {
    track: Track::Stun,
    also: None,
    answer: |values| values.worked(CheckId::StunDiscovery.as_str()),
};

/// Whether the Connector's process runs.
pub(super) const PROCESS: Question = Question {
    track: Track::Process,
    also: Some(state::CONNECTOR),
    answer: |values| match values.0.get(state::CONNECTOR) {
        Some((started, _)) if !started.is_empty() => (State::Up, None),
        _ => values.worked(CheckId::ConnectorProcess.as_str()),
    },
};

/// Whether the clock is within the limit.
pub(super) const CLOCK: Question =
    Question { track: Track::Clock, also: None, answer: |values| values.failed() };

/// Whether the Controller answers, by what stands now.
pub(in crate::watch) fn controller<'a>(
    standing: impl Fn(&str) -> Option<(&'a str, Option<&'a str>)>,
) -> State {
    let values = CONTROLLER.names().into_iter().filter_map(|name| Some((name, standing(name)?)));
    (CONTROLLER.answer)(&Values(values.collect())).0
}

/// Values by name, with the cause that explains them.
struct Values<'a>(BTreeMap<&'a str, (&'a str, Option<&'a str>)>);

impl<'a> Values<'a> {
    /// A skip that has a cause failed with what that cause broke.
    fn worked(&self, name: &str) -> Answer<'a> {
        match self.0.get(name) {
            Some(("pass" | "warn", _)) => (State::Up, None),
            Some(("fail", cause) | ("skip", cause @ Some(_))) => (State::Down, *cause),
            _ => (State::Unknown, None),
        }
    }

    /// Down where any of them failed.
    fn failed(&self) -> Answer<'a> {
        match self.0.values().find(|(value, _)| *value == "fail") {
            Some((_, cause)) => (State::Down, *cause),
            None => (State::Unknown, None),
        }
    }
}

/// The answer over time; `states` by session and time.
pub(super) fn seen<'a>(question: &Question, pieces: &[Piece], states: &'a [Kept]) -> Vec<Seen<'a>> {
    over_time(&question.names(), pieces, states, |values| (question.answer)(values))
}

/// Whether a Resource was reached, over time; `name` is the state's.
pub(super) fn resource<'a>(name: &str, pieces: &[Piece], states: &'a [Kept]) -> Vec<Seen<'a>> {
    over_time(&[name], pieces, states, |values| values.worked(name))
}

fn over_time<'a>(
    names: &[&str],
    pieces: &[Piece],
    states: &'a [Kept],
    answer: impl Fn(&Values<'a>) -> Answer<'a>,
) -> Vec<Seen<'a>> {
    let sessions: BTreeMap<i64, &[Kept]> = states
        .chunk_by(|a, b| a.session == b.session)
        .filter_map(|some| Some((some.first()?.session, some)))
        .collect();
    let mut all = Vec::new();
    for piece in pieces {
        let mut values = Values(BTreeMap::new());
        let mut from = piece.from;
        let of_session = sessions.get(&piece.session).copied().unwrap_or_default();
        let ours = |kept: &&Kept| kept.settled && names.contains(&kept.name.as_str());
        for together in of_session.iter().filter(ours).collect::<Vec<_>>().chunk_by(|a, b| a.at_ns == b.at_ns)
        {
            let at = together.first().map_or(from, |kept| Moment(kept.at_ns)).clamp(from, piece.to);
            push(&mut all, answer(&values), from, at);
            from = at;
            for kept in together {
                values.0.insert(&kept.name, (&kept.value, kept.cause.as_deref()));
            }
        }
        push(&mut all, answer(&values), from, piece.to);
    }
    all
}

fn push<'a>(all: &mut Vec<Seen<'a>>, (state, cause): Answer<'a>, from: Moment, to: Moment) {
    if from < to {
        all.push(Seen { from, to, state, cause });
    }
}
