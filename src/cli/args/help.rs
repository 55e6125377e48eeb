//! Help: short behind `--help`, long with examples first behind `help`.

use clap::Arg;

use crate::cli::fit::hanging;

/// A command line and what it is for.
pub struct Example {
    /// The words after the program's name.
    pub words: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// The ten most common calls, for `help` and the manual.
pub const EXAMPLES: &[Example] = &[
    Example { words: "check --network acme", about: "check this host" },
    Example { words: "check 'clock.*' 'stun.*'", about: "run some checks alone" },
    Example { words: "check --resource db=10.0.0.5:5432", about: "also test that a Resource can be reached" },
    Example { words: "check --wait 10m", about: "repeat until no check fails" },
    Example { words: "check -f human -f json=report.json", about: "print the report, and save it" },
    Example { words: "report", about: "print a redacted report to paste into a ticket" },
    Example {
        words: "render report.json -f html=report.html",
        about: "make a page of a saved or pasted report",
    },
    Example { words: "diff before.json after.json", about: "say what changed between two reports" },
    Example { words: "explain clock-skew", about: "read how to fix a cause" },
    Example { words: "lab udp-blocked", about: "try it without a network" },
];

/// Columns of the help, and of its options' names.
const WIDTH: usize = 80;
const NAMES: usize = 22;

/// What `--help` shows of the options of a whole run.
const COMMON: &[&str] = &["network", "resource", "wait", "format", "redact", "verbose"];

/// The help that was asked for: `rendered` is all of it.
pub(super) fn text(words: &[String], rendered: &str, program: &clap::Command) -> String {
    match words {
        [first, rest @ ..] if first == "help" => long(rest.first().map(String::as_str), rendered),
        [flag] if flag.starts_with('-') => short(rendered, program),
        _ => rendered.to_owned(),
    }
}

fn long(command: Option<&str>, rendered: &str) -> String {
    let of = |example: &&Example| command.is_none_or(|word| example.words.split(' ').next() == Some(word));
    let examples: String = EXAMPLES
        .iter()
        .filter(of)
        .map(|Example { words, about }| format!("  connector-doctor {words}\n      {about}\n"))
        .collect::<Vec<_>>()
        .concat();
    match rendered.split_once("\n\n") {
        Some((about, rest)) if !examples.is_empty() => format!("{about}\n\nExamples:\n{examples}\n{rest}"),
        _ => rendered.to_owned(),
    }
}

/// Usage, commands and the options that most people need.
fn short(rendered: &str, program: &clap::Command) -> String {
    let parts: Vec<&str> = rendered.split("\n\n").collect();
    let until = parts.iter().position(|part| part.starts_with("Commands:"));
    let kept = parts.get(..=until.unwrap_or(0)).unwrap_or_default().join("\n\n");
    let options: String = COMMON
        .iter()
        .filter_map(|id| program.get_arguments().find(|arg| arg.get_id() == id))
        .map(option)
        .collect();
    let more = "connector-doctor help shows examples and all options; help COMMAND those of one command.";
    format!("{}\n\nCommon options of check:\n{options}\n{}", kept.trim_end(), hanging("", more, WIDTH))
}

fn option(arg: &Arg) -> String {
    let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = value.and_then(<[_]>::first).map_or_else(String::new, |name| format!(" <{name}>"));
    let name = format!("--{}{value}", arg.get_long().unwrap_or_default());
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let text = help.lines().next().unwrap_or_default();
    if name.len() > NAMES {
        return format!("  {name}\n{}", hanging(&" ".repeat(NAMES + 4), text, WIDTH));
    }
    hanging(&format!("  {name:NAMES$}  "), text, WIDTH)
}
