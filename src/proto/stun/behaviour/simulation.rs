//! A network in memory for the tests: a NAT of any behaviour, servers of several kinds, loss and delay.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::outlook::{Depends, NatType};
use super::{Behaviour, Observations, Path, Plan, SOCKETS};
use crate::proto::stun::message::{Change, Message};
use crate::proto::{Machine, Step, Transmit};

pub(super) const PORTS: [u16; SOCKETS] = [40_000, 40_101, 40_202, 40_303];

pub(super) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// `SplitMix64`.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn hits(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64) < probability * (1u64 << 53) as f64
    }
}

/// What stands between host and servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Middle {
    /// A NAT; its outer ports are chance.
    Nat(NatType),
    /// A firewall that translates nothing.
    Firewall(Depends),
    /// Linux: keeps the port unless (port, destination) is another host's; filters by address and port.
    PortPreserving { taken: Option<(u16, SocketAddr)> },
}

/// How servers treat CHANGE-REQUEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RFC 5780.
    Full,
    /// No OTHER-ADDRESS: several servers are asked.
    Plain,
    /// Answers from the address that was asked.
    Ignores,
    /// Error 420.
    Refuses,
    /// No answer to CHANGE-REQUEST.
    Swallows,
    /// OTHER-ADDRESS is a lie: nobody there.
    Alone,
}

pub(super) struct World {
    pub(super) middle: Middle,
    pub(super) kind: Kind,
    /// Of each datagram.
    pub(super) loss: f64,
    pub(super) rtt: Duration,
    pub(super) chance: Chance,
    /// Outer address and inner one, by what the mapping depends on.
    outer: BTreeMap<(SocketAddr, Option<SocketAddr>), SocketAddr>,
    /// Who was spoken to from an outer address.
    open: BTreeSet<(SocketAddr, SocketAddr)>,
}

pub(super) fn plan(kind: Kind) -> Plan {
    let path = |to| Path { to: at(to), from: "10.0.0.5".parse().unwrap() };
    match kind {
        Kind::Plain => {
            Plan::Several(["198.51.100.1:3478", "203.0.113.1:3478", "192.0.2.1:19302"].map(path).to_vec())
        }
        _ => Plan::Alternate { primary: path("198.51.100.1:3478"), other: path("198.51.100.2:3479") },
    }
}

impl World {
    /// `pairs` is the share of requests that stay without an answer.
    pub(super) fn new(middle: Middle, kind: Kind, pairs: f64, rtt: Duration, seed: u64) -> Self {
        let loss = 1.0 - (1.0 - pairs).sqrt();
        let (outer, open) = (BTreeMap::new(), BTreeSet::new());
        Self { middle, kind, loss, rtt, chance: Chance(seed), outer, open }
    }

    /// Runs a measurement; what was seen, how long it took, packets sent.
    pub(super) fn measure(&mut self) -> (Observations, Duration, usize) {
        let plan = plan(self.kind);
        let ids = (1..=Behaviour::ids(&plan)).map(|n| [n as u8; 12]).collect();
        self.run(&mut Behaviour::new(plan, PORTS, ids, self.rtt, ms(500)))
    }

    pub(super) fn run(&mut self, machine: &mut Behaviour) -> (Observations, Duration, usize) {
        let (mut now, mut packets) = (ms(500), 0);
        let mut mail: Vec<(Duration, Vec<u8>, SocketAddr)> = Vec::new();
        loop {
            match machine.poll(now) {
                Step::Transmit(datagram) => {
                    packets += 1;
                    let answer = self.carry(&datagram);
                    mail.extend(answer.map(|(bytes, from)| (now + self.rtt, bytes, from)));
                }
                Step::Done => return (machine.observations(now), now.saturating_sub(ms(500)), packets),
                Step::Wait(until) => {
                    assert!(until > now, "a wait for the past would spin");
                    // Delay is constant: the first in the list is the first to arrive.
                    if mail.first().is_some_and(|(time, ..)| *time <= until) {
                        let (time, bytes, from) = mail.remove(0);
                        now = time.max(now);
                        machine.handle(&bytes, from, now);
                    } else {
                        now = until;
                    }
                }
            }
        }
    }

    /// There and back; none if something on the way swallows it.
    fn carry(&mut self, datagram: &Transmit) -> Option<(Vec<u8>, SocketAddr)> {
        let local = SocketAddr::new("10.0.0.5".parse().unwrap(), PORTS[datagram.socket]);
        let outer = self.translate(local, datagram.to);
        self.open.insert((outer, datagram.to));
        if self.chance.hits(self.loss) {
            return None;
        }
        let (bytes, from) = self.serve(&datagram.bytes, datagram.to, outer)?;
        let filter = match self.middle {
            Middle::Nat(nat) => nat.filtering,
            Middle::Firewall(filter) => filter,
            Middle::PortPreserving { .. } => Depends::AddressAndPortDependent,
        };
        let inside = self.open.iter().filter(|(to, _)| *to == outer).any(|(_, known)| match filter {
            Depends::EndpointIndependent => true,
            Depends::AddressDependent => known.ip() == from.ip(),
            Depends::AddressAndPortDependent => *known == from,
        });
        (inside && !self.chance.hits(self.loss)).then_some((bytes, from))
    }

    fn translate(&mut self, local: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = match self.middle {
            Middle::Firewall(_) => return local,
            Middle::PortPreserving { taken } if taken == Some((local.port(), to)) => {
                return at("203.0.113.200:61000");
            }
            Middle::PortPreserving { .. } => {
                return SocketAddr::new(at("203.0.113.200:0").ip(), local.port());
            }
            Middle::Nat(NatType { mapping, .. }) => match mapping {
                Depends::EndpointIndependent => None,
                Depends::AddressDependent => Some(SocketAddr::new(to.ip(), 0)),
                Depends::AddressAndPortDependent => Some(to),
            },
        };
        if let Some(outer) = self.outer.get(&(local, key)) {
            return *outer;
        }
        loop {
            let port = 1024 + (self.chance.next() % 60_000) as u16;
            let outer = SocketAddr::new(at("203.0.113.200:0").ip(), port);
            // A port is one inner socket's at a time.
            if self.outer.values().all(|taken| *taken != outer) {
                self.outer.insert((local, key), outer);
                return outer;
            }
        }
    }

    /// The servers: one answer, and where it comes from.
    fn serve(&self, request: &[u8], to: SocketAddr, seen: SocketAddr) -> Option<(Vec<u8>, SocketAddr)> {
        let request = Message::decode(request).unwrap();
        let Plan::Alternate { primary, other } = plan(self.kind) else {
            return Some((Message::success(request.id, seen).encode(), to));
        };
        let change = request.change.unwrap_or(Change { ip: false, port: false });
        let answer = Message {
            other_address: Some(other.to),
            response_origin: Some(to),
            ..Message::success(request.id, seen)
        };
        let swap = |from: SocketAddr| {
            let ip = if change.ip { other.to.ip() } else { from.ip() };
            SocketAddr::new(ip, if change.port { other.to.port() } else { from.port() })
        };
        match (self.kind, request.change) {
            (Kind::Alone, _) if to != primary.to => None,
            (Kind::Alone | Kind::Swallows, Some(_)) => None,
            (Kind::Refuses, Some(_)) => Some((Message::refusal(request.id, 420, "").encode(), to)),
            (Kind::Full, Some(_)) => Some((answer.encode(), swap(to))),
            _ => Some((answer.encode(), to)),
        }
    }
}
