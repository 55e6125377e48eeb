//! QUIC over the pair that was found, between the holders of two certificates and nobody else.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::{Connection, ConnectionError, IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};
use tokio::sync::mpsc;

use super::certificate::{Identity, Pinned, client, server};
use super::measure::{Measured, Progress, measure};
use crate::env::Env;
use crate::model::peer::PeerReason;
use crate::probes::quic::Demultiplexer;
use crate::probes::quic::socket::Aside;
use crate::proto::Step;
use crate::proto::peer::Punch;

/// A handshake over a path that works takes two round trips; losses take the rest.
const HANDSHAKE: Duration = Duration::from_secs(6);
/// A connection of which nothing is heard for so long is lost.
const IDLE: Duration = Duration::from_secs(4);
const KEEP: Duration = Duration::from_millis(500);
/// Round trip assumed where no check measured one.
const RTT: Duration = Duration::from_millis(100);
/// What may be under way, bytes: 1 Gbit/s at 40 ms.
const WINDOW: u32 = 5 << 20;
/// IP and UDP headers, bytes.
const HEADERS: [u16; 2] = [28, 48];
/// Largest IP packet that is looked for.
const MTU: u16 = 1500;
/// The last packets are given so long to leave.
const LINGER: Duration = Duration::from_millis(300);

/// What the session needs beside the pair.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    pub(super) identity: &'a Identity,
    pub(super) pinned: [u8; 32],
    pub(super) leads: bool,
    pub(super) remote: SocketAddr,
    pub(super) rtt: Option<Duration>,
    pub(super) measure_for: Duration,
    pub(super) progress: &'a Progress,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) failed: Option<PeerReason>,
    pub(super) connected: Option<Duration>,
    pub(super) measured: Measured,
    pub(super) mtu: Option<u16>,
    pub(super) foreign: u64,
}

/// Connects, measures, ends. STUN that comes meanwhile is still answered by `machine`.
pub(super) async fn run(
    env: &Env,
    socket: UdpSocket,
    machine: &mut Punch,
    number: usize,
    wish: &Wish<'_>,
) -> Session {
    let pinned = Pinned::new(wish.pinned);
    let Ok((socket, aside)) = Demultiplexer::new(socket, wish.remote) else {
        return Session { failed: Some(PeerReason::QuicBlocked), ..Session::default() };
    };
    let mut session = tokio::select! {
        session = quic(env, &socket, &pinned, wish) => session,
        () = answer(env, &socket, aside, machine, number) => Session::default(),
    };
    if session.connected.is_none() && pinned.refused() {
        session.failed = Some(PeerReason::Stranger);
    }
    session.foreign = socket.foreign();
    session
}

/// The other side may still be asking: its checks are answered for as long as this runs.
async fn answer(
    env: &Env,
    socket: &Demultiplexer,
    mut aside: mpsc::Receiver<Aside>,
    machine: &mut Punch,
    number: usize,
) {
    // An answer that was due when the pair was chosen.
    flush(env, socket, machine);
    while let Some((bytes, from)) = aside.recv().await {
        machine.handle(number, &bytes, from, env.elapsed());
        flush(env, socket, machine);
    }
    std::future::pending::<()>().await;
}

fn flush(env: &Env, socket: &Demultiplexer, machine: &mut Punch) {
    while let Step::Transmit(datagram) = machine.poll(env.elapsed()) {
        socket.send_aside(&datagram.bytes, datagram.to);
    }
}

async fn quic(env: &Env, socket: &Arc<Demultiplexer>, pinned: &Arc<Pinned>, wish: &Wish<'_>) -> Session {
    let blocked = || Session { failed: Some(PeerReason::QuicBlocked), ..Session::default() };
    let transport = Arc::new(transport(wish));
    let (Ok(mut client), Ok(mut server)) = (client(wish.identity, pinned), server(wish.identity, pinned))
    else {
        return blocked();
    };
    client.transport_config(Arc::clone(&transport));
    server.transport_config(transport);
    server.migration(false);
    let Ok(endpoint) = socket.endpoint((!wish.leads).then_some(server)) else { return blocked() };
    let connecting = async {
        if wish.leads {
            return endpoint.connect_with(client, wish.remote, "peer.invalid").ok()?.await.ok();
        }
        // Whoever does not hold the certificate is refused, and the next one heard.
        loop {
            let incoming = endpoint.accept().await?;
            if let Ok(connection) = incoming.await {
                return Some(connection);
            }
        }
    };
    let Ok(Some(connection)) = tokio::time::timeout(HANDSHAKE, connecting).await else {
        endpoint.close(VarInt::from_u32(1), b"");
        return blocked();
    };
    let connected = env.elapsed();
    wish.progress.connected(connection.rtt());
    let measured = measure(env, &connection, wish.leads, wish.measure_for, wish.progress).await;
    let mtu = connection.stats().path.current_mtu + HEADERS[usize::from(wish.remote.is_ipv6())];
    let failed =
        if measured.whole { None } else { lost(&connection, env.elapsed().saturating_sub(connected)) };
    connection.close(VarInt::from_u32(0), b"done");
    let _ = tokio::time::timeout(LINGER, endpoint.wait_idle()).await;
    Session { failed, connected: Some(connected), measured, mtu: Some(mtu), foreign: 0 }
}

/// The other side's own end in order is none of the path's faults.
fn lost(connection: &Connection, after: Duration) -> Option<PeerReason> {
    match connection.close_reason() {
        Some(ConnectionError::ApplicationClosed(_) | ConnectionError::LocallyClosed) => None,
        _ => Some(PeerReason::Broke { after_ms: after.as_millis() as u64 }),
    }
}

fn transport(wish: &Wish<'_>) -> TransportConfig {
    let mut search = MtuDiscoveryConfig::default();
    search.upper_bound(MTU - HEADERS[usize::from(wish.remote.is_ipv6())]);
    let mut transport = TransportConfig::default();
    transport
        .initial_rtt(wish.rtt.unwrap_or(RTT).max(Duration::from_millis(1)))
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .keep_alive_interval(Some(KEEP))
        .mtu_discovery_config(Some(search))
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(u64::from(WINDOW))
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .datagram_receive_buffer_size(Some(64 * 1024));
    transport
}
