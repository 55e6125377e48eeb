//! The command line: the only layer that knows all the others.

pub mod args;
mod check;
mod diff;
pub mod exit;
mod explain;
mod fit;
mod history;
mod input;
mod lab;
mod list;
mod logs;
mod output;
mod packaging;
pub mod peer;
mod plan;
mod render;
mod saved;
mod signals;
mod spinner;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::args::{Command, Stop};
use self::exit::{End, code};
use crate::config::{ExitCodes, FailOn};
use crate::env::Env;
use crate::model::text::clean;
use crate::probes::aside::FOREIGN;
use crate::render::schema;

/// Runs the program on the process's own words and environment.
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // First of all: whatever hangs from here on can be ended.
    signals::begin(exit::asked_scheme(&words, &BTreeMap::new()));
    let env = Env::system();
    let scheme = exit::asked_scheme(&words, env.vars());
    ExitCode::from(guarded(scheme, || run(&env, words, scheme)))
}

/// A panic is a bug: it is said in one line, and nothing of what was read is shown. One that took a probe alone leaves a
/// report of the others; the exit code tells of it all the same. Another's code that was asked for a second opinion may
/// break off: that is its failure, and a fact of the run.
fn guarded(scheme: ExitCodes, work: impl FnOnce() -> u8) -> u8 {
    let panicked = Arc::new(AtomicBool::new(false));
    let hook = Arc::clone(&panicked);
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some(FOREIGN) {
            return;
        }
        hook.store(true, Ordering::Relaxed);
        let place = info.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        output::complain(&format!("connector-doctor: a bug{place}; please report it"));
    }));
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(ended) if !panicked.load(Ordering::Relaxed) => ended,
        _ => code(End::Panicked, scheme, FailOn::Fail),
    }
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
        // One line, whatever stands in a name that somebody gave.
        output::complain(&clean(&format!("connector-doctor: {error:#}"), 2000));
        code(End::NotStarted, scheme, FailOn::Fail)
    })
}

fn execute(env: &Env, command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Check(said) => check::run(env, said),
        Command::Lab { scenario, said } => lab::run(env, &scenario, said),
        Command::LabList => Ok(lab::list(env)),
        Command::LabServe { scenario, dir } => lab::serve(env, &scenario, &dir),
        Command::List { json } => Ok(list::run(env, json)),
        Command::Explain { name } => explain::run(env, name.as_deref()),
        Command::Report { said, with_data } => check::report(env, said, with_data),
        Command::Plan(said) => plan::run(env, said),
        Command::Render { file, said } => render::render(env, &file, said),
        Command::Verify { file } => render::verify(&file),
        Command::Diff { old, new, said } => diff::compare(env, &old, &new, said),
        Command::Completions { shell } => packaging::completions(&shell),
        Command::Man => packaging::man(),
        Command::History { since, html, said } => history::run(env, since.as_deref(), html.as_deref(), said),
        Command::Peer { asked, said } => peer::run(env, &asked, said),
        Command::Watch(said) => watch::run(env, said),
        Command::Logs { file, said } => logs::run(env, file.as_deref(), said),
        Command::Schema => {
            output::print(&schema::render());
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::connector::log::Reader;

    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJjYW5hcnkiOiJLQU5BUkllTlZPR0VMIn0.c2lnbmF0dXJl";
    const REFRESH: &str = "kanarienvogel-refresh-token-0123456789";
    const CHILD: &str = "CONNECTOR_DOCTOR_TEST_PANICS";

    /// Panics as a bug would that holds what was read: with a slice of it, or the whole, in the message.
    fn bug(kind: &str) -> u8 {
        let line = format!("TWINGATE_ACCESS_TOKEN={TOKEN} TWINGATE_REFRESH_TOKEN={REFRESH}");
        let mut reader = Reader::new(0);
        reader.feed(line.as_bytes());
        match kind {
            "message" => panic!("cannot judge {line}"),
            "slice" => line[line.len() - 1..].get(5..).map_or_else(|| line[9999..].len() as u8, |_| 0),
            "unwrap" => std::hint::black_box(Err::<u8, _>(line)).expect("well-formed"),
            "foreign" => {
                let work = move || assert!(line.is_empty(), "{line} in another's code");
                let thread = std::thread::Builder::new().name(FOREIGN.to_owned()).spawn(work);
                u8::from(thread.is_ok_and(|thread| thread.join().is_ok()))
            }
            _ => std::thread::spawn(move || assert!(line.is_empty(), "{line} in a thread of its own"))
                .join()
                .map_or(0, |()| 1),
        }
    }

    /// The bug itself, in a process of its own: the hook is the process's.
    #[test]
    fn child_that_panics() {
        #[expect(clippy::disallowed_methods, reason = "says which bug, and that this is the child")]
        let Ok(kind) = std::env::var(CHILD) else { return };
        let ended = guarded(ExitCodes::Standard, || bug(&kind));
        assert_eq!(ended, if kind == "foreign" { 0 } else { 70 });
    }

    #[test]
    fn a_panic_of_anothers_code_is_no_bug_of_ours_and_says_nothing() {
        let said = child("foreign");
        assert!(!said.contains("a bug") && !said.contains("in another's code"), "{said}");
    }

    /// What the child says that ends as it should.
    fn child(kind: &str) -> String {
        let child = Command::new(std::env::current_exe().expect("this test's own path"))
            .args(["--exact", "cli::tests::child_that_panics", "--nocapture", "--test-threads=1"])
            .env(CHILD, kind)
            .env("RUST_BACKTRACE", "full")
            .stdin(Stdio::null())
            .output()
            .expect("the child runs");
        let said = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{kind}: {said}");
        said.into_owned()
    }

    #[test]
    fn a_panic_that_holds_tokens_shows_its_place_and_none_of_them() {
        for kind in ["message", "slice", "unwrap", "thread"] {
            let said = child(kind);
            assert!(said.contains("a bug at src/cli/mod.rs:"), "{kind}: {said}");
            for canary in ["eyJ", "KANARI", "kanarienvogel", "c2lnbmF0dXJl", "canary"] {
                assert!(!said.contains(canary), "{kind}: {said}");
            }
        }
    }
}
