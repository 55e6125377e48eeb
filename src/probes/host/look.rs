//! A look at the host that ends in time: off the caller's thread, begun anew without whatever does not answer.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::discover::discover;
use super::kernel::Kernel as _;
use super::linux;
use super::reading::{Reading, mount_of};
use crate::env::Env;
use crate::model::facts::Host;
use crate::probes::aside::aside;

/// A file that gives nothing for so long hangs.
const HANGS: Duration = Duration::from_millis(500);
/// How often the reader is looked after.
const TICK: Duration = Duration::from_millis(20);
/// So many places that hang are passed over.
const MOST: usize = 8;

/// Looks at the host for at most a quarter of `timeout`, or two seconds; what hung stands in `Host::hung`.
pub async fn look(env: &Env, timeout: Duration) -> Host {
    let env = env.clone();
    let looked = aside(move || look_here(&env, timeout)).await;
    // Without a thread to look from there is nothing to be seen.
    looked.unwrap_or_default()
}

/// The same, and this thread waits for it.
pub fn look_here(env: &Env, timeout: Duration) -> Host {
    let (begun, limit) = (env.elapsed(), (timeout / 4).min(Duration::from_secs(2)));
    let hangs = HANGS.min(limit / 2);
    let mut hung: Vec<String> = Vec::new();
    while hung.len() < MOST {
        let reading = Reading::without(hung.clone());
        let (done, result) = mpsc::channel();
        let (of_reader, own) = (Arc::clone(&reading), env.clone());
        let spawned = std::thread::Builder::new().name("host".to_owned()).spawn(move || {
            of_reader.here();
            let _ = done.send(discover(&own));
        });
        if spawned.is_err() {
            break;
        }
        // The last pass, without all that hung, takes milliseconds: it is given them.
        let end = (begun + limit).max(env.elapsed() + hangs);
        match await_it(env, &result, &reading, (end, hangs)) {
            Ok(host) => return Host { hung: names(hung), ..host },
            Err(Some(path)) => hung.push(mount_of(&path)),
            Err(None) => break,
        }
    }
    // What the kernel itself tells needs no file.
    Host { hung: names(hung), uid: linux::Linux::new().uid(), ..Host::default() }
}

/// The look's end, or the path that holds it up.
fn await_it(
    env: &Env,
    result: &mpsc::Receiver<Host>,
    reading: &Reading,
    (end, hangs): (Duration, Duration),
) -> Result<Host, Option<String>> {
    let mut standing: Option<((String, u64), Duration)> = None;
    loop {
        match result.recv_timeout(TICK) {
            Ok(host) => return Ok(host),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(None),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let (now, at) = (env.elapsed(), reading.now());
        match (&standing, at) {
            (Some((before, since)), Some(at)) if *before == at => {
                if now >= *since + hangs || now >= end {
                    return Err(Some(at.0));
                }
            }
            (_, Some(at)) => standing = Some((at, now)),
            (_, None) => standing = None,
        }
        if now >= end + 2 * hangs {
            return Err(None);
        }
    }
}

fn names(hung: Vec<String>) -> Vec<String> {
    hung.into_iter().map(|path| crate::model::text::clean(path.trim_end_matches('/'), 200)).collect()
}
