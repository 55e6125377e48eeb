//! `dns.controller`: where the Controller's name leads. Pure.

use std::net::IpAddr;

use super::check::Check;
use super::needs::unnamed;
use super::resolvers::{join, line};
use crate::inference::Inference;
use crate::inference::elsewhere::NameElsewhere;
use crate::inference::names::Nowhere;
use crate::inference::resolvers::{NAME_ERROR, NO_ERROR};
use crate::inference::target::genuine;
use crate::model::CheckId;
use crate::model::address::{Scope, is_global, scope};
use crate::model::check::{CheckRow, Segment, Topic, Track};
use crate::model::facts::{DnsAnswer, Facts, RecordType, Target};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, Observation};
use crate::model::text::millis;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::DnsController,
    row: CheckRow::under(Topic::Dns).on(Segment::Controller).tracks(Track::Controller),
    title: "The Controller's name leads to global addresses, alike everywhere",
    contacts: "the resolvers, as getaddrinfo and directly",
    rights: "none",
    page: include_str!("../../docs/checks/dns.controller.md"),
    eval: controller,
}];

fn controller(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::DnsController;
    let facts = run.facts;
    let Some(target) = run.controller else { return unnamed(ID, run) };
    let Some(name) = &run.controller_name else {
        return vec![Finding::new(ID, Status::Skip, "the Controller is given as an address")];
    };
    let (answers, leads) = (&name.answers, &name.leads);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(facts.dns.iter().filter(|o| o.seen().is_some()).map(line))
            .evidence_all(facts.dns_beside.iter().map(|o| line(&o.clone().map(|beside| beside.answer))))
            .evidence_all(system(target))
            .evidence_all(elsewhere(run))
            .took(target.resolve_us)
    };
    if let Some((summary, symptom)) = misfound(run, target) {
        return vec![finding(Status::Fail, summary).symptom(symptom)];
    }
    if let (Some(Nowhere::NoSuchName), Some((leads, by))) = (name.nowhere, run.elsewhere.leads()) {
        let mut resolvers: Vec<String> = answers.iter().map(|(resolver, _)| (*resolver).to_owned()).collect();
        resolvers.dedup();
        let summary = format!(
            "{} does not exist, say this host's resolvers; by {by} it is {}",
            target.host,
            join(leads)
        );
        let symptom = Symptom::ControllerNameDiffers { name: target.host.clone(), resolvers, decides: true };
        return vec![finding(Status::Fail, summary).symptom(symptom)];
    }
    if let Some(why) = name.nowhere {
        let (status, summary, symptom) = nowhere(&target.host, why);
        let found = finding(status, summary);
        return vec![Finding { symptom, ..found }];
    }
    // Names below .test are for trials such as the lab's (RFC 6761 6.2).
    let lab = facts.run.lab.is_some() || target.host.rsplit('.').next() == Some("test");
    // A Controller of one's own may well stand on the LAN: who shows its certificate is no impostor.
    let proven = |ip: &IpAddr| {
        let sessions = facts.control.tls.iter().filter(|o| o.address.is_some_and(|a| a.ip() == *ip));
        sessions.filter_map(Observation::seen).any(genuine)
    };
    let strange = |ip: &IpAddr| !(is_global(*ip) || lab && scope(*ip) == Scope::Loopback || proven(ip));
    let (bad, good): (Vec<IpAddr>, Vec<IpAddr>) = leads.iter().copied().partition(strange);
    let denied_by = denied_by(answers);
    let missing = !denied_by.is_empty();
    if six_alone(facts, leads, answers) {
        let summary = format!("{} has no IPv4 address, and this host no IPv6", target.host);
        let symptom = Symptom::ControllerNoIpv4 { name: target.host.clone() };
        return vec![finding(Status::Fail, summary).symptom(symptom)];
    }
    if bad.is_empty() && !missing {
        if let Some((summary, symptom)) = name_service(run, target, answers) {
            return vec![finding(Status::Warn, summary).symptom(symptom)];
        }
        let found = finding(Status::Pass, format!("{} is {}", target.host, join(&good)));
        return vec![by_hosts_file(target, answers, found)];
    }
    if bad.is_empty() {
        let resolvers = denied_by;
        let unknown = |kind| matches!(kind, FailureKind::NotFound | FailureKind::NoAddress);
        let failed = target.system.as_ref().and_then(|s| s.failure.as_ref());
        let decides = failed.is_some_and(|failure| unknown(failure.kind));
        let (status, and) =
            if decides { (Status::Fail, ", nor for getaddrinfo") } else { (Status::Warn, "") };
        let summary = format!("{} does not exist, say some resolvers, others know it{and}", target.host);
        let name = target.host.clone();
        let symptom = Symptom::ControllerNameDiffers { name, resolvers, decides };
        return vec![finding(status, summary).symptom(symptom)];
    }
    let by: Vec<String> = answers
        .iter()
        .filter(|(_, a)| a.addresses.iter().any(strange))
        .map(|(resolver, _)| (*resolver).to_owned())
        .collect();
    let symptom = Symptom::ControllerHijacked { name: target.host.clone(), addresses: bad.clone(), by };
    // What the Connector itself gets decides, whatever resolvers say beside it.
    let misled = target.own_addresses().next().is_some() && target.own_addresses().all(|ip| strange(&ip));
    let (status, summary) = if good.is_empty() || misled {
        (Status::Fail, format!("{} leads to {}, no global address", target.host, join(&bad)))
    } else {
        (
            Status::Warn,
            format!(
                "{} leads to {} by some resolvers, to {} by others",
                target.host,
                join(&bad),
                join(&good)
            ),
        )
    };
    vec![finding(status, summary).symptom(symptom)]
}

