//! The verdict: computed once, out of outcomes and of what is lacking. Nothing untested is healthy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Status;
pub use super::lack::Lack;

/// The verdict over all checks that are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything essential was tested, and nothing was found.
    Healthy,
    /// A warning.
    Degraded,
    /// An essential check is not decided.
    Inconclusive,
    /// A failure.
    Unhealthy,
}

/// What the verdict needs to know of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The outcome as far as it counts; a skip where it was accepted.
    pub outcome: Status,
    /// The contract's essential checks.
    pub essential: bool,
    /// Why there is no outcome; none where there is one, where it was accepted, or where the check does not apply.
    pub lacks: Option<Lack>,
}

impl Weighed {
    /// Whether the verdict lacks this check.
    pub fn open(self) -> bool {
        self.essential && self.lacks.is_some_and(|lack| !lack.is_aside())
    }
}

impl Verdict {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Inconclusive => "inconclusive",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }

    /// A fail, then an essential check without an outcome, then a warn. Where no check at all has an outcome, nothing
    /// was tested: inconclusive, too, unless all of it is accepted.
    pub fn of(checks: impl IntoIterator<Item = Weighed>) -> Self {
        let checks: Vec<Weighed> = checks.into_iter().collect();
        let any = |status| checks.iter().any(|check| check.outcome == status);
        let untested = !any(Status::Pass) && checks.iter().any(|check| check.lacks.is_some());
        let none_applies = checks.iter().all(|check| check.outcome == Status::Skip && check.lacks.is_none());
        if any(Status::Fail) {
            Self::Unhealthy
        } else if checks.iter().any(|check| check.open())
            || (!any(Status::Warn) && (untested || none_applies))
        {
            Self::Inconclusive
        } else if any(Status::Warn) {
            Self::Degraded
        } else {
            Self::Healthy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Fail, Pass, Skip, Unknown, Warn};

    fn weighed(outcome: Status, essential: bool, lacks: Option<Lack>) -> Weighed {
        Weighed { outcome, essential, lacks }
    }

    #[test]
    fn fail_beats_open_essentials_beat_warn_and_nothing_untested_is_healthy() {
        let (pass, warn, fail) =
            (weighed(Pass, true, None), weighed(Warn, false, None), weighed(Fail, false, None));
        let lacking = |outcome, essential, lack| weighed(outcome, essential, Some(lack));
        for (checks, expected) in [
            (vec![pass], Verdict::Healthy),
            (vec![pass, warn], Verdict::Degraded),
            (vec![pass, warn, fail], Verdict::Unhealthy),
            (vec![pass, warn, lacking(Unknown, true, Lack::Answer)], Verdict::Inconclusive),
            (vec![pass, fail, lacking(Skip, true, Lack::Network)], Verdict::Unhealthy),
            (vec![pass, lacking(Skip, true, Lack::Network)], Verdict::Inconclusive),
            (vec![pass, lacking(Skip, true, Lack::Rights)], Verdict::Inconclusive),
            (vec![pass, lacking(Pass, true, Lack::Part)], Verdict::Healthy),
            (vec![pass, lacking(Skip, true, Lack::Named)], Verdict::Healthy),
            (vec![pass, lacking(Unknown, false, Lack::Answer)], Verdict::Healthy),
            (vec![pass, weighed(Skip, true, None)], Verdict::Healthy),
            (vec![lacking(Unknown, false, Lack::Answer)], Verdict::Inconclusive),
            (vec![lacking(Skip, false, Lack::Rights), weighed(Skip, false, None)], Verdict::Inconclusive),
            (vec![weighed(Skip, false, None)], Verdict::Inconclusive),
            (vec![], Verdict::Inconclusive),
        ] {
            assert_eq!(Verdict::of(checks.clone()), expected, "{checks:?}");
        }
    }
}
