//! The command line: the only layer that knows all the others.

pub mod args;
mod check;
pub mod exit;
mod explain;
mod history;
mod lab;
mod list;
mod logs;
mod output;
mod packaging;
mod plan;
mod saved;
mod spinner;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use self::args::{Command, Stop};
use self::exit::{End, code};
use crate::config::{ConfigError, ExitCodes, FailOn};
use crate::env::Env;
use crate::render::schema;

/// Runs the program on the process's own words and environment.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let env = Env::system();
    let scheme = exit::asked_scheme(&words, env.vars());
    // A panic is a bug: it is said in one line, and nothing of what was read is shown.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        output::complain(&format!("connector-doctor: a bug{place}; please report it"));
    }));
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&env, words, scheme)));
    ExitCode::from(ended.unwrap_or_else(|_| code(End::Panicked, scheme, FailOn::Fail)))
}

fn run(env: &Env, words: Vec<OsString>, scheme: ExitCodes) -> u8 {
    let done = match args::parse(words) {
        Ok(command) => execute(env, command),
        Err(Stop::Shown(text)) => {
            output::print(&text);
            return 0;
        }
        Err(Stop::Fault(error)) => Err(error.into()),
    };
    done.unwrap_or_else(|error| {
        output::complain(&format!("connector-doctor: {error:#}"));
        code(End::NotStarted, scheme, FailOn::Fail)
    })
}

fn execute(env: &Env, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Check(said) => check::run(env, said),
        Command::Lab { scenario, said } => lab::run(env, &scenario, said),
        Command::LabList => Ok(lab::list()),
        Command::LabServe { scenario, dir } => lab::serve(env, &scenario, &dir),
        Command::List { json } => Ok(list::run(json)),
        Command::Explain { name } => explain::run(&name),
        Command::Report { said, with_data } => check::report(env, said, with_data),
        Command::Plan(said) => plan::run(env, said),
        Command::Render { file, said } => saved::render(env, &file, said),
        Command::Verify { file } => saved::verify(&file),
        Command::Diff { old, new, said } => saved::compare(env, &old, &new, said),
        Command::Completions { shell } => packaging::completions(&shell),
        Command::Man => packaging::man(),
        Command::History { since, html, said } => history::run(env, since.as_deref(), html.as_deref(), said),
        Command::Watch(said) => watch::run(env, said),
        Command::Logs { file, said } => logs::run(env, file.as_deref(), said),
        Command::Schema => {
            output::print(&schema::render());
            Ok(0)
        }
    }
}

/// An error of the configuration, as one line.
impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Fault(error)
    }
}
