//! The control plane: the Controller at every address, relays, services, and their Dates as a clock; judges nothing.
//!
//! Each address is taken as far as it goes: connection, handshake, answer. Where it stops early, what would tell the
//! reason is asked beside it: who refuses, and what answers on port 80 in the Controller's name.

mod clock;
mod head;
mod plane;
#[cfg(test)]
mod tests;
mod trials;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::head::head;
pub use self::plane::Plane;
use self::plane::{Peer, nothing};
use super::board::Order;
use super::http::{Answered, Client};
use super::{micros, since_us, tcp, tls};
use crate::model::facts::{
    ControllerTcp, HttpAnswer, PlainAnswer, RefusalTrace, RelayTcp, SegmentTrial, ServiceTcp, TlsSession,
};
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};

/// Port 80 is asked when the Controller's port has been silent for so long.
const PLAIN_AFTER: Duration = Duration::from_millis(700);
/// Port 80 is given up at the time at which the Controller's port is.
const PLAIN: Duration = Duration::from_millis(1800);
/// Other hosts are asked for the time when no time server has answered by then.
const OTHER_CLOCKS_AFTER: Duration = Duration::from_millis(700);
/// Smaller segments and handshakes of another kind are tried when the handshake has been silent for so long.
const SMALLER_AFTER: Duration = Duration::from_millis(800);
/// Sizes of IP packets that are then asked for, bytes.
const SMALLER: [u32; 5] = [576, 1000, 1200, 1280, 1400];
/// A handshake over small segments, or of another kind, takes no longer, or is not answered either.
const TRIAL: Duration = Duration::from_millis(2220);
/// Addresses of the Controller that are tried, of each family.
const MAX_ADDRESSES: usize = 4;

/// Tries the Controller at each of `addresses`, at most four of a family.
pub async fn controller(
    plane: Plane,
    order: Order,
    host: String,
    port: u16,
    name: String,
    addresses: &[IpAddr],
) {
    let mut tried = JoinSet::new();
    for v6 in [false, true] {
        for ip in addresses.iter().filter(|ip| ip.is_ipv6() == v6).take(MAX_ADDRESSES) {
            let order = (order.0, order.1 + tried.len());
            let (name, host) = (name.clone(), host.clone());
            let peer = Peer { name, host, address: SocketAddr::new(*ip, port), order };
            let plane = plane.clone();
            tried.spawn(async move { controller_at(&plane, &peer).await });
        }
    }
    while tried.join_next().await.is_some() {}
}

async fn controller_at(plane: &Plane, peer: &Peer) {
    let connect = plane.connect(peer, ControllerTcp);
    tokio::pin!(connect);
    let connected = match tokio::time::timeout(PLAIN_AFTER, &mut connect).await {
        Ok(connected) => connected,
        Err(_) => tokio::join!(connect, plain(plane, peer)).0,
    };
    let stream = match connected {
        Ok(stream) => stream,
        Err(failure) if failure.kind == FailureKind::Refused => {
            let trace = async {
                if failure.offender.is_none() {
                    trace_refusal(plane, peer).await;
                }
            };
            tokio::join!(trace, plain(plane, peer));
            return;
        }
        Err(_) => return,
    };
    let enough = Notify::new();
    let shaken = shake(plane, peer, stream, &enough);
    tokio::pin!(shaken);
    let shaken = if let Ok(shaken) = tokio::time::timeout(SMALLER_AFTER, &mut shaken).await {
        shaken
    } else {
        let beside = Box::pin(async {
            let of_another_kind = trials::of_another_kind(plane, peer, TRIAL);
            let (smaller, another) = tokio::join!(smaller_segments(plane, peer), of_another_kind);
            // What passes beside it shows how long an answer takes: this one does not come any more.
            if smaller || another {
                enough.notify_one();
            }
        });
        // Port 80 is asked at the same time: it would cost its whole wait once more.
        let (shaken, (), ()) = tokio::join!(shaken, beside, plain(plane, peer));
        if shaken.is_err() {
            return;
        }
        shaken
    };
    let (session, stream) = match shaken {
        Ok(shaken) => shaken,
        Err(why) => {
            let cut = matches!(why, Some(FailureKind::Reset | FailureKind::Closed));
            let beside = async {
                if cut {
                    trials::of_another_kind(plane, peer, TRIAL).await;
                }
            };
            tokio::join!(Box::pin(beside), plain(plane, peer));
            return;
        }
    };
    let genuine = session.name_matches && (session.system.trusted || session.mozilla.trusted);
    let ask = Box::pin(async {
        if let Some((client, answered)) = ask(plane, peer, stream).await {
            clock::read(plane, peer, &session, client, answered).await;
        }
    });
    if genuine {
        ask.await;
    } else {
        tokio::join!(ask, plain(plane, peer));
    }
}

/// The handshake again, with smaller segments asked for: what then passes shows what was swallowed.
///
/// Whether any was answered.
async fn smaller_segments(plane: &Plane, peer: &Peer) -> bool {
    let Some(roots) = plane.roots().await else { return false };
    let mut trials = JoinSet::new();
    for size in SMALLER {
        let (plane, peer, roots) = (plane.clone(), peer.clone(), Arc::clone(&roots));
        trials.spawn(async move {
            let left = TRIAL.min(plane.left());
            let begun = plane.env.elapsed();
            let shake = async {
                let stream = tcp::open_small(peer.address, size).await.ok()?;
                tls::handshake(&plane.env, stream, &peer.host, &roots, left).await.ok()
            };
            let answered =
                tokio::time::timeout(left, Box::pin(shake)).await.is_ok_and(|shaken| shaken.is_some());
            let observation = Observation {
                target: peer.name.clone(),
                address: Some(peer.address),
                at_us: micros(begun),
                took_us: since_us(&plane.env, begun),
                outcome: Outcome::Seen(SegmentTrial { size, answered }),
            };
            plane.board.keep(peer.order, observation);
            answered
        });
    }
    let mut any = false;
    while let Some(ended) = trials.join_next().await {
        any |= ended.unwrap_or(false);
    }
    any
}

