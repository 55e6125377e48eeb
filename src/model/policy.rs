//! What to judge and how strictly; data beside the facts, so that a replay can judge otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allow::{Allow, Allowed};

/// How facts are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policy {
    /// Ids to report, anchored globs; empty means all.
    pub select: Vec<String>,
    /// Ids to leave out, anchored globs.
    pub skip: Vec<String>,
    /// Known and accepted findings.
    pub allow: Vec<Allow>,
}

impl Policy {
    /// Whether a check is to be reported.
    pub fn selects(&self, id: &str) -> bool {
        (self.select.is_empty() || self.select.iter().any(|glob| glob_matches(glob, id)))
            && !self.skip.iter().any(|glob| glob_matches(glob, id))
    }
}

impl Policy {
    /// What is said of a check's warn or fail on a day, `YYYY-MM-DD`: the first entry that holds, else the first that did.
    pub fn allowed(&self, id: &str, today: &str) -> Option<Allowed> {
        let said = |expired: bool| {
            let fits = |allow: &&Allow| {
                let over = allow.until.as_deref().is_some_and(|until| until < today);
                over == expired && glob_matches(&allow.check, id)
            };
            let allow = self.allow.iter().find(fits)?;
            Some(Allowed { reason: allow.reason.clone(), until: allow.until.clone(), expired })
        };
        said(false).or_else(|| said(true))
    }
}

/// Whether an anchored glob matches: `*` any characters, dots too; `?` one.
pub fn glob_matches(glob: &str, text: &str) -> bool {
    // Greedy with one point of return: linear in practice, quadratic at worst, never exponential.
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, t));
                g += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                g += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    g = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_anchored_and_cross_dots() {
        for (glob, id, expected) in [
            ("clock.*", "clock.offset", true),
            ("clock.*", "xclock.offset", false),
            ("*set", "clock.offset", true),
            ("c*o*t", "clock.offset", true),
            ("clock", "clock.offset", false),
            ("clock.offse?", "clock.offset", true),
            ("*", "stun.mapping", true),
            ("", "stun.mapping", false),
        ] {
            assert_eq!(glob_matches(glob, id), expected, "{glob} {id}");
        }
    }

    #[test]
    fn an_allowance_holds_through_its_last_day() {
        let allow = |check: &str, until: Option<&str>, reason: &str| Allow {
            check: check.into(),
            reason: reason.into(),
            until: until.map(Into::into),
        };
        let policy = Policy {
            allow: vec![
                allow("clock.*", Some("2026-12-31"), "old"),
                allow("clock.sync", None, "for good"),
                allow("nat.*", Some("2026-12-31"), "move"),
            ],
            ..Policy::default()
        };
        let said = |id, day| policy.allowed(id, day).map(|a| (a.reason, a.expired));
        assert_eq!(said("nat.layers", "2026-12-31"), Some(("move".into(), false)));
        assert_eq!(said("nat.layers", "2027-01-01"), Some(("move".into(), true)));
        assert_eq!(said("clock.sync", "2026-01-01"), Some(("old".into(), false)));
        assert_eq!(said("clock.sync", "2027-01-01"), Some(("for good".into(), false)));
        assert_eq!(said("stun.mapping", "2026-01-01"), None);
    }

    #[test]
    fn skip_beats_select() {
        let policy =
            Policy { select: vec!["clock.*".into()], skip: vec!["*.sync".into()], ..Policy::default() };
        assert!(policy.selects("clock.offset"));
        assert!(!policy.selects("clock.sync"));
        assert!(!policy.selects("stun.mapping"));
        assert!(Policy::default().selects("stun.mapping"));
    }
}
