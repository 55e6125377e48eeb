//! A name by this host's resolvers, and where they give nothing or lie, by a public one beside them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Fallback, NAME_ERROR, NO_ERROR};
use crate::config::last_known::{is_vendors, may_be_asked};
use crate::env::Env;
use crate::model::address::is_global;
use crate::model::facts::{
    By, FallbackDns, FallbackReason, Learnt, ResolvedBy, SystemLookup, Target, TargetRole,
};
use crate::model::observation::{FailureKind, Observation, Phase, ProbeFailure};
use crate::probes::dns::{self, Record, Until};
use crate::probes::resolve::{self, Resolvers, Wanted};
use crate::probes::{micros, since_us};

/// How long IPv6 is waited for once there is an IPv4 address.
const OTHER_FAMILY: Duration = Duration::from_millis(150);
/// Where a configured resolver serves, a public one is not waited for much longer: it only tells a lie from the truth.
const BESIDE: Duration = Duration::from_millis(1200);

/// Resolves a name within `timeout`: by this host's resolvers, and as soon as the fallback has begun, by a public one side by side.
///
/// What a public resolver gives stands first among the addresses and is marked; what this host's own resolvers gave, or why they gave
/// nothing, stays beside it.
pub(in crate::probes) async fn resolve(
    env: &Env,
    wanted: Wanted,
    resolvers: &Resolvers,
    fallback: &Fallback,
    timeout: Duration,
) -> Target {
    let start = env.elapsed();
    let literal = wanted.host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    let may = !literal && fallback.off.is_none() && may_be_asked(&wanted.host);
    let own = resolve::resolve(env, wanted.clone(), resolvers, timeout);
    if !may {
        return own.await.target;
    }
    tokio::pin!(own);
    let beside = fallback.look_up(wanted.host.clone(), wanted.role);
    tokio::pin!(beside);
    let target = tokio::select! {
        biased;
        resolution = &mut own => resolution.target,
        found = &mut beside => match found {
            Ok(found) => return elsewhere(env, wanted, resolvers, start, found),
            // Nobody knows it there: this host's own resolvers have the last word.
            Err(_) => return own.await.target,
        },
    };
    if !fallback.lacks(&target) || !fallback.begins().await {
        return target;
    }
    match tokio::time::timeout(fallback.patience(), beside).await {
        Ok(Ok(found)) => beside_own(target, found),
        _ => target,
    }
}

/// What a public resolver gave, and which.
struct Found {
    resolver: SocketAddr,
    addresses: Vec<IpAddr>,
}

impl Fallback {
    /// Whether this host's resolvers gave nothing that can be right; what is wrong with a vendor's name makes the fallback begin.
    fn lacks(&self, target: &Target) -> bool {
        let name = target.host.clone();
        let vendors = is_vendors(&target.host) || target.role == TargetRole::Service;
        if target.addresses.is_empty() {
            let hidden = target.failure.as_ref().is_some_and(|f| f.kind == FailureKind::NotFound);
            if hidden && vendors {
                self.begin(FallbackReason::Hidden { name });
            }
            return true;
        }
        if target.addresses.iter().any(|ip| is_global(*ip)) {
            return false;
        }
        if let Some(address) = target.addresses.first().copied().filter(|_| vendors) {
            self.begin(FallbackReason::Astray { name, address });
        }
        true
    }

    /// How long a public resolver is waited for.
    fn patience(&self) -> Duration {
        let left = self.end.saturating_sub(self.env.elapsed());
        if *self.serves.borrow() { BESIDE.min(left) } else { left }
    }

    /// Asks the public resolver that answers, once there is one. The failure is its own word, or that there is none.
    async fn look_up(&self, host: String, role: TargetRole) -> Result<Found, ProbeFailure> {
        let said = |kind, detail| ProbeFailure::new(Phase::Resolve, kind, detail);
        let Some(resolver) = self.living().await else {
            return Err(said(FailureKind::Timeout, "no public resolver answers"));
        };
        let left = self.end.saturating_sub(self.env.elapsed());
        let ask = |record| dns::ask(&self.env, resolver, &host, record, left, Until::Either);
        let four = ask(Record::A);
        let six = ask(Record::Aaaa);
        tokio::pin!(four, six);
        let mut seen = Vec::new();
        tokio::select! {
            answer = &mut four => {
                let some = answer.seen().is_some_and(|a| !a.addresses.is_empty());
                seen.push(answer);
                let wait = if some { OTHER_FAMILY } else { left };
                seen.extend(tokio::time::timeout(wait, six).await.ok());
            }
            answer = &mut six => {
                seen.push(answer);
                seen.push(four.await);
            }
        }
        let addresses: Vec<IpAddr> = seen
            .iter()
            .filter_map(Observation::seen)
            .flat_map(|answer| answer.addresses.iter().copied())
            // Whoever answers in a public resolver's place may lie as well.
            .filter(|ip| is_global(*ip))
            .collect();
        let code = |code| seen.iter().filter_map(Observation::seen).any(|answer| answer.rcode == code);
        let (unknown, empty) = (code(NAME_ERROR), code(NO_ERROR));
        if role == TargetRole::Controller {
            for (i, answer) in seen.into_iter().enumerate() {
                self.board.keep((1, i), answer.map(FallbackDns));
            }
        }
        match (addresses.is_empty(), unknown, empty) {
            (false, ..) => Ok(Found { resolver, addresses }),
            (_, true, _) => Err(said(FailureKind::NotFound, "the name does not exist")),
            (_, _, true) => Err(said(FailureKind::NoAddress, "the name has no address")),
            _ => Err(said(FailureKind::Timeout, "no answer")),
        }
    }
}

/// The target where this host's own resolvers had nothing to say by then.
fn elsewhere(env: &Env, wanted: Wanted, resolvers: &Resolvers, start: Duration, found: Found) -> Target {
    let Wanted { role, host, port, origin } = wanted;
    let late = |detail| {
        let failure = ProbeFailure::new(Phase::Resolve, FailureKind::Timeout, detail);
        Some(ProbeFailure { conclusive: false, ..failure })
    };
    let took_us = since_us(env, start);
    let system = SystemLookup {
        took_us,
        failure: late("getaddrinfo was not back by then"),
        ..SystemLookup::default()
    };
    let target = Target {
        role,
        host,
        port,
        origin,
        resolve_us: micros(env.elapsed().saturating_sub(start)),
        failure: late("no answer in time"),
        system: (!resolvers.only).then_some(system),
        ..Target::default()
    };
    beside_own(target, found)
}

/// What a public resolver gave, before what this host's own gave.
fn beside_own(mut target: Target, found: Found) -> Target {
    let how = By::FallbackResolver { resolver: found.resolver };
    let mut addresses = found.addresses;
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses.dedup();
    addresses.retain(|ip| !target.addresses.contains(ip));
    target.learnt.extend(addresses.iter().map(|address| Learnt { address: *address, how }));
    if target.addresses.is_empty() {
        target.resolved_by = ResolvedBy::Elsewhere;
    }
    addresses.append(&mut target.addresses);
    target.addresses = addresses;
    target
}