/// The handshake, kept; the session and its stream, or why there is none. It is given up once `enough` is known beside it.
async fn shake(
    plane: &Plane,
    peer: &Peer,
    stream: TcpStream,
    enough: &Notify,
) -> Result<(TlsSession, tokio_rustls::client::TlsStream<TcpStream>), Option<FailureKind>> {
    let roots = plane.roots().await.ok_or(None)?;
    let begun = plane.env.elapsed();
    let work = async {
        let ended = tokio::select! {
            biased;
            ended = tls::handshake(&plane.env, stream, &peer.host, &roots, plane.step()) => ended,
            () = enough.notified() => Err(tls::silent(plane.env.elapsed().saturating_sub(begun))),
        };
        match ended {
            Ok((session, stream)) => (Ok(session.clone()), Some(Ok((session, stream)))),
            Err(failure) => {
                let kind = failure.kind;
                (Err(failure), Some(Err(Some(kind))))
            }
        }
    };
    plane.observe(peer, work).await.unwrap_or(Err(None))
}

/// The Controller's answer, kept; the client for more, and the answer.
async fn ask(
    plane: &Plane,
    peer: &Peer,
    stream: tokio_rustls::client::TlsStream<TcpStream>,
) -> Option<(Client, Answered)> {
    plane.observe(peer, async { kept(head(plane, peer, stream, 443, true).await) }).await
}

fn kept(
    result: Result<(Client, Answered), ProbeFailure>,
) -> (Result<HttpAnswer, ProbeFailure>, Option<(Client, Answered)>) {
    match result {
        Ok((client, answered)) => (Ok(answered.answer.clone()), Some((client, answered))),
        Err(failure) => (Err(failure), None),
    }
}

async fn trace_refusal(plane: &Plane, peer: &Peer) {
    let SocketAddr::V4(address) = peer.address else { return };
    let work = async {
        let begun = plane.env.elapsed();
        // The round trip is what a refusal takes now.
        let _ = tcp::connect(&plane.env, &peer.name, peer.address, plane.left()).await;
        let rtt = plane.env.elapsed().saturating_sub(begun);
        let trace: RefusalTrace = tcp::refusal::trace(address, rtt).await;
        (Ok(trace), None::<()>)
    };
    plane.observe(peer, work).await;
}

/// What port 80 of the same address says in the Controller's name: a portal sends elsewhere. Asked only where the
/// Controller's port is the usual one.
async fn plain(plane: &Plane, peer: &Peer) {
    if peer.address.port() != 443 {
        return;
    }
    let peer = Peer { address: SocketAddr::new(peer.address.ip(), 80), ..peer.clone() };
    let work = async {
        let left = PLAIN.min(plane.left());
        let (observed, stream) = tcp::connect_and_keep(&plane.env, &peer.name, peer.address, left).await;
        let Some(stream) = stream else {
            return (Err(observed.failure().cloned().unwrap_or_else(nothing)), None::<()>);
        };
        let head = tokio::time::timeout(left, head(plane, &peer, stream, 80, false)).await;
        match head {
            Ok(result) => (result.map(|(_, answered)| PlainAnswer(answered.answer)), None),
            Err(_) => (Err(ProbeFailure { kind: FailureKind::Timeout, ..nothing() }), None),
        }
    };
    plane.observe(&peer, work).await;
}

/// Connects to a relay over IPv4.
pub async fn relay(plane: Plane, order: Order, name: String, address: SocketAddr) {
    let peer = Peer { host: String::new(), name, address, order };
    let refused = plane.connect(&peer, RelayTcp).await.is_err_and(|f| from_afar(&f));
    if refused {
        trace_refusal(&plane, &peer).await;
    }
}

/// Connects to a service; where no time server has answered for a while, asks for its Date, too.
pub async fn service(plane: Plane, order: Order, host: String, name: String, address: SocketAddr) {
    let peer = Peer { name, host, address, order };
    let stream = match plane.connect(&peer, ServiceTcp).await {
        Ok(stream) => stream,
        Err(failure) => {
            if from_afar(&failure) {
                trace_refusal(&plane, &peer).await;
            }
            return;
        }
    };
    if address.port() == 443 && (!time_comes(&plane).await || *plane.time_doubted.borrow()) {
        Box::pin(clock::ask_another(&plane, &peer, stream)).await;
    }
}

/// A reset, of which it is not known who made it.
fn from_afar(failure: &ProbeFailure) -> bool {
    failure.kind == FailureKind::Refused && failure.offender.is_none()
}

/// Whether a time server answers before the others are asked.
async fn time_comes(plane: &Plane) -> bool {
    let mut known = plane.time_known.clone();
    let wait = OTHER_CLOCKS_AFTER.saturating_sub(plane.env.elapsed()).min(plane.left());
    tokio::time::timeout(wait, known.wait_for(|known| *known)).await.is_ok_and(|known| known.is_ok())
}
