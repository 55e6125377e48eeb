//! What became of each named Resource: how far it was reached, and what stopped it. Pure.

mod logged;
mod names;
mod reach;
mod reply;
mod result;
mod step;

pub use logged::{FailedInLog, failed_in_log};
pub use result::row;
pub use step::{Judged, Step};

use step::Ground;

use super::clock::Clock;
use super::loss::Loss;
use crate::model::CheckId;
use crate::model::facts::{Facts, Resource, ResourceSeen};
use crate::model::finding::Status;
use crate::model::observation::NotRun;
use crate::model::trouble::Trouble;

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
