//! Connectors that do not run, and one pair of tokens in two places: what shows it, and the command for this very place.

use super::remedy::Act;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: CauseCode::ConnectorDuplicate,
    severity: Severity::Critical,
    title: "Two Connectors have one pair of tokens",
    impact: "They take the connection from each other by turns; in the end the Controller refuses the tokens.",
    layer: Layer::Host,
    explains: &[CheckId::ConnectorIdentity, CheckId::ConnectorLog, CheckId::ConnectorConnections],
    folds: &[CauseCode::ConnectorTokensRejected, CauseCode::ConnectorFlapping],
    fits: duplicate,
    remedies: apart,
    verify: "connector-doctor check connector.identity",
    page: include_str!("../../docs/causes/connector-duplicate.md"),
}];

fn duplicate(e: &Evidence<'_>) -> Option<Fit> {
    let (lines, both) = e.symptom(|s| match s {
        Symptom::TokensShared(lines, both_run) => Some((lines.clone(), *both_run)),
        _ => None,
    })?;
    let first = lines.first()?;
    let fit = if both {
        Fit::new(
            Confidence::Certain,
            format!("Two Connectors that run here have one pair of tokens: {first}"),
        )
    } else {
        let title = format!("A second Connector would start with the same tokens: {first}");
        Fit::new(Confidence::Likely, title).severity(Severity::Warning).only([CheckId::ConnectorIdentity])
    };
    Some(lines.into_iter().fold(fit, Fit::because).of_its_own())
}

fn apart(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy::advice("Stop and remove one of the two, and keep it from being started again"),
        Remedy::advice(
            "Where both are wanted, add a second Connector in the Admin Console: each needs tokens of its own",
        ),
    ]
}

/// A container or unit that its runtime calls restarting.
pub(super) fn dies_again(e: &Evidence<'_>) -> Option<Fit> {
    let shown = e.symptom(|s| match s {
        Symptom::ConnectorRestarting(shown) => Some(shown.clone()),
        _ => None,
    })?;
    let fit = Fit::new(Confidence::Certain, "The Connector starts and dies again and again");
    Some(shown.into_iter().fold(fit, Fit::because))
}

/// Starts what does not run, by its own manager.
pub(super) fn start(e: &Evidence<'_>) -> Vec<Remedy> {
    vec![Act::of(e.host).start("Start it, and see what it says")]
}
