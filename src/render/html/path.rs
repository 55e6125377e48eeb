//! The way from this host to what a Connector needs, as SVG: each leg coloured, and said in a word, by what was seen.
//!
//! Not tested is drawn neutral, never as good and never as bad. Nothing is judged here: a leg shows the outcomes
//! of the checks that looked at it.

use std::net::IpAddr;

use maud::{Markup, html};

use super::parts::{px, short};
use crate::model::address::{Scope, is_private, scope};
use crate::model::check::{Segment, Topic};
use crate::model::facts::Route;
use crate::model::finding::Status;
use crate::model::observation::Observation;
use crate::model::report::{CheckResult, Report};
use crate::render::digest::line;
use crate::render::redact::shown;
use crate::render::text::name;

/// Height of a row, and where the trunk and the branches stand.
const ROW: f64 = 48.0;
const TRUNK: f64 = 14.0;
const BRANCH: f64 = 46.0;
/// More private routers than these are folded into a count.
const ROUTERS: usize = 3;
/// Characters that fit beside a node.
const ON_TRUNK: usize = 46;
const ON_BRANCH: usize = 42;

/// What hangs off the internet: its name, and its place.
const ENDS: &[(&str, Segment)] = &[
    ("STUN servers", Segment::StunServers),
    ("Time servers", Segment::TimeServers),
    ("Controller", Segment::Controller),
    ("Relays", Segment::Relays),
    ("Event services", Segment::Services),
];

/// A place on the way.
struct Node {
    name: String,
    note: String,
    /// What was seen of the leg that leads here.
    leg: Status,
    /// Hangs off the trunk rather than standing on it.
    branch: bool,
}

pub(super) fn picture(report: &Report) -> Markup {
    let nodes = nodes(report);
    let height = ROW * nodes.len() as f64;
    let said: Vec<String> = nodes.iter().map(|node| format!("{}: {}", node.name, node.leg.word())).collect();
    let last_on_trunk = nodes.iter().rposition(|node| !node.branch).unwrap_or(0);
    html! {
        svg viewBox={ "0 0 340 " (px(height)) } role="img" aria-label={ "The path. " (said.join("; ")) } {
            // Where branches leave the last place on the trunk.
            line.trunk x1=(px(TRUNK)) x2=(px(TRUNK)) y1=(px(y(last_on_trunk))) y2=(px(y(nodes.len() - 1))) {}
            @for (n, node) in nodes.iter().enumerate() {
                @if node.branch {
                    path class=(leg(node.leg)) d={ "M" (px(TRUNK)) " " (px(y(n))) "H" (px(BRANCH)) } {}
                    (place(BRANCH, y(n), 6.0, node, ON_BRANCH, true))
                } @else {
                    @if let Some(before) = nodes[..n].iter().rposition(|node| !node.branch) {
                        path class=(leg(node.leg)) d={ "M" (px(TRUNK)) " " (px(y(before))) "V" (px(y(n))) } {}
                    }
                }
            }
            // Places over the legs that meet there.
            @for (n, node) in nodes.iter().enumerate().filter(|(_, node)| !node.branch) {
                (place(TRUNK, y(n), 9.0, node, ON_TRUNK, n > 0))
            }
        }
    }
}

fn place(x: f64, y: f64, radius: f64, node: &Node, room: usize, led_to: bool) -> Markup {
    let text = px(x + radius + 9.0);
    let fill = format!("f-{}", node.leg.word());
    html! {
        @if led_to && node.branch {
            circle class=(fill) cx=(px(x)) cy=(px(y)) r=(px(radius)) {}
        } @else {
            circle.node cx=(px(x)) cy=(px(y)) r=(px(radius)) {}
        }
        g {
            title { (node.note) }
            text.name x=(text) y=(px(y - 2.0)) { (short(&node.name, 34)) }
            @if led_to { text class={ "word " (fill) } x="338" y=(px(y - 2.0)) text-anchor="end" { (word(node.leg)) } }
            text.sub x=(text) y=(px(y + 14.0)) { (short(&node.note, room)) }
        }
    }
}

fn leg(status: Status) -> String {
    format!("leg l-{}", status.word())
}

/// A leg's colour in a word, for whoever does not see it.
fn word(status: Status) -> &'static str {
    match status {
        Status::Skip => "not tested",
        Status::Pass => "ok",
        Status::Unknown => "not decided",
        Status::Warn => "warning",
        Status::Fail => "failed",
    }
}

fn y(row: usize) -> f64 {
    ROW * row as f64 + 18.0
}

