//! Where a setting was found, as facts tell it: texts for people in JSON, as format 1.0 has them, told apart once, when
//! they are read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source of a Connector's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum SettingsSource {
    /// The environment of a process, by its id.
    Environment(u32),
    /// The command line of a process, by its id.
    CommandLine(u32),
    /// A file, on this host or in a process's own root.
    File(String),
}

/// Who named the network of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum NamedBy {
    /// An option, by its long name: what the reader typed.
    Option(String),
    /// A variable, a file or this host's Connector.
    Found(String),
}

/// Who names a resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ResolverOrigin {
    /// Nobody: the C library asks this host itself.
    LibraryDefault,
    /// A file of this system's, or docker.
    System(String),
    /// Somebody, for this tool or for the Connector: `--dns`, a variable, a configuration file.
    Said(String),
}

const ENVIRONMENT: &str = "the environment of process ";
const COMMAND_LINE: &str = "the command line of process ";
const NOBODY: &str = "the C library's default";
const DEFAULT: &str = "the C library's default, /etc/resolv.conf names none";

impl Default for SettingsSource {
    fn default() -> Self {
        Self::File(String::new())
    }
}

impl fmt::Display for SettingsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(pid) => write!(f, "{ENVIRONMENT}{pid}"),
            Self::CommandLine(pid) => write!(f, "{COMMAND_LINE}{pid}"),
            Self::File(path) => f.write_str(path),
        }
    }
}

impl From<String> for SettingsSource {
    fn from(text: String) -> Self {
        let pid = |begins: &str| text.strip_prefix(begins)?.parse().ok();
        match (pid(ENVIRONMENT), pid(COMMAND_LINE)) {
            (Some(pid), _) => Self::Environment(pid),
            (_, Some(pid)) => Self::CommandLine(pid),
            (None, None) => Self::File(text),
        }
    }
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(f, "--{name}"),
            Self::Found(place) => f.write_str(place),
        }
    }
}

impl From<String> for NamedBy {
    fn from(text: String) -> Self {
        match text.strip_prefix("--") {
            Some(name) => Self::Option(name.to_owned()),
            None => Self::Found(text),
        }
    }
}

impl fmt::Display for ResolverOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LibraryDefault => DEFAULT,
            Self::System(place) | Self::Said(place) => place,
        })
    }
}

impl From<String> for ResolverOrigin {
    fn from(text: String) -> Self {
        // Whatever redaction made of the file's name.
        if text.starts_with(NOBODY) {
            Self::LibraryDefault
        } else if text.starts_with("/etc/resolv.conf") || text.ends_with("resolv.conf") {
            Self::System(text)
        } else {
            Self::Said(text)
        }
    }
}

/// Each is a text in JSON.
macro_rules! text {
    ($($kind:ty),*) => {$(
        impl From<$kind> for String {
            fn from(kind: $kind) -> Self {
                kind.to_string()
            }
        }

        impl JsonSchema for $kind {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                String::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                String::json_schema(generator)
            }

            fn inline_schema() -> bool {
                true
            }
        }
    )*};
}

text!(SettingsSource, NamedBy, ResolverOrigin);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_told_apart_and_stays_as_it_was() {
        for (text, source) in [
            ("the environment of process 812", SettingsSource::Environment(812)),
            ("the command line of process 1", SettingsSource::CommandLine(1)),
            ("/etc/twingate/connector.conf", SettingsSource::File("/etc/twingate/connector.conf".into())),
            ("the command line of process x", SettingsSource::File("the command line of process x".into())),
        ] {
            assert_eq!(SettingsSource::from(text.to_owned()), source);
            assert_eq!(source.to_string(), text);
        }
        assert_eq!(NamedBy::from("--network".to_owned()), NamedBy::Option("network".into()));
        for text in ["--controller", "TWINGATE_NETWORK", "this host's Connector"] {
            assert_eq!(NamedBy::from(text.to_owned()).to_string(), text);
        }
        assert_eq!(ResolverOrigin::from(DEFAULT.to_owned()), ResolverOrigin::LibraryDefault);
        for (text, system) in [
            ("/etc/resolv.conf", true),
            ("/etc/resolv.conf, docker's own, which asks 10.0.0.53", true),
            ("/run/systemd/resolve/resolv.conf", true),
            ("/run/NetworkManager/no-stub-resolv.conf", true),
            ("--dns", false),
            ("this host's Connector", false),
            ("/etc/connector-doctor/config.toml:3", false),
        ] {
            let origin = ResolverOrigin::from(text.to_owned());
            assert_eq!(
                (origin.to_string().as_str(), matches!(origin, ResolverOrigin::System(_))),
                (text, system)
            );
        }
    }
}
