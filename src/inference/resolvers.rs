//! What became of each resolver's questions, and of all resolvers together. Pure.

use std::net::SocketAddr;

use super::lookups::slow;
use super::loss::{Loss, nothing_left};
use super::refusal::{all_unsent, maker};
use super::target::others_resolve;
use crate::model::facts::{DnsAnswer, Facts, ResolvedBy, Target, TargetRole};
use crate::model::finding::{DeadResolver, Maker, ResolverTrouble, SlowResolver};
use crate::model::observation::{FailureKind, Outcome, Phase, ProbeFailure};

/// RFC 1035 4.1.1.
pub const NO_ERROR: u16 = 0;
/// RFC 1035 4.1.1.
pub const NAME_ERROR: u16 = 3;

/// So many other names must be unknown, too, before a resolver is said to know none.
const ENOUGH_NAMES: usize = 2;

/// What became of one resolver's questions.
#[derive(Debug)]
pub struct Resolver<'a> {
    /// `address:port`.
    pub name: &'a str,
    address: Option<SocketAddr>,
    answers: Vec<&'a DnsAnswer>,
    failures: Vec<&'a ProbeFailure>,
    tried: bool,
}

impl<'a> Resolver<'a> {
    /// Answers that came the way programs ask.
    pub fn usual(&self) -> impl Iterator<Item = &'a DnsAnswer> {
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

/// Whether the resolvers serve names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// This host had nothing left to ask with: why, in words.
    NothingLeft(String),
    /// Nobody was asked.
    NotAsked,
    /// Every one.
    All,
    /// Every one, but for the Controller's name.
    AllButOneName,
    /// Some do not answer, and that proves nothing.
    Unproven {
        /// Which.
        names: Vec<String>,
        /// The wait was too short; else too much is lost on the way.
        cut: bool,
    },
    /// Some do not.
    NotSome(Vec<DeadResolver>),
    /// None does.
    None(Vec<DeadResolver>),
}

/// The resolvers of a run.
#[derive(Debug)]
pub struct Resolvers<'a> {
    /// Each, in the order of the questions.
    pub all: Vec<Resolver<'a>>,
    /// What they do together.
    pub serving: Serving,
    /// Every name of this run, the Controller's and others', is said not to exist: that is the resolvers' fault, not
    /// the names'.
    pub know_nothing: bool,
    /// The first serves, and only after a while.
    pub slow: Option<SlowResolver>,
}

impl<'a> Resolvers<'a> {
    pub(super) fn of(facts: &'a Facts, loss: &Loss) -> Self {
        let (all, know_nothing) = (by_resolver(facts), know_nothing(facts));
        let serving = serving(facts, loss, &all, know_nothing);
        Self { all, serving, know_nothing, slow: slow(facts, loss) }
    }

    /// Whether every resolver serves, as far as it can, and without delay.
    pub fn all_serve(&self) -> bool {
        match self.serving {
            Serving::All => self.slow.is_none(),
            Serving::AllButOneName => true,
            _ => false,
        }
    }

    /// Whether no resolver serves, for certain.
    pub fn none_serves(&self) -> bool {
        matches!(self.serving, Serving::None(_))
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

fn serving(facts: &Facts, loss: &Loss, all: &[Resolver<'_>], know_nothing: bool) -> Serving {
    let unable = nothing_left(&facts.dns).or_else(|| all_unsent(facts, &facts.dns));
    if let Some(why) = unable.filter(|_| !all.iter().any(Resolver::serves)) {
        return Serving::NothingLeft(why);
    }
    if !all.iter().any(|r| r.tried) {
        return Serving::NotAsked;
    }
    let unserved: Vec<(&Resolver<'_>, Option<ResolverTrouble>)> = all
        .iter()
        .map(|r| (r, trouble(facts, r, know_nothing)))
        .filter(|(r, t)| t.is_some() || !r.serves())
        .collect();
    let failing = unserved.iter().all(|(_, t)| matches!(t, Some(ResolverTrouble::Fails(_))));
    if failing && unserved.len() == all.len() && others_resolve(facts) {
        return Serving::AllButOneName;
    }
    let doubtful: Vec<&ProbeFailure> =
        unserved.iter().flat_map(|(r, _)| r.silences()).filter(|f| !loss.proven(f)).collect();
    let dead: Vec<DeadResolver> = unserved
        .iter()
        .filter_map(|(r, t)| Some(DeadResolver { name: r.name.to_owned(), trouble: t.clone()? }))
        .collect();
    match dead.len() {
        _ if !doubtful.is_empty() || dead.len() < unserved.len() => Serving::Unproven {
            names: unserved.iter().map(|(r, _)| r.name.to_owned()).collect(),
            cut: doubtful.iter().any(|f| !f.conclusive) || doubtful.is_empty(),
        },
        0 => Serving::All,
        n if n == all.len() => Serving::None(dead),
        _ => Serving::NotSome(dead),
    }
}

/// Why a resolver serves no names; none where it does.
fn trouble(facts: &Facts, r: &Resolver<'_>, know_nothing: bool) -> Option<ResolverTrouble> {
    if r.serves() {
        return know_nothing.then_some(ResolverTrouble::KnowsNothing);
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

/// A response code's name (RFC 1035 4.1.1).
pub fn error_word(code: u16) -> String {
    match code {
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        5 => "REFUSED".to_owned(),
        code => format!("error {code}"),
    }
}

fn know_nothing(facts: &Facts) -> bool {
    let asked: Vec<_> = facts
        .targets
        .iter()
        .filter(|t| t.role != TargetRole::Controller && t.resolved_by != ResolvedBy::Literal)
        // A public resolver was quicker: this host's own were not heard about this name.
        .filter(|t| t.resolved_by != ResolvedBy::Elsewhere || t.failure.as_ref().is_none_or(|f| f.conclusive))
        .collect();
    let unknown = |kind| matches!(kind, FailureKind::NotFound | FailureKind::NoAddress);
    let all = asked.iter().all(|t| t.failure.as_ref().is_some_and(|f| unknown(f.kind)));
    let answers = || facts.dns.iter().filter_map(|o| o.seen());
    let named = answers().any(|a| !a.addresses.is_empty());
    let resolved = |t: &&Target| t.resolved_by != ResolvedBy::Literal && t.own_addresses().next().is_some();
    let known = facts.targets.iter().any(|t| resolved(&t));
    asked.len() >= ENOUGH_NAMES && all && !known && !named && answers().any(useful)
}
