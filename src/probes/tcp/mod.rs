//! One TCP connection to one address, and what stopped it; says nothing over it.

pub mod refusal;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use nix::{getsockopt_impl, sockopt_impl};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::udp::{IcmpError, queued_error};

use super::host::way;
use super::{micros, since_us};
use crate::env::Env;
use crate::model::facts::TcpConnected;
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};

/// When a further connection is tried while none has stood. The kernel repeats each SYN after 1 s, so that 9
/// SYNs leave before [`SILENCE`]: at 28 % of pairs lost, all are lost once in 90,000 times.
const ATTEMPTS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1200),
    Duration::from_millis(1800),
];
/// Most connections that are tried to one address.
pub(super) const MAX_ATTEMPTS: usize = ATTEMPTS.len();
/// When the kernel repeats a SYN for the first time (RFC 6298 2).
const REPEATED: Duration = Duration::from_secs(1);
sockopt_impl!(
    /// The kernel's state of a connection (tcp(7), `TCP_INFO`).
    TcpInfo,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    libc::tcp_info
);

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
    connect_sparing(env, target, address, timeout, ATTEMPTS.len()).await
}

/// The same with fewer connections tried (1 to [`MAX_ATTEMPTS`]): each takes three descriptors.
pub(super) async fn connect_sparing(
    env: &Env,
    target: &str,
    address: SocketAddr,
    timeout: Duration,
    attempts: usize,
) -> (Observation<TcpConnected>, Option<TcpStream>) {
    let start = env.elapsed();
    let schedule = &ATTEMPTS[..attempts.clamp(1, ATTEMPTS.len())];
    let (outcome, stream) = match reach(env, address, timeout, schedule).await {
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

/// One connection alone: at a host that owes us nothing. The kernel repeats its SYN after 1 s.
pub async fn connect_once(
    env: &Env,
    target: &str,
    address: SocketAddr,
    timeout: Duration,
) -> Observation<TcpConnected> {
    let start = env.elapsed();
    let wait = timeout.min(SILENCE);
    let outcome = match tokio::time::timeout(wait, open_with(address, |_| Ok(()))).await {
        Ok(Ok(stream)) => match stream.local_addr() {
            Ok(local) => Outcome::Seen(TcpConnected { local, connect_us: since_us(env, start) }),
            Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Connect, &error)),
        },
        Ok(Err(refusal)) => Outcome::Failed(ProbeFailure {
            sent: 1,
            offender: refusal.icmp.and_then(|icmp| icmp.offender),
            code: refusal.icmp.map(|icmp| icmp.code),
            ..ProbeFailure::from_io(Phase::Connect, &refusal.error)
        }),
        Err(_) => {
            let silent = ProbeFailure::new(Phase::Connect, FailureKind::Timeout, "no answer");
            Outcome::Failed(ProbeFailure {
                sent: 1 + u32::from(wait >= REPEATED),
                conclusive: wait >= SILENCE,
                ..silent
            })
        }
    };
    Observation {
        target: target.to_owned(),
        address: Some(address),
        at_us: micros(start),
        took_us: since_us(env, start),
        outcome,
    }
}

/// Why a connection did not come to stand.
#[derive(Debug)]
struct Refusal {
    error: io::Error,
    /// The ICMP error behind it; none where it was a reset, or this host itself.
    icmp: Option<IcmpError>,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, icmp: None }
    }
}

/// A connection that asks the peer for packets of at most `size` bytes of IP, by its maximum segment size.
pub(super) async fn open_small(address: SocketAddr, size: u32) -> io::Result<TcpStream> {
    let headers = if address.is_ipv4() { 40 } else { 60 };
    let segment = size.saturating_sub(headers);
    let stream = open_with(address, |socket| setsockopt(socket, sockopt::TcpMaxSeg, &segment)).await;
    stream.map_err(|refusal| refusal.error)
}

