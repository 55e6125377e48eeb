//! The command line: words to a command. Says nothing and runs nothing itself.

mod command;
mod fault;
mod help;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use self::command::{Command, DEFAULT_SCENARIO};
pub use self::fault::Stop;
use self::fault::{fault, stop};
pub use self::help::EXAMPLES;
use super::peer::Asked;
use crate::config::{KEPT, Said, TARGETS};
use crate::model::build;

#[derive(Parser)]
#[command(
    name = "connector-doctor",
    version = build::VERSION,
    long_version = build::LONG,
    about = "Measures a Connector's host, names the root cause of what ails it, and says how to fix it",
    after_help = "Exit codes: 0 nothing at or above --fail-on, 1 something is, 2 did not start, 3 inconclusive.\n\
                  Options are also read from CONNECTOR_DOCTOR_* and /etc/connector-doctor/config.toml.",
    max_term_width = 80,
    args_override_self = true,
    args_conflicts_with_subcommands = true
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
    /// Run the checks and print a report for pasting: redacted, fenced, at most 80 columns
    #[command(args_override_self = true)]
    Report(Report),
    /// Say which names, addresses, ports and files a run would touch; sends nothing
    #[command(args_override_self = true)]
    Plan(Plan),
    /// Write a saved or pasted report in any format, judged anew by this version
    #[command(args_override_self = true)]
    Render(Render),
    /// Check again and again, keep history, serve metrics; a line for each change
    #[command(args_override_self = true)]
    Watch(Check),
    /// Tell uptime, downtime, offset and address changes out of what watch kept
    #[command(args_override_self = true)]
    History(History),
    /// Name the known failures that a Connector's log shows
    #[command(args_override_self = true)]
    Logs(Logs),
    /// Prove that this host and another can speak peer-to-peer, by a real hole punch
    #[command(args_override_self = true)]
    Peer(Peer),
    /// Compare two saved reports: fixed, new, still failing, moved; exit code 1 when worse
    #[command(args_override_self = true)]
    Diff(Diff),
    /// Print the JSON Schema of the report
    Schema,
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual page
    Man,
    /// Print the version
    Version,
}

