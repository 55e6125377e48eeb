//! `logs`: what a Connector's log shows, from a file, a pipe or this host's journal; of any length, sending nothing.

use crate::model::CheckId;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};

use super::check::{self, finish};
use super::signals::{Signal, signals};
use crate::config::Said;
use crate::connector::log::Reader;
use crate::env::Env;
use crate::model::facts::{ConnectorLog, Host};
use crate::model::observation::{NotRun, Observation, Outcome};
use crate::model::text;
use crate::pipeline;
use crate::probes::aside::{NotDone, aside};
use crate::probes::host;
use crate::probes::own_log::OwnLog;

/// Bytes taken at once.
const BLOCK: usize = 256 * 1024;

/// Reads a log and says what it shows.
pub(super) fn run(env: &Env, file: Option<&Path>, said: Said) -> anyhow::Result<u8> {
    let mut meant = check::meant(env, said)?;
    if !meant.quiet {
        // What the log shows is all that there is to say: its evidence is no detail here.
        meant.verbose = meant.verbose.max(1);
    }
    meant.policy.select = vec![CheckId::ConnectorLog.into()];
    meant.policy.skip.clear();
    check::runtime(async {
        let Some(path) = file else {
            let host = host::look(env, meant.timeout).await;
            let source = OwnLog::of(&host.connector).unwrap_or(OwnLog::Journal);
            let log = source.read(env, meant.timeout).await;
            if let Outcome::NotRun(NotRun::Unsupported(why)) = &log.outcome {
                bail!(
                    "{why}: name a FILE, or pipe a log in: docker logs -t NAME 2>&1 | connector-doctor logs -"
                );
            }
            let report = pipeline::judge_log(env, &meant, host, log);
            return finish(env, &meant, &report, None, None);
        };
        let (log, signal) = read(env, path).await?;
        // The log may be another host's: nothing of this one is laid beside it.
        let report = pipeline::judge_log(env, &meant, Host::default(), log);
        finish(env, &meant, &report, signal, None)
    })
}

/// Reads to the end, or until a signal: then what was read until there is judged.
async fn read(env: &Env, path: &Path) -> anyhow::Result<(Observation<ConnectorLog>, Option<Signal>)> {
    let begun = env.elapsed();
    let reader = Arc::new(Mutex::new(Reader::new(env.wall_ns())));
    let stdin = path == Path::new("-");
    let target = if stdin { "stdin".to_owned() } else { text::clean(&path.display().to_string(), 100) };
    let path = path.to_owned();
    let feeding = aside({
        let reader = Arc::clone(&reader);
        // Opening may hang, too: a pipe that nobody writes.
        move || {
            let file: Box<dyn Read> =
                if stdin { Box::new(std::io::stdin()) } else { Box::new(File::open(path)?) };
            feed(&reader, file)
        }
    });
    let signal = tokio::select! {
        fed = feeding => {
            match fed {
                Ok(read) => read.with_context(|| format!("cannot read {target}"))?,
                Err(NotDone::NoThread(why)) => bail!("no thread to read {target} with: {why}"),
                // A panic of the reader is a bug, and ends this run as one.
                Err(NotDone::BrokeOff) => std::panic::resume_unwind(Box::new("the reader broke off")),
            }
            None
        }
        signal = signals() => Some(signal),
    };
    let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
    let log = std::mem::replace(&mut *reader, Reader::new(0)).finish();
    let observation = Observation {
        target,
        address: None,
        at_us: 0,
        took_us: u64::try_from(env.elapsed().saturating_sub(begun).as_micros()).unwrap_or(u64::MAX),
        outcome: Outcome::Seen(log),
    };
    Ok((observation, signal))
}

fn feed(reader: &Mutex<Reader>, mut file: Box<dyn Read>) -> std::io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => reader.lock().unwrap_or_else(PoisonError::into_inner).feed(&block[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
