//! Where a setting comes from, and the words for the place.

use std::fmt;
use std::path::PathBuf;

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

/// A target, and who named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<T> {
    /// The target.
    pub at: T,
    /// Who named it.
    pub origin: Origin,
}
