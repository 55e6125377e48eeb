//! A Resource's three steps, and what they may look at. Pure.

use crate::inference::clock::Clock;
use crate::inference::loss::Loss;
use crate::model::CheckId;
use crate::model::facts::{Facts, Resource};
use crate::model::finding::Status;
use crate::model::observation::{Outcome, ProbeFailure};
use crate::model::trouble::{ResourceTrouble, Trouble};

/// One step towards a Resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// How it came out.
    pub status: Status,
    /// One sentence.
    pub words: String,
    /// What was sent, what came back.
    pub lines: Vec<String>,
    /// What is to be fixed, on a warn or fail.
    pub trouble: Option<Trouble>,
    /// Skipped, since an earlier step did not pass.
    pub needs: Option<CheckId>,
}

/// A Resource, and its three steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<'a> {
    /// What was named and seen.
    pub resource: &'a Resource,
    /// Its name.
    pub dns: Step,
    /// Its connection.
    pub tcp: Step,
    /// What it says first.
    pub reply: Step,
}

/// What the steps may look at.
pub(super) struct Ground<'a> {
    pub(super) facts: &'a Facts,
    pub(super) loss: &'a Loss,
    pub(super) clock: &'a Clock,
}

impl Step {
    pub(super) fn new(status: Status, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), lines: Vec::new(), trouble: None, needs: None }
    }

    pub(super) fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }

    pub(super) fn trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    pub(super) fn needs(check: CheckId) -> Self {
        let words = if check == CheckId::ResourceDns { "needs an address" } else { "needs a connection" };
        Self { needs: Some(check), ..Self::new(Status::Skip, words) }
    }
}

impl Judged<'_> {
    /// Its steps with their checks, in order.
    pub fn steps(&self) -> [(CheckId, &Step); 3] {
        [
            (CheckId::ResourceDns, &self.dns),
            (CheckId::ResourceTcp, &self.tcp),
            (CheckId::ResourceReply, &self.reply),
        ]
    }

    /// The worst outcome: a pass where any step passed and none is worse.
    pub fn outcome(&self) -> Status {
        let all = || self.steps().into_iter().map(|(_, step)| step);
        let worst = all().map(|step| step.status).max().unwrap_or(Status::Skip);
        // A name that resolves is no Resource that is reached.
        let tested = [&self.tcp, &self.reply].iter().any(|step| step.status == Status::Pass);
        if worst == Status::Pass && !tested { Status::Skip } else { worst }
    }

    /// The step that decides, with its check.
    pub fn deciding(&self) -> (CheckId, &Step) {
        let outcome = self.outcome();
        let of = |status| self.steps().into_iter().rev().find(|(_, step)| step.status == status);
        of(outcome).unwrap_or((CheckId::ResourceReply, &self.reply))
    }

    /// What is wrong with it, as data: of every step.
    pub fn troubles(&self) -> impl Iterator<Item = ResourceTrouble> {
        self.steps()
            .into_iter()
            .filter_map(|(check, step)| {
                Some(ResourceTrouble {
                    name: self.resource.name.clone(),
                    host: self.resource.host.clone(),
                    place: self.resource.place(),
                    kind: self.resource.kind,
                    check,
                    fails: step.status == Status::Fail,
                    what: step.trouble.clone()?,
                    words: format!("{}: {}", self.resource.name, step.words),
                    lines: step.lines.clone(),
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// What an outcome failed with.
pub(super) fn failure<T>(outcome: Option<&Outcome<T>>) -> Option<&ProbeFailure> {
    match outcome {
        Some(Outcome::Failed(failure)) => Some(failure),
        _ => None,
    }
}
