//! The table of checks: pure functions from what a run proves to findings; no I/O, no ranking, no layout.

mod check;
pub mod clock;
pub mod connections;
pub mod connector;
pub mod connector_config;
pub mod connector_log;
pub mod controller;
pub mod dns;
pub mod host;
pub mod identity;
mod kept;
pub mod layers;
mod lifetime;
pub mod limits;
mod log_view;
mod log_when;
mod log_words;
pub mod mtu;
pub mod nat;
mod needs;
pub mod path;
pub mod quic;
pub mod relay;
pub mod resolvers;
pub mod resource;
mod room;
mod route;
pub mod stun;
mod vicinity;

pub use check::Check;

use crate::inference::Inference;
use crate::model::finding::Finding;

/// Every check, in the order of the report.
pub const TABLES: &[&[Check]] = &[
    host::CHECKS,
    limits::CHECKS,
    connector::CHECKS,
    connector_config::CHECKS,
    identity::CHECKS,
    connector_log::CHECKS,
    connections::CHECKS,
    clock::CHECKS,
    resolvers::CHECKS,
    dns::CHECKS,
    controller::CHECKS,
    relay::CHECKS,
    stun::CHECKS,
    layers::CHECKS,
    nat::CHECKS,
    quic::CHECKS,
    mtu::CHECKS,
    path::CHECKS,
    resource::CHECKS,
];

/// Every check, in the order of the report.
pub fn all() -> impl Iterator<Item = &'static Check> {
    TABLES.iter().copied().flatten()
}

/// Judges a run by every check.
pub fn evaluate(run: &Inference<'_>) -> Vec<Finding> {
    all().flat_map(|check| (check.eval)(run)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_facts_are_never_good_and_never_bad_and_every_finding_bears_its_checks_id() {
        use crate::model::{Facts, Status};
        let facts = Facts::default();
        let run = crate::inference::infer(&facts);
        for check in all() {
            let findings = (check.eval)(&run);
            assert!(!findings.is_empty(), "{} found nothing to say", check.id);
            for finding in findings {
                assert_eq!(finding.check, check.id);
                assert!(
                    matches!(finding.status, Status::Skip | Status::Unknown),
                    "{} judged {:?} without a fact",
                    check.id,
                    finding.status
                );
                assert!(!finding.summary.is_empty() && !finding.summary.ends_with('.'), "{}", check.id);
            }
        }
    }
}
