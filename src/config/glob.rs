//! Globs over ids: which are accepted. What one matches is said by the model's policy.

use crate::model::policy::glob_matches;

use super::error::{quoted, unknown};

/// The longest glob, characters.
const MAX: usize = 100;

/// An anchored glob that matches at least one of the known ids; the error names the nearest.
pub fn parse_glob(text: &str, known: &[&str]) -> Result<String, String> {
    if text.chars().count() > MAX {
        return Err(format!("{} is longer than {MAX} characters", quoted(text)));
    }
    if known.iter().any(|id| glob_matches(text, id)) {
        return Ok(text.to_owned());
    }
    let group = |id: &&str| id.strip_prefix(text).is_some_and(|rest| rest.starts_with('.'));
    if known.iter().any(group) {
        return Err(format!("{} is a group of checks; write {text}.*", quoted(text)));
    }
    Err(unknown("check", text, known.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_that_matches_nothing_names_the_nearest() {
        let known = ["clock.offset", "stun.discovery"];
        assert_eq!(parse_glob("clock.*", &known).as_deref(), Ok("clock.*"));
        assert_eq!(
            parse_glob("clokc.*", &known).unwrap_err(),
            "unknown check \"clokc.*\"; the nearest is clock.offset"
        );
        assert!(parse_glob("stun.disovery", &known).unwrap_err().ends_with("the nearest is stun.discovery"));
        assert_eq!(parse_glob("stun", &known).unwrap_err(), "\"stun\" is a group of checks; write stun.*");
        assert!(parse_glob(&"*".repeat(101), &known).unwrap_err().contains("longer"));
        assert!(parse_glob("", &known).is_err());
    }
}