/// A search domain leads it astray, or a resolver invents an address for it.
fn misfound(run: &Inference<'_>, target: &Target) -> Option<(String, Symptom)> {
    let leads = |addresses: &[IpAddr]| format!("{} leads to {}", target.host, join(addresses));
    if let Some(found) = run.lookups.searched.clone() {
        let what =
            format!("the address of {}: a search domain was tried before the name itself", found.as_name);
        return Some((format!("{}, {what}", leads(&found.addresses)), Symptom::SearchDomain(found)));
    }
    let found = run.lookups.invented.clone()?;
    let what = format!("as does {}, which cannot exist: the resolver invents addresses", found.as_name);
    Some((format!("{}, {what}", leads(&found.addresses)), Symptom::ControllerNameInvented(found)))
}

/// Resolvers that say that the name does not exist. Who has an address for it, and says so about IPv6 alone, is an old resolver, no liar.
fn denied_by(answers: &[(&str, &DnsAnswer)]) -> Vec<String> {
    let knows = |resolver: &str| answers.iter().any(|(r, a)| *r == resolver && !a.addresses.is_empty());
    let deny = answers.iter().filter(|(r, a)| a.rcode == NAME_ERROR && !knows(r));
    let mut resolvers: Vec<String> = deny.map(|(r, _)| (*r).to_owned()).collect();
    resolvers.dedup();
    resolvers
}

/// Why the name leads nowhere.
fn nowhere(name: &str, why: Nowhere) -> (Status, String, Option<Symptom>) {
    let needs = Some(Symptom::Needs(CheckId::DnsResolvers));
    let of_name = |symptom: fn(String) -> Symptom| Some(symptom(name.to_owned()));
    match why {
        Nowhere::KnowNothing => (Status::Skip, "needs dns.resolvers: they know no name at all".into(), needs),
        Nowhere::LibraryUnasked => {
            (Status::Unknown, "this host had nothing left to ask its own library with".into(), None)
        }
        Nowhere::NoSuchName => (
            Status::Fail,
            format!("{name} does not exist"),
            of_name(|name| Symptom::ControllerNameUnknown { name }),
        ),
        Nowhere::Ipv4Unanswered => {
            (Status::Unknown, format!("the question for an IPv4 address of {name} was not answered"), None)
        }
        Nowhere::Fails => (
            Status::Fail,
            format!("resolvers fail for {name}, and know other names"),
            of_name(|name| Symptom::ControllerNameFails { name }),
        ),
        Nowhere::NobodyServes => (Status::Skip, "needs dns.resolvers: no resolver answered".into(), needs),
        Nowhere::Unanswered => (Status::Unknown, "no resolver answered in time".into(), needs),
    }
}

