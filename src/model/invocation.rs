//! What the run was given, so that every command that a report prints tests the same thing again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The command line that makes the same run, whoever said its parts: options, variables, a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Invocation {
    /// It ran as root on a system where an ordinary user asks for that with `sudo`.
    pub root: bool,
    /// The scenario of `lab` that stood in for the internet.
    pub lab: Option<String>,
    /// Options that name targets, resolvers, configuration and family: each one word, or an option and its value.
    pub options: Vec<String>,
}

impl Invocation {
    /// `connector-doctor check WHAT OPTIONS TAIL`, each word quoted for a shell; `what` and `tail` are of our own tables.
    pub fn check(&self, what: &str, tail: &str) -> String {
        self.with(self.root, what, &[], tail)
    }

    /// The same as root.
    pub fn as_root(&self, what: &str, tail: &str) -> String {
        self.with(true, what, &[], tail)
    }

    /// The same with more options in front.
    pub fn and(&self, more: &[&str], what: &str, tail: &str) -> String {
        self.with(self.root, what, more, tail)
    }

    /// A command of our tables, `connector-doctor check GLOBS --wait 2m`, with what this run was given.
    pub fn again(&self, command: &str) -> String {
        let Some(rest) = command.strip_prefix("connector-doctor check") else { return command.to_owned() };
        let (what, tail) = match rest.find(" --") {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        self.check(what.trim(), tail.trim())
    }

    fn with(&self, root: bool, what: &str, more: &[&str], tail: &str) -> String {
        if let Some(scenario) = &self.lab {
            return format!("connector-doctor lab {}", quoted(scenario));
        }
        let mut words = Vec::new();
        words.extend(root.then(|| "sudo".to_owned()));
        words.push("connector-doctor check".to_owned());
        words.extend((!what.is_empty()).then(|| what.to_owned()));
        words.extend(more.iter().map(|word| quoted(word)));
        words.extend(self.options.iter().map(|word| quoted(word)));
        words.extend((!tail.is_empty()).then(|| tail.to_owned()));
        words.join(" ")
    }
}

/// A word as a POSIX shell reads it back, whatever stands in it.
pub fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-./:@%+=,".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_repeats_what_the_run_was_given() {
        let given = Invocation {
            root: true,
            lab: None,
            options: vec!["--network".into(), "acme".into(), "-4".into()],
        };
        assert_eq!(
            given.again("connector-doctor check 'clock.*' --wait 2m"),
            "sudo connector-doctor check 'clock.*' --network acme -4 --wait 2m"
        );
        let none = Invocation::default();
        assert_eq!(none.again("connector-doctor check relay.tcp"), "connector-doctor check relay.tcp");
        assert_eq!(none.and(&["--network", "NAME"], "", ""), "connector-doctor check --network NAME");
    }

    #[test]
    fn a_shell_reads_back_every_word() {
        for word in ["a b", "it's", "$(x)", "`x`", "", "a;b", "*", "ä"] {
            let out = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output();
            assert_eq!(String::from_utf8(out.unwrap().stdout).unwrap(), word);
        }
    }
}
