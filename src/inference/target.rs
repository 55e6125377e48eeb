//! The Controller as a target, and where addresses lie as seen from this host. Pure.

use std::net::IpAddr;

use crate::model::address::overlaps_v4;
use crate::model::facts::{Facts, InterfaceAddress, ResolvedBy, Target, TargetRole, TlsSession};

/// The Controller, where one is known.
pub fn controller(facts: &Facts) -> Option<&Target> {
    facts.targets.iter().find(|t| t.role == TargetRole::Controller)
}

/// Whether it took a connection.
pub fn reached(facts: &Facts) -> bool {
    facts.control.tcp.iter().any(|o| o.seen().is_some())
}

/// Whether a session is with the very host, whatever the time is.
pub fn genuine(session: &TlsSession) -> bool {
    session.name_matches && (session.system.trusted || session.mozilla.trusted)
}

/// Whether it is the Controller's name that resolvers were asked for, and other names resolve.
pub(super) fn others_resolve(facts: &Facts) -> bool {
    let asked = controller(facts).is_some_and(|t| t.host.parse::<IpAddr>().is_err());
    asked
        && facts.targets.iter().any(|t| {
            t.role != TargetRole::Controller
                && t.resolved_by != ResolvedBy::Literal
                && t.own_addresses().next().is_some()
        })
}

/// Whether an address is one of this host's own.
pub(super) fn own(facts: &Facts, ip: IpAddr) -> bool {
    facts.host.interfaces.iter().flat_map(|i| &i.addresses).any(|a| a.ip == ip)
}

/// Whether an address lies in a network of this host's own, or where that cannot be told.
pub(super) fn on_link(facts: &Facts, ip: IpAddr) -> bool {
    let within = |a: &InterfaceAddress| match (a.ip, ip) {
        (IpAddr::V4(own), IpAddr::V4(ip)) => overlaps_v4((own, a.prefix), (ip, 32)),
        _ => false,
    };
    let mut all = facts.host.interfaces.iter().flat_map(|i| &i.addresses).peekable();
    all.peek().is_none() || all.any(within)
}

/// Whether there is a default route of an address's family.
pub(super) fn has_default(facts: &Facts, ip: Option<IpAddr>) -> bool {
    ip.is_some_and(|ip| facts.host.default_routes.iter().any(|route| route.ipv6 == ip.is_ipv6()))
}
