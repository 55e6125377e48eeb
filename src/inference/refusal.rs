//! Who refuses: the peer, a device on the way, or this very host. Pure.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::target::{has_default, on_link, own};
use crate::model::CheckId;
use crate::model::address::{Scope, is_global, scope};
use crate::model::facts::controller::peer;
use crate::model::facts::{Facts, RefusalTrace};
use crate::model::finding::{Maker, Unreached};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};

/// Who refuses, as far as ICMP and the reset's TTL tell.
pub fn maker(facts: &Facts, failure: &ProbeFailure, address: Option<SocketAddr>) -> Maker {
    let target = address.map(|a| a.ip());
    let here = target.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified() || own(facts, ip));
    match failure.offender {
        Some(ip) if target == Some(ip) => return Maker::Peer,
        Some(ip) if own(facts, ip) && !here => return Maker::ThisHost,
        Some(ip) => return Maker::Nearer(Some(ip)),
        None if failure.kind == FailureKind::Denied => return Maker::ThisHost,
        // Without any default route of the family that is no news, and another cause's matter.
        None if failure.kind == FailureKind::NoRoute && has_default(facts, target) => return Maker::ThisHost,
        None if failure.kind != FailureKind::Refused => return Maker::Unknown,
        None => {}
    }
    let traces =
        || facts.control.refusals.iter().filter(|o| o.address == address).filter_map(Observation::seen);
    // What resets a SYN that cannot leave is here.
    if !here && traces().any(|trace| trace.by_host == Some(true)) {
        return Maker::ThisHost;
    }
    // A SYN that lives for one hop reaches no server beyond the gateway: whoever stands there answers.
    let beyond = target.is_some_and(|ip| is_global(ip) && !on_link(facts, ip));
    if !here && beyond && traces().any(|trace| trace.syn_ttl == Some(1) && trace.by_host.is_some()) {
        return Maker::Nearer(None);
    }
    match traces().find_map(RefusalTrace::by_router) {
        Some(true) => Maker::Nearer(None),
        Some(false) => Maker::Peer,
        None => Maker::Unknown,
    }
}

/// A failed connection with all that is known of it.
pub fn fate<T>(facts: &Facts, o: &Observation<T>, failure: &ProbeFailure) -> Unreached {
    Unreached {
        target: peer(o),
        port: o.address.map_or(0, |a| a.port()),
        kind: failure.kind,
        maker: maker(facts, failure, o.address),
    }
}

/// Whether this host itself did not let it out, or answered in the peer's place.
pub fn is_denied<T>(facts: &Facts, o: &Observation<T>) -> bool {
    o.failure().is_some_and(|failure| maker(facts, failure, o.address) == Maker::ThisHost)
}

/// Whether nothing of it left this host, and nothing forbade that: silence about it tells nothing of the way.
pub fn is_unsent<T>(facts: &Facts, o: &Observation<T>) -> bool {
    let nothing = |f: &ProbeFailure| {
        f.sent == 0 && f.offender.is_none() && (f.kind != FailureKind::Refused || f.phase <= Phase::Socket)
    };
    o.failure().is_some_and(nothing) && !is_denied(facts, o)
}

/// Nothing was sent, though this host has a way: why, in words. Who has no way at all is told by his routes.
pub fn all_unsent<T>(facts: &Facts, observations: &[Observation<T>]) -> Option<String> {
    let tried = || observations.iter().filter(|o| !matches!(o.outcome, Outcome::NotRun(_)));
    let host = &facts.host;
    let nobodys = |ip| matches!(scope(ip), Scope::Loopback | Scope::LinkLocal);
    let mut addresses = host.interfaces.iter().filter(|i| i.up).flat_map(|i| &i.addresses);
    let has_address = host.interfaces.is_empty() || addresses.any(|a| !nobodys(a.ip));
    let way = has_address && !host.default_routes.is_empty();
    let unsent = way && tried().all(|o| is_unsent(facts, o));
    // A gateway that is not there is a matter of its own.
    let out = facts.stun.iter().any(|o| o.seen().is_some())
        || facts.ntp.iter().any(|o| o.seen().is_some())
        || tcp_works(facts, tcp_rejected(facts).is_empty()).is_some();
    let gateway = out || host.gateway_answers != Some(false);
    let why = tried().find_map(|o| o.failure()).filter(|_| unsent && gateway)?;
    Some(format!("this host sent nothing: {}", why.kind.word()))
}

