//! The table of causes, and their ranking: findings in, causes out. Pure; reads facts only through findings and witnesses.

pub mod astray;
mod astray_remedies;
mod behind;
mod behind_rows;
pub mod connector;
mod doubt;
pub mod firewall;
pub mod flows;
mod hijack;
pub mod host;
pub mod kept;
pub mod log;
mod log_remedies;
pub mod lookups;
mod name_service;
pub mod names;
pub mod nat;
pub mod network;
pub mod path;
pub mod quic;
mod rank;
pub mod relay;
pub mod remedy;
pub mod remote;
pub mod resource;
pub mod room;
mod rule;
mod stun;
mod symptoms;
pub mod time;
pub mod tls;
pub mod untested;
mod vantage;

pub use rank::Diagnosis;
pub use rule::{CauseRule, Evidence, Fit, Layer};

use crate::model::facts::Host;
use crate::model::report::Remedy;
use crate::model::witness::Witnesses;

/// Every cause, deepest layers first; the order breaks ties.
pub const TABLES: &[&[CauseRule]] = &[
    firewall::CAUSES,
    host::CAUSES,
    astray::CAUSES,
    time::CAUSES,
    room::CAUSES,
    connector::CAUSES,
    kept::CAUSES,
    log::CAUSES,
    network::CAUSES,
    names::CAUSES,
    lookups::CAUSES,
    remote::CAUSES,
    tls::CAUSES,
    relay::CAUSES,
    nat::CAUSES,
    quic::CAUSES,
    flows::CAUSES,
    path::CAUSES,
    resource::CAUSES,
];

/// Every cause.
pub fn all() -> impl Iterator<Item = &'static CauseRule> {
    TABLES.iter().copied().flatten()
}

/// Ranks causes over findings; total and deterministic.
pub fn diagnose(evidence: &Evidence<'_>) -> Diagnosis {
    rank::rank(all(), evidence)
}

/// What a cause's remedies are on systems that have a word of their own about it, as far as no finding is needed.
pub fn by_system(rule: &CauseRule) -> Vec<(String, Vec<Remedy>)> {
    let witnesses = Witnesses::default();
    let of = |host: &Host| {
        remedy::with_cloud(host, (rule.remedies)(&Evidence { findings: &[], witnesses: &witnesses, host }))
    };
    let general = of(&Host::default());
    let mut all: Vec<(String, Vec<Remedy>)> = Vec::new();
    for (label, host) in remedy::systems() {
        let remedies: Vec<Remedy> = of(&host).into_iter().filter(|r| !general.contains(r)).collect();
        match all.iter_mut().find(|(_, known)| *known == remedies) {
            _ if remedies.is_empty() => {}
            Some((labels, _)) => *labels = [labels.as_str(), label.as_str()].join(", "),
            None => all.push((label, remedies)),
        }
    }
    all
}
