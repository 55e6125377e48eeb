//! Whether a Resource says first what its kind says, and what its certificate is worth. Pure.

use super::reach::{fate, needs_tcp};
use super::step::{Ground, Step, failure};
use crate::model::facts::{Greeting, Resource, ResourceKind, ResourceSeen, ResourceTried, TlsSession};
use crate::model::finding::Status;
use crate::model::observation::{FailureKind, NotRun, Outcome, Phase, ProbeFailure};
use crate::model::text::millis;
use crate::model::trouble::{CertificateFault, Refuser, Trouble};

const DAY_S: i64 = 86_400;
/// A certificate is named with its days where it has no more than these left.
const SOON: i64 = 14;

pub(super) fn judge(ground: &Ground<'_>, resource: &Resource, seen: &ResourceSeen, tcp: &Step) -> Step {
    match resource.kind {
        ResourceKind::Udp => {
            return Step::new(Status::Skip, "not testable: what it speaks over UDP is not known");
        }
        ResourceKind::Icmp => return echo(ground, resource, seen),
        ResourceKind::Tcp | ResourceKind::Redis if tcp.status == Status::Pass => {
            return Step::new(
                Status::Skip,
                format!("a connection is all that is asked of kind {}", resource.kind.word()),
            );
        }
        _ => {}
    }
    if tcp.status == Status::Unknown && tcp.trouble.is_none() {
        return needs_tcp();
    }
    // Every address that was greeted speaks; the worst decides.
    let greeted = seen.tried.iter().filter(|t| t.greeting.is_some());
    let mut steps: Vec<Step> = greeted.map(|t| one(ground, resource, t)).collect();
    if resource.kind == ResourceKind::Dns {
        steps.extend(seen.tried.iter().filter_map(over_udp));
    }
    let lines: Vec<String> = steps.iter().flat_map(|step| step.lines.clone()).collect();
    let worst = steps.into_iter().max_by_key(|step| step.status);
    worst.map_or_else(needs_tcp, |step| Step { lines, ..step })
}

fn one(ground: &Ground<'_>, resource: &Resource, tried: &ResourceTried) -> Step {
    let took = tried.greeting_us.map_or_else(String::new, |us| format!(" in {}", millis(us)));
    match &tried.greeting {
        Some(Outcome::Seen(reply)) => {
            let step = said(resource, reply, tried.tls.is_some(), &took);
            match tried.tls.as_ref().and_then(|session| certificate(ground, resource, session)) {
                Some(bad) if step.status == Status::Pass => bad,
                _ => step,
            }
            .lines([format!("{}: {}", tried.address, words(reply))])
            .lines(tried.tls.as_ref().map(|session| face(ground, session)))
        }
        Some(Outcome::Failed(failed)) => {
            let step = silent(ground, resource, tried, failed);
            step.lines([format!("{}: {}: {}", tried.address, failed.kind.word(), failed.detail)])
        }
        Some(Outcome::NotRun(_)) | None => {
            Step::new(Status::Unknown, "the time was over before it was greeted")
        }
    }
}

/// A greeting that came.
fn said(resource: &Resource, reply: &Greeting, over_tls: bool, took: &str) -> Step {
    if let Some(refuses) = &reply.refuses {
        let step = Step::new(
            Status::Fail,
            format!("answers as {} and refuses this client: {refuses}", reply.title()),
        );
        return step.trouble(Trouble::Refused(Refuser::Protocol));
    }
    let own = match resource.kind {
        ResourceKind::Https => over_tls && reply.protocol == "http",
        ResourceKind::Smtp | ResourceKind::Ftp => {
            reply.protocol == resource.kind.word() || reply.protocol == "smtp or ftp"
        }
        kind => reply.protocol == kind.word(),
    };
    let wanted = resource.kind.row().title;
    if !own && resource.kind_named {
        let words = format!("{wanted} was named, and {} answers: {}", reply.title(), reply.says);
        return Step::new(Status::Fail, words).trouble(Trouble::Wrong);
    }
    if let Some(expected) = resource.expect.as_ref().filter(|expected| !contains(reply, expected)) {
        let words = format!("\"{expected}\" was expected, and it says: {}", words(reply));
        return Step::new(Status::Fail, words).trouble(Trouble::Wrong);
    }
    let not = if own { String::new() } else { format!(", not {wanted}, which the port suggests") };
    Step::new(Status::Pass, format!("answers{took}: {}{not}", words(reply)))
}