/// Who takes a connection. A bare refusal shows it, too, unless somebody on the way is known to refuse in others' names.
pub(super) fn tcp_works(facts: &Facts, refusals_are_peers: bool) -> Option<String> {
    let control = &facts.control;
    let honest = |o: &&Observation<_>| o.seen().is_some() || (refusals_are_peers && tcp_gets_out(facts, o));
    let elsewhere = facts.fallback.tcp.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let controls = facts.tcp_controls.iter().filter(honest).map(|o| &o.target);
    // Who refuses is known better for these: only a connection that stood counts.
    let controller = control.tcp.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let relays = control.relays.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    let services = control.services.iter().filter(|o| o.seen().is_some()).map(|o| &o.target);
    // Whoever answers on port 80, be it a portal: something gets out, and it is named by what was really reached.
    let plain = control.plain.iter().filter(|o| o.seen().is_some()).find_map(|o| o.address);
    let known = controller.chain(relays).chain(services).chain(controls).chain(elsewhere).next().cloned();
    known.or_else(|| plain.map(|address| address.to_string()))
}

/// A stood connection, or a refusal by the very peer, shows that TCP gets out.
fn tcp_gets_out<T>(facts: &Facts, o: &Observation<T>) -> bool {
    let by_peer = |f: &ProbeFailure| matches!(maker(facts, f, o.address), Maker::Peer | Maker::Unknown);
    match &o.outcome {
        Outcome::Seen(_) => true,
        Outcome::Failed(f) => f.kind == FailureKind::Refused && by_peer(f),
        Outcome::NotRun(_) => false,
    }
}

/// Tries at TCP that a device on the way rejected, in words.
pub(super) fn tcp_rejected(facts: &Facts) -> Vec<String> {
    fn rejected<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<String> {
        let fates = observations.iter().filter_map(|o| Some(fate(facts, o, o.failure()?)));
        fates.filter(|fate| matches!(fate.maker, Maker::Nearer(_))).map(|fate| fate.words()).collect()
    }
    let control = &facts.control;
    let mut all = rejected(facts, &control.tcp);
    all.extend(rejected(facts, &control.relays));
    all.extend(rejected(facts, &control.services));
    all.extend(rejected(facts, &facts.tcp_controls));
    all.extend(rejected(facts, &facts.fallback.tcp));
    all
}

/// Targets to which this host did not let anything out, by the check that suffers.
pub(super) fn denied(facts: &Facts) -> BTreeMap<CheckId, Vec<String>> {
    fn names<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<String> {
        let denied = observations.iter().filter(|o| is_denied(facts, o));
        let mut names: Vec<String> = denied.map(|o| o.target.clone()).collect();
        names.dedup();
        names
    }
    let control = &facts.control;
    let all = [
        (CheckId::StunDiscovery, names(facts, &facts.stun)),
        (CheckId::ClockSources, names(facts, &facts.ntp)),
        (CheckId::DnsResolvers, names(facts, &facts.dns)),
        (CheckId::ControllerTcp, names(facts, &control.tcp)),
        (CheckId::RelayTcp, names(facts, &control.relays)),
        (CheckId::ServicesTcp, names(facts, &control.services)),
    ];
    all.into_iter().filter(|(_, names)| !names.is_empty()).collect()
}

/// Addresses that this host's own routing refuses.
pub(super) fn misrouted(facts: &Facts) -> Vec<IpAddr> {
    fn of<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<IpAddr> {
        let refused = |o: &&Observation<T>| o.failure().is_some_and(|f| f.kind == FailureKind::NoRoute);
        let own = observations.iter().filter(refused).filter(|o| is_denied(facts, o));
        own.filter_map(|o| o.address).map(|address| address.ip()).collect()
    }
    let control = &facts.control;
    let mut all = of(facts, &facts.dns);
    all.extend(of(facts, &control.tcp));
    all.extend(of(facts, &control.relays));
    all.extend(of(facts, &control.services));
    all.extend(of(facts, &facts.stun));
    all.extend(of(facts, &facts.ntp));
    all.sort_unstable();
    all.dedup();
    all
}
