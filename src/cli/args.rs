//! The command line: words to a command. Says nothing and runs nothing itself.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{ConfigError, Said, TARGETS, nearest};

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

fn fault(line: &str) -> Stop {
    Stop::Fault(ConfigError::new(line))
}

/// One line out of the parser's several, with the nearest name where a name is unknown.
fn stop(error: &clap::Error, command: &clap::Command) -> Stop {
    let given = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let line = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return Stop::Shown(error.render().to_string());
        }
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            let word = given(ContextKind::InvalidArg).or_else(|| given(ContextKind::InvalidSubcommand));
            unknown(word.unwrap_or_default(), command)
        }
        ErrorKind::ArgumentConflict if error.get(ContextKind::InvalidSubcommand).is_some() => {
            "options stand after the command's word: connector-doctor check --json".to_owned()
        }
        _ => first_paragraph(&error.render().to_string()),
    };
    fault(&format!("{line} (see --help)"))
}

fn unknown(word: &str, command: &clap::Command) -> String {
    if word.starts_with('-') {
        let all = std::iter::once(command).chain(command.get_subcommands());
        let longs: Vec<&str> =
            all.flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long).collect();
        let near = nearest(word.split('=').next().unwrap_or(word), longs.iter().copied());
        return format!("unknown option {word}; the nearest is --{}", near.unwrap_or("help"));
    }
    if !command.has_subcommands() {
        return format!("\"{word}\" is one word too many");
    }
    if word.contains(['.', '*', '?']) {
        return format!("unknown command \"{word}\"; to choose checks write connector-doctor check '{word}'");
    }
    let near = nearest(word, command.get_subcommands().map(clap::Command::get_name));
    format!("unknown command \"{word}\"; the nearest is {}", near.unwrap_or("check"))
}