/// The places, in the order they are drawn: this host, the resolvers on its side, routers, the internet, what hangs off it.
fn nodes(report: &Report) -> Vec<Node> {
    let host = &report.facts.host;
    let route = host.default_routes.iter().find(|route| !route.ipv6).or(host.default_routes.first());
    let trunk = |name: String, note: String, leg: Status| Node { name, note, leg, branch: false };
    let own = report.connector_details.hostname.as_deref().map_or_else(|| "This host".to_owned(), name);
    let mut nodes = vec![trunk(own, address(report, route), Status::Skip)];
    let near = !host.resolvers.is_empty() && host.resolvers.iter().all(|r| is_private(r.address.ip()));
    let mut resolvers: Vec<Node> = end(report, "Resolvers", Segment::Resolvers).into_iter().collect();
    if near {
        nodes.append(&mut resolvers);
    }
    let first = worst(report, Segment::FirstLeg).map_or(Status::Skip, |(status, _)| status);
    // Between routers nothing is seen but what the layers' check says of them.
    let layers = worst(report, Segment::Routers).map_or(Status::Skip, |(status, _)| status);
    for (n, (router, note)) in routers(report, route).into_iter().enumerate() {
        nodes.push(trunk(router, note, if n == 0 { first } else { layers }));
    }
    let ends: Vec<Node> = ENDS.iter().filter_map(|(name, place)| end(report, name, *place)).collect();
    let public: Vec<String> =
        report.connector_details.public_ips.iter().take(2).map(|ip| shown(*ip, report)).collect();
    let note = match public.as_slice() {
        [] => "no public address seen".to_owned(),
        some => format!("sees {}", some.join(" and ")),
    };
    nodes.push(trunk("Internet".to_owned(), note, got_out(&ends)));
    nodes.extend(resolvers);
    nodes.extend(ends);
    nodes
}

/// The address that the default route leaves by, or any.
fn address(report: &Report, route: Option<&Route>) -> String {
    let up = || report.facts.host.interfaces.iter().filter(|interface| interface.up);
    let by_route = route.and_then(|route| {
        let with = up().find(|interface| interface.name == route.interface)?;
        Some((with, with.addresses.iter().find(|address| address.ip.is_ipv6() == route.ipv6)?))
    });
    match by_route {
        Some((interface, address)) => format!("{} {}", shown(address.ip, report), name(&interface.name)),
        None => report
            .connector_details
            .private_ips
            .first()
            .map_or_else(|| "no default route seen".to_owned(), |ip| shown(*ip, report)),
    }
}

/// The gateway, and the private routers behind it, as far as they said where they stand.
fn routers(report: &Report, route: Option<&Route>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let gateway = route.and_then(|route| route.gateway);
    if let Some(ip) = gateway {
        out.push(("Gateway".to_owned(), shown(ip, report)));
    }
    let hops = report.facts.hops.iter().find_map(Observation::seen).map_or(&[][..], |path| &path.hops[..]);
    let behind: Vec<IpAddr> = hops
        .iter()
        .filter(|hop| hop.ttl > 1 && !hop.reached)
        .filter_map(|hop| hop.router)
        .filter(|ip| is_private(*ip) && Some(*ip) != gateway)
        .collect();
    for ip in behind.iter().take(ROUTERS) {
        let whose = if scope(*ip) == Scope::Shared { "Carrier's router" } else { "Private router" };
        out.push((whose.to_owned(), shown(*ip, report)));
    }
    if behind.len() > ROUTERS {
        out.push((format!("{} more private routers", behind.len() - ROUTERS), String::new()));
    }
    out
}

/// What was seen of something that hangs off the trunk; none where no check of the report looked at it.
fn end(report: &Report, name: &str, place: Segment) -> Option<Node> {
    let (leg, note) = worst(report, place)?;
    Some(Node { name: name.to_owned(), note, leg, branch: true })
}

/// The worst outcome of the checks that looked at a place with its sentence, the last of equals. That a name resolves is
/// no sign that its host is reached, so it counts only where it is bad.
fn worst(report: &Report, place: Segment) -> Option<(Status, String)> {
    let of = || report.checks.iter().filter(|check| check.standing.segment == Some(place));
    let named = |check: &&CheckResult| check.standing.topic == Topic::Dns && place != Segment::Resolvers;
    let bad = of().filter(named).filter(|check| check.outcome > Status::Pass);
    bad.chain(of().filter(|check| !named(check)))
        .max_by_key(|check| check.outcome)
        .map(|check| (check.outcome, line(&check.summary)))
}

/// Whether anything beyond the last router was reached: one is enough; failures alone are a failure.
fn got_out(ends: &[Node]) -> Status {
    let any = |fits: fn(Status) -> bool| ends.iter().any(|end| fits(end.leg));
    if any(|leg| matches!(leg, Status::Pass | Status::Warn)) {
        Status::Pass
    } else if any(|leg| leg == Status::Fail) {
        Status::Fail
    } else if any(|leg| leg == Status::Unknown) {
        Status::Unknown
    } else {
        Status::Skip
    }
}
