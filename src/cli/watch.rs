//! `watch`: checks again and again; a line for each change, and the history in the store.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;

use super::check::{self, Signal};
use super::exit::{End, code};
use super::output;
use crate::config::{ConfigError, Keep, Said};
use crate::env::Env;
use crate::pipeline;
use crate::watch::latest::{Feed, Latest};
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
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    let (verbose, quiet) = (meant.verbose > 0, meant.quiet);
    let mut tell = |told: &Told| match told.tone {
        Tone::Trouble => {
            output::complain(&format!("connector-doctor: {}", told.text));
            if json {
                output::print(&told.json());
            }
        }
        Tone::Whispered if !verbose => {}
        Tone::Said if quiet && !matches!(told.event, "verdict" | "cause") => {}
        _ if json => output::print(&told.json()),
        _ => output::print(&told.line()),
    };
    let (exit_codes, fail_on) = (meant.exit_codes, meant.fail_on);
    let store = place(env, meant.keep.store.as_deref());
    check::runtime(async {
        let (feed, view) = tokio::sync::watch::channel(Arc::new(Latest::default()));
        let _server = serve(env, &meant.keep, view)?;
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

/// The metrics' server and textfile, where either was asked for.
fn serve(env: &Env, keep: &Keep, view: Feed) -> anyhow::Result<Option<Server>> {
    if keep.listen.is_none() && keep.textfile.is_none() {
        return Ok(None);
    }
    let outlets =
        Outlets { listen: keep.listen, each: keep.textfile.clone().map(textfile), every: keep.every };
    let server = Server::start(env, outlets, view).with_context(|| match keep.listen {
        Some(address) => format!("cannot listen on {address}"),
        None => "no thread for the metrics".to_owned(),
    })?;
    if let Some(address) = server.address() {
        output::complain(&format!("connector-doctor: metrics at http://{address}/metrics"));
    }
    Ok(Some(server))
}

/// Writes each text whole; what goes wrong is said once, until it goes right again.
fn textfile(path: PathBuf) -> Each {
    let mut failed = false;
    Box::new(move |text| match output::write_file(&path, text, 0o644) {
        Ok(()) => failed = false,
        Err(error) if !failed => {
            failed = true;
            output::complain(&format!("connector-doctor: {error:#}"));
        }
        Err(_) => {}
    })
}
