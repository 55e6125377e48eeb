//! What one source said, unjudged: the options of a check, each written down here and nowhere else.
//!
//! The command line, the environment and the configuration files all fill the same [`Said`]; the long
//! option names are the keys of the file and, in capitals, the variables. Nothing is validated here.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use serde::{Deserialize, Deserializer};

use super::resource::SaidResource;

/// Heading of the options that say what is contacted; `lab` brings its own servers and takes none of them.
pub const TARGETS: &str = "What is measured";
/// Heading of the options that `watch` alone takes.
pub const KEPT: &str = "What watch keeps and tells";
const RUN: &str = "How it is judged";
const REPORT: &str = "What is printed";

/// What one source said; what it left open is `None`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Said {
    /// The network's name: its Controller is NAME.twingate.com
    #[arg(long, value_name = "NAME", help_heading = TARGETS)]
    pub network: Option<String>,
    /// The Controller's address, where the network's name does not give it
    #[arg(long, value_name = "URL", help_heading = TARGETS)]
    pub controller: Option<String>,
    /// A STUN server, in place of the public ones; repeatable
    #[arg(long, value_name = "HOST[:PORT]", action = ArgAction::Append, help_heading = TARGETS)]
    pub stun: Option<Vec<String>>,
    /// A time server, in place of the host's and the public ones; repeatable
    #[arg(long, value_name = "HOST[:PORT]", action = ArgAction::Append, help_heading = TARGETS)]
    pub ntp: Option<Vec<String>>,
    /// A resolver, in place of the configured ones; repeatable
    #[arg(long, value_name = "IP[:PORT]", action = ArgAction::Append, help_heading = TARGETS)]
    pub dns: Option<Vec<String>>,
    /// A relay, in place of the vendor's; repeatable
    #[arg(long, value_name = "HOST:PORT", action = ArgAction::Append, help_heading = TARGETS)]
    pub relay: Option<Vec<String>>,
    /// An event service, in place of the vendor's; repeatable
    #[arg(long, value_name = "HOST:PORT", action = ArgAction::Append, help_heading = TARGETS)]
    pub service: Option<Vec<String>>,
    /// What the Connector is to reach, such as Wiki=wiki.corp:443/https; repeatable
    #[arg(long, value_name = "[NAME=]HOST:PORT[/KIND]", action = ArgAction::Append, help_heading = TARGETS)]
    pub resource: Option<Vec<SaidResource>>,
    /// Ask no public resolver or published address where names fail, nor a stand-in for relays' ports
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = TARGETS)]
    pub no_fallback: Option<bool>,
    /// A QUIC server, in place of the public ones; repeatable
    #[arg(long, value_name = "HOST[:PORT]", action = ArgAction::Append, help_heading = TARGETS)]
    pub quic: Option<Vec<String>>,
    /// Search how long UDP mappings live, for up to five minutes
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = TARGETS)]
    pub lifetime: Option<bool>,
    /// Certificates to trust beside the system's
    #[arg(long, value_name = "PEM", help_heading = TARGETS)]
    pub ca_file: Option<PathBuf>,
    /// Ask the gateway itself for its public address
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = TARGETS)]
    pub ask_gateway: Option<bool>,

    /// Leave out the checks whose id matches; repeatable
    #[arg(long, value_name = "GLOB", action = ArgAction::Append, help_heading = RUN)]
    pub skip: Option<Vec<String>>,
    /// The mildest outcome that makes the exit code 1: fail, warn, unknown or none [default: fail]
    #[arg(long, value_name = "OUTCOME", help_heading = RUN)]
    pub fail_on: Option<String>,
    /// Scheme of the exit code: standard, nagios or bool [default: standard]
    #[arg(long, value_name = "SCHEME", help_heading = RUN)]
    pub exit_codes: Option<String>,
    /// The longest that one try may take, 100ms to 10m [default: 10s]
    #[arg(long, value_name = "DUR", allow_hyphen_values = true, help_heading = RUN)]
    pub timeout: Option<String>,
    /// Try again until no check fails, for at most this long, 1s to 1d
    #[arg(long, value_name = "DUR", allow_hyphen_values = true, help_heading = RUN)]
    pub wait: Option<String>,
    /// Use IPv4 alone
    #[arg(short = '4', long, num_args = 0, default_missing_value = "true", help_heading = RUN)]
    pub ipv4: Option<bool>,
    /// Use IPv6 alone
    #[arg(short = '6', long, num_args = 0, default_missing_value = "true", help_heading = RUN)]
    pub ipv6: Option<bool>,
    /// A configuration file; it precedes ~/.config and /etc/connector-doctor/config.toml
    #[arg(long, value_name = "FILE", help_heading = RUN)]
    pub config: Option<PathBuf>,

    /// The report's format, to stdout or to a file; repeatable [default: human]
    #[arg(short, long, value_name = "FMT[=FILE]", action = ArgAction::Append, help_heading = REPORT)]
    pub format: Option<Vec<String>>,
    /// The same as --format json
    #[arg(long, num_args = 0, default_missing_value = "true", help_heading = REPORT)]
    pub json: Option<bool>,
    /// What to hide: none, default (public addresses, names) or strict [default: none]
    #[arg(long, value_name = "LEVEL", help_heading = REPORT)]
    pub redact: Option<String>,
    /// Colour: auto, always or never [default: auto]
    #[arg(long, value_name = "WHEN", help_heading = REPORT)]
    pub color: Option<String>,
    /// Columns of the human report, 40 to 240 [default: 80]
    #[arg(long, value_name = "N", help_heading = REPORT)]
    pub width: Option<u16>,
    /// Say more: evidence, timings, where settings come from; -vv yet more
    #[arg(short, long, action = ArgAction::Count, help_heading = REPORT)]
    pub verbose: Option<u8>,
    /// Say less: the verdict and its causes alone
    #[arg(short, long, num_args = 0, default_missing_value = "true", help_heading = REPORT)]
    pub quiet: Option<bool>,

    /// How often watch checks, 1s to 1d; with a public server 15s at least [default: 60s]
    #[arg(long, value_name = "DUR", allow_hyphen_values = true, help_heading = KEPT)]
    pub every: Option<String>,
    /// The file in which watch keeps its history [default: watch.db in the state directory]
    #[arg(long, value_name = "FILE", help_heading = KEPT)]
    pub store: Option<PathBuf>,
    /// Serve /metrics and /healthz for Prometheus, such as 127.0.0.1:19808
    #[arg(long, value_name = "ADDR", help_heading = KEPT)]
    pub listen: Option<String>,
    /// Write the metrics to a file, for the textfile collector of Prometheus' node exporter
    #[arg(long, value_name = "FILE", help_heading = KEPT)]
    pub textfile: Option<PathBuf>,

    /// Globs of the ids to report; the command line alone says them.
    #[arg(skip)]
    #[serde(skip)]
    pub select: Option<Vec<String>>,
    /// Findings that are known and accepted; a configuration file alone says them.
    #[arg(skip)]
    pub allow: Option<Vec<SaidAllow>>,
}

