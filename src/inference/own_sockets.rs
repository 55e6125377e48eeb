//! The Connector's own connections: the best proof that its Controller and relays are reached. Pure.

use std::net::IpAddr;

use crate::connector::RELAY_PORTS;
use crate::model::address::is_global;
use crate::model::facts::{AttributedBy, ConnectionState, ConnectorProcess, Facts, TargetRole};

/// What stands of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The process.
    pub pid: u32,
    /// Connections to ports 30000-31000.
    pub relays: usize,
    /// Other connections that are its Controller's, or relays' on 443.
    pub others: usize,
    /// Connections that are opening, or ending.
    pub changing: usize,
    /// By its own descriptors: certain.
    pub certain: bool,
}

impl Standing {
    /// How many stand.
    pub fn all(&self) -> usize {
        self.relays + self.others
    }
}

/// What stands of a process; none where nobody could look.
pub fn standing(facts: &Facts, process: &ConnectorProcess) -> Option<Standing> {
    let connections = process.connections.as_ref().filter(|c| c.unread.is_none())?;
    let certain = connections.by == AttributedBy::Descriptors;
    let known: Vec<IpAddr> = facts
        .targets
        .iter()
        .filter(|t| matches!(t.role, TargetRole::Controller | TargetRole::Relay))
        .flat_map(|t| t.addresses.iter().copied())
        .collect();
    let mut standing = Standing { pid: process.pid, relays: 0, others: 0, changing: 0, certain };
    for connection in &connections.seen {
        let (ip, port) = (connection.peer.ip(), connection.peer.port());
        let relay = RELAY_PORTS.contains(&port) && (is_global(ip) || known.contains(&ip));
        // By its user alone, a connection to anybody's 443 may be another program's.
        let other = known.contains(&ip) || (certain && is_global(ip) && !relay);
        match connection.state {
            ConnectionState::Established if relay => standing.relays += 1,
            ConnectionState::Established if other => standing.others += 1,
            _ if relay || other => standing.changing += 1,
            _ => {}
        }
    }
    Some(standing)
}

/// Connections to relays' own ports that stand, of every process in this run's network.
pub fn relay_ports(facts: &Facts) -> usize {
    let here = |p: &&ConnectorProcess| p.runs() && p.view.same_network != Some(false);
    let processes = facts.host.connector.processes.iter().filter(here);
    processes.filter_map(|process| standing(facts, process)).map(|standing| standing.relays).sum()
}
