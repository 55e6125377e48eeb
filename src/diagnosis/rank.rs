//! Ranks the causes that fit, folds effects into their causes, and lays every failure at one cause's door.

use std::collections::{BTreeMap, BTreeSet};

use super::behind::{self, explained};
use super::remedy;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::troubles;
use crate::model::facts::Signature;
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::report::{Cause, Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The causes, the one to fix first at the front, and which of them explains which check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// Ranked.
    pub causes: Vec<Cause>,
    /// Check id to cause code.
    pub caused_by: BTreeMap<CheckId, CauseCode>,
}

/// The code of a failure that no rule explains.
const UNEXPLAINED: CauseCode = CauseCode::Unexplained;

struct Candidate {
    rule: &'static CauseRule,
    fit: Fit,
    severity: Severity,
    claims: Vec<CheckId>,
}

impl Candidate {
    /// A warning never explains a failure, a notice nothing.
    fn may_explain(&self, status: Status) -> bool {
        match self.severity {
            Severity::Critical => true,
            Severity::Warning => status == Status::Warn,
            Severity::Notice => false,
        }
    }

    /// Explains the worst that the Connector's log shows.
    fn explains_worst(&self, evidence: &Evidence<'_>) -> bool {
        let worst = troubles(evidence).map(|trouble| trouble.status).max();
        explained(evidence, self.rule.code).iter().any(|trouble| Some(trouble.status) == worst)
    }

    /// Of what the Connector's log shows, what this explains.
    fn told(&self, evidence: &Evidence<'_>) -> BTreeSet<Signature> {
        let mine = explained(evidence, self.rule.code).into_iter();
        mine.filter(|trouble| self.may_explain(trouble.status)).map(|trouble| trouble.signature).collect()
    }
}

/// Ranks the causes of these rules over findings; total and deterministic.
pub(super) fn rank(rules: impl Iterator<Item = &'static CauseRule>, evidence: &Evidence<'_>) -> Diagnosis {
    let bad = bad_checks(evidence.findings);
    let mut candidates: Vec<Candidate> = rules
        .filter_map(|rule| {
            // What this run measured comes before what the Connector's log says alone.
            (rule.fits)(evidence).or_else(|| behind::fit(evidence, rule.code)).map(|fit| (rule, fit))
        })
        .map(|(rule, fit)| Candidate {
            severity: fit.severity.unwrap_or(rule.severity),
            claims: claims(rule, &fit, &bad, evidence),
            rule,
            fit,
        })
        // A cause that changes no outcome stands for itself; any other needs something that it explains.
        .filter(|c| c.severity == Severity::Notice || !c.claims.is_empty())
        .collect();
    fold(&mut candidates, &bad, evidence);
    // Stable: the table's order breaks the last tie.
    candidates.sort_by_key(|c| {
        (
            std::cmp::Reverse(c.rule.layer == Layer::Viewpoint),
            std::cmp::Reverse(c.severity),
            c.rule.layer,
            std::cmp::Reverse(c.claims.len()),
            std::cmp::Reverse(c.fit.confidence),
        )
    });
    let mut caused_by: BTreeMap<CheckId, CauseCode> = BTreeMap::new();
    for candidate in &candidates {
        for &id in &candidate.claims {
            if candidate.may_explain(bad[&id])
                && (id != CheckId::ConnectorLog || candidate.explains_worst(evidence))
            {
                caused_by.entry(id).or_insert(candidate.rule.code);
            }
        }
    }
    // One that explains nothing which a deeper one does not explain already is only its effect.
    let mut told: BTreeSet<Signature> = BTreeSet::new();
    candidates.retain(|c| {
        // A log may show several things at once: this one may be the first to explain one of them.
        let mine = c.told(evidence);
        let news = !mine.is_subset(&told);
        told.extend(mine);
        c.severity == Severity::Notice
            || c.fit.of_its_own
            || news
            || caused_by.values().any(|code| *code == c.rule.code)
    });
    let mut causes: Vec<Cause> = candidates.into_iter().map(|c| to_cause(c, evidence, &caused_by)).collect();
    if let Some(cause) = unexplained(evidence.findings, &bad, &caused_by) {
        for id in &cause.checks {
            if let Some(&id) = bad.keys().find(|known| *id == **known) {
                caused_by.insert(id, UNEXPLAINED);
            }
        }
        causes.push(cause);
    }
    blame_skips(evidence.findings, &mut caused_by);
    Diagnosis { causes, caused_by }
}

