//! Whether a Resource takes a connection, and who or what stands in the way. Pure.

use std::net::IpAddr;

use super::step::{Ground, Step, failure};
use crate::model::CheckId;
use crate::model::facts::{InterfaceKind, Neighbour, Resource, ResourceKind, ResourceSeen, ResourceTried};
use crate::model::finding::Status;
use crate::model::observation::{FailureKind, NotRun, Outcome, ProbeFailure};
use crate::model::text::millis;
use crate::model::trouble::{Refuser, Trouble};

/// The way to this host's own addresses.
const LOOPBACK: &str = "lo";

pub(super) fn judge(ground: &Ground<'_>, resource: &Resource, seen: &ResourceSeen) -> Step {
    if !resource.kind.over_tcp() {
        return Step::new(Status::Skip, format!("{} needs no TCP connection", resource.kind.word()));
    }
    let lines: Vec<String> = seen.tried.iter().map(|tried| line(ground, resource, tried)).collect();
    let stood = seen.tried.iter().filter_map(|tried| match &tried.connect {
        Some(Outcome::Seen(connected)) => Some((tried, connected.connect_us)),
        _ => None,
    });
    if let Some((tried, us)) = stood.min_by_key(|(tried, us)| (tried.address.is_ipv6(), *us)) {
        let dead = seen.tried.iter().filter_map(|t| Some((t, failure(t.connect.as_ref())?)));
        let dead: Vec<String> = dead.map(|(t, f)| format!("{} {}", t.address, short(f))).collect();
        let beside = if dead.is_empty() { String::new() } else { format!("; beside it {}", dead.join(", ")) };
        let words = format!("{} port {} connects in {}{beside}", tried.address, resource.port, millis(us));
        return Step::new(Status::Pass, words).lines(lines);
    }
    let worst = seen.tried.iter().find_map(|t| Some((t, failure(t.connect.as_ref())?)));
    let Some((tried, failed)) = worst else {
        let why = seen.tried.iter().find_map(|t| match &t.connect {
            Some(Outcome::NotRun(NotRun::Exhausted(why) | NotRun::NoPort(why) | NotRun::NoBuffers(why))) => {
                Some(format!("this host had nothing left to try with: {why}"))
            }
            _ => None,
        });
        return Step::new(
            Status::Unknown,
            why.unwrap_or_else(|| "the time was over before it was asked".to_owned()),
        )
        .lines(lines);
    };
    let fate = fate(ground, resource, tried, failed);
    if failed.kind == FailureKind::Timeout && !ground.loss.proven(failed) {
        return Step::new(Status::Unknown, format!("{}; too few tries to tell", fate.words)).lines(lines);
    }
    // A name server that answers over UDP serves most questions.
    let udp = seen.tried.iter().any(|t| matches!(t.udp, Some(Outcome::Seen(_))));
    let status = if udp && resource.kind == ResourceKind::Dns { Status::Warn } else { Status::Fail };
    let words = if udp { format!("{}; UDP answers", fate.words) } else { fate.words };
    Step::new(status, words).lines(lines).lines(proof(ground, tried)).trouble(fate.trouble)
}

/// What stopped one try, in words and as what is to be fixed.
pub(super) struct Fate {
    pub(super) words: String,
    pub(super) trouble: Trouble,
}

/// Judges why nothing came back from an address.
pub(super) fn fate(
    ground: &Ground<'_>,
    resource: &Resource,
    tried: &ResourceTried,
    failed: &ProbeFailure,
) -> Fate {
    let at = if resource.port == 0 {
        tried.address.to_string()
    } else {
        format!("{} port {}", tried.address, resource.port)
    };
    let way = way_words(tried);
    // A Resource on this host itself refuses as its own filter would.
    let on_this_host = tried.way.as_ref().is_some_and(|way| way.interface == LOOPBACK);
    let by_host = tried.trace.as_ref().and_then(|t| t.by_host) == Some(true);
    let own = (by_host && !on_this_host) || failed.kind == FailureKind::Denied;
    if own {
        return Fate {
            words: format!("{at}: this host's own filter lets nothing through"),
            trouble: Trouble::Denied,
        };
    }
    let of_ours =
        failed.offender.is_none() && matches!(failed.kind, FailureKind::NoRoute | FailureKind::Unreachable);
    match failed.kind {
        FailureKind::Refused => {
            let by_router =
                tried.trace.as_ref().and_then(crate::model::facts::RefusalTrace::by_router) == Some(true);
            let (who, by) = match failed.offender {
                Some(ip) if ip != tried.address => {
                    (Refuser::Nearer(Some(ip)), format!("{ip}, on the way, refuses"))
                }
                _ if by_router => {
                    (Refuser::Nearer(None), "something on the way refuses in its name".to_owned())
                }
                _ if on_this_host => (Refuser::Itself, "nothing listens there on this host".to_owned()),
                _ => (Refuser::Itself, "the host is there and refuses".to_owned()),
            };
            Fate { words: format!("{at}: {by}"), trouble: Trouble::Refused(who) }
        }
        FailureKind::NoRoute => no_route(ground, tried, &at),
        _ if of_ours && tried.way.is_none() => no_route(ground, tried, &at),
        kind => {
            let silent = kind == FailureKind::Timeout || of_ours;
            if let Some(covered) = covered(ground, tried).filter(|_| silent || failed.offender.is_some()) {
                return Fate {
                    words: format!("{at}: {way}, which is not where it stands"),
                    trouble: covered,
                };
            }
            let on_link = tried.way.as_ref().is_some_and(|w| w.gateway.is_none());
            let no_neighbour = on_link
                && (tried.neighbour == Some(Neighbour::Silent)
                    || (of_ours && kind == FailureKind::Unreachable));
            let said = match failed.offender {
                Some(ip) if kind != FailureKind::Timeout => format!("{ip} says that it cannot be reached"),
                _ if no_neighbour => {
                    "nobody on this link answers for it (ARP or neighbour discovery)".to_owned()
                }
                _ if tried.neighbour == Some(Neighbour::Silent) => {
                    "the gateway does not answer on its link".to_owned()
                }
                _ => "no answer".to_owned(),
            };
            Fate { words: format!("{at}: {said}, {way}"), trouble: Trouble::Unreachable { no_neighbour } }
        }
    }
}

