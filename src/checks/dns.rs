//! Checks of names: whether each resolver answers, and where the Controller's name leads. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Check;
use super::silence::{nothing_left, proven};
use crate::model::address::{Scope, is_global, is_private, scope};
use crate::model::facts::{DnsAnswer, Facts, ResolvedBy, Target, TargetRole};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::model::text::{count, millis};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: "dns.resolvers",
        title: "Each configured resolver answers",
        contacts: "the resolvers of /etc/resolv.conf, or --dns, UDP and TCP 53",
        rights: "none",
        page: include_str!("../../docs/checks/dns.resolvers.md"),
        eval: resolvers,
    },
    Check {
        id: "dns.controller",
        title: "The Controller's name leads to global addresses, alike everywhere",
        contacts: "the resolvers, as getaddrinfo and directly",
        rights: "none",
        page: include_str!("../../docs/checks/dns.controller.md"),
        eval: controller,
    },
];

/// RFC 1035 4.1.1.
const NO_ERROR: u16 = 0;
const NAME_ERROR: u16 = 3;

/// What became of one resolver's questions.
struct Resolver<'a> {
    name: &'a str,
    answers: Vec<&'a DnsAnswer>,
    tried: bool,
    conclusive: bool,
    /// Not even the wait was long enough.
    cut: bool,
}

impl Resolver<'_> {
    /// It answered with something that can be used: names, or that there is none.
    fn serves(&self) -> bool {
        self.answers.iter().any(|a| matches!(a.rcode, NO_ERROR | NAME_ERROR))
    }
}

fn by_resolver(facts: &Facts) -> Vec<Resolver<'_>> {
    let mut found: Vec<Resolver<'_>> = Vec::new();
    for o in &facts.dns {
        let at = found.iter().position(|r| r.name == o.target).unwrap_or_else(|| {
            found.push(Resolver {
                name: &o.target,
                answers: Vec::new(),
                tried: false,
                conclusive: true,
                cut: false,
            });
            found.len() - 1
        });
        let resolver = &mut found[at];
        resolver.answers.extend(o.seen());
        resolver.tried |= !matches!(o.outcome, Outcome::NotRun(_));
        resolver.cut |= o.failure().is_some_and(|f| !f.conclusive);
        resolver.conclusive &= o.failure().is_none_or(|f| proven(facts, f));
    }
    found
}

fn resolvers(facts: &Facts) -> Vec<Finding> {
    const ID: &str = "dns.resolvers";
    let all = by_resolver(facts);
    let took = facts.dns.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary).evidence_all(facts.dns.iter().map(line)).took(took)
    };
    if let Some(why) = nothing_left(&facts.dns).filter(|_| !all.iter().any(Resolver::serves)) {
        return vec![finding(Status::Unknown, why)];
    }
    if !all.iter().any(|r| r.tried) {
        return vec![Finding::new(ID, Status::Skip, "no resolver was asked")];
    }
    let dead: Vec<&Resolver<'_>> = all.iter().filter(|r| !r.serves()).collect();
    let names: Vec<String> = dead.iter().map(|r| r.name.to_owned()).collect();
    let failing = dead.iter().all(|r| !r.answers.is_empty());
    if failing && dead.len() == all.len() && others_resolve(facts) {
        return vec![finding(Status::Pass, "answered, and fails for the Controller's name alone".into())];
    }
    let how = if failing { "answers that it failed" } else { "does not answer" };
    vec![match dead.len() {
        0 => {
            let best = all.iter().flat_map(|r| &r.answers).map(|a| a.rtt_us).min().unwrap_or(0);
            finding(Status::Pass, format!("{} of {} answered, best {}", all.len(), all.len(), millis(best)))
        }
        _ if dead.iter().any(|r| !r.conclusive) => {
            finding(Status::Unknown, format!("{} silent; {}", names.join(", "), why(&dead)))
        }
        n if n == all.len() => finding(Status::Fail, format!("0 of {n} answered: {}", names.join(", ")))
            .symptom(Symptom::ResolversDead { names, failing }),
        n => finding(Status::Warn, format!("{n} of {} {how}: {}", all.len(), names.join(", ")))
            .symptom(Symptom::ResolverDead { names, failing }),
    }]
}

