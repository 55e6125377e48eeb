//! The values of tokens, for as long as they are compared: never shown, hashed, written or kept. Pure.

use std::fmt;

/// Both tokens of one place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    access: String,
    refresh: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// Takes the values of a place; what stands around them is none of theirs.
    pub(super) fn new(access: Option<&str>, refresh: Option<&str>) -> Self {
        let bare = |value: Option<&str>| {
            let value = value.unwrap_or_default().trim().trim_matches(['"', '\'']).trim();
            // Words of an example are the same everywhere, and nobody's.
            if value.len() < 16 { String::new() } else { value.to_owned() }
        };
        Self { access: bare(access), refresh: bare(refresh) }
    }

    /// Whether a token of the one is the other's, too: tokens are made in pairs, so one is enough.
    pub fn same(&self, other: &Self) -> bool {
        let same = |own: &str, its: &str| !own.is_empty() && own == its;
        same(&self.access, &other.access) || same(&self.refresh, &other.refresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_apart_and_nothing_is_shown() {
        let one = Tokens::new(Some("\"canary-access-0001\"\r"), Some("canary-refresh-0001"));
        let again = Tokens::new(Some("canary-access-0001"), None);
        let other = Tokens::new(Some("canary-access-0002"), Some("canary-refresh-0002"));
        assert!(one.same(&again) && again.same(&one));
        assert!(!one.same(&other) && !one.same(&Tokens::default()));
        assert!(!Tokens::default().same(&Tokens::default()));
        let example = Tokens::new(Some("<token>"), Some("<token>"));
        assert!(!example.same(&example.clone()));
        assert_eq!(format!("{one:?}"), "Tokens");
    }
}
