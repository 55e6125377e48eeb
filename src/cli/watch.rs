//! `watch`: checks again and again; a line for each change, and the history in the store.

use std::sync::Arc;

use super::check::{self, Signal};
use super::exit::{End, code};
use super::output;
use crate::config::{ConfigError, Said};
use crate::env::Env;
use crate::pipeline;
use crate::watch::latest::Latest;
use crate::watch::place::place;
use crate::watch::schedule::Pace;
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
        let (feed, _) = tokio::sync::watch::channel(Arc::new(Latest::default()));
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
