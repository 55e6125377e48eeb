//! The command line: words to a command. Says nothing and runs nothing itself.

mod fault;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use self::fault::{fault, stop};
use crate::config::{ConfigError, Said, TARGETS};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Check this host.
    Check(Said),
    /// Check the embedded internet.
    Lab {
        /// The scenario's name.
        scenario: String,
        /// What was said; no targets.
        said: Said,
    },
    /// Name the scenarios.
    LabList,
    /// Keep a scenario up until interrupted.
    LabServe {
        /// The scenario's name.
        scenario: String,
        /// Where its files go.
        dir: PathBuf,
    },
    /// Name every check and every cause.
    List {
        /// As JSON.
        json: bool,
    },
    /// Print the page of a cause or a check.
    Explain {
        /// Its code or id.
        name: String,
    },
    /// Print the JSON Schema of the report.
    Schema,
}

/// Why no command came of the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Help or version: for stdout, and all is well.
    Shown(String),
    /// One line for stderr; the run does not start.
    Fault(ConfigError),
}

/// The scenario of `lab` where none is named.
pub const DEFAULT_SCENARIO: &str = "healthy";

#[derive(Parser)]
#[command(
    name = "connector-doctor",
    version,
    about = "Measures a Connector's host, names the root cause of what ails it, and says how to fix it",
    after_help = "Exit codes: 0 nothing at or above --fail-on, 1 something is, 2 did not start, 3 inconclusive.\n\
                  Options are also read from CONNECTOR_DOCTOR_* and /etc/connector-doctor/config.toml.",
    max_term_width = 80,
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    said: Said,
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Subcommand)]
#[command(args_override_self = true)]
enum Word {
    /// Run the checks and print the report; the default
    #[command(args_override_self = true)]
    Check(Check),
    /// Run the checks against an embedded internet, healthy or broken on purpose
    #[command(args_override_self = true)]
    Lab(Lab),
    /// Name every check and every cause
    #[command(args_override_self = true)]
    List(List),
    /// Explain a cause or a check: what it means, how to fix it, how to verify
    #[command(args_override_self = true)]
    Explain(Explain),
    /// Print the JSON Schema of the report
    Schema,
}

#[derive(Args)]
struct Check {
    /// Ids of the checks to report, such as 'clock.*'; all where none is given
    #[arg(value_name = "GLOB")]
    globs: Vec<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Lab {
    /// What is broken [default: healthy]
    #[arg(conflicts_with_all = ["list", "serve"])]
    scenario: Option<String>,
    /// Name the scenarios
    #[arg(long, conflicts_with = "serve")]
    list: bool,
    /// Keep a scenario up and print the check command that uses it
    #[arg(long, value_name = "SCENARIO", requires = "dir")]
    serve: Option<String>,
    /// Where --serve puts its files
    #[arg(long, requires = "serve")]
    dir: Option<PathBuf>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Explain {
    /// A cause's code or a check's id, such as clock-skew or clock.offset
    #[arg(value_name = "CODE-or-ID")]
    name: String,
}

#[derive(Args)]
struct List {
    /// human or json
    #[arg(short, long, value_name = "FMT", default_value = "human")]
    format: String,
    /// The same as --format json
    #[arg(long)]
    json: bool,
}

/// The words after the program's name, and the name itself, to a command.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Stop> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = command();
    let matches = command.try_get_matches_from_mut(&words);
    let word = words.get(1).and_then(|word| command.find_subcommand(word)).unwrap_or(&command);
    let matches = matches.map_err(|e| stop(&e, word))?;
    if let Some(("lab", lab)) = matches.subcommand() {
        no_targets(lab, &command)?;
    }
    let cli = Cli::from_arg_matches(&matches).map_err(|e| stop(&e, word))?;
    Ok(match cli.word {
        None => Command::Check(cli.said.from_command_line(Vec::new())),
        Some(Word::Check(check)) => Command::Check(check.said.from_command_line(check.globs)),
        Some(Word::Lab(Lab { list: true, .. })) => Command::LabList,
        Some(Word::Lab(Lab { serve: Some(scenario), dir: Some(dir), .. })) => {
            Command::LabServe { scenario, dir }
        }
        Some(Word::Lab(lab)) => Command::Lab {
            scenario: lab.scenario.unwrap_or_else(|| DEFAULT_SCENARIO.to_owned()),
            said: lab.said.from_command_line(Vec::new()),
        },
        Some(Word::List(list)) => match (list.json, list.format.as_str()) {
            (true, _) | (_, "json") => Command::List { json: true },
            (_, "human") => Command::List { json: false },
            (_, other) => {
                let problem = crate::config::unknown("format", other, ["human", "json"]);
                return Err(fault(&format!("--format: {problem}")));
            }
        },
        Some(Word::Explain(Explain { name })) => Command::Explain { name },
        Some(Word::Schema) => Command::Schema,
    })
}

/// The whole command line: for the parser, for completions and for the tests.
pub fn command() -> clap::Command {
    Cli::command().mut_subcommand("lab", |lab| {
        lab.mut_args(|arg| {
            let target = arg.get_help_heading() == Some(TARGETS);
            arg.hide(target)
        })
    })
}

/// `lab` brings its own servers: an option that names others is refused rather than ignored.
fn no_targets(lab: &ArgMatches, command: &clap::Command) -> Result<(), Stop> {
    let args = command.find_subcommand("lab").into_iter().flat_map(clap::Command::get_arguments);
    for arg in args.filter(|arg| arg.get_help_heading() == Some(TARGETS)) {
        if lab.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            let name = arg.get_long().unwrap_or_default();
            return Err(fault(&format!("--{name}: not with lab, which brings its own servers")));
        }
    }
    Ok(())
}
