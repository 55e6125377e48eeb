//! Checks of names: whether each resolver answers, and where the Controller's name leads. Pure.

use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic, Track};
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Check;
use crate::model::address::{Scope, is_global, is_private, scope};
use crate::model::facts::{DnsAnswer, Facts, ResolvedBy, Target, TargetRole};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::model::text::{count, millis};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::DnsResolvers,
        title: "Each configured resolver answers",
        contacts: "the resolvers of /etc/resolv.conf, or --dns, UDP and TCP 53",
        rights: "none",
        row: CheckRow::under(Topic::Dns).on(Segment::Resolvers),
        page: include_str!("../../docs/checks/dns.resolvers.md"),
        eval: super::resolvers::resolvers,
    },
    Check {
        id: CheckId::DnsController,
        title: "The Controller's name leads to global addresses, alike everywhere",
        contacts: "the resolvers, as getaddrinfo and directly",
        rights: "none",
        row: CheckRow::under(Topic::Dns).on(Segment::Controller).tracks(Track::Controller),
        page: include_str!("../../docs/checks/dns.controller.md"),
        eval: controller,
    },
];

/// RFC 1035 4.1.1.
pub(super) const NO_ERROR: u16 = 0;
pub(super) const NAME_ERROR: u16 = 3;

/// Whether it is the Controller's name that resolvers were asked for, and other names resolve.
pub(super) fn others_resolve(facts: &Facts) -> bool {
    let asked = super::controller::target(facts).is_some_and(|t| t.host.parse::<IpAddr>().is_err());
    asked
        && facts.targets.iter().any(|t| {
            t.role != TargetRole::Controller
                && t.resolved_by != ResolvedBy::Literal
                && !t.addresses.is_empty()
        })
}

/// Names that lead to a sinkhole, or to the private address that the Controller's name leads to, by the check that
/// suffers. Names for trials (RFC 6761) may lead to loopback.
pub(super) fn misled(facts: &Facts) -> BTreeMap<CheckId, Vec<String>> {
    let mut misled: BTreeMap<CheckId, Vec<String>> = BTreeMap::new();
    if facts.run.lab.is_some() {
        return misled;
    }
    let controller = super::controller::target(facts).map_or(&[][..], |t| t.addresses.as_slice());
    let trial = |host: &str| matches!(host.rsplit('.').next(), Some("test" | "localhost"));
    for t in facts.targets.iter().filter(|t| t.resolved_by != ResolvedBy::Literal && !t.addresses.is_empty())
    {
        let check = match t.role {
            TargetRole::Stun => CheckId::StunDiscovery,
            TargetRole::Ntp => CheckId::ClockSources,
            TargetRole::Relay => CheckId::RelayTcp,
            TargetRole::Service => CheckId::ServicesTcp,
            TargetRole::Controller | TargetRole::Dns => continue,
        };
        let astray = |ip: &IpAddr| match scope(*ip) {
            Scope::Unspecified => true,
            Scope::Loopback => !trial(&t.host),
            _ => is_private(*ip) && controller.contains(ip),
        };
        if t.addresses.iter().all(astray) {
            misled.entry(check).or_default().push(t.host.clone());
        }
    }
    misled
}

/// One question as a line of evidence.
pub(super) fn line(o: &Observation<DnsAnswer>) -> String {
    let target = &o.target;
    match &o.outcome {
        Outcome::Seen(a) => {
            let got = match (a.rcode, a.addresses.as_slice()) {
                (NO_ERROR, []) => "no such address".to_owned(),
                (NO_ERROR, ips) => join(ips),
                (NAME_ERROR, _) => "no such name".to_owned(),
                (code, _) => error_word(code),
            };
            let over = if a.over_udp.is_some() { ", over TCP alone" } else { "" };
            format!("{target}: {} {}: {got}, {}{over}", a.name, a.record, millis(a.rtt_us))
        }
        Outcome::Failed(f) => format!("{target}: {}, {}", f.kind.word(), count(f.sent as usize, "question")),
        Outcome::NotRun(_) => format!("{target}: not asked"),
    }
}

/// A response code's name (RFC 1035 4.1.1).
pub(super) fn error_word(code: u16) -> String {
    match code {
        2 => "SERVFAIL".to_owned(),
        5 => "REFUSED".to_owned(),
        code => format!("error {code}"),
    }
}

