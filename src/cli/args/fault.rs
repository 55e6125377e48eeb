//! The parser's errors as one line each, with the nearest name where one is unknown.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::defaults::WIDTH_RANGE;
use crate::config::{ConfigError, nearest};

/// Why no command came of the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Help or version: for stdout, and all is well.
    Shown(String),
    /// One line for stderr; the run does not start.
    Fault(ConfigError),
}

/// An error of the configuration, as one line.
impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Fault(error)
    }
}

pub(super) fn fault(line: &str) -> Stop {
    Stop::Fault(ConfigError::new(line))
}

/// One line out of the parser's several, with the nearest name where a name is unknown.
pub(super) fn stop(error: &clap::Error, command: &clap::Command) -> Stop {
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
        ErrorKind::ValueValidation
            if given(ContextKind::InvalidArg).is_some_and(|arg| arg.starts_with("--width")) =>
        {
            let (least, most) = WIDTH_RANGE;
            let value = given(ContextKind::InvalidValue).unwrap_or_default();
            format!("--width: \"{value}\" is not from {least} to {most}")
        }
        _ => first_paragraph(&error.render().to_string()),
    };
    fault(&format!("{line} (see --help)"))
}

fn unknown(word: &str, command: &clap::Command) -> String {
    if word.starts_with('-') {
        // The word's own options come first: what another one takes is near only where none of these is.
        let longs = |command: &clap::Command| -> Vec<String> {
            command.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned).collect()
        };
        let word_alone = word.split('=').next().unwrap_or(word);
        let (own, others) = (longs(command), command.get_subcommands().flat_map(longs).collect::<Vec<_>>());
        let near = nearest(word_alone, own.iter().map(String::as_str))
            .or_else(|| nearest(word_alone, others.iter().map(String::as_str)));
        let near = near.map_or_else(String::new, |near| format!("; the nearest is --{near}"));
        return format!("unknown option {word}{near}");
    }
    if !command.has_subcommands() {
        return format!("\"{word}\" is one word too many");
    }
    if word.contains(['.', '*', '?']) {
        return format!("unknown command \"{word}\"; to choose checks write connector-doctor check '{word}'");
    }
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    match nearest(word, names.iter().copied()) {
        Some(near) => format!("unknown command \"{word}\"; the nearest is {near}"),
        None => format!("unknown command \"{word}\"; valid: {}", names.join(", ")),
    }
}

/// What stands before the usage, in one line.
fn first_paragraph(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let end = ["\n\nUsage:", "\n\nFor more"].iter().filter_map(|mark| text.find(mark)).min();
    let words: Vec<&str> = text.get(..end.unwrap_or(text.len())).unwrap_or(text).split_whitespace().collect();
    words.join(" ")
}
