//! What makes a block on the way less than certain: a proxy that is meant to be used, answers that came and reached nobody.

use super::remedy::let_answers_in;
use super::rule::Evidence;
use crate::model::report::{Confidence, Remedy};
use crate::model::text;

/// That a proxy may be the one way out here.
pub(super) fn proxy(e: &Evidence<'_>) -> Option<String> {
    let names = text::list(&e.host.proxy_variables);
    (!names.is_empty()).then(|| {
        format!("{names} is set: a proxy may be the one way out here; the Connector needs a direct one")
    })
}

/// That answers came to this host and reached nobody, where its counters say so: then the way may be open.
pub(super) fn unheard(e: &Evidence<'_>) -> Option<String> {
    /// Fewer are what any network's chatter leaves.
    const MANY: u64 = 10;
    let w = e.witnesses;
    let n = e
        .host
        .unheard
        .filter(|n| *n >= MANY && n.saturating_mul(2) >= u64::from(w.stun.sent + w.ntp.sent))?;
    Some(format!(
        "{n} packets came to this host meanwhile and reached no program: its own input filter may drop the answers"
    ))
}

/// What to look at first, where answers may have come.
pub(super) fn unheard_first(e: &Evidence<'_>, remedies: Vec<Remedy>) -> Vec<Remedy> {
    let first = unheard(e).map(|_| let_answers_in(e.host));
    first.into_iter().chain(remedies).collect()
}

/// As sure as it was, or less where answers may have come.
pub(super) fn doubted(e: &Evidence<'_>, confidence: Confidence) -> Confidence {
    if unheard(e).is_some() { confidence.min(Confidence::Likely) } else { confidence }
}
