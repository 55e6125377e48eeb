//! Where a setting comes from: a source with what it said, and the words for the place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::said::Said;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line, by its long name.
    Option(String),
    /// A GLOB of the command line.
    Argument,
    /// An environment variable, by its name.
    Variable(String),
    /// A configuration file; the line where it is known.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: Option<usize>,
    },
    /// What this host's Connector is configured with.
    HostConnector,
    /// What this host's own time daemon is configured with.
    HostTime,
    /// The built-in table.
    Default,
}

impl Origin {
    /// Whether a person said it, for this tool: not the host, not the built-in table.
    pub fn is_said(&self) -> bool {
        matches!(self, Self::Option(_) | Self::Argument | Self::Variable(_) | Self::File { .. })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "--{name}"),
            Self::Argument => f.write_str("command line"),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::HostConnector => f.write_str("this host's Connector"),
            Self::HostTime => f.write_str("this host's time daemon"),
            Self::Default => f.write_str("built-in default"),
        }
    }
}

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
