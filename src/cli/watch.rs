//! `watch`: checks again and again; a line for each change, the history in the store, metrics for whoever asks.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch::{self as latest, channel};

use super::check;
use super::exit::code;
use super::signals::{Signal, signals};
use super::{input, output};
use crate::config::{ConfigError, Keep, Meant, Said};
use crate::env::Env;
use crate::pipeline;
use crate::watch::latest::Latest;
use crate::watch::notify::Notifier;
use crate::watch::place::place;
use crate::watch::schedule::Pace;
use crate::watch::serve::{Each, Outlets, Server};
use crate::watch::told::{Told, Tone};
use crate::watch::{Watch, run as watch};

/// Watches until a signal ends it.
pub(super) fn run(env: &Env, said: Said) -> anyhow::Result<u8> {
    let meant = check::meant(env, said)?;
    // Whom this host's time daemon asks is asked, too: the pace depends on it.
    let pace =
        Pace::of(&pipeline::on_this_host(env, &meant)).map_err(|problem| ConfigError::new(&problem))?;
    let mut tell = teller(&meant, Printer::start()?);
    let (exit_codes, fail_on) = (meant.exit_codes, meant.fail_on);
    let store = place(env, meant.keep.store.as_deref());
    if let Some(named) = store.as_ref().filter(|place| place.named) {
        input::no_file_is_refused(&named.file)?;
    }
    let (feed, latest) = channel(Arc::new(Latest::default()));
    let server = server(env, &meant.keep, latest)?;
    if let Some(address) = server.as_ref().and_then(Server::address).filter(|_| !meant.quiet) {
        output::complain(&format!("connector-doctor: metrics at http://{address}/metrics"));
    }
    let notifier = Notifier::of(env);
    check::runtime(async {
        let mut ended = Signal::Terminate;
        let stop = async {
            ended = tokio::select! {
                signal = signals() => signal,
                () = notifier.keep_alive() => unreachable!("it never ends by itself"),
            };
            notifier.stopping();
        };
        notifier.ready();
        watch(env, Watch { meant, pace, place: store }, &feed, &mut tell, stop).await;
        Ok(code(ended.end(), exit_codes, fail_on))
    })
}

/// Lines that wait for a reader at most; beyond that they are lost, and the history goes on.
const LINES: usize = 1000;
/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Prints lines on a thread of its own: a reader that does not read keeps nobody from looking.
struct Printer {
    lines: Option<SyncSender<String>>,
    done: Receiver<()>,
}

impl Printer {
    fn start() -> anyhow::Result<Self> {
        let (lines, waiting) = sync_channel::<String>(LINES);
        let (end, done) = sync_channel(1);
        let thread = std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
            for line in &waiting {
                output::print(&line);
            }
            let _ = end.send(());
        });
        thread.context("no thread to print with")?;
        Ok(Self { lines: Some(lines), done })
    }

    fn print(&self, line: String) {
        // What nobody reads is lost; the store has it.
        let _ = self.lines.as_ref().map(|lines| lines.try_send(line));
    }
}

impl Drop for Printer {
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.done.recv_timeout(LAST_LINES);
    }
}

/// Says a thing where it belongs.
fn teller(meant: &Meant, printer: Printer) -> impl FnMut(&Told) + use<> {
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    let (verbose, quiet) = (meant.verbose > 0, meant.quiet);
    move |told: &Told| {
        let line = if json { told.json() } else { told.line() };
        match told.tone {
            Tone::Trouble => {
                output::complain(&format!("connector-doctor: {}", told.text));
                if json {
                    printer.print(line);
                }
            }
            Tone::Whispered if !verbose => {}
            Tone::Said if quiet && !matches!(told.event, "verdict" | "cause") => {}
            Tone::Said | Tone::Whispered => printer.print(line),
        }
    }
}

/// Serves and writes the metrics, where that is asked for.
fn server(env: &Env, keep: &Keep, latest: latest::Receiver<Arc<Latest>>) -> anyhow::Result<Option<Server>> {
    if keep.listen.is_none() && keep.textfile.is_none() {
        return Ok(None);
    }
    let each = keep.textfile.clone().map(|file| {
        let mut told = false;
        Box::new(move |text: &str| match output::write_file(&file, text, 0o644) {
            Ok(()) => told = false,
            // Told once: the next try is a minute away, and the watch matters more than its file.
            Err(error) if !std::mem::replace(&mut told, true) => {
                output::complain(&format!("connector-doctor: {error:#}; watching goes on"));
            }
            Err(_) => {}
        }) as Each
    });
    let outlets = Outlets { listen: keep.listen, each, every: keep.every };
    let place = keep.listen.map_or_else(String::new, |address| format!(" at {address}"));
    Ok(Some(Server::start(env, outlets, latest).with_context(|| format!("metrics cannot be served{place}"))?))
}
