//! What a check says that lacks what it needs. Pure.

use crate::inference::Inference;
use crate::inference::names::unresolved;
use crate::model::CheckId;
use crate::model::facts::TargetRole;
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::count;
use crate::model::verdict::Lack;

/// Another check did not pass.
pub(super) fn needs(id: CheckId, step: CheckId, status: Status) -> Finding {
    Finding::new(id, status, format!("needs {step}")).symptom(Symptom::Needs(step))
}

/// No STUN server answered.
pub(super) fn needs_stun(id: CheckId) -> Vec<Finding> {
    vec![needs(id, CheckId::StunDiscovery, Status::Skip)]
}

/// The Controller is not known: nobody named it, or what names it may be read by root alone.
pub(super) fn unnamed(id: CheckId, run: &Inference<'_>) -> Vec<Finding> {
    let host = &run.facts.host;
    let unread = host.connector.processes.iter().flat_map(|process| &process.unread);
    let unread: Vec<String> = unread.chain(&host.connector.file_unread).cloned().collect();
    if unread.is_empty() || host.uid == Some(0) {
        let why = "network name unknown: use --network NAME or --controller URL";
        return vec![Finding::new(id, Status::Skip, why).lacks(Lack::Network)];
    }
    let why = "permission denied: only root may read the Connector's configuration; rerun with sudo";
    vec![Finding::new(id, Status::Skip, why).lacks(Lack::Rights).evidence_all(unread)]
}

/// No server of a role was asked: without an address there is nothing to ask, for want of resolvers, where they are
/// proven dead, or else for reasons that this check cannot tell.
pub(super) fn nobody_asked(id: CheckId, run: &Inference<'_>, role: TargetRole, noun: &str) -> Finding {
    let names = match unresolved(run.facts, role) {
        0 => return Finding::new(id, Status::Skip, format!("no {noun} was asked")).lacks(Lack::Answer),
        n => format!("{} did not resolve", count(n, "name")),
    };
    let (status, summary) = if run.resolvers.none_serves() {
        (Status::Skip, format!("needs dns: {names}"))
    } else {
        (Status::Unknown, names)
    };
    Finding::new(id, status, summary).symptom(Symptom::Needs(CheckId::DnsResolvers))
}
