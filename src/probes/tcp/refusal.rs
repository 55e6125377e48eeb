//! How far away the device stands that refuses a connection by a reset; draws no conclusion. IPv4 alone.
//!
//! A reset bears the peer's address whoever made it. Two things betray its maker, without rights: the TTL with
//! which it arrives (`IP_MINTTL` on the connecting socket drops one with less), and the least TTL of a SYN that
//! still reaches its maker. A peer behind n routers needs n + 1 and sends back over n; a router that rejects what
//! it should forward needs one more than its reset travels, since it looks at the TTL before it filters.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use nix::{setsockopt_impl, sockopt_impl};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::{Refusal, open_with};
use crate::model::facts::RefusalTrace;
use crate::model::observation::FailureKind;

sockopt_impl!(
    /// Drops what arrives with a lower TTL (ip(7), `IP_MINTTL`).
    MinTtl,
    SetOnly,
    libc::IPPROTO_IP,
    libc::IP_MINTTL,
    libc::c_int
);

/// SYNs leave with each TTL up to this; a path is rarely longer.
const MAX_HOPS: u8 = 30;
/// TTLs that are tried side by side; two rounds of it find one of 255.
const STEP: u8 = 16;

/// Traces the maker of the resets that `address` answers with, whose round trip is `rtt`.
pub async fn trace(address: SocketAddrV4, rtt: Duration) -> RefusalTrace {
    let wait = (rtt * 2 + Duration::from_millis(60)).min(Duration::from_secs(1));
    let (syn_ttl, reset_ttl, by_host) = tokio::join!(
        refused_from(address, 1..=MAX_HOPS, wait, set_ttl),
        reset_ttl(address, wait),
        by_host(address, wait)
    );
    RefusalTrace { syn_ttl: syn_ttl.first().copied(), reset_ttl, by_host }
}

/// The same for a neighbour on the link, which nobody stands before but this host.
pub async fn here(address: SocketAddrV4, rtt: Duration) -> RefusalTrace {
    let wait = (rtt * 2 + Duration::from_millis(60)).min(Duration::from_secs(1));
    RefusalTrace { by_host: by_host(address, wait).await, ..RefusalTrace::default() }
}

/// The routers that say of a SYN with so many hops to live that it ended there, by distance.
pub async fn routers(address: SocketAddrV4, farthest: u8, wait: Duration) -> Vec<(u8, IpAddr)> {
    /// ICMP type 11, time exceeded.
    const EXCEEDED: u16 = 11;
    let mut attempts = JoinSet::new();
    for ttl in 1..=farthest {
        attempts.spawn(async move {
            let connect = open_with(SocketAddr::V4(address), |socket| set_ttl(socket, ttl));
            match tokio::time::timeout(wait, connect).await {
                Ok(Err(Refusal { icmp: Some(icmp), .. })) if icmp.code >> 8 == EXCEEDED => {
                    Some((ttl, icmp.offender?))
                }
                _ => None,
            }
        });
    }
    let mut found: Vec<(u8, IpAddr)> = attempts.join_all().await.into_iter().flatten().collect();
    found.sort_unstable();
    found
}

/// Whether this host's own packet filter makes the reset: then it comes, too, to a SYN that cannot leave, from a socket
/// that is bound to loopback. None where binding is not allowed.
async fn by_host(address: SocketAddrV4, wait: Duration) -> Option<bool> {
    let bind = |socket: &TcpSocket| setsockopt(socket, sockopt::BindToDevice, &OsString::from("lo"));
    match tokio::time::timeout(wait, open_with(SocketAddr::V4(address), bind)).await {
        Err(_) => Some(false),
        Ok(Err(refusal)) if FailureKind::of_io(&refusal.error) == FailureKind::Refused => Some(true),
        Ok(_) => None,
    }
}

/// The TTL with which a reset arrives; none where no reset comes.
async fn reset_ttl(address: SocketAddrV4, wait: Duration) -> Option<u8> {
    let coarse = refused_from(address, (0..STEP).map(|n| (n * STEP).max(1)), wait, set_min_ttl).await;
    let coarse = *coarse.last()?;
    let fine = refused_from(address, (1..STEP).map(|n| coarse / STEP * STEP + n), wait, set_min_ttl).await;
    Some(fine.last().copied().unwrap_or(coarse).max(coarse))
}

/// Which of these values lead to a refusal by reset within `wait`, ascending.
async fn refused_from(
    address: SocketAddrV4,
    values: impl IntoIterator<Item = u8>,
    wait: Duration,
    set: fn(&TcpSocket, u8) -> nix::Result<()>,
) -> Vec<u8> {
    let mut attempts = JoinSet::new();
    for value in values {
        attempts.spawn(async move {
            let connect = open_with(SocketAddr::V4(address), |socket| set(socket, value));
            match tokio::time::timeout(wait, connect).await {
                Ok(Err(Refusal { error, icmp: None })) => {
                    (FailureKind::of_io(&error) == FailureKind::Refused).then_some(value)
                }
                _ => None,
            }
        });
    }
    let mut refused: Vec<u8> = attempts.join_all().await.into_iter().flatten().collect();
    refused.sort_unstable();
    refused
}

fn set_ttl(socket: &TcpSocket, value: u8) -> nix::Result<()> {
    setsockopt(socket, sockopt::Ipv4Ttl, &libc::c_int::from(value))
}

fn set_min_ttl(socket: &TcpSocket, value: u8) -> nix::Result<()> {
    setsockopt(socket, MinTtl, &libc::c_int::from(value))
}
