//! One TCP connection to one address, and what stopped it; says nothing over it.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{micros, since_us};
use crate::env::Env;
use crate::model::facts::TcpConnected;
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};

/// When a further connection is tried while none has stood. The kernel repeats each SYN after 1 s, so that 8
/// SYNs leave before [`SILENCE`]: at 28 % of pairs lost, all are lost once in 26,000 times.
const ATTEMPTS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1200),
    Duration::from_millis(1800),
];
/// Silence until here means something.
const SILENCE: Duration = Duration::from_millis(2500);

/// Connects and hangs up. `target` is the name as the user or a table gives it.
///
/// Failures of phase `Connect`: `Refused` (a reset or an ICMP port unreachable), `Unreachable` (no route, an
/// ICMP error), `Denied` (this host's own firewall), `Timeout`: silence for 2.5 s, conclusive if `timeout` left
/// room for them.
pub async fn connect(
    env: &Env,
    target: &str,
    address: SocketAddr,
    timeout: Duration,
) -> Observation<TcpConnected> {
    connect_and_keep(env, target, address, timeout).await.0
}

/// The same, and the connection where it stands.
pub async fn connect_and_keep(
    env: &Env,
    target: &str,
    address: SocketAddr,
    timeout: Duration,
) -> (Observation<TcpConnected>, Option<TcpStream>) {
    let start = env.elapsed();
    let (outcome, stream) = match reach(env, address, timeout).await {
        Ok((connected, stream)) => (Outcome::Seen(connected), Some(stream)),
        Err(failure) => (Outcome::Failed(failure), None),
    };
    let observation = Observation {
        target: target.to_owned(),
        address: Some(address),
        at_us: micros(start),
        took_us: since_us(env, start),
        outcome,
    };
    (observation, stream)
}

/// A connection without delay of small segments.
pub(super) async fn open(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn reach(
    env: &Env,
    address: SocketAddr,
    timeout: Duration,
) -> Result<(TcpConnected, TcpStream), ProbeFailure> {
    let start = env.elapsed();
    let end = start + timeout.min(SILENCE);
    // Dropped with this function, and with it every attempt that is still under way.
    let mut attempts = JoinSet::new();
    let mut tried: u32 = 0;
    let failure = |e: &std::io::Error, tried| {
        let mut failure = ProbeFailure::from_io(Phase::Connect, e);
        failure.sent = tried;
        failure
    };
    loop {
        let now = env.elapsed();
        if now >= end {
            let mut silent = ProbeFailure::new(Phase::Connect, FailureKind::Timeout, "no answer");
            (silent.sent, silent.conclusive) = (tried, timeout >= SILENCE);
            return Err(silent);
        }
        let due = ATTEMPTS.get(tried as usize).map(|after| start + *after);
        if due.is_some_and(|due| now >= due) {
            tried += 1;
            attempts.spawn(async move { (now, open(address).await) });
            continue;
        }
        let left = due.map_or(end, |due| due.min(end)).saturating_sub(now);
        match tokio::time::timeout(left, attempts.join_next()).await {
            Err(_) => {}
            Ok(Some(Ok((began, Ok(stream))))) => {
                let connect_us = since_us(env, began);
                let local = stream.local_addr().map_err(|e| failure(&e, tried))?;
                return Ok((TcpConnected { local, connect_us }, stream));
            }
            Ok(Some(Ok((_, Err(e))))) if FailureKind::of_io(&e) != FailureKind::Timeout => {
                return Err(failure(&e, tried));
            }
            // The kernel gave one up; the clock decides.
            Ok(_) => tokio::time::sleep(left).await,
        }
    }
}
