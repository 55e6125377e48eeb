//! `watch`: checks again and again; a line for each change, the history in the store, metrics for whoever asks.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch::{Receiver, channel};

use super::check::{self, Signal};
use super::exit::{End, code};
use super::output;
use crate::config::{ConfigError, Keep, Meant, Said};
use crate::env::Env;
use crate::pipeline;
use crate::watch::latest::Latest;
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
    let mut tell = teller(&meant);
    let (exit_codes, fail_on) = (meant.exit_codes, meant.fail_on);
    let store = place(env, meant.keep.store.as_deref());
    let (feed, latest) = channel(Arc::new(Latest::default()));
    let server = server(env, &meant.keep, latest)?;
    if let Some(address) = server.as_ref().and_then(Server::address).filter(|_| !meant.quiet) {
        output::complain(&format!("connector-doctor: metrics at http://{address}/metrics"));
    }
    check::runtime(async {
        let mut ended = Signal::Terminate;
        let stop = async { ended = check::signals().await };
        watch(env, Watch { meant, pace, place: store }, &feed, &mut tell, stop).await;
        let end = match ended {
            Signal::Interrupt => End::Interrupted,
            Signal::Terminate => End::Terminated,
        };
        Ok(code(end, exit_codes, fail_on))
    })
}

/// Says a thing where it belongs.
fn teller(meant: &Meant) -> impl FnMut(&Told) + use<> {
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    let (verbose, quiet) = (meant.verbose > 0, meant.quiet);
    move |told: &Told| {
        let line = if json { told.json() } else { told.line() };
        match told.tone {
            Tone::Trouble => {
                output::complain(&format!("connector-doctor: {}", told.text));
                if json {
                    output::print(&line);
                }
            }
            Tone::Whispered if !verbose => {}
            Tone::Said if quiet && !matches!(told.event, "verdict" | "cause") => {}
            Tone::Said | Tone::Whispered => output::print(&line),
        }
    }
}

/// Serves and writes the metrics, where that is asked for.
fn server(env: &Env, keep: &Keep, latest: Receiver<Arc<Latest>>) -> anyhow::Result<Option<Server>> {
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
