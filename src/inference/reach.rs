//! Which relays and event services take connections. Pure.

use super::loss::Loss;
use super::refusal::fate;
use super::resolvers::Resolvers;
use crate::model::facts::{Facts, Target, TargetRole, TcpConnected};
use crate::model::finding::{Maker, Unreached};
use crate::model::observation::{FailureKind, Observation};

const HTTPS: u16 = 443;

/// One server, whatever the number of its addresses.
#[derive(Debug)]
pub struct Server<'a> {
    /// As it is named.
    pub target: &'a Target,
    /// How long the best connection took, microseconds; else why there is none.
    pub fate: Result<u64, Option<Unreached>>,
    /// Its silence, if it is silent, proves something.
    pub conclusive: bool,
    /// Its name did not resolve, for want of resolvers: nothing is known of it.
    pub unresolved: bool,
}

/// Servers of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// How many there are.
    pub asked: usize,
    /// How many took a connection.
    pub reached: usize,
    judged: bool,
}

/// The relays and event services of a run.
#[derive(Debug)]
pub struct Reach<'a> {
    /// Relays.
    pub relays: Vec<Server<'a>>,
    /// Event services.
    pub services: Vec<Server<'a>>,
}

impl Group {
    /// Those at least of which something is known take no connection.
    pub fn dead(&self) -> bool {
        self.judged && self.reached == 0
    }

    /// Of none anything is known: no name resolved.
    pub fn nameless(&self) -> bool {
        self.asked > 0 && !self.judged
    }
}

impl<'a> Reach<'a> {
    pub(super) fn of(facts: &'a Facts, loss: &Loss, resolvers: &Resolvers<'_>) -> Self {
        let nobody_knows = resolvers.know_nothing;
        let control = &facts.control;
        Self {
            relays: servers(facts, loss, nobody_knows, TargetRole::Relay, &control.relays, |t| &t.0),
            services: servers(facts, loss, nobody_knows, TargetRole::Service, &control.services, |t| &t.0),
        }
    }

    /// The relays on port 443.
    pub fn relays_on_443(&self) -> Group {
        group(self.relays.iter().filter(|s| s.target.port == HTTPS))
    }

    /// The relays on other ports.
    pub fn relays_on_high_ports(&self) -> Group {
        group(self.relays.iter().filter(|s| s.target.port != HTTPS))
    }

    /// Whether there are relays, and of each kind one took a connection.
    pub fn relays_work(&self) -> bool {
        let groups = [self.relays_on_443(), self.relays_on_high_ports()];
        !self.relays.is_empty() && groups.iter().all(|group| !group.dead() && !group.nameless())
    }
}

fn group<'a>(servers: impl Iterator<Item = &'a Server<'a>>) -> Group {
    servers.fold(Group { asked: 0, reached: 0, judged: false }, |group, server| Group {
        asked: group.asked + 1,
        reached: group.reached + usize::from(server.fate.is_ok()),
        judged: group.judged || !server.unresolved,
    })
}

/// Those that take no connection, where their names resolved.
pub fn failed(all: &[Server<'_>]) -> Vec<Unreached> {
    all.iter().filter(|s| !s.unresolved).filter_map(|s| s.fate.as_ref().err()?.clone()).collect()
}

fn servers<'a, T>(
    facts: &'a Facts,
    loss: &Loss,
    nobody_knows: bool,
    role: TargetRole,
    observations: &'a [Observation<T>],
    connected: fn(&T) -> &TcpConnected,
) -> Vec<Server<'a>> {
    let server = |target: &'a Target| {
        let name = target.name();
        let own = || observations.iter().filter(|o| o.target == name);
        let best = own().filter_map(|o| o.seen()).map(|t| connected(t).connect_us).min();
        let failed = own().find_map(|o| {
            Some(fate(facts, o, o.failure()?)).map(|fate| Unreached { port: target.port, ..fate })
        });
        let failure = target.failure.as_ref().filter(|_| target.addresses.is_empty());
        let unresolved = failure.map(|failure| Unreached {
            target: name.clone(),
            port: target.port,
            kind: failure.kind,
            maker: Maker::Unknown,
        });
        let silence = || own().filter_map(|o| o.failure()).filter(|f| f.kind == FailureKind::Timeout);
        let conclusive = silence().next().is_none() || silence().any(|f| loss.proven(f));
        // An answer of the DNS itself (no such name) is a fault of this name, anything else one of the DNS.
        let answered = |kind| matches!(kind, FailureKind::NotFound | FailureKind::NoAddress);
        Server {
            target,
            fate: best.ok_or(failed.or(unresolved)),
            conclusive: conclusive && failure.is_none_or(|f| loss.proven(f)),
            unresolved: failure.is_some_and(|f| !answered(f.kind) || nobody_knows),
        }
    };
    facts.targets.iter().filter(|t| t.role == role).map(server).collect()
}
