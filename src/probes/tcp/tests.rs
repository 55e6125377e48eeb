//! Connects on loopback: what stands, what refuses, what keeps silent.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};

use super::connect;
use crate::env::Env;
use crate::model::observation::{FailureKind, Phase};

const LONG: Duration = Duration::from_secs(5);

fn here(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[tokio::test]
async fn a_listener_is_seen_and_a_closed_port_refuses_at_once() {
    let env = Env::system();
    let listener = TcpListener::bind(here(0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let o = connect(&env, "a", address, LONG).await;
    assert!(o.seen().unwrap().local.ip().is_loopback());
    drop(listener);
    let o = connect(&env, "a", address, LONG).await;
    let failure = o.failure().unwrap();
    assert_eq!((failure.phase, failure.kind, failure.sent), (Phase::Connect, FailureKind::Refused, 1));
    assert!(o.took() < Duration::from_secs(1));
}

/// A listener whose queue is full: the kernel drops further SYNs.
async fn full() -> (TcpSocketKeeper, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(here(0)).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(100), tokio::net::TcpStream::connect(address)).await
    {
        held.push(stream.unwrap());
        assert!(held.len() < 10, "the queue does not fill");
    }
    ((listener, held), address)
}

type TcpSocketKeeper = (TcpListener, Vec<tokio::net::TcpStream>);

#[tokio::test]
async fn silence_is_conclusive_only_when_waited_for_in_full() {
    let env = Env::system();
    let (_kept, address) = full().await;
    let short = connect(&env, "a", address, Duration::from_millis(400)).await;
    let failure = short.failure().unwrap();
    assert_eq!((failure.kind, failure.conclusive, failure.sent), (FailureKind::Timeout, false, 2));
    let long = connect(&env, "a", address, LONG).await;
    let failure = long.failure().unwrap();
    assert_eq!((failure.kind, failure.conclusive, failure.sent), (FailureKind::Timeout, true, 9));
    assert!(long.took() < Duration::from_millis(2900), "{:?}", long.took());
}

#[tokio::test]
async fn no_route_is_unreachable() {
    // The documentation prefix of IPv6 discards (RFC 6666) has a route nowhere; without IPv6 it has none either.
    let o = connect(&Env::system(), "a", "[::ffff:255.255.255.255]:9".parse().unwrap(), LONG).await;
    let kind = o.failure().unwrap().kind;
    assert!(matches!(kind, FailureKind::Unreachable | FailureKind::Denied), "{kind:?}");
}
