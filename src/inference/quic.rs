//! Whether QUIC passes: what each server's handshake, version probe and TCP control show together. Pure; judges nothing.

use std::net::{IpAddr, SocketAddr};

use super::lookups::strangers;
use crate::model::facts::{Facts, QuicShape, TargetRole};
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};

/// What is to be said of QUIC with one server at one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The handshake stood, and the connection held.
    Passes,
    /// Handshakes are swallowed, while TLS over TCP with the same host works.
    Silent {
        /// The server answered a version probe: UDP reaches its port.
        versions: bool,
        /// It answers a handshake that names another host.
        by_name: bool,
    },
    /// The first packets pass, then nothing does.
    Dies,
    /// Something on the way refuses by ICMP.
    Rejected(IpAddr),
    /// The server itself says that nothing listens there.
    NoQuic,
    /// Nothing to compare with: TCP does not reach it either, or it was not asked to the end.
    Unknown,
}

/// One server at one address.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    /// As named.
    pub name: &'a str,
    /// Where it was asked.
    pub address: SocketAddr,
    /// What is to be said.
    pub way: Way,
    /// Whether a handshake over full-size datagrams was answered; none where none was tried.
    pub full_size: Option<bool>,
    /// From the first packet to the end of the handshake, microseconds.
    pub handshake_us: Option<u64>,
}

/// What is known of QUIC.
#[derive(Clone, Debug, Default)]
pub struct Quic<'a> {
    /// Every server that was asked.
    pub servers: Vec<Server<'a>>,
    /// Packets of full size are known to pass on this path, so that a size that QUIC cannot use says something of QUIC.
    pub full_size_passes: bool,
}

impl<'a> Quic<'a> {
    /// Reads the facts.
    pub fn of(facts: &'a Facts) -> Self {
        let full_size_passes = facts.mtu.iter().filter_map(Observation::seen).any(|mtu| {
            mtu.hole().is_none()
                && mtu.sizes.iter().any(|tried| tried.answered && tried.size >= mtu.route_mtu.min(1500))
        });
        let strangers = strangers(facts);
        let meant = |address: &SocketAddr| !strangers.contains(&address.ip());
        let servers = facts
            .quic
            .handshakes
            .iter()
            .filter_map(|o| server(facts, o.target.as_str(), o.address.filter(meant)?))
            .collect();
        Self { servers, full_size_passes }
    }

    /// The servers of one family that say something of the path.
    pub fn telling(&self, v6: bool) -> impl Iterator<Item = &Server<'a>> {
        self.servers
            .iter()
            .filter(move |s| s.address.is_ipv6() == v6 && !matches!(s.way, Way::NoQuic | Way::Unknown))
    }

    /// Whether QUIC is dropped over this family: no server stood, and one should have.
    pub fn blocked(&self, v6: bool) -> bool {
        self.telling(v6).next().is_some() && self.telling(v6).all(|s| s.way != Way::Passes)
    }

    /// Whether handshakes pass, but none of full-size datagrams does, where other packets of that size do. One address alone
    /// does not tell: what it was sent may have been lost.
    pub fn only_small(&self) -> bool {
        let tried = || self.servers.iter().filter_map(|s| s.full_size);
        self.full_size_passes && tried().count() > 1 && tried().all(|answered| !answered)
    }
}

/// Whether any QUIC server was to be asked at all.
pub fn wanted(facts: &Facts) -> bool {
    facts.targets.iter().any(|target| target.role == TargetRole::Quic)
}

fn server<'a>(facts: &'a Facts, name: &'a str, address: SocketAddr) -> Option<Server<'a>> {
    fn of<T>(list: &[Observation<T>], address: SocketAddr) -> Option<&Observation<T>> {
        list.iter().find(|o| o.address == Some(address))
    }
    let quic = &facts.quic;
    let handshake = of(&quic.handshakes, address)?;
    let versions = of(&quic.versions, address);
    let control = of(&quic.controls, address).is_some_and(|o| o.seen().is_some());
    let shaped = |shape| {
        let mut all =
            quic.variants.iter().filter(|o| o.address == Some(address)).filter_map(Observation::seen);
        all.find(|variant| variant.shape == shape).map(|variant| variant.answered)
    };
    let told = versions.and_then(Observation::failure);
    let way = match &handshake.outcome {
        Outcome::Seen(session) if session.held == Some(false) => Way::Dies,
        Outcome::Seen(_) => Way::Passes,
        _ if !control => Way::Unknown,
        Outcome::Failed(failure) => way(
            failure,
            told,
            address.ip(),
            versions.is_some_and(|o| o.seen().is_some()),
            shaped(QuicShape::NeutralName) == Some(true),
        ),
        Outcome::NotRun(_) => Way::Unknown,
    };
    let handshake_us = handshake.seen().map(|session| session.handshake_us);
    Some(Server { name, address, way, full_size: shaped(QuicShape::FullSize), handshake_us })
}

/// What a handshake that failed shows, beside what the version probe was told.
fn way(
    failure: &ProbeFailure,
    told: Option<&ProbeFailure>,
    server: IpAddr,
    versions: bool,
    by_name: bool,
) -> Way {
    match told.map(|told| (told.kind, told.offender)) {
        // This host's own firewall is no filter on the way.
        Some((FailureKind::Denied | FailureKind::NoRoute | FailureKind::Io, _)) => return Way::Unknown,
        Some((FailureKind::Refused, offender)) if offender.is_none_or(|by| by == server) => {
            return Way::NoQuic;
        }
        Some((FailureKind::Refused | FailureKind::Unreachable, Some(by))) => return Way::Rejected(by),
        _ => {}
    }
    match failure.kind {
        FailureKind::Timeout if failure.code.is_some() => Way::Dies,
        // What never left this host tells nothing of the way.
        FailureKind::Timeout if failure.conclusive && failure.sent > 0 => Way::Silent { versions, by_name },
        _ => Way::Unknown,
    }
}
