//! A search of ports, opt-in, where one NAT gives a port a destination and the other always shows the same: one side opens many
//! mappings, the other tries many ports; by the birthday paradox they meet. Bounded; never between two such NATs.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ring::hmac::{self, HMAC_SHA256};

use super::line::{Line, Mapping};
use super::pairs::Target;

/// Sockets of the side whose NAT gives a port a destination.
pub const MOST_SOCKETS: usize = 256;
/// Ports that the other side tries.
pub const MOST_PROBES: usize = 1024;
/// Ports that NATs give (RFC 4787 4.2.2: 1024 to 65535).
const PORTS: std::ops::RangeInclusive<u16> = 1024..=65_535;

/// What this side has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Send from many sockets to the one port that the other side shows.
    Open,
    /// Send from one socket to many ports of the other side's NAT.
    Guess,
}

/// Whether a search is of use, and this side's part; both sides must have asked for it.
pub fn part(ours: &Line, theirs: &Line) -> Option<Part> {
    let known = |line: &Line| line.mapped().any(|m| m.is_ipv4());
    if !ours.hard || !theirs.hard || !known(ours) || !known(theirs) {
        return None;
    }
    match (ours.mapping, theirs.mapping) {
        (Mapping::Dependent, Mapping::NoNat | Mapping::Independent) => Some(Part::Open),
        (Mapping::NoNat | Mapping::Independent, Mapping::Dependent) => Some(Part::Guess),
        _ => None,
    }
}

/// Where each of `sockets` (numbered from `first`) sends to: the first address that servers saw of the other side.
pub fn openings(theirs: &Line, first: usize, sockets: usize) -> Vec<Target> {
    let to = theirs.mapped().find(SocketAddr::is_ipv4);
    let sockets = sockets.min(MOST_SOCKETS);
    to.map(|to| (first..first + sockets).map(|socket| (socket, to)).collect()).unwrap_or_default()
}

/// Different ports, by chance, of the address that servers saw of the other side.
pub fn guesses(theirs: &Line, socket: usize, seed: [u8; 32]) -> Vec<Target> {
    let Some(at) = theirs.mapped().find(SocketAddr::is_ipv4) else { return Vec::new() };
    let chance = hmac::Key::new(HMAC_SHA256, &seed);
    let mut tried = BTreeSet::new();
    let mut ports = Vec::new();
    for round in 0_u32.. {
        let random = hmac::sign(&chance, &round.to_be_bytes());
        let drawn = random.as_ref().chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        for port in drawn.filter(|port| PORTS.contains(port)) {
            if ports.len() < MOST_PROBES && tried.insert(port) {
                ports.push((socket, SocketAddr::new(at.ip(), port)));
            }
        }
        if ports.len() == MOST_PROBES {
            break;
        }
    }
    ports
}
