//! Names to addresses: what getaddrinfo gives, and what the resolvers say when asked directly; judges neither.
//!
//! getaddrinfo is what the Connector itself calls, so its answer is preferred. It runs on a thread of its own and cannot
//! be cancelled (see `system`). Since it waits 5 s and more for a dead resolver, the resolvers are asked directly, too,
//! when it is not back within `HEDGE`, and probing begins with whichever gives an address first. With `--dns` only those
//! are asked.

mod order;
mod system;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use self::order::in_order;
use self::system::system;
use super::aside::aside;
use super::dns::{self, Record, Until};
use super::host::files;
use super::since_us;
use crate::env::Env;
use crate::model::facts::{DnsAnswer, ResolvedBy, SystemLookup, Target, TargetRole};
use crate::model::observation::{FailureKind, Observation, Phase, ProbeFailure};

/// How long getaddrinfo is given before the resolvers are asked directly.
const HEDGE: Duration = Duration::from_millis(250);
/// How long getaddrinfo is given after the resolvers have had nothing to say.
const LAST_WORD: Duration = Duration::from_millis(300);
/// How long IPv6 is waited for once there is an IPv4 address.
const OTHER_FAMILY: Duration = Duration::from_millis(150);
/// As many resolvers are asked directly; the system uses three (resolv.conf(5), MAXNS).
const MAX_RESOLVERS: usize = 4;
/// Who may be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolvers {
    /// The configured resolvers, or those of `--dns`.
    pub addresses: Vec<SocketAddr>,
    /// Whether they alone are asked, and not getaddrinfo.
    pub only: bool,
}

/// A name to be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is for.
    pub role: TargetRole,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Who named it.
    pub origin: String,
}

/// A name as far as it is resolved.
#[derive(Debug)]
pub struct Resolution {
    /// The name and its addresses.
    pub target: Target,
    /// The answers that were had on the way from the resolvers themselves.
    pub asked: Vec<Observation<DnsAnswer>>,
}

/// Resolves one name within `timeout`. An address stands for itself and is not asked for.
pub async fn resolve(env: &Env, wanted: Wanted, resolvers: &Resolvers, timeout: Duration) -> Resolution {
    let start = env.elapsed();
    let Wanted { role, host, port, origin } = wanted;
    let mut target = Target { role, host, port, origin, ..Target::default() };
    let literal = target.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if let Ok(ip) = literal {
        target.addresses = vec![ip.to_canonical()];
        return Resolution { target, asked: Vec::new() };
    }
    let mut system = (!resolvers.only).then(|| tokio::spawn(system(env.clone(), target.host.clone(), port)));
    if target.role == TargetRole::Controller && !resolvers.only {
        let own = env.clone();
        let read = aside(move || files::read(&own, "/etc/hosts", files::SMALL));
        let file = tokio::time::timeout(HEDGE.min(timeout), read).await.ok().and_then(Result::ok).flatten();
        target.hosts_file = hosts_file(&file.unwrap_or_default(), &target.host);
    }
    let mut asked = Vec::new();
    let mut direct_failure = None;

    let first_wait = if resolvers.addresses.is_empty() { timeout } else { HEDGE.min(timeout) };
    target.system = wait(&mut system, first_wait).await;
    // A library that had no port or descriptor to ask with says the same as one whose resolvers failed.
    let failed = target.system.as_ref().and_then(|lookup| lookup.failure.as_ref());
    // Nor is what nsswitch makes of a name what the resolvers say of it, whom the Connector's own library asks.
    let vague = failed.is_some_and(|f| !f.kind.is_own_want());
    if vague && !resolvers.addresses.is_empty() {
        let left = (start + timeout).saturating_sub(env.elapsed());
        let direct = direct(env, &target.host, resolvers, left, &mut asked).await;
        if direct.as_ref().map_or_else(|f| f.kind.is_own_want(), |found| !found.is_empty()) {
            target.failure = settle_direct(direct, &mut target);
            target.resolve_us = since_us(env, start);
            return Resolution { target, asked };
        }
    }
    if target.system.is_none() && !resolvers.addresses.is_empty() {
        let left = (start + timeout).saturating_sub(env.elapsed());
        let direct = direct(env, &target.host, resolvers, left, &mut asked);
        match system.as_mut() {
            None => direct_failure = settle_direct(direct.await, &mut target),
            Some(handle) => tokio::select! {
                biased;
                lookup = handle => (target.system, system) = (lookup.ok(), None),
                result = direct => direct_failure = settle_direct(result, &mut target),
            },
        }
        if direct_failure.is_some() {
            let left = (start + timeout).saturating_sub(env.elapsed());
            target.system = wait(&mut system, LAST_WORD.min(left)).await;
        }
    }
    if let Some(lookup) = &target.system {
        target.addresses.clone_from(&lookup.addresses);
        target.failure.clone_from(&lookup.failure);
        target.resolved_by = ResolvedBy::System;
    } else if target.addresses.is_empty() {
        target.failure = direct_failure.or_else(|| {
            let mut failure = no_answer("no answer in time");
            failure.conclusive = false;
            Some(failure)
        });
    }
    target.resolve_us = since_us(env, start);
    if system.is_some() {
        // Left behind: nobody waits for it any longer.
        let failure = ProbeFailure { conclusive: false, ..no_answer("getaddrinfo was not back by then") };
        let took_us = target.resolve_us;
        target.system = Some(SystemLookup { took_us, failure: Some(failure), ..SystemLookup::default() });
    }
    Resolution { target, asked }
}