fn contains(reply: &Greeting, expected: &str) -> bool {
    let texts = [Some(&reply.says), reply.version.as_ref(), reply.location.as_ref()];
    texts.into_iter().flatten().any(|text| text.contains(expected))
}

/// What it said, in words: `SSH, OpenSSH_9.2p1`.
pub(in crate::inference) fn words(reply: &Greeting) -> String {
    let mut words = reply.title().to_owned();
    if let Some(version) = &reply.version {
        words = format!("{words} {version}");
    }
    if !reply.says.is_empty() && !reply.version.as_ref().is_some_and(|v| reply.says.contains(v.as_str())) {
        words = format!("{words}, {}", reply.says);
    }
    if let Some(location) = &reply.location {
        words = format!("{words}, redirects to {location}");
    }
    words
}

/// No greeting that could be read.
fn silent(ground: &Ground<'_>, resource: &Resource, tried: &ResourceTried, failed: &ProbeFailure) -> Step {
    let title = resource.kind.row().title;
    let passing = tried.segments.iter().filter(|s| s.answered).map(|s| s.size).max();
    let guessed = !resource.kind_named;
    let worst = if guessed { Status::Warn } else { Status::Fail };
    match (failed.phase, failed.kind) {
        (_, FailureKind::Timeout) if let Some(size) = passing => {
            let words =
                format!("the {title} handshake stalls; with packets of at most {size} bytes it passes");
            Step::new(Status::Fail, words).trouble(Trouble::Hole { size })
        }
        (_, FailureKind::Timeout) if !ground.loss.proven(failed) => {
            Step::new(Status::Unknown, "connects, and no greeting came in time: too few tries to tell")
        }
        (_, FailureKind::Timeout) => {
            Step::new(worst, format!("takes the connection and says nothing ({title} was awaited)"))
                .trouble(Trouble::Mute { guessed })
        }
        (_, FailureKind::Closed | FailureKind::Reset) => {
            Step::new(worst, format!("takes the connection and ends it without a word ({title} was awaited)"))
                .trouble(Trouble::Mute { guessed })
        }
        (Phase::Handshake, FailureKind::TooLarge | FailureKind::Untrusted) => {
            let words = format!("its certificate cannot be used: {}", failed.detail);
            Step::new(Status::Warn, words).trouble(Trouble::Certificate(CertificateFault::Broken))
        }
        (Phase::Handshake, FailureKind::Rejected) => {
            Step::new(Status::Unknown, format!("speaks TLS and refuses this handshake: {}", failed.detail))
        }
        (_, FailureKind::Malformed) if guessed => Step::new(
            Status::Pass,
            format!("answers, not as {title}, which the port suggests: {}", failed.detail),
        ),
        (_, FailureKind::Malformed | FailureKind::TooLarge) => Step::new(
            Status::Fail,
            format!("{title} was named, and something else answers: {}", failed.detail),
        )
        .trouble(Trouble::Wrong),
        (_, kind) => Step::new(Status::Unknown, format!("no greeting: {}", kind.word())),
    }
}

/// What is wrong with a certificate at the reference's time.
fn certificate(ground: &Ground<'_>, resource: &Resource, session: &TlsSession) -> Option<Step> {
    let own = session.chain.first()?;
    let now_s = ground.clock.started_ns.div_euclid(1_000_000_000);
    let holds = |ns| session.system.holds_at(ns) || session.mozilla.holds_at(ns);
    let trusted = session.system.trusted || session.mozilla.trusted;
    let by_name = resource.host.parse::<std::net::IpAddr>().is_err();
    let days = |from: i64, to: i64| to.saturating_sub(from) / DAY_S;
    let (fault, words) = if now_s > own.not_after_s {
        (CertificateFault::Expired, format!("its certificate expired {} d ago", days(own.not_after_s, now_s)))
    } else if now_s < own.not_before_s {
        (
            CertificateFault::NotYet,
            format!("its certificate is valid in {} d at the earliest", days(now_s, own.not_before_s)),
        )
    } else if by_name && !session.name_matches {
        let names: Vec<&str> = own.names.iter().take(3).map(String::as_str).collect();
        (
            CertificateFault::Name,
            format!("its certificate is for {}, not for {}", names.join(", "), resource.host),
        )
    } else if !trusted {
        let why = session.system.problem.as_ref().map_or("", |problem| problem.words());
        (
            CertificateFault::Issuer,
            format!("its certificate's issuer is not trusted here ({why}): {}", own.issuer),
        )
    } else if !holds(ground.clock.started_ns) {
        (CertificateFault::Expired, "a certificate of its chain has expired".to_owned())
    } else {
        return None;
    };
    Some(Step::new(Status::Warn, words).trouble(Trouble::Certificate(fault)))
}

