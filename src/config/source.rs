//! A source of settings: what it said, and where each key of it stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use super::said::Said;

/// One source: what it said, and where each key of it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it said.
    pub said: Said,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    CommandLine,
    /// Key to variable.
    Environment(BTreeMap<String, String>),
    /// Key path (`stun`, `stun[1]`, `allow[0].check`) to line.
    File(PathBuf, BTreeMap<String, usize>),
    HostConnector,
}

impl Source {
    /// The command line.
    pub fn command_line(said: Said) -> Self {
        Self { said, place: Place::CommandLine }
    }

    /// What this host's Connector is configured with: network, Controller and resolvers.
    pub(super) fn host_connector(said: Said) -> Self {
        Self { said, place: Place::HostConnector }
    }

    pub(super) fn environment(said: Said, variables: BTreeMap<String, String>) -> Self {
        Self { said, place: Place::Environment(variables) }
    }

    pub(super) fn file(said: Said, path: &Path, lines: BTreeMap<String, usize>) -> Self {
        Self { said, place: Place::File(path.to_owned(), lines) }
    }

    /// Where `key` stands in this source; `detail` narrows it (`[1]`, `[0].check`).
    pub(super) fn origin(&self, key: &str, detail: &str) -> Origin {
        match &self.place {
            Place::CommandLine if key == "select" => Origin::Argument,
            Place::CommandLine => Origin::Option(key.to_owned()),
            Place::Environment(variables) => {
                Origin::Variable(variables.get(key).cloned().unwrap_or_else(|| key.to_owned()))
            }
            Place::File(path, lines) => {
                let line = lines.get(&format!("{key}{detail}")).or_else(|| lines.get(key));
                Origin::File { path: path.clone(), line: line.copied() }
            }
            Place::HostConnector => Origin::HostConnector,
        }
    }

    /// Whether this is the command line.
    pub(super) fn is_command_line(&self) -> bool {
        self.place == Place::CommandLine
    }
}
