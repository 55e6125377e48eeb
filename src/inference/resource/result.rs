//! A Resource's row in the report. Pure.

use super::reply;
use super::step::Judged;
use crate::inference::clock::Clock;
use crate::model::facts::{Resource, ResourceSeen, ResourceTried, TlsSession};
use crate::model::observation::Outcome;
use crate::model::resource::{ResourceCertificate, ResourceResult};

/// Its row; what caused it is the diagnosis' to say.
pub fn row(judged: &Judged<'_>, clock: &Clock) -> ResourceResult {
    let Resource { name, host, port, kind, .. } = judged.resource;
    let seen = judged.resource.seen();
    let tried = seen.and_then(speaking);
    let way = tried.and_then(|t| t.way.as_ref());
    let (_, step) = judged.deciding();
    ResourceResult {
        name: name.clone(),
        host: host.clone(),
        port: *port,
        kind: kind.word().to_owned(),
        address: tried.map(|t| t.address),
        resolver: seen.and_then(resolver),
        source: way.and_then(|way| way.source),
        interface: way.map(|way| way.interface.clone()),
        connect_ms: tried.and_then(connect_us).map(|us| us as f64 / 1000.0),
        reply: tried.and_then(said),
        certificate: tried
            .and_then(|t| t.tls.as_ref())
            .and_then(|session| certificate(judged.resource, session, clock)),
        outcome: judged.outcome(),
        summary: step.words.clone(),
        caused_by: None,
    }
}

/// The address that went farthest, the first of equals.
fn speaking(seen: &ResourceSeen) -> Option<&ResourceTried> {
    let far = |t: &ResourceTried| {
        u8::from(connect_us(t).is_some()) + u8::from(matches!(t.greeting, Some(Outcome::Seen(_))))
    };
    seen.tried.iter().rev().max_by_key(|t| far(t))
}

fn connect_us(tried: &ResourceTried) -> Option<u64> {
    match (&tried.connect, &tried.echo) {
        (Some(Outcome::Seen(connected)), _) => Some(connected.connect_us),
        (_, Some(Outcome::Seen(us))) => Some(*us),
        _ => None,
    }
}

fn resolver(seen: &ResourceSeen) -> Option<String> {
    let names = seen.names.as_ref()?;
    if names.hosts_file {
        return Some("/etc/hosts".to_owned());
    }
    names.resolver.map(|at| at.to_string())
}

fn said(tried: &ResourceTried) -> Option<String> {
    match &tried.greeting {
        Some(Outcome::Seen(reply)) => Some(reply::words(reply)),
        _ => None,
    }
}

fn certificate(resource: &Resource, session: &TlsSession, clock: &Clock) -> Option<ResourceCertificate> {
    let own = session.chain.first()?;
    let by_name = resource.host.parse::<std::net::IpAddr>().is_err();
    Some(ResourceCertificate {
        subject: own.subject.clone(),
        issuer: own.issuer.clone(),
        days_left: (reply::days_left(clock.started_ns, session)? * 10.0).round() / 10.0,
        name_matches: by_name.then_some(session.name_matches),
        trusted: session.system.trusted || session.mozilla.trusted,
    })
}
