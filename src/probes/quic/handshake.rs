//! A full QUIC handshake (RFC 9000 7) with one server, and a look whether the connection then holds. Whose certificate it is does
//! not matter here: nothing is sent over the connection but pings.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig};
use quinn::{ClientConfig, ConnectError, Connection, ConnectionError, IdleTimeout, TransportConfig, VarInt};

use super::Demultiplexer;
use crate::env::Env;
use crate::model::facts::{QuicSession, QuicShape};
use crate::model::observation::{FailureKind, Outcome, Phase, ProbeFailure};
use crate::model::text::{clean, clean_bytes, without_urls};
use crate::probes::{micros, tls};

/// The protocol that web servers speak over QUIC (RFC 9114 3.1).
const H3: &[u8] = b"h3";
/// A name that no filter has in a list (RFC 6761 6.5).
const NEUTRAL: &str = "www.example.com";
/// The least size of a first datagram (RFC 9000 14.1), bytes of UDP.
pub(super) const SMALL: u16 = 1200;
/// Names of protocols that fill a first datagram, and how long each is: more than one datagram in all.
const FILLERS: u8 = 8;
const FILLER: usize = 160;
/// Pings while the connection is held: a filter that counts packets shows.
const PING_EVERY: Duration = Duration::from_millis(5);
/// So many answers are enough.
const ACKNOWLEDGED: u64 = 3;

/// What to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try<'a> {
    pub(super) server: SocketAddr,
    pub(super) host: &'a str,
    /// The round trip that STUN saw.
    pub(super) rtt: Duration,
    pub(super) left: Duration,
    pub(super) shape: Option<QuicShape>,
    /// UDP payload of the first packet, bytes.
    pub(super) size: u16,
}

/// Shakes hands.
pub(super) async fn handshake(env: &Env, wish: Try<'_>) -> Outcome<QuicSession> {
    let failed =
        |kind, detail: &str| Outcome::Failed(ProbeFailure::new(Phase::Handshake, kind, clean(detail, 160)));
    let any =
        if wish.server.is_ipv4() { SocketAddr::from(([0; 4], 0)) } else { SocketAddr::from(([0_u16; 8], 0)) };
    let socket = UdpSocket::bind(any).and_then(|socket| Demultiplexer::new(socket, wish.server));
    // Nothing but QUIC is expected here: what goes aside is dropped.
    let socket = match socket {
        Ok((socket, _aside)) => socket,
        Err(error) => return Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    let endpoint = match socket.endpoint(None) {
        Ok(endpoint) => endpoint,
        Err(error) => return Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    let config = match config(&wish) {
        Ok(config) => config,
        Err(error) => return failed(FailureKind::Io, &error),
    };
    let bare = wish.host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']');
    let name = if wish.shape == Some(QuicShape::NeutralName) { NEUTRAL } else { bare };
    let begun = env.elapsed();
    let connecting = match endpoint.connect_with(config, wish.server, name) {
        Ok(connecting) => connecting,
        Err(ConnectError::InvalidServerName(_)) => {
            return failed(FailureKind::Malformed, "not a host's name");
        }
        Err(error) => return failed(FailureKind::Io, &error.to_string()),
    };
    let ended = tokio::time::timeout(wish.left, connecting).await;
    let handshake_us = micros(env.elapsed().saturating_sub(begun));
    let seen = |refused| QuicSession {
        handshake_us,
        refused,
        received: socket.received(),
        ..QuicSession::default()
    };
    let outcome = match ended {
        Ok(Ok(connection)) => {
            let data = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
            let alpn = data.and_then(|data| data.protocol).map(|protocol| clean_bytes(&protocol, 16));
            let rtt = connection.rtt();
            let held = match wish.shape {
                None => Some(holds(env, &connection, begun + wish.left).await),
                Some(_) => None,
            };
            connection.close(VarInt::from_u32(0), b"");
            let rtt_us = micros(rtt);
            Outcome::Seen(QuicSession { alpn, rtt_us, held, received: socket.received(), ..seen(None) })
        }
        // Words of QUIC, whatever they say: they passed.
        Ok(Err(
            error @ (ConnectionError::VersionMismatch
            | ConnectionError::Reset
            | ConnectionError::ConnectionClosed(_)),
        )) => Outcome::Seen(seen(Some(clean(&without_urls(&error.to_string()), 120)))),
        Ok(Err(error)) if !matches!(error, ConnectionError::TimedOut) => {
            failed(FailureKind::Malformed, &error.to_string())
        }
        Ok(Err(_)) | Err(_) => {
            let mut silent = ProbeFailure::new(Phase::Handshake, FailureKind::Timeout, "");
            silent.conclusive = wish.left >= crate::proto::SILENCE;
            (silent.sent, silent.strays) = (u32::try_from(socket.sent()).unwrap_or(u32::MAX), 0);
            // How far it came: packets of the server that were had before the silence.
            silent.code = u16::try_from(socket.received()).ok().filter(|n| *n > 0);
            Outcome::Failed(silent)
        }
    };
    endpoint.close(VarInt::from_u32(0), b"");
    // The last packet is given the chance to leave; nobody waits for its answer.
    let _ = tokio::time::timeout(Duration::from_millis(5), endpoint.wait_idle()).await;
    outcome
}

/// Whether our packets still arrive once the handshake is over: a few acknowledgements, or none in good time. What the
/// server repeats for want of ours is no sign.
async fn holds(env: &Env, connection: &Connection, end: Duration) -> bool {
    let acknowledged = || connection.stats().frame_rx.acks;
    let wanted = acknowledged() + ACKNOWLEDGED;
    while acknowledged() < wanted {
        if env.elapsed() >= end || connection.close_reason().is_some() {
            return false;
        }
        tokio::time::sleep(PING_EVERY).await;
    }
    true
}

fn config(wish: &Try<'_>) -> Result<ClientConfig, String> {
    // QUIC pads a first datagram to 1200 bytes and no further: a larger one needs more to say. Names of protocols that
    // nobody knows are passed over by every server (RFC 7301 3.2).
    let filler: Vec<Vec<u8>> = (0..FILLERS).map(|n| vec![b'a' + n; FILLER]).collect();
    let protocols: Vec<&[u8]> = match wish.shape {
        Some(QuicShape::FullSize) => std::iter::once(H3).chain(filler.iter().map(Vec::as_slice)).collect(),
        _ => vec![H3],
    };
    let tls = tls::to_anybody(&protocols, tls::Versions::Only13).map_err(|error| error.to_string())?;
    let tls = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
    let mut transport = TransportConfig::default();
    transport
        // Repeated soon: as often as the first contact with any server is.
        .initial_rtt(match wish.shape {
            // What is repeated is small: only the first flight is of full size, and nothing is to follow it.
            Some(QuicShape::FullSize) => wish.left,
            _ => wish.rtt.clamp(Duration::from_millis(20), Duration::from_millis(333)),
        })
        .max_idle_timeout(IdleTimeout::try_from(wish.left + Duration::from_secs(1)).ok())
        .keep_alive_interval(Some(PING_EVERY))
        .initial_mtu(wish.size.max(SMALL))
        .mtu_discovery_config(None)
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(3));
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport));
    Ok(config)
}
