//! Checks of the NAT in front of this host: how it maps, whom it lets in, and where this host appears. Pure.

use std::net::IpAddr;

use super::check::Check;
use super::lifetime;
use super::needs::needs_stun;
use crate::inference::Inference;
use crate::inference::nat::{Behaviour, distinct};
use crate::model::CheckId;
use crate::model::address::is_global;
use crate::model::check::{CheckRow, Topic, Track, WhenCheap};
use crate::model::facts::{NatAsk, NatReply, StunAnswer};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::report::P2pOutlook;
use crate::model::text::count;
use crate::model::words::P2pExpect;
use crate::proto::stun::behaviour::outlook::{Chance, outlook};
use crate::proto::stun::behaviour::{Ask, Filtering, Mapping, Observations, Obstacle};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::StunMapping,
        title: "The NAT maps a socket to one address, whoever is spoken to",
        contacts: "a STUN server that answered, its other address, or several servers, UDP",
        rights: "none",
        row: CheckRow::under(Topic::Nat).when_cheap(WhenCheap::Never).tracks(Track::Mapping),
        page: include_str!("../../docs/checks/stun.mapping.md"),
        eval: judge_mapping,
    },
    Check {
        id: CheckId::StunFiltering,
        title: "It is known whom the NAT or firewall lets in",
        contacts: "a STUN server that answered, and its other address, UDP",
        rights: "none",
        row: CheckRow::under(Topic::Nat).when_cheap(WhenCheap::Never),
        page: include_str!("../../docs/checks/stun.filtering.md"),
        eval: judge_filtering,
    },
    Check {
        id: CheckId::PublicAddress,
        title: "One public address per family, however it is asked for",
        contacts: "STUN servers, UDP, and TCP where they take it",
        rights: "none",
        row: CheckRow::under(Topic::Nat).in_details().when_cheap(WhenCheap::Never),
        page: include_str!("../../docs/checks/public.address.md"),
        eval: public_address,
    },
];

/// What to expect of peer-to-peer, by the table of protocols.md 4.9 and what the checks of STUN and QUIC found; none where STUN is not
/// known to work.
pub fn p2p_outlook(run: &Inference<'_>, findings: &[Finding]) -> Option<P2pOutlook> {
    let no_quic = |f: &Finding| matches!(&f.symptom, Some(Symptom::QuicBlocked(block)) if block.ipv4);
    if findings.iter().any(|f| f.check == CheckId::StunDiscovery && f.status == Status::Fail) {
        let reason = "STUN discovery is unavailable".to_owned();
        return Some(P2pOutlook { expect: P2pExpect::Relayed, none: true, reason });
    }
    let Behaviour { mapping, filtering, .. } = *run.nat.behaviour.as_ref()?;
    if findings.iter().any(no_quic) {
        let reason = "QUIC is dropped on the way".to_owned();
        return Some(P2pOutlook { expect: P2pExpect::Relayed, none: true, reason });
    }
    let expect = expect(mapping, filtering);
    let layers = run.nat.outer.map_or("", |_| ", behind two NATs in a row");
    let mapped = match mapping {
        Mapping::NoNat => "no NAT".to_owned(),
        mapping => format!("mapping {}", mapping_word(mapping)),
    };
    let kept = run.lifetime.as_ref().map(lifetime::outlook).unwrap_or_default();
    let reason = format!("{mapped}, filtering {}{layers}{kept}", filtering_word(filtering));
    Some(P2pOutlook { expect, none: false, reason })
}

/// By this side's NAT alone.
fn expect(mapping: Mapping, filtering: Filtering) -> P2pExpect {
    let outlook = outlook(mapping, filtering);
    match (outlook.worst, outlook.best) {
        (Chance::DirectLikely, _) => P2pExpect::DirectLikely,
        (_, Chance::RelayLikely) => P2pExpect::Relayed,
        _ => P2pExpect::DependsOnClient,
    }
}