/// What stands before the usage, in one line.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = ["\n\nUsage:", "\n\nFor more"].iter().filter_map(|mark| text.find(mark)).min();
    let words: Vec<&str> = text.get(..end.unwrap_or(text.len())).unwrap_or(text).split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Stop> {
        parse(std::iter::once("connector-doctor").chain(line.split_whitespace()).map(OsString::from))
    }

    fn check(line: &str) -> Said {
        match parsed(line) {
            Ok(Command::Check(said)) => said,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn fault(line: &str) -> String {
        match parsed(line) {
            Err(Stop::Fault(error)) => error.to_string(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn no_word_means_check() {
        assert_eq!(check(""), Said::default());
        let said = Said {
            stun: Some(vec!["a".into(), "b:1".into()]),
            format: Some(vec!["json=f".into(), "human".into()]),
            ipv4: Some(true),
            timeout: Some("2s".into()),
            verbose: Some(2),
            ..Said::default()
        };
        let options = "--stun a --stun=b:1 -f json=f -f human -4 --timeout 1s --timeout 2s -vv";
        assert_eq!(check(options), said);
        assert_eq!(check(&format!("check {options}")), said);
    }

    #[test]
    fn globs_come_with_the_word_alone() {
        let said = check("check clock.* --json stun.mapping");
        assert_eq!(said.select, Some(vec!["clock.*".to_owned(), "stun.mapping".to_owned()]));
        assert_eq!(said.json, Some(true));
        assert_eq!(
            fault("clock.*"),
            "unknown command \"clock.*\"; to choose checks write connector-doctor check 'clock.*' (see --help)"
        );
    }

    #[test]
    fn the_other_words() {
        let lab = |scenario: &str, said| Command::Lab { scenario: scenario.to_owned(), said };
        assert_eq!(parsed("lab"), Ok(lab("healthy", Said::default())));
        let json = Said { json: Some(true), ..Said::default() };
        assert_eq!(parsed("lab stun-down --json"), Ok(lab("stun-down", json)));
        assert_eq!(parsed("lab --list"), Ok(Command::LabList));
        let serve = Command::LabServe { scenario: "healthy".into(), dir: "/d".into() };
        assert_eq!(parsed("lab --serve healthy --dir /d"), Ok(serve));
        assert_eq!(parsed("list"), Ok(Command::List { json: false }));
        assert_eq!(parsed("list --json"), Ok(Command::List { json: true }));
        assert_eq!(parsed("list -f json"), Ok(Command::List { json: true }));
        assert_eq!(parsed("schema"), Ok(Command::Schema));
    }

    #[test]
    fn a_fault_is_one_line_that_names_the_nearest() {
        for (line, expected) in [
            ("--stunn a", "unknown option --stunn; the nearest is --stun (see --help)"),
            ("check --fail_on=warn", "unknown option --fail_on; the nearest is --fail-on (see --help)"),
            ("lab --lst", "unknown option --lst; the nearest is --list (see --help)"),
            ("-x", "unknown option -x; the nearest is --"),
            ("chek", "unknown command \"chek\"; the nearest is check (see --help)"),
            ("lab --stun a", "--stun: not with lab, which brings its own servers"),
            ("lab a b", "\"b\" is one word too many (see --help)"),
            ("schema x", "\"x\" is one word too many (see --help)"),
            (
                "lab --list --serve a --dir b",
                "the argument '--list' cannot be used with '--serve <SCENARIO>'",
            ),
            ("lab --serve a", "the following required arguments were not provided: --dir <DIR> (see --help)"),
            ("--stun", "a value is required for '--stun <HOST[:PORT]>' but none was supplied (see --help)"),
            (
                "--width abc",
                "invalid value 'abc' for '--width <N>': invalid digit found in string (see --help)",
            ),
            ("--json=yes", "unexpected value 'yes' for '--json' found; no more were expected (see --help)"),
            (
                "--json check",
                "options stand after the command's word: connector-doctor check --json (see --help)",
            ),
            ("list -f jsn", "--format: unknown format \"jsn\"; the nearest is json"),
        ] {
            let got = fault(line);
            assert!(got.starts_with(expected), "{line}: {got}");
            assert!(!got.contains('\n') && !got.contains("Usage"), "{got}");
        }
        let hostile = fault("--\u{1b}[31m\u{202e}x");
        assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile}");
    }

    #[test]
    fn the_page_about_the_configuration_lists_every_option_as_it_is() {
        let page = include_str!("../../docs/configuration.md");
        let command = command();
        let options = command.get_arguments().filter(|arg| arg.get_help_heading().is_some());
        let rows: Vec<String> = options.map(row).collect();
        let after = page.split_once("| --- | --- | --- |\n").unwrap().1;
        let written = after.split_once("<!-- end of options").unwrap().0;
        let wanted = rows.join("\n") + "\n";
        assert_eq!(written, wanted, "docs/configuration.md should hold:\n{wanted}");
    }

    fn row(arg: &clap::Arg) -> String {
        let value = arg.get_num_args().is_none_or(|n| n.takes_values()) && arg.get_action().takes_values();
        let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
        let short = arg.get_short().map_or(String::new(), |short| format!("`-{short}`, "));
        let option = format!(
            "{short}`--{}{}`",
            arg.get_long().unwrap(),
            if value { format!(" {name}") } else { String::new() }
        );
        let kind = match arg.get_action() {
            _ if arg.get_long() == Some("config") => "not in a file",
            clap::ArgAction::Append => "array of strings",
            clap::ArgAction::Count => "number",
            _ if !value => "true or false",
            _ if name == "N" => "number",
            _ => "string",
        };
        format!("| {option} | {kind} | {} |", arg.get_help().unwrap())
    }

    #[test]
    fn help_fits_80_columns_and_groups_the_options() {
        command().debug_assert();
        for line in ["--help", "check --help", "check -h", "lab --help", "list --help", "schema --help"] {
            let Err(Stop::Shown(help)) = parsed(line) else { panic!("{line}") };
            let widest = help.lines().map(|l| l.chars().count()).max();
            assert!(widest <= Some(80), "{line}: {widest:?}\n{help}");
            let targets = help.contains(TARGETS);
            assert_eq!(targets, !["lab", "list", "schema"].iter().any(|w| line.starts_with(w)), "{line}");
        }
        let version = format!("connector-doctor {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(parsed("--version"), Err(Stop::Shown(version)));
    }
}