/// Days until it expires at the reference's time.
pub(in crate::inference) fn days_left(started_ns: i64, session: &TlsSession) -> Option<f64> {
    let own = session.chain.first()?;
    let now_s = started_ns as f64 / 1e9;
    Some((own.not_after_s as f64 - now_s) / DAY_S as f64)
}

fn face(ground: &Ground<'_>, session: &TlsSession) -> String {
    let own = session.chain.first();
    let left = days_left(ground.clock.started_ns, session).unwrap_or_default() as i64;
    let soon = if (0..=SOON).contains(&left) { ", soon" } else { "" };
    let (subject, issuer) = own.map_or(("", ""), |c| (c.subject.as_str(), c.issuer.as_str()));
    let ends = if left < 0 { format!("expired {} d ago", -left) } else { format!("{left} d left{soon}") };
    format!("{}; certificate of {subject} by {issuer}, {ends}", session.version)
}

/// A name server's answer over UDP.
fn over_udp(tried: &ResourceTried) -> Option<Step> {
    let line = |words: String| [format!("{} over UDP: {words}", tried.address)];
    match tried.udp.as_ref()? {
        Outcome::Seen(reply) => {
            Some(Step::new(Status::Pass, format!("answers: {}", words(reply))).lines(line(words(reply))))
        }
        Outcome::Failed(failed) if failed.conclusive => {
            // Programs ask over UDP first.
            let step = Step::new(Status::Fail, format!("no answer over UDP: {}", failed.kind.word()));
            Some(step.trouble(Trouble::Mute { guessed: false }).lines(line(failed.kind.word().to_owned())))
        }
        Outcome::Failed(_) | Outcome::NotRun(_) => None,
    }
}

fn echo(ground: &Ground<'_>, resource: &Resource, seen: &ResourceSeen) -> Step {
    let answered = seen.tried.iter().filter_map(|t| match &t.echo {
        Some(Outcome::Seen(us)) => Some((t.address, *us)),
        _ => None,
    });
    if let Some((address, us)) = answered.min_by_key(|(_, us)| *us) {
        return Step::new(Status::Pass, format!("{address} echoes in {}", millis(us)));
    }
    if let Some((tried, failed)) = seen.tried.iter().find_map(|t| Some((t, failure(t.echo.as_ref())?))) {
        let fate = fate(ground, resource, tried, failed);
        if failed.kind == FailureKind::Timeout && !failed.conclusive {
            return Step::new(Status::Unknown, format!("{}; too few tries to tell", fate.words));
        }
        return Step::new(Status::Fail, fate.words).trouble(fate.trouble);
    }
    let why = seen.tried.iter().find_map(|t| match &t.echo {
        Some(Outcome::NotRun(NotRun::Unsupported(why))) => Some(why.clone()),
        _ => None,
    });
    match why {
        Some(why) => Step::new(Status::Skip, format!("{why}{}", connector_may(ground))),
        None => Step::new(Status::Unknown, "the time was over before it was asked"),
    }
}

/// Whether the Connector may send echoes, where that can be told.
fn connector_may(ground: &Ground<'_>) -> &'static str {
    match ground.facts.host.resources.ping_groups {
        Some(groups) if groups.first > groups.last => "; nor the Connector, whose Clients' pings then fail",
        Some(groups) if groups.first == 0 && groups.last >= 65_535 => "; the Connector's group may",
        _ => "",
    }
}