/// The series, or why there is none.
fn seen<'a>(id: CheckId, run: &'a Inference<'_>) -> Result<(&'a Behaviour, u64), Vec<Finding>> {
    let facts = run.facts;
    let took = facts.nat.first().map_or(0, |o| o.took_us);
    match &run.nat.behaviour {
        Some(behaviour) => Ok((behaviour, took)),
        None if !facts.nat.is_empty() => {
            Err(vec![Finding::new(id, Status::Unknown, "the series was not finished").took(took)])
        }
        None if facts.stun.iter().any(|o| o.seen().is_some()) => {
            Err(vec![Finding::new(id, Status::Skip, "not measured: no STUN server answered over IPv4")])
        }
        None => Err(needs_stun(id)),
    }
}

fn judge_mapping(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::StunMapping;
    let (Behaviour { seen, mapping, filtering, .. }, took) = match seen(ID, run) {
        Ok(seen) => seen,
        Err(findings) => return findings,
    };
    let status = match *mapping {
        Mapping::NoNat | Mapping::EndpointIndependent => Status::Pass,
        Mapping::AddressDependent
        | Mapping::AddressAndPortDependent
        | Mapping::DependentUnsplit
        | Mapping::EndpointIndependentButNotUnderContention => Status::Warn,
        Mapping::Undecided => Status::Unknown,
        Mapping::NotMeasurable(_) => Status::Skip,
    };
    let finding = Finding::new(ID, status, mapping_word(*mapping)).evidence_all(pairs(seen)).took(took);
    let finding = finding.measure("packets", seen.asked.len() as f64);
    let finding = if status == Status::Warn {
        let expect = expect(*mapping, *filtering);
        finding.symptom(Symptom::NatDependent { how: mapping_word(*mapping), expect })
    } else {
        finding
    };
    vec![lifetime::told(finding, run.facts, run.lifetime.as_ref())]
}

