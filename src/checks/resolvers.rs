//! `dns.resolvers`: whether each configured resolver serves names, and what keeps it from that. Pure.

use crate::model::CheckId;
use std::net::SocketAddr;

use super::controller::maker;
use super::dns::{NAME_ERROR, NO_ERROR, error_word, line, others_resolve};
use super::silence::{nothing_left, proven};
use crate::model::facts::{DnsAnswer, Facts, ResolvedBy, TargetRole};
use crate::model::finding::{DeadResolver, Finding, Maker, ResolverTrouble, Status, Symptom};
use crate::model::observation::{FailureKind, Outcome, Phase, ProbeFailure};
use crate::model::text::millis;

const ID: CheckId = CheckId::DnsResolvers;

/// So many other names must be unknown, too, before a resolver is said to know none.
const ENOUGH_NAMES: usize = 2;

/// What became of one resolver's questions.
struct Resolver<'a> {
    name: &'a str,
    address: Option<SocketAddr>,
    answers: Vec<&'a DnsAnswer>,
    failures: Vec<&'a ProbeFailure>,
    tried: bool,
}

impl<'a> Resolver<'a> {
    /// Answers that came the way programs ask.
    fn usual(&self) -> impl Iterator<Item = &'a DnsAnswer> {
        self.answers.iter().copied().filter(|a| a.over_udp.is_none())
    }

    /// It answered with something that can be used: names, or that there is none.
    fn serves(&self) -> bool {
        self.usual().any(useful)
    }

    /// Every failure that stands for its silence.
    fn silences(&self) -> impl Iterator<Item = &'a ProbeFailure> {
        let over_udp = self.answers.iter().filter_map(|a| a.over_udp.as_ref());
        self.failures.iter().copied().chain(over_udp)
    }
}

fn useful(answer: &DnsAnswer) -> bool {
    matches!(answer.rcode, NO_ERROR | NAME_ERROR)
}

fn by_resolver(facts: &Facts) -> Vec<Resolver<'_>> {
    let mut found: Vec<Resolver<'_>> = Vec::new();
    for o in &facts.dns {
        let at = found.iter().position(|r| r.name == o.target).unwrap_or_else(|| {
            let (name, address) = (o.target.as_str(), o.address);
            found.push(Resolver { name, address, answers: Vec::new(), failures: Vec::new(), tried: false });
            found.len() - 1
        });
        let resolver = &mut found[at];
        resolver.answers.extend(o.seen());
        resolver.failures.extend(o.failure());
        resolver.tried |= !matches!(o.outcome, Outcome::NotRun(_));
    }
    found
}

/// Why a resolver serves no names; none where it does.
fn trouble(facts: &Facts, r: &Resolver<'_>) -> Option<ResolverTrouble> {
    if r.serves() {
        return know_nothing(facts).then_some(ResolverTrouble::KnowsNothing);
    }
    let sent = |failures: &[&ProbeFailure]| failures.iter().map(|f| f.sent).max().unwrap_or(0);
    let over_tcp = r.answers.iter().copied().find(|a| a.over_udp.is_some() && useful(a));
    if let Some((answer, udp)) = over_tcp.and_then(|a| Some((a, a.over_udp.as_ref()?))) {
        let rejected_by = match maker(facts, udp, r.address) {
            Maker::ThisHost => return Some(ResolverTrouble::Withheld(udp.kind)),
            Maker::Nearer(by) => by,
            _ => None,
        };
        return Some(ResolverTrouble::TcpAlone { sent: udp.sent, rtt_us: answer.rtt_us, rejected_by });
    }
    if let Some(answer) = r.answers.first() {
        return Some(ResolverTrouble::Fails(error_word(answer.rcode)));
    }
    let failure = r.failures.iter().max_by_key(|f| f.kind != FailureKind::Timeout)?;
    let after_truncation = matches!(failure.phase, Phase::Connect | Phase::Request | Phase::Response);
    Some(match (maker(facts, failure, r.address), failure.kind) {
        (Maker::ThisHost, kind) => ResolverTrouble::Withheld(kind),
        _ if after_truncation => ResolverTrouble::Truncated,
        (Maker::Nearer(Some(ip)), _) => ResolverTrouble::Rejected(ip),
        (_, FailureKind::Refused) => ResolverTrouble::Closed,
        (_, FailureKind::Timeout) => ResolverTrouble::Silent(sent(&r.failures)),
        (_, kind) => ResolverTrouble::Other(kind),
    })
}

