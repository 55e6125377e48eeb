//! What the observations mean, in the words of RFC 4787 4.1 and 5. Pure; says undecided rather than guess.

use std::net::{IpAddr, SocketAddr};

use super::plan::{FILTER, MAP, Path, Plan};
use super::seen::{Ask, Observation, Observations, Reply};
use crate::proto::stun::transaction::same_endpoint;

/// How a NAT chooses the outer address of a socket (RFC 4787 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// The server sees the true local address.
    NoNat,
    /// One outer address, whoever is spoken to.
    EndpointIndependent,
    /// One per destination address.
    AddressDependent,
    /// One per destination address and port.
    AddressAndPortDependent,
    /// One of the two above: no server was asked at two ports.
    DependentUnsplit,
    /// Some sockets kept one outer address, another did not: the NAT keeps ports while they are free.
    EndpointIndependentButNotUnderContention,
    /// Tried; too much was lost.
    Undecided,
    /// Cannot be told with these servers.
    NotMeasurable(Obstacle),
}

/// Whom a NAT or firewall lets in to a socket (RFC 4787 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filtering {
    /// Anybody, once the socket has spoken.
    EndpointIndependent,
    /// Addresses that it has spoken to.
    AddressDependent,
    /// Addresses and ports that it has spoken to. A host's own stateful firewall does this without any NAT.
    AddressAndPortDependent,
    /// Tried; too much was lost.
    Undecided,
    /// Cannot be told with this server.
    NotMeasurable(Obstacle),
}

/// Why a behaviour cannot be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No server with RFC 5780 (OTHER-ADDRESS) was asked.
    NoOtherAddress,
    /// Fewer than two addresses to ask.
    OneAddress,
    /// The host leaves by different local addresses: that is its own routing, not a NAT.
    HostRouting,
    /// The address that the server names as its other does not answer.
    AlternateSilent,
    /// The server answers CHANGE-REQUEST with this error.
    ChangeRefused(u16),
    /// The server answers CHANGE-REQUEST from the address that was asked, or from a wrong one.
    ChangeIgnored,
    /// The server does not answer CHANGE-REQUEST, not even where nothing can filter its answer.
    ChangeSwallowed,
}

/// The verdict of one socket's answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Same,
    PerAddress,
    PerPort,
    Unsplit,
    Nothing,
}

/// How sockets were mapped.
pub fn mapping(seen: &Observations) -> Mapping {
    let plain: Vec<&Observation> =
        seen.asked.iter().filter(|o| o.ask == Ask::Plain && o.mapped().is_some()).collect();
    if !plain.is_empty() && plain.iter().all(|o| o.mapped().is_some_and(|(_, m)| same_endpoint(m, o.local))) {
        return Mapping::NoNat;
    }
    let mut shown = Vec::new();
    for socket in MAP {
        let answers: Vec<&Observation> = plain.iter().copied().filter(|o| o.socket == socket).collect();
        let mut locals: Vec<IpAddr> = answers.iter().map(|o| o.local.ip()).collect();
        locals.sort_unstable();
        locals.dedup();
        for local in locals {
            let group: Vec<_> =
                answers.iter().filter(|o| o.local.ip() == local).filter_map(|o| pair(o)).collect();
            match one_socket(&group) {
                Some(Shown::Nothing) => {}
                Some(verdict) => shown.push(verdict),
                None => return Mapping::Undecided,
            }
        }
    }
    let any = |verdict| shown.contains(&verdict);
    let dependent = any(Shown::PerAddress) || any(Shown::PerPort) || any(Shown::Unsplit);
    match (any(Shown::Same), dependent) {
        (true, true) => Mapping::EndpointIndependentButNotUnderContention,
        (true, false) => Mapping::EndpointIndependent,
        (false, true) if any(Shown::PerPort) => Mapping::AddressAndPortDependent,
        (false, true) if any(Shown::PerAddress) => Mapping::AddressDependent,
        (false, true) => Mapping::DependentUnsplit,
        (false, false) => nothing_shown(seen, &plain),
    }
}

/// Destination and mapped address.
fn pair(o: &Observation) -> Option<(SocketAddr, SocketAddr)> {
    o.mapped().map(|(_, mapped)| (o.to, mapped))
}