/// What public resolvers say of it, asked by address.
fn elsewhere(run: &Inference<'_>) -> Option<String> {
    Some(match run.elsewhere.controller.as_ref()? {
        NameElsewhere::Leads(addresses, by) => {
            format!("{by}, a public resolver asked by address: {}", join(addresses))
        }
        NameElsewhere::Unknown(by) => format!("{by}, a public resolver asked by address: no such name"),
    })
}

/// Addresses of IPv6 alone, by a resolver's own word, on a host that has no way for those.
fn six_alone(facts: &Facts, leads: &[IpAddr], answers: &[(&str, &DnsAnswer)]) -> bool {
    let no_ipv4 = |(_, a): &(&str, &DnsAnswer)| {
        a.record == RecordType::A && a.rcode == NO_ERROR && a.addresses.is_empty()
    };
    let routes = &facts.host.default_routes;
    let four_alone = !routes.is_empty() && routes.iter().all(|r| !r.ipv6);
    four_alone && leads.iter().all(IpAddr::is_ipv6) && answers.iter().any(no_ipv4)
}

/// Says where this system's own lookup fails for a name that every one of its resolvers knows: nsswitch, or a module of it.
fn name_service(
    run: &Inference<'_>,
    target: &Target,
    answers: &[(&str, &DnsAnswer)],
) -> Option<(String, Symptom)> {
    let kind = target.system.as_ref()?.failure.as_ref().filter(|f| f.conclusive)?.kind;
    let usual = |a: &&DnsAnswer| a.over_udp.is_none() && !a.addresses.is_empty();
    let known: Vec<&DnsAnswer> = answers.iter().map(|(_, a)| *a).filter(usual).collect();
    // Silence, or a port that was wanting, says nothing of the names.
    let said = matches!(kind, FailureKind::NotFound | FailureKind::NoAddress | FailureKind::ResolverFailed)
        || kind == FailureKind::Io;
    if !said || known.is_empty() || !run.resolvers.all_serve() {
        return None;
    }
    let mut resolvers: Vec<IpAddr> = known.iter().flat_map(|a| a.addresses.iter().copied()).collect();
    resolvers.sort_unstable();
    resolvers.dedup();
    let name = target.host.clone();
    let summary = format!(
        "this system's own lookup fails for {name} ({}), its resolvers say {}",
        kind.word(),
        join(&resolvers)
    );
    Some((summary, Symptom::SystemLookupFails { name, kind, resolvers }))
}

/// Says where /etc/hosts leads elsewhere than the resolvers: no fault while it works there.
fn by_hosts_file(target: &Target, answers: &[(&str, &DnsAnswer)], found: Finding) -> Finding {
    let resolvers: Vec<IpAddr> = answers.iter().flat_map(|(_, a)| a.addresses.iter().copied()).collect();
    let file = &target.hosts_file;
    if file.is_empty() || resolvers.is_empty() || file.iter().any(|ip| resolvers.contains(ip)) {
        return found;
    }
    let (name, file) = (target.host.clone(), file.clone());
    let summary = format!("{name} is {} by /etc/hosts, {} by the resolvers", join(&file), join(&resolvers));
    Finding { summary, ..found }.symptom(Symptom::ControllerHostsFile { name, file, resolvers })
}

/// What getaddrinfo gave.
fn system(target: &Target) -> Option<String> {
    let system = target.system.as_ref()?;
    Some(match (&system.failure, system.addresses.as_slice()) {
        (_, ips @ [_, ..]) => format!("getaddrinfo: {} in {}", join(ips), millis(system.took_us)),
        (Some(failure), _) => {
            format!("getaddrinfo: {} after {}", failure.kind.word(), millis(system.took_us))
        }
        (None, []) => "getaddrinfo: no address".to_owned(),
    })
}