fn no_route(ground: &Ground<'_>, tried: &ResourceTried, at: &str) -> Fate {
    let ipv6 = tried.address.is_ipv6();
    let family = if ipv6 && !ground.facts.host.default_routes.iter().any(|r| r.ipv6) {
        ", and no IPv6 route at all"
    } else {
        ""
    };
    Fate { words: format!("{at}: this host has no route to it{family}"), trouble: Trouble::NoRoute { ipv6 } }
}

/// A bridge of containers, or another VPN, that takes the way to the Resource.
fn covered(ground: &Ground<'_>, tried: &ResourceTried) -> Option<Trouble> {
    let way = tried.way.as_ref()?;
    let interface = ground.facts.host.interfaces.iter().find(|i| i.name == way.interface)?;
    match interface.kind {
        InterfaceKind::ContainerBridge if way.gateway.is_none() => {
            Some(Trouble::Covered { interface: way.interface.clone() })
        }
        InterfaceKind::Vpn | InterfaceKind::Tunnel | InterfaceKind::Ppp => {
            Some(Trouble::Tunnelled { interface: way.interface.clone() })
        }
        _ => None,
    }
}

/// `out of eth0 (10.0.0.5) by 10.0.0.1`.
pub(super) fn way_words(tried: &ResourceTried) -> String {
    let Some(way) = &tried.way else { return "no route".to_owned() };
    let source = way.source.map_or_else(String::new, |ip| format!(" from {ip}"));
    let by = way.gateway.map_or_else(|| ", on this link".to_owned(), |ip: IpAddr| format!(" by {ip}"));
    format!("out of {}{source}{by}", way.interface)
}

fn proof(ground: &Ground<'_>, tried: &ResourceTried) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(neighbour) = tried.neighbour {
        let hop = tried.way.as_ref().and_then(|w| w.gateway).unwrap_or(tried.address);
        let word = match neighbour {
            Neighbour::Answers => "answers on its link",
            Neighbour::Silent => "does not answer on its link",
            Neighbour::Fixed => "has a hardware address that was set by hand",
            Neighbour::NotAsked => "is behind a link without neighbours",
        };
        lines.push(format!("Next hop {hop} {word}"));
    }
    if let Some(last) = tried.hops.last() {
        lines.push(format!(
            "The last router that answers is {}, {} away; behind it is silence",
            last.router,
            hops(last.ttl)
        ));
    }
    if let Some(way) = &tried.way
        && let Some(interface) = ground.facts.host.interfaces.iter().find(|i| i.name == way.interface)
    {
        lines.push(format!("{} is {}", interface.name, interface.kind.word()));
    }
    lines
}

fn hops(n: u8) -> String {
    if n == 1 { "1 hop".to_owned() } else { format!("{n} hops") }
}

fn short(failed: &ProbeFailure) -> &'static str {
    match failed.kind {
        FailureKind::Timeout => "does not answer",
        FailureKind::Refused => "refuses",
        FailureKind::NoRoute => "has no route",
        kind => kind.word(),
    }
}

fn line(ground: &Ground<'_>, resource: &Resource, tried: &ResourceTried) -> String {
    match &tried.connect {
        Some(Outcome::Seen(connected)) => {
            let way = way_words(tried);
            format!(
                "{} port {}: connected in {}, {way}",
                tried.address,
                resource.port,
                millis(connected.connect_us)
            )
        }
        Some(Outcome::Failed(failed)) => fate(ground, resource, tried, failed).words,
        Some(Outcome::NotRun(_)) | None => format!("{} port {}: not tried", tried.address, resource.port),
    }
}

/// What a step that needs a connection says where there is none.
pub(super) fn needs_tcp() -> Step {
    Step::needs(CheckId::ResourceTcp)
}