/// Every name of this run, the Controller's and others', is said not to exist: that is the resolvers' fault, not the names'.
pub(super) fn know_nothing(facts: &Facts) -> bool {
    let asked: Vec<_> = facts
        .targets
        .iter()
        .filter(|t| t.role != TargetRole::Controller && t.resolved_by != ResolvedBy::Literal)
        .collect();
    let unknown = |kind| matches!(kind, FailureKind::NotFound | FailureKind::NoAddress);
    let all = asked.iter().all(|t| t.failure.as_ref().is_some_and(|f| unknown(f.kind)));
    let answers = || facts.dns.iter().filter_map(|o| o.seen());
    let named = answers().any(|a| !a.addresses.is_empty());
    let known = facts.targets.iter().any(|t| t.resolved_by != ResolvedBy::Literal && !t.addresses.is_empty());
    asked.len() >= ENOUGH_NAMES && all && !known && !named && answers().any(useful)
}

/// Whether no resolver serves, for certain.
pub(super) fn none_serves(facts: &Facts) -> bool {
    resolvers(facts).iter().any(|f| matches!(f.symptom, Some(Symptom::ResolversDead(_))))
}

pub(super) fn resolvers(facts: &Facts) -> Vec<Finding> {
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
    let unserved: Vec<(&Resolver<'_>, Option<ResolverTrouble>)> =
        all.iter().map(|r| (r, trouble(facts, r))).filter(|(r, t)| t.is_some() || !r.serves()).collect();
    let names: Vec<&str> = unserved.iter().map(|(r, _)| r.name).collect();
    let failing = unserved.iter().all(|(_, t)| matches!(t, Some(ResolverTrouble::Fails(_))));
    if failing && unserved.len() == all.len() && others_resolve(facts) {
        return vec![finding(Status::Pass, "answered, and fails for the Controller's name alone".into())];
    }
    let doubtful: Vec<&ProbeFailure> =
        unserved.iter().flat_map(|(r, _)| r.silences()).filter(|f| !proven(facts, f)).collect();
    let dead: Vec<DeadResolver> = unserved
        .iter()
        .filter_map(|(r, t)| Some(DeadResolver { name: r.name.to_owned(), trouble: t.clone()? }))
        .collect();
    let what = || dead.iter().map(DeadResolver::words).collect::<Vec<_>>().join("; ");
    vec![match dead.len() {
        _ if !doubtful.is_empty() || dead.len() < unserved.len() => {
            let cut = doubtful.iter().any(|f| !f.conclusive) || doubtful.is_empty();
            let why = if cut {
                "the wait was too short to prove it"
            } else {
                "too much is lost on the way to prove it"
            };
            finding(Status::Unknown, format!("{} silent; {why}", names.join(", ")))
        }
        0 => {
            let best = all.iter().flat_map(Resolver::usual).map(|a| a.rtt_us).min().unwrap_or(0);
            finding(Status::Pass, format!("{} of {} answered, best {}", all.len(), all.len(), millis(best)))
        }
        n if n == all.len() => finding(Status::Fail, format!("0 of {n} serve names: {}", what()))
            .symptom(Symptom::ResolversDead(dead)),
        n => finding(Status::Warn, format!("{n} of {} do not serve names: {}", all.len(), what()))
            .symptom(Symptom::ResolverDead(dead)),
    }]
}
