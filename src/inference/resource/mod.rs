//! What became of each named Resource: how far it was reached, and what stopped it. Pure.

mod names;
mod reach;
mod reply;
mod result;

pub use result::row;

use super::clock::Clock;
use super::loss::Loss;
use crate::model::CheckId;
use crate::model::facts::{Facts, Resource, ResourceSeen};
use crate::model::finding::Status;
use crate::model::observation::{NotRun, Outcome};
use crate::model::resource::{ResourceTrouble, Trouble};

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
    fn new(status: Status, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), lines: Vec::new(), trouble: None, needs: None }
    }

    fn lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }

    fn trouble(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    fn needs(check: CheckId) -> Self {
        let words = if check == CheckId::ResourceDns { "needs an address" } else { "needs a connection" };
        Self { needs: Some(check), ..Self::new(Status::Skip, words) }
    }
}

impl<'a> Judged<'a> {
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
                    status: step.status,
                    what: step.trouble.clone()?,
                    words: format!("{}: {}", self.resource.name, step.words),
                    lines: step.lines.clone(),
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// What became of every named Resource.
pub(super) fn judge<'a>(facts: &'a Facts, loss: &Loss, clock: &Clock) -> Vec<Judged<'a>> {
    let ground = Ground { facts, loss, clock };
    facts.resources.iter().map(|resource| one(&ground, resource)).collect()
}

fn one<'a>(ground: &Ground<'_>, resource: &'a Resource) -> Judged<'a> {
    let Some(seen) = resource.seen() else {
        let step = not_asked(resource);
        return Judged { resource, dns: step.clone(), tcp: step.clone(), reply: step };
    };
    let dns = names::judge(ground, seen);
    if seen.tried.is_empty() {
        let nothing = seen.names.as_ref().is_none_or(|names| names.failure.is_none());
        // Addresses of a family that the user left out are none.
        let step = if nothing {
            Step::new(Status::Skip, "no address of the family asked for")
        } else {
            Step::needs(CheckId::ResourceDns)
        };
        return Judged { resource, dns, tcp: step.clone(), reply: step };
    }
    let tcp = reach::judge(ground, resource, seen);
    let reply = reply::judge(ground, resource, seen, &tcp);
    let (dns, tcp) = blame_names(seen, dns, tcp);
    Judged { resource, dns, tcp, reply }
}

/// An address that the Connector's resolvers alone give, and that does not answer, is a wrong address first.
fn blame_names(seen: &ResourceSeen, mut dns: Step, mut tcp: Step) -> (Step, Step) {
    let unreached = matches!(
        tcp.trouble,
        Some(Trouble::Unreachable { .. } | Trouble::Refused(_) | Trouble::NoRoute { .. })
    );
    if let Some(Trouble::Elsewhere { .. }) = dns.trouble
        && tcp.status == Status::Fail
        && unreached
        && seen.names.is_some()
    {
        tcp.trouble.clone_from(&dns.trouble);
        dns.status = Status::Fail;
    }
    (dns, tcp)
}

fn not_asked(resource: &Resource) -> Step {
    match resource.not_run() {
        Some(NotRun::Unsupported(why) | NotRun::Needs(why)) => Step::new(Status::Skip, why.clone()),
        Some(NotRun::NotAsked) => Step::new(Status::Skip, "not asked this time"),
        Some(NotRun::Exhausted(why) | NotRun::NoPort(why) | NotRun::NoBuffers(why)) => {
            Step::new(Status::Unknown, format!("this host had nothing left to try with: {why}"))
        }
        Some(NotRun::Interrupted) => Step::new(Status::Unknown, "interrupted before it was asked"),
        Some(NotRun::Deadline) | None => Step::new(Status::Unknown, "the time was over before it was asked"),
    }
}

/// What an outcome failed with.
fn failure<T>(outcome: Option<&Outcome<T>>) -> Option<&crate::model::observation::ProbeFailure> {
    match outcome {
        Some(Outcome::Failed(failure)) => Some(failure),
        _ => None,
    }
}