/// One `[[allow]]` of a configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaidAllow {
    /// The check's id, an anchored glob.
    pub check: Option<String>,
    /// Why it is accepted.
    pub reason: Option<String>,
    /// The last day on which it is, `YYYY-MM-DD`: a string or a date of TOML.
    #[serde(deserialize_with = "day")]
    pub until: Option<String>,
}

/// Keys of an `[[allow]]`.
pub(super) const ALLOW_KEYS: [&str; 3] = ["check", "reason", "until"];

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => Ok(Some(text)),
        toml::Value::Datetime(date) => Ok(Some(date.to_string())),
        _ => Err(serde::de::Error::custom("takes a day, YYYY-MM-DD")),
    }
}

impl Said {
    /// What clap says although the user did not is taken back: a count that begins at nought.
    #[must_use]
    pub fn from_command_line(mut self, select: Vec<String>) -> Self {
        self.verbose = self.verbose.filter(|n| *n > 0);
        self.select = Some(select).filter(|globs| !globs.is_empty());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_string_or_a_date() {
        for text in ["[[allow]]\nuntil = 2027-01-31", "[[allow]]\nuntil = '2027-01-31'"] {
            let said: Said = toml::from_str(text).unwrap();
            assert_eq!(said.allow.unwrap()[0].until.as_deref(), Some("2027-01-31"));
        }
        assert!(toml::from_str::<Said>("[[allow]]\nuntil = 5").is_err());
    }
}