/// What pairs of destination and mapped address show; none if they contradict each other.
fn one_socket(pairs: &[(SocketAddr, SocketAddr)]) -> Option<Shown> {
    let both = || pairs.iter().enumerate().flat_map(|(at, a)| pairs[at + 1..].iter().map(move |b| (*a, *b)));
    if both().any(|((to_a, a), (to_b, b))| to_a == to_b && a != b) {
        return None;
    }
    let same_host = || both().filter(|((a, _), (b, _))| a.ip() == b.ip() && a != b);
    let differs = |((_, a), (_, b)): &((_, SocketAddr), (_, SocketAddr))| a != b;
    let several_hosts = both().any(|((a, _), (b, _))| a.ip() != b.ip());
    Some(if same_host().any(|pair| differs(&pair)) {
        Shown::PerPort
    } else if both().any(|pair| differs(&pair)) {
        if same_host().next().is_some() { Shown::PerAddress } else { Shown::Unsplit }
    } else if several_hosts {
        Shown::Same
    } else {
        Shown::Nothing
    })
}

/// Why no socket showed anything.
fn nothing_shown(seen: &Observations, plain: &[&Observation]) -> Mapping {
    let distinct = |ips: Vec<IpAddr>| ips.iter().any(|ip| *ip != ips[0]);
    let destinations = seen.plan.destinations();
    if !distinct(destinations.iter().map(|path| path.to.ip()).collect()) {
        return Mapping::NotMeasurable(Obstacle::OneAddress);
    }
    if distinct(plain.iter().map(|o| o.to.ip()).collect())
        && distinct(plain.iter().map(|o| o.local.ip()).collect())
    {
        return Mapping::NotMeasurable(Obstacle::HostRouting);
    }
    match &seen.plan {
        Plan::Alternate { primary, .. } if seen.answered(MAP[0], primary.to, Ask::Plain) => {
            let silent = |path: &Path| seen.is_silent(MAP[0], path.to, Ask::Plain);
            if destinations.iter().skip(1).all(silent) {
                Mapping::NotMeasurable(Obstacle::AlternateSilent)
            } else {
                Mapping::Undecided
            }
        }
        _ => Mapping::Undecided,
    }
}

/// Who was let in.
pub fn filtering(seen: &Observations) -> Filtering {
    let Plan::Alternate { primary, other } = &seen.plan else {
        return Filtering::NotMeasurable(Obstacle::NoOtherAddress);
    };
    let (asked, both) = (primary.to, other.to);
    let port = SocketAddr::new(asked.ip(), both.port());
    for o in seen.asked.iter().filter(|o| o.ask != Ask::Plain) {
        let expected = if o.ask == Ask::ChangeBoth { both } else { port };
        match o.reply {
            Some(Reply::Refused(code)) => return Filtering::NotMeasurable(Obstacle::ChangeRefused(code)),
            Some(Reply::Mapped { from, .. }) if !same_endpoint(from, expected) => {
                return Filtering::NotMeasurable(Obstacle::ChangeIgnored);
            }
            _ => {}
        }
    }
    if seen.answered(FILTER, asked, Ask::ChangeBoth) {
        return Filtering::EndpointIndependent;
    }
    if seen.is_silent(MAP[0], both, Ask::Plain) {
        return Filtering::NotMeasurable(Obstacle::AlternateSilent);
    }
    // Silence says something only beside answers: from the address asked, and from the one to answer from.
    let heard = seen.answered(FILTER, asked, Ask::Plain) && seen.answered(MAP[0], both, Ask::Plain);
    if !heard || !seen.is_silent(FILTER, asked, Ask::ChangeBoth) {
        return Filtering::Undecided;
    }
    if seen.answered(FILTER, asked, Ask::ChangePort) {
        return Filtering::AddressDependent;
    }
    if !seen.is_silent(FILTER, asked, Ask::ChangePort) {
        return Filtering::Undecided;
    }
    let outer = |to| seen.of(MAP[0], to, Ask::Plain).find_map(Observation::mapped).map(|(_, mapped)| mapped);
    if outer(asked).is_none() {
        return Filtering::Undecided;
    }
    if outer(asked) != outer(both) || seen.answered(MAP[0], asked, Ask::ChangeBoth) {
        // Either nothing could have proved that the server does answer, or it was proved.
        return Filtering::AddressAndPortDependent;
    }
    if seen.is_silent(MAP[0], asked, Ask::ChangeBoth) {
        return Filtering::NotMeasurable(Obstacle::ChangeSwallowed);
    }
    Filtering::Undecided
}