/// Linux tells who sent an ICMP error about a SYN since 5.9.
async fn open_with(
    address: SocketAddr,
    prepare: impl FnOnce(&TcpSocket) -> nix::Result<()>,
) -> Result<TcpStream, Refusal> {
    let socket = if address.is_ipv4() {
        let socket = TcpSocket::new_v4()?;
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true).map_err(io::Error::from)?;
        socket
    } else {
        let socket = TcpSocket::new_v6()?;
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true).map_err(io::Error::from)?;
        socket
    };
    prepare(&socket).map_err(io::Error::from)?;
    // A second handle: connecting takes the first one with it, and its queue of errors.
    let queue = socket.as_fd().try_clone_to_owned()?;
    match socket.connect(address).await {
        Ok(stream) => Ok(stream),
        Err(error) => {
            let icmp = queued_error(queue.as_raw_fd(), &mut [0; 512]).ok().flatten();
            Err(Refusal { error, icmp: icmp.filter(|icmp| icmp.offender.is_some()) })
        }
    }
}

/// How many SYNs have left so long after the beginning.
fn syns(schedule: &[Duration], elapsed: Duration) -> u32 {
    let left =
        |attempt: &Duration| elapsed.checked_sub(*attempt).map_or(0, |age| 1 + u32::from(age >= REPEATED));
    schedule.iter().map(left).sum()
}

/// Whether this host itself swallowed every SYN: a packet filter's drop is told to TCP alone, which repeats the SYN
/// by its timer all the same and counts only what left.
fn never_left(handles: &[OwnedFd]) -> bool {
    let infos = handles.iter().filter_map(|handle| getsockopt(handle, TcpInfo).ok());
    let mut repeated = infos.filter(|info| info.tcpi_retransmits > 0).peekable();
    repeated.peek().is_some() && repeated.all(|info| info.tcpi_retrans == 0)
}

async fn reach(
    env: &Env,
    address: SocketAddr,
    timeout: Duration,
    schedule: &[Duration],
) -> Result<(TcpConnected, TcpStream), ProbeFailure> {
    let start = env.elapsed();
    let end = start + timeout.min(SILENCE);
    // Dropped with this function, and with it every attempt that is still under way.
    let mut attempts = JoinSet::new();
    let handles: Arc<Mutex<Vec<OwnedFd>>> = Arc::default();
    let mut tried: u32 = 0;
    let failure = |refusal: &Refusal, tried| ProbeFailure {
        sent: tried,
        offender: refusal.icmp.and_then(|icmp| icmp.offender),
        code: refusal.icmp.map(|icmp| icmp.code),
        ..ProbeFailure::from_io(Phase::Connect, &refusal.error)
    };
    loop {
        let now = env.elapsed();
        if now >= end {
            let own = never_left(&handles.lock().unwrap_or_else(PoisonError::into_inner))
                // A SYN that waits for its neighbour's hardware address has not left either.
                && !way::next_hop_is_silent(address.ip());
            let mut silent = if own {
                ProbeFailure::new(Phase::Connect, FailureKind::Denied, "this host lets no SYN out")
            } else {
                ProbeFailure::new(Phase::Connect, FailureKind::Timeout, "no answer")
            };
            (silent.sent, silent.conclusive) =
                (syns(schedule, now.saturating_sub(start)), own || timeout >= SILENCE);
            return Err(silent);
        }
        let due = schedule.get(tried as usize).map(|after| start + *after);
        if due.is_some_and(|due| now >= due) {
            tried += 1;
            let handles = Arc::clone(&handles);
            attempts.spawn(async move {
                let keep = |socket: &TcpSocket| {
                    let handle =
                        socket.as_fd().try_clone_to_owned().map_err(|_| nix::errno::Errno::EMFILE)?;
                    handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                    Ok(())
                };
                (now, open_with(address, keep).await)
            });
            continue;
        }
        let left = due.map_or(end, |due| due.min(end)).saturating_sub(now);
        match tokio::time::timeout(left, attempts.join_next()).await {
            Err(_) => {}
            Ok(Some(Ok((began, Ok(stream))))) => {
                let connect_us = since_us(env, began);
                let prepared = stream.set_nodelay(true).and_then(|()| stream.local_addr());
                let local = prepared.map_err(|e| failure(&e.into(), tried))?;
                return Ok((TcpConnected { local, connect_us }, stream));
            }
            Ok(Some(Ok((_, Err(e))))) if FailureKind::of_io(&e.error) != FailureKind::Timeout => {
                return Err(failure(&e, tried));
            }
            // The kernel gave one up; the clock decides.
            Ok(_) => tokio::time::sleep(left).await,
        }
    }
}
