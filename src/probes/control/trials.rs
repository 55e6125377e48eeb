//! Handshakes of another kind where the usual one is cut or not answered: what passes tells what is cut; judges nothing.

use std::time::Duration;

use super::plane::{Peer, Plane};
use crate::model::facts::TlsTrial;
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::probes::tls::{Versions, trial};
use crate::probes::{micros, since_us, tcp};

/// A name that stands for nothing (RFC 6761 6.5): no filter looks for it.
const NEUTRAL: &str = "example.com";

/// By another name, with TLS 1.2 alone, and both: all at once. Whether any was answered.
pub(super) async fn of_another_kind(plane: &Plane, peer: &Peer, wait: Duration) -> bool {
    let kinds = [(true, false), (false, true), (true, true)];
    let [a, b, c] = kinds.map(|(neutral, only_1_2)| Box::pin(one(plane, peer, neutral, only_1_2, wait)));
    let (a, b, c) = tokio::join!(a, b, c);
    a || b || c
}

async fn one(plane: &Plane, peer: &Peer, neutral: bool, only_1_2: bool, wait: Duration) -> bool {
    let left = wait.min(plane.left());
    let begun = plane.env.elapsed();
    let host = if neutral { NEUTRAL } else { peer.host.as_str() };
    let versions = if only_1_2 { Versions::Only12 } else { Versions::Usual };
    let (connected, stream) = tcp::connect_and_keep(&plane.env, &peer.name, peer.address, left).await;
    // Without a connection nothing was tried.
    let Some(stream) = stream else { return false };
    let spent = plane.env.elapsed().saturating_sub(begun);
    let ended = trial(stream, host, versions, left.saturating_sub(spent)).await;
    // A server may have no certificate for such a name, and says so: it was reached all the same.
    let answered = ended.is_ok() || neutral && ended == Err(FailureKind::Rejected);
    let observation = Observation {
        target: peer.name.clone(),
        address: connected.address,
        at_us: micros(begun),
        took_us: since_us(&plane.env, begun),
        outcome: Outcome::Seen(TlsTrial { neutral, only_1_2, answered }),
    };
    plane.board.keep(peer.order, observation);
    answered
}
