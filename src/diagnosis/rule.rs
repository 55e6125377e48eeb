//! What a cause is: a row of a table, and what a rule sees and says.

use crate::model::facts::Host;
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::witness::Witnesses;
use crate::model::{CauseCode, CheckId};

/// How deep a cause lies: what is below explains what is above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The observation itself was made in the wrong place.
    Viewpoint,
    /// Links, addresses, routes.
    Link,
    /// This host: its firewall, clock, resources.
    Host,
    /// What the path lets through.
    Path,
    /// Names.
    Names,
    /// Other people's servers, and the Connector above everything.
    Service,
}

/// One row: a thing to fix.
#[derive(Debug)]
pub struct CauseRule {
    /// Permanent code.
    pub code: CauseCode,
    /// How bad it is, unless a fit says otherwise.
    pub severity: Severity,
    /// The cause in general, for the catalogue.
    pub title: &'static str,
    /// What it does to the Connector.
    pub impact: &'static str,
    /// How deep it lies.
    pub layer: Layer,
    /// Checks whose warn or fail it explains.
    pub explains: &'static [CheckId],
    /// Codes that are only effects of this one: not shown beside it.
    pub folds: &'static [CauseCode],
    /// Whether the evidence shows it.
    pub fits: fn(&Evidence<'_>) -> Option<Fit>,
    /// What to do on this very system, in order.
    pub remedies: fn(&Evidence<'_>) -> Vec<Remedy>,
    /// The command that shows whether the fix worked.
    pub verify: &'static str,
    /// Its page, `docs/causes/<code>.md`.
    pub page: &'static str,
}

/// A cause that the evidence shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// How sure.
    pub confidence: Confidence,
    /// The cause with its figures, a sentence.
    pub title: String,
    /// The proof, a line each.
    pub because: Vec<String>,
    /// Another severity than the row's.
    pub severity: Option<Severity>,
    /// What it does to the Connector by this evidence, where the row's words say more than that.
    pub impact: Option<String>,
    /// Of the checks that the row explains, those that this evidence bears on; none: all of them.
    pub only: Option<Vec<CheckId>>,
    /// Rests on a finding of its own: what else explains the same check does not explain this.
    pub of_its_own: bool,
}

impl Fit {
    /// A fit with its sentence; builder methods add the proof.
    pub fn new(confidence: Confidence, title: impl Into<String>) -> Self {
        Self {
            confidence,
            title: title.into(),
            because: Vec::new(),
            severity: None,
            impact: None,
            only: None,
            of_its_own: false,
        }
    }

    /// Adds a line of proof.
    #[must_use]
    pub fn because(mut self, line: impl Into<String>) -> Self {
        self.because.push(line.into());
        self
    }

    /// Adds a line of proof where there is one.
    #[must_use]
    pub fn because_some(mut self, line: Option<String>) -> Self {
        self.because.extend(line);
        self
    }

    /// Explains these checks alone.
    #[must_use]
    pub fn only(mut self, checks: impl IntoIterator<Item = CheckId>) -> Self {
        self.only = Some(checks.into_iter().collect());
        self
    }

    /// Stands beside whatever else explains the same check.
    #[must_use]
    pub fn of_its_own(mut self) -> Self {
        self.of_its_own = true;
        self
    }

    /// Says what it does to the Connector in this run.
    #[must_use]
    pub fn impact(mut self, impact: impl Into<String>) -> Self {
        self.impact = Some(impact.into());
        self
    }

    /// Overrides the row's severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// All that a rule may look at.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What every check found, selected or not.
    pub findings: &'a [Finding],
    /// What the controls saw.
    pub witnesses: &'a Witnesses,
    /// The system that the remedies are for.
    pub host: &'a Host,
}

impl Evidence<'_> {
    /// The first symptom that `pick` takes.
    pub fn symptom<T>(&self, pick: impl Fn(&Symptom) -> Option<T>) -> Option<T> {
        self.findings.iter().filter_map(|f| f.symptom.as_ref()).find_map(pick)
    }

    /// Whether a symptom equal to this one was found.
    pub fn has(&self, symptom: &Symptom) -> bool {
        self.findings.iter().any(|f| f.symptom.as_ref() == Some(symptom))
    }

    /// The worst status of a check; skip where it found nothing.
    pub fn status(&self, check: CheckId) -> Status {
        self.findings.iter().filter(|f| f.check == check).map(|f| f.status).max().unwrap_or(Status::Skip)
    }
}
