//! The way that the kernel takes to an address, and the state of the next hop on its link: two look-ups, nothing is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::netlink::Socket;
use crate::model::facts::{Neighbour, ResourceWay};

/// The way to `address` from this process: interface, source, next hop; none where the kernel knows none.
pub(in crate::probes) fn to(address: IpAddr) -> Option<ResourceWay> {
    let looked_up = Socket::open().ok().and_then(|socket| socket.any_route(address).ok()).flatten();
    let route = looked_up?;
    Some(ResourceWay { interface: route.interface, source: source(address), gateway: route.gateway })
}

/// What the kernel knows of a neighbour behind this interface.
pub(in crate::probes) fn neighbour(interface: &str, address: IpAddr) -> Option<Neighbour> {
    Socket::open().ok()?.neighbour(interface, address)
}

/// Whether the next hop towards an address was asked for on its link and did not answer.
pub(in crate::probes) fn next_hop_is_silent(address: IpAddr) -> bool {
    let hop = to(address).and_then(|way| neighbour(&way.interface, way.gateway.unwrap_or(address)));
    hop == Some(Neighbour::Silent)
}

/// The address that a socket to there gets.
fn source(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(SocketAddr::new(to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
