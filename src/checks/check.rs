//! What a check is: a row of a table.

use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::CheckRow;
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
    /// Where it stands in a report, and what decides.
    pub row: CheckRow,
    /// Rights it needs, for `list`.
    pub rights: &'static str,
    /// Its page, `docs/checks/<id>.md`.
    pub page: &'static str,
    /// What a run proves to findings: at least one, all with this id.
    pub eval: fn(&Inference<'_>) -> Vec<Finding>,
}
