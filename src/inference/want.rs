//! What this host itself had nothing left of: local ports, places in its table of connections. What it could not try says nothing of
//! anybody else. Pure.

use crate::model::facts::{Conntrack, Facts, Ports};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome};

/// From this share of the table on, percent, new connections are dropped or soon will be.
const FULL: u64 = 98;

/// What was wanting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Tries that could not be made for want of a local port.
    pub no_port: usize,
    /// Tries that could not be made for want of buffers.
    pub no_buffers: usize,
    /// The local ports, at their fullest.
    pub ports: Option<Ports>,
    /// The table of tracked connections, at its fullest.
    pub conntrack: Option<Conntrack>,
}

impl Want {
    pub(super) fn of(facts: &Facts) -> Self {
        let room = &facts.host.room;
        let ports = room.ports.iter().chain(&room.ports_after).copied();
        let tables = room.conntrack.iter().chain(&room.conntrack_after).copied();
        let mut want = Self {
            ports: ports.min_by_key(|ports| ports.udp_left()),
            conntrack: tables.max_by_key(|table| table.count),
            ..Self::default()
        };
        let control = &facts.control;
        want.add(&facts.dns);
        want.add(&facts.fallback.dns);
        want.add(&facts.fallback.tcp);
        want.add(&facts.stun);
        want.add(&facts.stun_second);
        want.add(&facts.stun_tcp);
        want.add(&facts.ntp);
        want.add(&facts.nat);
        want.add(&facts.hops);
        want.add(&facts.mtu);
        want.add(&facts.tcp_controls);
        want.add(&control.tcp);
        want.add(&control.relays);
        want.add(&control.services);
        let unasked = facts.targets.iter().filter_map(|target| target.failure.as_ref());
        want.no_port += unasked.filter(|failure| failure.kind == FailureKind::NoPort).count();
        want
    }

    fn add<T>(&mut self, observations: &[Observation<T>]) {
        for o in observations {
            match &o.outcome {
                Outcome::NotRun(NotRun::NoPort(_)) => self.no_port += 1,
                Outcome::NotRun(NotRun::NoBuffers(_)) => self.no_buffers += 1,
                _ => {}
            }
        }
    }

    /// Whether no local port was left: tries could not be made, or by the count none is.
    pub fn ports_gone(&self) -> bool {
        self.no_port > 0 || self.ports.is_some_and(|ports| ports.given() > 0 && ports.udp_left() == 0)
    }

    /// Whether the table of tracked connections is full.
    pub fn conntrack_full(&self) -> Option<Conntrack> {
        self.conntrack.filter(|table| table.max > 0 && table.count >= table.max / 100 * FULL)
    }
}