/// Why the silence of these proves nothing.
fn why(dead: &[&Resolver<'_>]) -> &'static str {
    if dead.iter().any(|r| r.cut) {
        "the wait was too short to prove it"
    } else {
        "too much is lost on the way to prove it"
    }
}

/// Whether it is the Controller's name that resolvers were asked for, and other names resolve.
fn others_resolve(facts: &Facts) -> bool {
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
pub(super) fn misled(facts: &Facts) -> BTreeMap<&'static str, Vec<String>> {
    let mut misled: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    if facts.run.lab.is_some() {
        return misled;
    }
    let controller = super::controller::target(facts).map_or(&[][..], |t| t.addresses.as_slice());
    let trial = |host: &str| matches!(host.rsplit('.').next(), Some("test" | "localhost"));
    for t in facts.targets.iter().filter(|t| t.resolved_by != ResolvedBy::Literal && !t.addresses.is_empty())
    {
        let check = match t.role {
            TargetRole::Stun => "stun.discovery",
            TargetRole::Ntp => "clock.sources",
            TargetRole::Relay => "relay.tcp",
            TargetRole::Service => "services.tcp",
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
fn line(o: &Observation<DnsAnswer>) -> String {
    let target = &o.target;
    match &o.outcome {
        Outcome::Seen(a) => {
            let got = match (a.rcode, a.addresses.as_slice()) {
                (NO_ERROR, []) => "no such address".to_owned(),
                (NO_ERROR, ips) => join(ips),
                (NAME_ERROR, _) => "no such name".to_owned(),
                (2, _) => "SERVFAIL".to_owned(),
                (5, _) => "REFUSED".to_owned(),
                (code, _) => format!("error {code}"),
            };
            format!("{target}: {} {}: {got}, {}", a.name, a.record, millis(a.rtt_us))
        }
        Outcome::Failed(f) => format!("{target}: {}, {}", f.kind.word(), count(f.sent as usize, "question")),
        Outcome::NotRun(_) => format!("{target}: not asked"),
    }
}

fn join(ips: &[IpAddr]) -> String {
    ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

fn controller(facts: &Facts) -> Vec<Finding> {
    const ID: &str = "dns.controller";
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
        // Without an IPv6 address it may well have an IPv4 one, the question for which was lost.
        let none =
            |(_, a): &(&str, &DnsAnswer)| a.rcode == NAME_ERROR || a.rcode == NO_ERROR && a.record == "A";
        let unknown = answers.iter().any(none);
        let unasked = target.system.as_ref().and_then(|s| s.failure.as_ref());
        return vec![if unasked.is_some_and(|f| f.kind == FailureKind::Exhausted) {
            // Only getaddrinfo knows the names of /etc/hosts.
            finding(Status::Unknown, "this host had nothing left to ask its own library with".into())
        } else if unknown {
            finding(Status::Fail, format!("{} does not exist", target.host))
                .symptom(Symptom::ControllerNameUnknown { name: target.host.clone() })
        } else if answers.iter().any(|(_, a)| a.rcode == NO_ERROR) {
            finding(
                Status::Unknown,
                format!("the question for an IPv4 address of {} was not answered", target.host),
            )
        } else if !answers.is_empty() && others_resolve(facts) {
            finding(Status::Fail, format!("resolvers fail for {}, and know other names", target.host))
                .symptom(Symptom::ControllerNameFails { name: target.host.clone() })
        } else {
            finding(Status::Skip, "needs dns.resolvers: no resolver answered".into())
                .symptom(Symptom::Needs("dns.resolvers"))
        }];
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
    if bad.is_empty() && !missing {
        return vec![finding(Status::Pass, format!("{} is {}", target.host, join(&good)))];
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
