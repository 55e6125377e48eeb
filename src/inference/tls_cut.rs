//! What is cut where the Controller's port opens and its handshake does not end: by name, by version, or all of TLS. Pure.

use super::target::genuine;
use crate::model::facts::{Facts, TlsTrial};
use crate::model::finding::TlsCut;
use crate::model::observation::{FailureKind, Observation};

/// What handshakes of another kind show; none where none was tried, or where another explanation passes.
pub fn tls_cut(facts: &Facts) -> Option<TlsCut> {
    let control = &facts.control;
    let cut = |kind| matches!(kind, FailureKind::Reset | FailureKind::Timeout | FailureKind::Closed);
    let failed =
        control.tls.iter().find_map(|o| o.failure().filter(|f| cut(f.kind)).map(|f| (o.address, f.kind)));
    let (address, kind) = failed?;
    // Another address that serves, or small segments that pass: then no filter of names or versions stands here.
    let serves = control.tls.iter().filter_map(Observation::seen).any(genuine);
    let small = control.segments.iter().filter_map(Observation::seen).any(|trial| trial.answered);
    if serves || small {
        return None;
    }
    let trials: Vec<&TlsTrial> =
        control.tls_trials.iter().filter(|o| o.address == address).filter_map(Observation::seen).collect();
    let passed = |neutral, only_1_2| {
        let of_kind = trials.iter().find(|t| t.neutral == neutral && t.only_1_2 == only_1_2);
        of_kind.map(|trial| trial.answered)
    };
    let by_name = passed(true, false)?;
    let by_version = passed(false, true)?;
    Some(match (by_name, by_version) {
        (true, false) => TlsCut::Name(kind),
        (false, true) => TlsCut::Version(kind),
        (true, true) => TlsCut::NameInVersion(kind),
        // The old version passes under another name alone: both are looked at.
        (false, false) if passed(true, true) == Some(true) => TlsCut::NameAndVersion(kind),
        (false, false) => TlsCut::All(kind),
    })
}
