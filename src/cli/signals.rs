//! Signals from the first instruction on, whatever hangs: a thread of its own waits for them, so that neither a file that
//! does not answer nor a reader that does not read can keep this program from ending.

use std::sync::OnceLock;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal as Unix};
use tokio::sync::watch::Sender;

use super::exit::{End, code};
use super::output;
use crate::config::{ExitCodes, FailOn};

/// How long a run that was told to end may take to print what it has; a second signal ends it at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a last word may take to be written.
const LAST_WORD: Duration = Duration::from_millis(100);

/// How a run was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, or SIGHUP: the terminal is gone.
    Terminate,
}

impl Signal {
    /// How the run ended then.
    pub(super) fn end(self) -> End {
        match self {
            Self::Interrupt => End::Interrupted,
            Self::Terminate => End::Terminated,
        }
    }
}

static HEARD: OnceLock<Sender<Option<Signal>>> = OnceLock::new();

/// Begins to wait for them. Before any other thread is there: all of them leave signals to this one.
pub(super) fn begin(scheme: ExitCodes) {
    let mut awaited = SigSet::empty();
    awaited.add(Unix::SIGINT);
    awaited.add(Unix::SIGTERM);
    // Under nohup it is not to end.
    if !is_ignored(Unix::SIGHUP) {
        awaited.add(Unix::SIGHUP);
    }
    let mut blocked = awaited;
    // A file that may not grow is an error of writing, not the end of the program.
    blocked.add(Unix::SIGXFSZ);
    if blocked.thread_block().is_err() || HEARD.set(Sender::new(None)).is_err() {
        return;
    }
    let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || wait(&awaited, scheme));
    if thread.is_err() {
        // Without a thread the system's own way has to do: it ends the program, without a report.
        let _ = awaited.thread_unblock();
    }
}

/// Whether whoever started this program had it ignore a signal (`nohup`).
fn is_ignored(signal: Unix) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask =
        status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

fn wait(awaited: &SigSet, scheme: ExitCodes) {
    let mut first = None;
    while let Ok(unix) = awaited.wait() {
        let signal = if unix == Unix::SIGINT { Signal::Interrupt } else { Signal::Terminate };
        let Some(first) = first else {
            first = Some(signal);
            if let Some(heard) = HEARD.get() {
                heard.send_replace(Some(signal));
            }
            let _ = std::thread::Builder::new().spawn(move || {
                std::thread::sleep(PATIENCE);
                last_word("connector-doctor: ended; what it was writing, or reading, did not move");
                leave(signal, scheme);
            });
            continue;
        };
        leave(first, scheme);
    }
}

/// Says it, unless that hangs, too.
fn last_word(text: &'static str) {
    let (done, waiting) = std::sync::mpsc::channel();
    let _ = std::thread::Builder::new().spawn(move || {
        output::complain(text);
        let _ = done.send(());
    });
    let _ = waiting.recv_timeout(LAST_WORD);
}

#[expect(clippy::disallowed_methods, reason = "other threads hang: nobody is left to return to")]
fn leave(signal: Signal, scheme: ExitCodes) {
    std::process::exit(i32::from(code(signal.end(), scheme, FailOn::Fail)))
}

/// The first signal that comes, or came.
pub(super) async fn signals() -> Signal {
    let Some(heard) = HEARD.get() else { return std::future::pending().await };
    let mut heard = heard.subscribe();
    match heard.wait_for(Option::is_some).await.ok().and_then(|signal| *signal) {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}