/// Addresses that a file in the form of hosts(5) has for a name.
fn hosts_file(text: &str, host: &str) -> Vec<IpAddr> {
    let host = host.trim_end_matches('.');
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    in_order(lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse::<IpAddr>().ok()?;
        words
            .any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(host))
            .then_some(address.to_canonical())
    }))
}

/// Takes over what the resolvers gave; their failure is handed back.
fn settle_direct(result: Result<Vec<IpAddr>, ProbeFailure>, target: &mut Target) -> Option<ProbeFailure> {
    target.resolved_by = ResolvedBy::Resolvers;
    result.map(|addresses| target.addresses = addresses).err()
}

/// getaddrinfo's result if it comes in time; the handle is left where it does not.
async fn wait(system: &mut Option<JoinHandle<SystemLookup>>, time: Duration) -> Option<SystemLookup> {
    let lookup = tokio::time::timeout(time, system.as_mut()?).await.ok()?;
    *system = None;
    lookup.ok()
}

/// Asks the resolvers side by side for both families. The first that gives an address decides.
async fn direct(
    env: &Env,
    host: &str,
    resolvers: &Resolvers,
    timeout: Duration,
    asked: &mut Vec<Observation<DnsAnswer>>,
) -> Result<Vec<IpAddr>, ProbeFailure> {
    let mut questions = JoinSet::new();
    for resolver in resolvers.addresses.iter().copied().take(MAX_RESOLVERS) {
        for record in [Record::A, Record::Aaaa] {
            let (env, host) = (env.clone(), host.to_owned());
            questions.spawn(async move {
                dns::ask(&env, resolver, &host, record, timeout, Until::Answered).await
            });
        }
    }
    let mut first = None;
    while let Some(answer) = questions.join_next().await {
        let Ok(answer) = answer else { continue };
        if answer.seen().is_some_and(|a| !a.addresses.is_empty()) {
            first = Some(answer.address);
        }
        asked.push(answer);
        if first.is_some() {
            break;
        }
    }
    let Some(resolver) = first else { return Err(worst(asked)) };
    // The same resolver's word on the other family. Without IPv4 most hosts reach nothing: for that a lost answer is waited for.
    let ipv4 = asked.iter().filter_map(Observation::seen).any(|a| a.addresses.iter().any(IpAddr::is_ipv4));
    let other = async {
        while let Some(answer) = questions.join_next().await {
            let Ok(answer) = answer else { continue };
            let done = answer.address == resolver;
            asked.push(answer);
            if done {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(if ipv4 { OTHER_FAMILY } else { timeout }, other).await;
    let of_it = asked.iter().filter(|o| o.address == resolver).filter_map(Observation::seen);
    Ok(in_order(of_it.flat_map(|a| a.addresses.iter().copied())))
}

/// What stands for the whole when no resolver gave an address: the most definite word.
fn worst(asked: &[Observation<DnsAnswer>]) -> ProbeFailure {
    let answers = || asked.iter().filter_map(Observation::seen);
    let rcode = |wanted: fn(u16) -> bool| answers().any(|a| wanted(a.rcode));
    // Without an IPv6 address it may well have an IPv4 one, the question for which was lost.
    let silent =
        asked.iter().find_map(Observation::failure).filter(|_| answers().all(|a| a.record != Record::A));
    let said = |kind, detail| ProbeFailure::new(Phase::Resolve, kind, detail);
    if rcode(|code| code == 3) {
        said(FailureKind::NotFound, "the name does not exist")
    } else if rcode(|code| code == 0) && silent.is_none() {
        said(FailureKind::NoAddress, "the name has no address")
    } else if rcode(|code| code != 0) {
        said(FailureKind::ResolverFailed, "the resolver failed")
    } else {
        let failure = asked.iter().find_map(Observation::failure).cloned();
        failure.map_or_else(
            || no_answer("no resolver was asked"),
            |f| ProbeFailure { phase: Phase::Resolve, ..f },
        )
    }
}

fn no_answer(detail: &str) -> ProbeFailure {
    ProbeFailure::new(Phase::Resolve, FailureKind::Timeout, detail)
}