#[derive(Args)]
struct Report {
    /// Add the redacted JSON, so that `render` reads the paste
    #[arg(long)]
    with_data: bool,
    /// Ids of the checks to report; all where none is given
    #[arg(value_name = "GLOB")]
    globs: Vec<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Plan {
    /// Ids of the checks to report; all where none is given
    #[arg(value_name = "GLOB")]
    globs: Vec<String>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Render {
    /// A report as JSON, or pasted with its data; - for stdin
    file: PathBuf,
    /// Say whether the paste is what was written, by the sum in its last line
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Logs {
    /// A log, of any length; - for stdin [default: this host's journal, by journalctl]
    file: Option<PathBuf>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Diff {
    /// The earlier report
    old: PathBuf,
    /// The later report
    new: PathBuf,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct History {
    /// How far back, such as 30d [default: 7d]
    #[arg(long, value_name = "DUR")]
    since: Option<String>,
    /// Write a page with charts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Peer {
    /// The line that the other host printed; - reads it from stdin once this host's is printed
    #[arg(long, value_name = "LINE|-", allow_hyphen_values = true)]
    with: Option<String>,
    /// How long to measure the connection, 200ms to 1h [default: 5s]
    #[arg(long = "for", value_name = "DUR")]
    measure_for: Option<String>,
    /// Search the ports of a symmetric NAT: up to 256 sockets, 1024 ports; on both hosts
    #[arg(long)]
    hard: bool,
    #[command(flatten)]
    said: Said,
}

#[derive(Args)]
struct Completions {
    /// bash, elvish, fish, powershell or zsh
    shell: String,
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
    /// A cause's code or a check's id, such as clock-skew or clock.offset, or glossary; a list where none is given
    #[arg(value_name = "CODE-or-ID")]
    name: Option<String>,
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
    let matches = matches.map_err(|e| match stop(&e, word) {
        Stop::Shown(rendered) if e.kind() == ErrorKind::DisplayHelp => {
            let asked: Vec<String> =
                words.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
            Stop::Shown(help::text(&asked, &rendered, &command))
        }
        other => other,
    })?;
    let (word_said, of_word) = matches.subcommand().unwrap_or(("check", &matches));
    no_foreign(word_said, of_word, &command)?;
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
        Some(Word::Report(Report { with_data, globs, said })) => {
            Command::Report { said: said.from_command_line(globs), with_data }
        }
        Some(Word::Plan(plan)) => Command::Plan(plan.said.from_command_line(plan.globs)),
        Some(Word::Render(Render { file, verify: true, .. })) => Command::Verify { file },
        Some(Word::Render(Render { file, said, .. })) => {
            Command::Render { file, said: said.from_command_line(Vec::new()) }
        }
        Some(Word::Diff(Diff { old, new, said })) => {
            Command::Diff { old, new, said: said.from_command_line(Vec::new()) }
        }
        Some(Word::History(History { since, html, said })) => {
            Command::History { since, html, said: said.from_command_line(Vec::new()) }
        }
        Some(Word::Watch(watch)) => Command::Watch(watch.said.from_command_line(watch.globs)),
        Some(Word::Logs(Logs { file, said })) => {
            Command::Logs { file, said: said.from_command_line(Vec::new()) }
        }
        Some(Word::Peer(Peer { with, measure_for, hard, said })) => Command::Peer {
            asked: Asked { with, measure_for, hard },
            said: said.from_command_line(Vec::new()),
        },
        Some(Word::Schema) => Command::Schema,
        Some(Word::Completions(Completions { shell })) => Command::Completions { shell },
        Some(Word::Man) => Command::Man,
        Some(Word::Version) => return Err(Stop::Shown(Cli::command().render_long_version())),
    })
}

/// A command, the options that it does not take, and why.
type Foreign = (&'static str, fn(&Arg) -> bool, &'static str);

const FOREIGN: &[Foreign] = &[
    ("check", of_watch, "which checks once"),
    ("report", of_watch, "which checks once"),
    ("plan", of_watch, "which sends nothing"),
    ("lab", of_lab, "which brings its own servers and checks once"),
    ("render", of_a_run, "which reads a saved report"),
    ("diff", of_a_run, "which reads saved reports"),
    ("history", not_of_history, "which reads what watch kept"),
    ("peer", not_of_peer, "which contacts STUN servers and one other host"),
    ("logs", of_a_run, "which reads a log"),
    ("watch", of_one_report, "which goes on until it is ended; see -f in check"),
];

fn is_target(arg: &Arg) -> bool {
    arg.get_help_heading() == Some(TARGETS)
}

fn of_watch(arg: &Arg) -> bool {
    arg.get_help_heading() == Some(KEPT)
}

fn of_lab(arg: &Arg) -> bool {
    is_target(arg) || of_watch(arg)
}

fn of_one_report(arg: &Arg) -> bool {
    ["wait", "fail_on", "exit_codes", "format", "width"].contains(&arg.get_id().as_str())
}

fn not_of_history(arg: &Arg) -> bool {
    let own = ["since", "html", "store", "json", "color", "width", "redact", "config", "help"];
    !own.contains(&arg.get_id().as_str())
}

fn not_of_peer(arg: &Arg) -> bool {
    let own = [
        "with",
        "measure_for",
        "hard",
        "stun",
        "dns",
        "timeout",
        "ipv4",
        "ipv6",
        "config",
        "json",
        "color",
        "width",
        "quiet",
        "help",
    ];
    !own.contains(&arg.get_id().as_str())
}

fn of_a_run(arg: &Arg) -> bool {
    is_target(arg) || of_watch(arg) || ["timeout", "wait", "ipv4", "ipv6"].contains(&arg.get_id().as_str())
}

/// The whole command line: for the parser, for completions and for the tests.
pub fn command() -> clap::Command {
    let bare = Cli::command().mut_args(|arg| {
        let hidden = of_watch(&arg);
        arg.hide(hidden)
    });
    FOREIGN.iter().fold(bare, |command, (word, foreign, _)| {
        command.mut_subcommand(word, |word| {
            word.mut_args(|arg| {
                let hidden = foreign(&arg);
                arg.hide(hidden)
            })
        })
    })
}

/// An option that a command has no use for is refused rather than ignored.
fn no_foreign(word: &str, matches: &ArgMatches, command: &clap::Command) -> Result<(), Stop> {
    let Some((_, foreign, why)) = FOREIGN.iter().find(|(name, ..)| *name == word) else { return Ok(()) };
    let args = command.find_subcommand(word).into_iter().flat_map(clap::Command::get_arguments);
    for arg in args.filter(|arg| foreign(arg)) {
        if matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            let name = arg.get_long().unwrap_or_default();
            return Err(fault(&format!("--{name}: not with {word}, {why}")));
        }
    }
    Ok(())
}