/// Which address each destination saw, a line each.
fn pairs(seen: &Observations) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for asked in seen.asked.iter().filter(|a| a.ask == Ask::Plain) {
        if let Some((_, mapped)) = asked.mapped() {
            let line = format!("{} -> {}: seen as {mapped}", asked.local, asked.to);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

fn judge_filtering(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::StunFiltering;
    let (Behaviour { seen, filtering, .. }, took) = match seen(ID, run) {
        Ok(seen) => seen,
        Err(findings) => return findings,
    };
    let status = match *filtering {
        Filtering::Undecided => Status::Unknown,
        Filtering::NotMeasurable(_) => Status::Skip,
        _ => Status::Pass,
    };
    let asked = |ask| {
        let of = || seen.asked.iter().filter(move |a| a.ask == ask);
        let (all, answered) = (of().count(), of().filter(|a| a.mapped().is_some()).count());
        (all > 0).then(|| format!("{answered} of {}", count(all, "request")))
    };
    let lines = [("other address and port", Ask::ChangeBoth), ("other port", Ask::ChangePort)]
        .into_iter()
        .filter_map(|(what, ask)| asked(ask).map(|n| format!("answers from the {what}: {n}")));
    vec![Finding::new(ID, status, filtering_word(*filtering)).evidence_all(lines).took(took)]
}

fn mapping_word(mapping: Mapping) -> String {
    match mapping {
        Mapping::NoNat => "no NAT: servers see the local address".to_owned(),
        Mapping::EndpointIndependent => "endpoint-independent".to_owned(),
        Mapping::AddressDependent => "address-dependent".to_owned(),
        Mapping::AddressAndPortDependent => "address- and port-dependent".to_owned(),
        Mapping::DependentUnsplit => "address- or address- and port-dependent".to_owned(),
        Mapping::EndpointIndependentButNotUnderContention => {
            "endpoint-independent only while ports are free".to_owned()
        }
        Mapping::Undecided => "too much was lost to tell".to_owned(),
        Mapping::NotMeasurable(why) => obstacle(why),
    }
}

fn filtering_word(filtering: Filtering) -> String {
    match filtering {
        Filtering::EndpointIndependent => "endpoint-independent".to_owned(),
        Filtering::AddressDependent => "address-dependent".to_owned(),
        Filtering::AddressAndPortDependent => "address- and port-dependent".to_owned(),
        Filtering::Undecided => "too much was lost to tell".to_owned(),
        Filtering::NotMeasurable(why) => obstacle(why),
    }
}

fn obstacle(why: Obstacle) -> String {
    let why = match why {
        Obstacle::NoOtherAddress => "no server with RFC 5780 answered".to_owned(),
        Obstacle::OneAddress => "fewer than two server addresses answered".to_owned(),
        Obstacle::HostRouting => "this host leaves by different addresses for different servers".to_owned(),
        Obstacle::AlternateSilent => "the server's other address does not answer".to_owned(),
        Obstacle::ChangeRefused(code) => format!("the server answers CHANGE-REQUEST with error {code}"),
        Obstacle::ChangeIgnored => "the server does not support CHANGE-REQUEST".to_owned(),
        Obstacle::ChangeSwallowed => "the server does not answer CHANGE-REQUEST".to_owned(),
    };
    format!("not measurable: {why}")
}

fn public_address(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::PublicAddress;
    let seen = sightings(run);
    if !seen.iter().any(|s| s.over == "UDP") && !seen.iter().any(|s| s.over == "TCP") {
        return needs_stun(ID);
    }
    let mut several = Vec::new();
    let (mut routed, mut by_transport) = (false, false);
    let mut shown = Vec::new();
    for v6 in [false, true] {
        let of_family: Vec<&Sighting<'_>> = seen.iter().filter(|s| s.mapped.is_ipv6() == v6).collect();
        let ips = distinct(of_family.iter().map(|s| s.mapped));
        shown.extend(ips.iter().map(IpAddr::to_string));
        if ips.len() > 1 {
            let over =
                |transport| distinct(of_family.iter().filter(|s| s.over == transport).map(|s| s.mapped));
            // Each transport has one address of its own: what differs is the transport, not the destination.
            by_transport |= over("UDP").len() == 1 && over("TCP").len() == 1;
            // Different local addresses: the host's own routing chose different ways out.
            routed |= distinct(of_family.iter().map(|s| s.local)).len() > 1;
            several.extend(ips);
        }
    }
    let evidence: Vec<String> = seen.iter().map(Sighting::words).collect();
    let finding = if several.is_empty() {
        let udp_alone = if seen.iter().any(|s| s.over == "TCP") { "" } else { ", seen over UDP" };
        Finding::new(ID, Status::Pass, format!("{}{udp_alone}", shown.join(", ")))
    } else {
        let by = if by_transport { "by transport" } else { "by destination" };
        let summary = format!("{} public addresses, {by}: {}", several.len(), shown.join(", "));
        Finding::new(ID, Status::Warn, summary).symptom(Symptom::SeveralPublicAddresses {
            addresses: several,
            routed,
            by_transport,
            seen: evidence.clone(),
        })
    };
    vec![finding.evidence_all(evidence)]
}

/// Who saw this host as whom, over what.
struct Sighting<'a> {
    by: &'a str,
    over: &'static str,
    local: IpAddr,
    mapped: IpAddr,
}

impl Sighting<'_> {
    fn words(&self) -> String {
        format!("{} over {}: {} -> {}", self.by, self.over, self.local, self.mapped)
    }
}

/// Those that are believed.
fn sightings<'a>(run: &Inference<'a>) -> Vec<Sighting<'a>> {
    fn one<'a>(by: &'a str, over: &'static str, a: &StunAnswer) -> Sighting<'a> {
        let (local, mapped) = (a.local.ip().to_canonical(), a.mapped.ip().to_canonical());
        Sighting { by, over, local, mapped }
    }
    let facts = run.facts;
    let udp = facts.stun.iter().filter(|o| run.nat.believes(o));
    let udp = udp.filter_map(|o| Some(one(&o.target, "UDP", o.seen()?)));
    let tcp = facts.stun_tcp.iter().filter_map(|o| Some(one(&o.target, "TCP", &o.seen()?.0)));
    let mut seen: Vec<Sighting<'a>> = udp.chain(tcp).collect();
    // Where uplinks are dealt out by flow, the first contacts may all have left by one.
    for o in &facts.nat {
        for asked in o.seen().into_iter().flat_map(|series| &series.asked) {
            let Some(NatReply::Mapped { mapped, .. }) = asked.reply else { continue };
            let (local, mapped) = (asked.local.ip().to_canonical(), mapped.ip().to_canonical());
            if asked.ask == NatAsk::Plain && is_global(mapped) && !seen.iter().any(|s| s.mapped == mapped) {
                seen.push(Sighting { by: &o.target, over: "UDP", local, mapped });
            }
        }
    }
    seen
}
