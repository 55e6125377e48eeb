//! `completions` and `man`: for packagers, out of the command line's own declaration.

use anyhow::{Context, bail};
use clap::ValueEnum;
use clap_complete::Shell;

use super::args::command;
use super::output;
use crate::config::unknown;

/// Prints the completions of a shell.
pub(super) fn completions(shell: &str) -> anyhow::Result<u8> {
    let Ok(shell) = Shell::from_str(shell, true) else {
        let known = Shell::value_variants().iter().map(ToString::to_string).collect::<Vec<_>>();
        bail!("{}", unknown("shell", shell, known.iter().map(String::as_str)));
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "connector-doctor", &mut text);
    output::print(&String::from_utf8_lossy(&text));
    Ok(0)
}

/// Prints the manual page: the program's own, then one section a command.
pub(super) fn man() -> anyhow::Result<u8> {
    let mut text = Vec::new();
    let mut program = command();
    program.build();
    clap_mangen::Man::new(program.clone()).render(&mut text).context("no manual page")?;
    for word in program.get_subcommands().filter(|word| !word.is_hide_set()) {
        let man = clap_mangen::Man::new(word.clone());
        let name = word.get_bin_name().unwrap_or_default().to_uppercase();
        text.extend(format!(".SH {name}\n").bytes());
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)
            .and_then(|()| man.render_options_section(&mut section))
            .context("no manual page")?;
        // Sections of a command become subsections of the one page.
        text.extend(String::from_utf8_lossy(&section).replace(".SH ", ".SS ").bytes());
    }
    output::print(&String::from_utf8_lossy(&text));
    Ok(0)
}