/// Leaves out what is only the effect of another, unless it alone explains something.
fn fold(candidates: &mut Vec<Candidate>, bad: &BTreeMap<CheckId, Status>, evidence: &Evidence<'_>) {
    let folded: Vec<CauseCode> = candidates.iter().flat_map(|c| c.rule.folds.iter().copied()).collect();
    let is_folded = |c: &Candidate| folded.contains(&c.rule.code);
    let explained: Vec<CheckId> = candidates
        .iter()
        .filter(|c| !is_folded(c))
        .flat_map(|c| c.claims.iter().copied().filter(|id| c.may_explain(bad[id])))
        .collect();
    let told: BTreeSet<Signature> =
        candidates.iter().filter(|c| !is_folded(c)).flat_map(|c| c.told(evidence)).collect();
    candidates.retain(|c| {
        !is_folded(c)
            || c.claims.iter().any(|id| !explained.contains(id))
            || !c.told(evidence).is_subset(&told)
    });
}

/// The bad checks that a cause explains: of its row, and of what this evidence bears on.
fn claims(
    rule: &CauseRule,
    fit: &Fit,
    bad: &BTreeMap<CheckId, Status>,
    evidence: &Evidence<'_>,
) -> Vec<CheckId> {
    let bears = |id: CheckId| fit.only.as_ref().is_none_or(|only| only.contains(&id));
    let claimed = |id: &CheckId| match *id {
        CheckId::ConnectorLog => !explained(evidence, rule.code).is_empty(),
        id => rule.explains.contains(&id) && bears(id),
    };
    bad.keys().copied().filter(claimed).collect()
}

/// Checks that warn or fail, with their worst status.
fn bad_checks(findings: &[Finding]) -> BTreeMap<CheckId, Status> {
    let mut bad: BTreeMap<CheckId, Status> = BTreeMap::new();
    for f in findings.iter().filter(|f| f.status >= Status::Warn) {
        let worst = bad.entry(f.check).or_insert(f.status);
        *worst = (*worst).max(f.status);
    }
    bad
}

fn to_cause(c: Candidate, evidence: &Evidence<'_>, caused_by: &BTreeMap<CheckId, CauseCode>) -> Cause {
    let checks = if c.severity == Severity::Notice {
        c.rule.explains.iter().take(1).map(|id| (*id).into()).collect()
    } else {
        let explained = |id: &&CheckId| caused_by.get(*id).is_some_and(|code| *code == c.rule.code);
        let mut checks: Vec<String> = c.claims.iter().filter(explained).map(|id| (*id).into()).collect();
        if checks.is_empty() && c.fit.of_its_own {
            checks.extend(c.claims.iter().map(|id| String::from(*id)));
        } else if checks.is_empty() {
            // It stands for one of several things that the log shows.
            checks.push(CheckId::ConnectorLog.into());
        }
        checks
    };
    Cause {
        code: c.rule.code.into(),
        severity: c.severity,
        confidence: c.fit.confidence,
        title: c.fit.title,
        because: c.fit.because,
        impact: c.fit.impact.unwrap_or_else(|| c.rule.impact.to_owned()),
        checks,
        remedies: remedy::with_cloud(evidence.host, (c.rule.remedies)(evidence)),
        verify: c.rule.verify.to_owned(),
        docs: format!("connector-doctor explain {}", c.rule.code),
    }
}

/// What no rule explains is said, with its evidence: a gap in the tables is never hidden.
fn unexplained(
    findings: &[Finding],
    bad: &BTreeMap<CheckId, Status>,
    caused_by: &BTreeMap<CheckId, CauseCode>,
) -> Option<Cause> {
    let checks: Vec<CheckId> = bad.keys().copied().filter(|id| !caused_by.contains_key(id)).collect();
    let worst = checks.iter().map(|id| bad[id]).max()?;
    Some(Cause {
        code: UNEXPLAINED.into(),
        severity: if worst == Status::Fail { Severity::Critical } else { Severity::Warning },
        confidence: Confidence::Possible,
        title: format!(
            "Nothing known explains {}",
            checks.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
        ),
        because: findings
            .iter()
            .filter(|f| f.status >= Status::Warn && checks.contains(&f.check))
            .map(|f| format!("{}: {}", f.check, f.summary))
            .collect(),
        impact: "Not known".to_owned(),
        remedies: vec![Remedy::advice(
            "Report it with the output of connector-doctor check --json: this is a gap in the tool",
        )],
        verify: format!("connector-doctor check '{}'", checks[0]),
        docs: "connector-doctor explain unexplained".to_owned(),
        checks: checks.into_iter().map(String::from).collect(),
    })
}

/// A check skipped since another did not pass has the other's cause, along chains of any length.
fn blame_skips(findings: &[Finding], caused_by: &mut BTreeMap<CheckId, CauseCode>) {
    for _ in 0..findings.len() {
        let before = caused_by.len();
        for f in findings.iter().filter(|f| f.status == Status::Skip) {
            if let Some(Symptom::Needs(other)) = f.symptom
                && let Some(code) = caused_by.get(&other).copied()
            {
                caused_by.entry(f.check).or_insert(code);
            }
        }
        if caused_by.len() == before {
            return;
        }
    }
}
