//! `completions` and `man`: for packagers, out of the command line's own declaration.

use std::fmt::Write as _;

use anyhow::{Context, bail};
use clap::{Arg, Command, ValueEnum};
use clap_complete::Shell;

use super::args::{EXAMPLES, command};
use super::output;
use crate::config::{Choice, Color, ExitCodes, FailOn, Redact, unknown};
use crate::lab::scenario::SCENARIOS;
use crate::model::build;
use crate::render::FORMATS;
use crate::{checks, diagnosis};

/// Prints the completions of a shell.
pub(super) fn completions(shell: &str) -> anyhow::Result<u8> {
    let Ok(shell) = Shell::from_str(shell, true) else {
        let known = Shell::value_variants().iter().map(ToString::to_string).collect::<Vec<_>>();
        bail!("{}", unknown("shell", shell, known.iter().map(String::as_str)));
    };
    let mut text = Vec::new();
    let mut program = offered(&command());
    clap_complete::generate(shell, &mut program, NAME, &mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    match shell {
        // clap_complete 4.6 takes the hyphen of the program's name for a space, but not where it looks a command up.
        Shell::Bash => {
            text = text.replace("connector__subcmd__doctor__subcmd__", "connector__doctor__subcmd__");
        }
        // And gives fish no words but those of options.
        Shell::Fish => {
            for word in program.get_subcommands() {
                let words = word.get_positionals().flat_map(Arg::get_possible_values);
                let words = words.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(" ");
                if !words.is_empty() {
                    let using = format!("__fish_connector_doctor_using_subcommand {}", word.get_name());
                    let _ = writeln!(text, "complete -c {NAME} -n \"{using}\" -f -a \"{words}\"");
                }
            }
        }
        _ => {}
    }
    output::print(&text);
    Ok(0)
}

const NAME: &str = "connector-doctor";

/// The command with what it takes, and the words that values may be: what is hidden is refused.
fn offered(command: &Command) -> Command {
    let name = command.get_name();
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set());
    Command::new(name.to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(build::VERSION)
        .disable_version_flag(name != NAME)
        .disable_help_subcommand(true)
        .args(args.map(|arg| with_words(name, with_plain_names(arg.clone()))))
        .subcommands(command.get_subcommands().map(offered))
}

/// zsh takes an unmarked colon for the end of a value's name.
fn with_plain_names(arg: Arg) -> Arg {
    let names: Vec<String> =
        arg.get_value_names().unwrap_or_default().iter().map(|name| name.replace(':', "\\:")).collect();
    if names.is_empty() { arg } else { arg.value_names(names) }
}

/// The argument with the words that its value may be. The parser itself takes any: it names the nearest one.
fn with_words(command: &str, arg: Arg) -> Arg {
    fn choice<T: Choice>() -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }
    let ids = || checks::all().map(|check| check.id.as_str());
    let words = match (command, arg.get_id().as_str()) {
        ("list", "format") => vec!["human", "json"],
        (_, "format") => FORMATS.iter().map(|format| format.name).collect(),
        (_, "fail_on") => choice::<FailOn>(),
        (_, "exit_codes") => choice::<ExitCodes>(),
        (_, "redact") => choice::<Redact>(),
        (_, "color") => choice::<Color>(),
        (_, "globs" | "skip") => ids().collect(),
        ("explain", "name") => {
            diagnosis::all().map(|cause| cause.code.as_str()).chain(ids()).chain(["glossary"]).collect()
        }
        ("lab", "scenario" | "serve") => SCENARIOS.iter().map(|scenario| scenario.name).collect(),
        ("completions", _) => vec!["bash", "elvish", "fish", "powershell", "zsh"],
        _ => return arg,
    };
    arg.value_parser(words)
}

/// Prints the manual page: the program's own sections, then one a command.
pub(super) fn man() -> anyhow::Result<u8> {
    let mut program = command();
    program.build();
    let used = |word: &Command| -> std::io::Result<Vec<u8>> {
        let (man, mut out) = (clap_mangen::Man::new(word.clone()), Vec::new());
        man.render_synopsis_section(&mut out)?;
        man.render_options_section(&mut out)?;
        Ok(out)
    };
    // No date: the same version has the same page.
    let title = format!(".TH connector\\-doctor 1 \"\" \"connector\\-doctor {}\"\n", build::VERSION);
    let mut text = title.into_bytes();
    let (named, mut sections) = (clap_mangen::Man::new(program.clone()), Vec::new());
    named.render_name_section(&mut text).context("no manual page")?;
    text.extend(used(&program).context("no manual page")?);
    text.extend(b".SH EXAMPLES\n");
    for example in EXAMPLES {
        let words = example.words.replace('-', "\\-").replace('\'', "\\(aq");
        text.extend(format!(".TP\n\\fBconnector\\-doctor {words}\\fR\n{}\n", example.about).bytes());
    }
    text.extend(b".SH COMMANDS\n");
    for word in program.get_subcommands().filter(|word| !word.is_hide_set()) {
        let about = word.get_about().map(ToString::to_string).unwrap_or_default().replace('\'', "\\(aq");
        text.extend(format!(".TP\n\\fB{}\\fR\n{about}\n", word.get_name()).bytes());
        let section = used(word).context("no manual page")?;
        sections.extend(
            format!(".SH {}\n{about}.\n", word.get_bin_name().unwrap_or_default().to_uppercase()).bytes(),
        );
        // Sections of a command become subsections of the one page.
        sections.extend(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").bytes());
    }
    text.extend(sections);
    text.extend(include_bytes!("manual.man"));
    output::print(&String::from_utf8_lossy(&text));
    Ok(0)
}
