//! Whether a Resource's name resolves by the Connector's resolvers, and as this host's own would. Pure.

use std::net::IpAddr;

use super::step::{Ground, Step};
use crate::inference::resolvers::error_word;
use crate::model::address::is_private;
use crate::model::facts::{DnsAnswer, ResourceNames, ResourceSeen};
use crate::model::finding::Status;
use crate::model::observation::{FailureKind, Observation, Outcome};
use crate::model::text::{self, millis};
use crate::model::trouble::Trouble;

pub(super) fn judge(ground: &Ground<'_>, seen: &ResourceSeen) -> Step {
    let Some(names) = &seen.names else { return Step::new(Status::Pass, "given as an address") };
    let mut lines = lines(&names.answers, &names.resolvers_by);
    lines.extend(self::lines(&names.own, "this host's own"));
    if names.failure.is_some() {
        return unresolved(ground, names).lines(lines);
    }
    let addresses = list(&names.addresses);
    let by = match names.resolver {
        Some(resolver) => format!("by {} ({})", resolver.ip(), names.resolvers_by),
        None => "by /etc/hosts".to_owned(),
    };
    let full = names.full.clone().unwrap_or_default();
    if let Some((resolver, own)) = elsewhere(names) {
        let words = format!(
            "{full} leads to {addresses} {by}, and to {} by this host's own resolver {resolver}",
            list(&own)
        );
        let trouble =
            Trouble::Elsewhere { by: names.resolvers_by.clone(), addresses: names.addresses.clone(), own };
        return Step::new(Status::Warn, words).lines(lines).trouble(trouble);
    }
    let ignorant = ignorant(names);
    if !ignorant.is_empty() {
        let words = format!("{full} leads to {addresses} {by}; {} gives no address", text::list(&ignorant));
        let trouble = Trouble::Unresolved { by: ignorant.join(", "), known_to: None, nobody: false };
        return Step::new(Status::Warn, words).lines(lines).trouble(trouble);
    }
    Step::new(Status::Pass, format!("{addresses} {by} in {}", millis(names.took_us))).lines(lines)
}

fn unresolved(ground: &Ground<'_>, names: &ResourceNames) -> Step {
    let asked = names.asked.join(", ");
    let failed = || names.answers.iter().filter_map(Observation::failure);
    let nobody = names.answers.iter().all(|o| o.seen().is_none());
    if nobody && (names.answers.is_empty() || !failed().all(|f| ground.loss.proven(f))) {
        return Step::new(
            Status::Unknown,
            format!("{asked}: no answer from {}, too few tries to tell", names.resolvers_by),
        );
    }
    let known_to = names.own.iter().find_map(|o| {
        let answer = o.seen().filter(|answer| !answer.addresses.is_empty())?;
        Some((o.address?.ip().to_string(), answer.addresses.clone()))
    });
    let by = &names.resolvers_by;
    let why = match names.failure.as_ref().map(|f| f.kind) {
        Some(FailureKind::NotFound) => format!("{asked} does not exist, says {by}"),
        Some(FailureKind::NoAddress) => format!("{asked} has no address, says {by}"),
        Some(FailureKind::ResolverFailed) => format!("{asked} fails to resolve by {by}"),
        _ => format!("no answer from {by} about {asked}"),
    };
    let trouble = Trouble::Unresolved { by: by_whom(names), known_to, nobody };
    Step::new(Status::Fail, why).trouble(trouble)
}

/// `TWINGATE_DNS (1.1.1.1)`.
fn by_whom(names: &ResourceNames) -> String {
    let mut servers: Vec<String> =
        names.answers.iter().filter_map(|o| Some(o.address?.ip().to_string())).collect();
    servers.dedup();
    format!("{} ({})", names.resolvers_by, servers.join(", "))
}

/// Where this host's own resolver leads, where that is another kind of place: private beside public.
fn elsewhere(names: &ResourceNames) -> Option<(IpAddr, Vec<IpAddr>)> {
    if names.addresses.is_empty() || names.addresses.iter().any(|ip| is_private(*ip)) {
        return None;
    }
    let mut own: Option<(IpAddr, Vec<IpAddr>)> = None;
    for o in &names.own {
        let (Some(at), Some(answer)) = (o.address, o.seen()) else { continue };
        own.get_or_insert((at.ip(), Vec::new())).1.extend(&answer.addresses);
    }
    own.filter(|(_, addresses)| !addresses.is_empty() && addresses.iter().all(|ip| is_private(*ip)))
}

/// The Connector's resolvers that answer and know no address of either family, while another one does.
fn ignorant(names: &ResourceNames) -> Vec<String> {
    let mut servers: Vec<_> = names.answers.iter().filter_map(|o| o.address).collect();
    servers.dedup();
    let of = |server| {
        names.answers.iter().filter(move |o| o.address == Some(server)).filter_map(Observation::seen)
    };
    let none = |server: &std::net::SocketAddr| {
        of(*server).next().is_some_and(|first| first.rcode != 2)
            && of(*server).all(|a| a.addresses.is_empty())
            && of(*server).count() == 2
    };
    servers.iter().filter(|server| none(server)).map(|server| server.ip().to_string()).collect()
}

/// What each resolver said of each name, A and AAAA in one line.
fn lines(all: &[Observation<DnsAnswer>], whose: &str) -> Vec<String> {
    let name = |o: &Observation<DnsAnswer>| o.seen().map(|answer| answer.name.clone());
    let together = all.chunk_by(|a, b| a.address == b.address && name(a) == name(b));
    let line = |some: &[Observation<DnsAnswer>]| {
        let first = some.first()?;
        let at = first.address.map_or_else(|| first.target.clone(), |at| at.ip().to_string());
        let name = name(first).map_or_else(String::new, |name| format!("{name} "));
        let mut said: Vec<String> = some.iter().map(answer).collect();
        said.dedup();
        Some(format!("{at} ({whose}): {name}{}", said.join(", ")))
    };
    together.filter_map(line).collect()
}

fn answer(o: &Observation<DnsAnswer>) -> String {
    match &o.outcome {
        Outcome::Seen(answer) => {
            let said = match (answer.addresses.is_empty(), answer.rcode) {
                (false, _) => format!("{} in {}", list(&answer.addresses), millis(answer.rtt_us)),
                (true, 0) => "no address".to_owned(),
                (true, code) => error_word(code),
            };
            format!("{} {said}", answer.record.word())
        }
        Outcome::Failed(failure) => failure.kind.word().to_owned(),
        Outcome::NotRun(_) => "not asked to the end".to_owned(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let shown: Vec<String> = addresses.iter().take(4).map(ToString::to_string).collect();
    let more = addresses.len().saturating_sub(4);
    if more == 0 { text::list(&shown) } else { format!("{} and {more} more", shown.join(", ")) }
}
