//! QUIC (RFC 9000): one endpoint over a socket that STUN has used, for `peer` and for `quic.handshake`; what servers of the
//! latter say, with TLS over TCP beside it.

pub mod ask;
mod handshake;
mod server;
pub mod socket;
mod version;

pub use server::Server;
pub use socket::Demultiplexer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use self::handshake::{SMALL, Try, handshake};
use super::board::Board;
use super::udp::UdpPort;
use super::{micros, tcp, tls};
use crate::env::Env;
use crate::model::facts::{QuicControl, QuicSession, QuicShape, QuicVariant, QuicVersions};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::model::text::clean;
use crate::proto::SILENCE;

/// Another shape is tried when the usual handshake has been silent for so long.
const VARIANT_AFTER: Duration = Duration::from_millis(600);
/// A first flight of full-size datagrams is answered by then, beside three round trips, or it is lost; sent so often.
const FULL_SIZE: Duration = Duration::from_millis(150);
const FULL_SIZE_TRIES: u32 = 4;
/// IP and UDP headers, bytes.
const HEADERS: [u16; 2] = [28, 48];

/// Asks one server in every way; nothing after `left`.
pub async fn ask(env: &Env, board: &Board, server: &Server, left: Duration) {
    let Server { host, address, rtt, .. } = server;
    let wish = Try { server: *address, host, rtt: *rtt, left: left.min(SILENCE), shape: None, size: SMALL };
    let usual = observe::<QuicSession>(env, board, server, handshake(env, wish));
    let versions = observe::<QuicVersions>(env, board, server, version::versions(env, *address, left));
    let control = observe::<QuicControl>(env, board, server, control(env, server, left.min(SILENCE)));
    let shaken = async {
        tokio::pin!(usual);
        let seen = if let Ok(seen) = tokio::time::timeout(VARIANT_AFTER, &mut usual).await {
            seen
        } else {
            let left = wish.left.saturating_sub(VARIANT_AFTER);
            let wish = Try { shape: Some(QuicShape::NeutralName), left, ..wish };
            tokio::join!(usual, variant(env, board, server, wish)).0
        };
        let stood = seen.seen().is_some_and(|session| session.refused.is_none());
        if let Some(size) = full_size(*address).filter(|_| stood && server.full_size) {
            let left = (FULL_SIZE + *rtt * 3).min(left / FULL_SIZE_TRIES);
            variant(env, board, server, Try { shape: Some(QuicShape::FullSize), left, size, ..wish }).await;
        }
    };
    tokio::join!(shaken, versions, control);
}

async fn variant(env: &Env, board: &Board, server: &Server, mut wish: Try<'_>) {
    let Some(shape) = wish.shape else { return };
    let work = async {
        let most = if shape == QuicShape::FullSize { FULL_SIZE_TRIES } else { 1 };
        let (mut answered, mut tries) = (false, 0);
        while !answered && tries < most {
            answered = matches!(handshake(env, wish).await, Outcome::Seen(_));
            tries += 1;
            // A router may have told the kernel meanwhile how much passes.
            if shape == QuicShape::FullSize {
                wish.size = full_size(wish.server).unwrap_or(wish.size);
            }
        }
        Outcome::Seen(QuicVariant { shape, answered, size: wish.size, tries })
    };
    observe(env, board, server, work).await;
}

/// The largest UDP payload that the route's own MTU carries, where that is more than the least.
fn full_size(to: SocketAddr) -> Option<u16> {
    let mtu = UdpPort::connected(to).and_then(|port| port.route_mtu()).ok()?;
    let size = u16::try_from(mtu.min(1500)).ok()?.checked_sub(HEADERS[usize::from(to.is_ipv6())])?;
    (size > SMALL).then_some(size)
}

/// TLS over TCP with the same address, whoever answers.
async fn control(env: &Env, server: &Server, left: Duration) -> Outcome<QuicControl> {
    let failed =
        |kind, detail: &str| Outcome::Failed(ProbeFailure::new(Phase::Handshake, kind, clean(detail, 160)));
    let begun = env.elapsed();
    let (connected, stream) = tcp::connect_and_keep(env, &server.name, server.address, left).await;
    let (connect_us, stream) = match (connected.outcome, stream) {
        (Outcome::Seen(connected), Some(stream)) => (connected.connect_us, stream),
        (Outcome::Failed(failure), _) => return Outcome::Failed(failure),
        (Outcome::NotRun(why), _) => return Outcome::NotRun(why),
        (Outcome::Seen(_), None) => return failed(FailureKind::Io, ""),
    };
    let bare = server.host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']').to_owned();
    let (Ok(name), Ok(config)) =
        (ServerName::try_from(bare), tls::to_anybody(&[b"h2", b"http/1.1"], tls::Versions::Usual))
    else {
        return failed(FailureKind::Malformed, "not a host's name");
    };
    let shaking = env.elapsed();
    let left = (begun + left).saturating_sub(shaking);
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match tokio::time::timeout(left, shaken).await {
        Ok(Ok(_)) => {
            let handshake_us = micros(env.elapsed().saturating_sub(shaking));
            Outcome::Seen(QuicControl { connect_us, handshake_us })
        }
        Ok(Err(error)) => failed(FailureKind::of_io(&error), &error.to_string()),
        Err(_) => failed(FailureKind::Timeout, "the handshake did not end"),
    }
}

async fn observe<T: super::board::Recorded>(
    env: &Env,
    board: &Board,
    server: &Server,
    work: impl Future<Output = Outcome<T>>,
) -> Observation<T> {
    let at = env.elapsed();
    let of = |outcome| Observation {
        target: server.name.clone(),
        address: Some(server.address),
        at_us: micros(at),
        took_us: 0,
        outcome,
    };
    let cut = of(Outcome::NotRun(crate::model::observation::NotRun::Deadline));
    // Boxed: a handshake's state is large, and lies in every future that awaits it.
    let work = Box::pin(work);
    let observed = async {
        let outcome = work.await;
        Observation {
            target: server.name.clone(),
            address: Some(server.address),
            at_us: micros(at),
            took_us: micros(env.elapsed().saturating_sub(at)),
            outcome,
        }
    };
    board.observe(server.order, cut, observed).await
}
