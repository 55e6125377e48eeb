//! The table of checks: pure functions from facts to findings; no I/O, no ranking, no layout.

pub mod clock;
pub mod connector;
pub mod connector_log;
pub mod controller;
mod date;
pub mod dns;
pub mod host;
pub mod layers;
pub mod limits;
pub mod mtu;
pub mod nat;
pub mod path;
mod portal;
pub mod relay;
mod resolvers;
mod silence;
pub mod stun;
pub mod time;
pub mod witness;

use crate::model::CheckId;
use crate::model::check::CheckRow;
use crate::model::facts::Facts;
use crate::model::finding::Finding;

/// One row: what is claimed, what it takes to look, and how to judge.
#[derive(Debug)]
pub struct Check {
    /// Permanent id, `topic.name`.
    pub id: CheckId,
    /// The claim that a pass makes true.
    pub title: &'static str,
    /// What it contacts, for `list` and `plan`.
    pub contacts: &'static str,
    /// Rights it needs, for `list`.
    pub rights: &'static str,
    /// Where it stands in a report, and what decides.
    pub row: CheckRow,
    /// Its page, `docs/checks/<id>.md`.
    pub page: &'static str,
    /// Facts to findings: at least one, all with this id.
    pub eval: fn(&Facts) -> Vec<Finding>,
}

/// Every check, in the order of the report.
pub const TABLES: &[&[Check]] = &[
    host::CHECKS,
    limits::CHECKS,
    connector::CHECKS,
    connector_log::CHECKS,
    clock::CHECKS,
    dns::CHECKS,
    controller::CHECKS,
    relay::CHECKS,
    stun::CHECKS,
    layers::CHECKS,
    nat::CHECKS,
    mtu::CHECKS,
    path::CHECKS,
];

/// Every check, in the order of the report.
pub fn all() -> impl Iterator<Item = &'static Check> {
    TABLES.iter().copied().flatten()
}

/// Judges facts by every check.
pub fn evaluate(facts: &Facts) -> Vec<Finding> {
    all().flat_map(|check| (check.eval)(facts)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_facts_are_never_good_and_never_bad_and_every_finding_bears_its_checks_id() {
        use crate::model::Status;
        let facts = Facts::default();
        for check in all() {
            let findings = (check.eval)(&facts);
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