fn join(ips: &[IpAddr]) -> String {
    ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

fn controller(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::DnsController;
    let Some(target) = facts.targets.iter().find(|t| t.role == TargetRole::Controller) else {
        return vec![Finding::new(
            ID,
            Status::Skip,
            "no network is named: say --network NAME or --controller URL",
        )];
    };
    if target.host.parse::<IpAddr>().is_ok() {
        return vec![Finding::new(ID, Status::Skip, "the Controller is given as an address")];
    }
    let answers: Vec<(&str, &DnsAnswer)> = facts
        .dns
        .iter()
        .filter_map(|o| o.seen().map(|a| (o.target.as_str(), a)))
        .filter(|(_, a)| a.name.trim_end_matches('.').eq_ignore_ascii_case(target.host.trim_end_matches('.')))
        .collect();
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(facts.dns.iter().filter(|o| o.seen().is_some()).map(line))
            .evidence_all(system(target))
            .took(target.resolve_us)
    };
    let mut leads: Vec<IpAddr> = answers.iter().flat_map(|(_, a)| a.addresses.iter().copied()).collect();
    leads.extend(&target.addresses);
    leads.sort_unstable();
    leads.dedup();
    if leads.is_empty() {
        let (status, summary, symptom) = nowhere(facts, target, &answers);
        let found = finding(status, summary);
        return vec![Finding { symptom, ..found }];
    }
    // Names below .test are for trials such as the lab's (RFC 6761 6.2).
    let lab = facts.run.lab.is_some() || target.host.rsplit('.').next() == Some("test");
    // A Controller of one's own may well stand on the LAN: who shows its certificate is no impostor.
    let proven = |ip: &IpAddr| {
        let sessions = facts.control.tls.iter().filter(|o| o.address.is_some_and(|a| a.ip() == *ip));
        sessions.filter_map(Observation::seen).any(super::controller::genuine)
    };
    let strange = |ip: &IpAddr| !(is_global(*ip) || lab && scope(*ip) == Scope::Loopback || proven(ip));
    let (bad, good): (Vec<IpAddr>, Vec<IpAddr>) = leads.iter().copied().partition(strange);
    let missing = answers.iter().any(|(_, a)| a.rcode == NAME_ERROR);
    if six_alone(facts, &leads, &answers) {
        let summary = format!("{} has no IPv4 address, and this host no IPv6", target.host);
        let symptom = Symptom::ControllerNoIpv4 { name: target.host.clone() };
        return vec![finding(Status::Fail, summary).symptom(symptom)];
    }
    if bad.is_empty() && !missing {
        let found = finding(Status::Pass, format!("{} is {}", target.host, join(&good)));
        return vec![by_hosts_file(target, &answers, found)];
    }
    if bad.is_empty() {
        let liars = answers.iter().filter(|(_, a)| a.rcode == NAME_ERROR).map(|(r, _)| (*r).to_owned());
        let mut resolvers: Vec<String> = liars.collect();
        resolvers.dedup();
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
    let misled = !target.addresses.is_empty() && target.addresses.iter().all(strange);
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

/// Why the name leads nowhere.
fn nowhere(
    facts: &Facts,
    target: &Target,
    answers: &[(&str, &DnsAnswer)],
) -> (Status, String, Option<Symptom>) {
    let name = target.host.clone();
    let needs = Some(Symptom::Needs(CheckId::DnsResolvers));
    if super::resolvers::know_nothing(facts) {
        return (Status::Skip, "needs dns.resolvers: they know no name at all".into(), needs);
    }
    let unasked = target.system.as_ref().and_then(|s| s.failure.as_ref());
    if unasked.is_some_and(|f| f.kind == FailureKind::Exhausted) {
        // Only getaddrinfo knows the names of /etc/hosts.
        return (Status::Unknown, "this host had nothing left to ask its own library with".into(), None);
    }
    // Without an IPv6 address it may well have an IPv4 one, the question for which was lost.
    let none = |(_, a): &(&str, &DnsAnswer)| a.rcode == NAME_ERROR || a.rcode == NO_ERROR && a.record == "A";
    if answers.iter().any(none) {
        let symptom = Symptom::ControllerNameUnknown { name: name.clone() };
        (Status::Fail, format!("{name} does not exist"), Some(symptom))
    } else if answers.iter().any(|(_, a)| a.rcode == NO_ERROR) {
        (Status::Unknown, format!("the question for an IPv4 address of {name} was not answered"), None)
    } else if !answers.is_empty() && others_resolve(facts) {
        let symptom = Symptom::ControllerNameFails { name: name.clone() };
        (Status::Fail, format!("resolvers fail for {name}, and know other names"), Some(symptom))
    } else if super::resolvers::none_serves(facts) {
        (Status::Skip, "needs dns.resolvers: no resolver answered".into(), needs)
    } else {
        (Status::Unknown, "no resolver answered in time".into(), needs)
    }
}

/// Whether it was tried to find the Controller, in vain, and nothing shows why.
pub(super) fn controller_undecided(facts: &Facts) -> bool {
    controller(facts).iter().any(|found| found.status == Status::Unknown)
}

/// Addresses of IPv6 alone, by a resolver's own word, on a host that has no way for those.
fn six_alone(facts: &Facts, leads: &[IpAddr], answers: &[(&str, &DnsAnswer)]) -> bool {
    let no_ipv4 =
        |(_, a): &(&str, &DnsAnswer)| a.record == "A" && a.rcode == NO_ERROR && a.addresses.is_empty();
    let routes = &facts.host.default_routes;
    let four_alone = !routes.is_empty() && routes.iter().all(|r| !r.ipv6);
    four_alone && leads.iter().all(IpAddr::is_ipv6) && answers.iter().any(no_ipv4)
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
