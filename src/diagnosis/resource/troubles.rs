//! What is wrong with Resources, a cause at a time, and a cause's sentence over all that have it. Pure.

use crate::diagnosis::rule::{Evidence, Fit};
use crate::model::CauseCode;
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Severity};
use crate::model::text;
use crate::model::trouble::{ResourceTrouble, Trouble};

/// Resources that a sentence names.
const NAMED: usize = 3;

/// What is wrong with Resources, that is this cause's.
pub(super) fn troubles<'a>(e: &Evidence<'a>, code: CauseCode) -> Vec<&'a ResourceTrouble> {
    let all = e.findings.iter().filter_map(|f| match &f.symptom {
        Some(Symptom::Resource(trouble)) => Some(trouble.as_ref()),
        _ => None,
    });
    let mut mine: Vec<&ResourceTrouble> = all.filter(|trouble| trouble.what.code() == code).collect();
    // The worst first; the order of the user among these.
    mine.sort_by_key(|trouble| !trouble.fails);
    mine
}

/// A cause over all Resources that have it.
pub(super) fn fit(
    e: &Evidence<'_>,
    code: CauseCode,
    confidence: Confidence,
    title: impl Fn(&ResourceTrouble) -> String,
) -> Option<Fit> {
    let mine = troubles(e, code);
    let first = mine.first()?;
    let mut names: Vec<&str> = mine.iter().map(|t| t.name.as_str()).collect();
    names.dedup();
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != first.name).collect();
    let mut sentence = title(first);
    if !others.is_empty() {
        let shown: Vec<&str> = others.iter().copied().take(NAMED).collect();
        let more = others.len().saturating_sub(NAMED);
        let tail =
            if more == 0 { text::list(&shown) } else { format!("{} and {more} more", shown.join(", ")) };
        sentence = format!("{sentence}; so it is with {tail}");
    }
    let said = sentence.clone();
    let mut fit = Fit::new(confidence, sentence).only(mine.iter().map(|t| t.check)).of_its_own();
    for trouble in mine.iter().take(NAMED) {
        // What the title says is not said again.
        let told = trouble == first
            && matches!(trouble.what, Trouble::Unresolved { .. } | Trouble::Elsewhere { .. });
        fit = fit.because_some(Some(trouble.words.clone()).filter(|words| *words != said && !told));
        for line in trouble.lines.iter().filter(|line| !trouble.words.contains(line.as_str())).take(4) {
            fit = fit.because(line.clone());
        }
    }
    // A warning explains no failure, a critical one changes no warn.
    let fails = mine.iter().any(|trouble| trouble.fails);
    Some(fit.severity(if fails { Severity::Critical } else { Severity::Warning }))
}

pub(super) fn first<'a>(e: &Evidence<'a>, code: CauseCode) -> Option<&'a ResourceTrouble> {
    troubles(e, code).first().copied()
}
