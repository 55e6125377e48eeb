//! Check of the NATs in a row between this host and the internet. Pure.
//!
//! Hops alone do not tell a second NAT from a routed private network (protocols.md F): what stands beyond the outermost NAT is none, 100.64.0.0/10
//! before it is a carrier's, and only the gateway's own word makes it certain.

use std::net::IpAddr;

use super::check::Check;
use super::needs::needs_stun;
use crate::inference::Inference;
use crate::inference::loss::Loss;
use crate::model::CheckId;
use crate::model::address::{Scope, is_private, scope};
use crate::model::check::{CheckRow, Segment, Topic, WhenCheap};
use crate::model::facts::{GatewayWord, Hop, PathHops};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::Observation;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::NatLayers,
    title: "No second NAT is shown",
    contacts: "a STUN server that answered, and its other address, UDP; with --ask-gateway the default gateway, UDP 5351 and 1900, and its UPnP port",
    rights: "none",
    row: CheckRow::under(Topic::Nat).on(Segment::Routers).when_cheap(WhenCheap::Never),
    page: include_str!("../../docs/checks/nat.layers.md"),
    eval: layers,
}];

fn layers(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::NatLayers;
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    if !facts.stun.iter().any(|o| o.seen().is_some()) {
        return needs_stun(ID);
    }
    let Some(path) = facts.hops.iter().find_map(Observation::seen) else {
        let cut = facts.hops.first().is_some_and(|o| o.failure().is_none());
        let why = if cut { "the run ended first" } else { "not measured: no STUN server answered over IPv4" };
        return vec![Finding::new(ID, if cut { Status::Unknown } else { Status::Skip }, why)];
    };
    let took = facts.hops.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        let asked = facts.gateway.iter().map(|o| match o.seen() {
            Some(GatewayWord { external: Some(ip), .. }) => {
                format!("{}: its outer address is {ip}", o.target)
            }
            Some(_) => format!("{}: it has no public address", o.target),
            None => format!("{}: no answer", o.target),
        });
        Finding::new(ID, status, summary)
            .evidence_all(path.hops.iter().map(line))
            .evidence_all(asked)
            .took(took)
    };
    let mapped = &run.nat.public;
    if mapped.contains(&path.from) {
        return vec![finding(Status::Pass, "no NAT: servers see the local address".into())];
    }
    let said = || facts.gateway.iter().filter_map(Observation::seen);
    if let Some(ip) = said().find_map(|word| word.external) {
        return vec![by_gateway(ip, mapped, finding)];
    }
    let outermost = outermost(&run.loss, path);
    let before: Vec<IpAddr> = path
        .hops
        .iter()
        .filter(|hop| hop.ttl > 1 && outermost.is_none_or(|nat| hop.ttl <= nat))
        .filter_map(|hop| hop.router)
        .filter(|ip| is_private(*ip) && !mapped.contains(ip))
        .collect();
    let certain = said().next().is_some();
    let carrier = before.iter().copied().find(|ip| scope(*ip) == Scope::Shared);
    if let Some(ip) = carrier {
        let symptom = Symptom::NatLayers { routers: vec![ip], carrier: true, certain };
        let summary = format!("{ip} beyond the first router: a carrier's NAT (100.64.0.0/10)");
        return vec![finding(Status::Warn, summary).symptom(symptom)];
    }
    if certain {
        let symptom = Symptom::NatLayers { routers: before, carrier: false, certain };
        let summary = "the gateway says that it has no public address: a second NAT stands behind it";
        return vec![finding(Status::Warn, summary.into()).symptom(symptom)];
    }
    let far = outermost.filter(|nat| *nat > 1);
    if far.is_none() && (before.is_empty() || outermost.is_some()) {
        let seen = path.hops.iter().any(|hop| hop.router.is_some());
        return vec![match outermost {
            Some(1) => finding(Status::Pass, "one NAT, at the first router".into()),
            Some(_) => finding(Status::Unknown, "too much was lost to tell where the NAT stands".into()),
            None if seen => finding(Status::Pass, "no private router beyond the first".into()),
            None => finding(Status::Skip, "not measurable: no router says where it stands".into()),
        }];
    }
    let summary = match far {
        Some(nat) => format!("the outermost NAT stands at hop {nat}: a second one, or a router before it"),
        None => format!("{} beyond the first router: a second NAT, or plain routing", join(&before)),
    };
    let symptom = Symptom::NatLayers { routers: before, carrier: false, certain: false };
    vec![finding(Status::Pass, summary).symptom(symptom)]
}

/// The gateway's outer address beside what servers see.
fn by_gateway(said: IpAddr, mapped: &[IpAddr], finding: impl Fn(Status, String) -> Finding) -> Finding {
    if mapped.contains(&said) {
        return finding(
            Status::Pass,
            format!("one NAT: the gateway's outer address {said} is the public one"),
        );
    }
    if !is_private(said) {
        let summary = format!("the gateway's outer address is {said}, and servers see another");
        return finding(Status::Pass, summary);
    }
    let carrier = scope(said) == Scope::Shared;
    let whose = if carrier { "a carrier's NAT" } else { "a second NAT" };
    let summary = format!("the gateway's outer address is {said}: {whose} stands behind it");
    let symptom = Symptom::NatLayers { routers: vec![said], carrier, certain: true };
    finding(Status::Warn, summary).symptom(symptom)
}

/// The hop of the outermost NAT: the greatest time to live that surely did not open the way back, where a greater one did; 0 where too much was
/// lost to be sure of any.
fn outermost(loss: &Loss, path: &PathHops) -> Option<u8> {
    if path.open_anyway {
        return None;
    }
    let opened = |hop: &&Hop| hop.opened == Some(true);
    let least = path.hops.iter().filter(opened).map(|hop| hop.ttl).min().filter(|ttl| *ttl > 1)?;
    // There is a NAT, and nothing stands nearer than the first router.
    if least == 2 {
        return Some(1);
    }
    // Facts that do not say how often was asked are taken at their word.
    let shut = |hop: &&Hop| hop.opened == Some(false) && (hop.asked == 0 || loss.improbable(hop.asked));
    Some(path.hops.iter().filter(|hop| hop.ttl < least).filter(shut).map(|hop| hop.ttl).max().unwrap_or(0))
}

fn line(hop: &Hop) -> String {
    let who = match (hop.router, hop.reached) {
        (_, true) => "the server".to_owned(),
        (Some(ip), _) => ip.to_string(),
        (None, _) => "no word".to_owned(),
    };
    let opened = match hop.opened {
        Some(true) => ", opens the way back",
        _ => "",
    };
    format!("hop {}: {who}{opened}", hop.ttl)
}

fn join(ips: &[IpAddr]) -> String {
    ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
