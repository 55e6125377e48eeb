//! Checks of the Controller: connection, certificate, answer. Pure; certificates are judged at reference time.

use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic, Track};
use std::net::SocketAddr;

use super::silence::{nothing_left, proven};
use super::{Check, clock, date, time};
use crate::model::address::{is_global, overlaps_v4};
use crate::model::facts::InterfaceAddress;
use crate::model::facts::controller::peer;
use crate::model::facts::{Facts, HttpAnswer, Target, TargetRole, TlsSession, same_site};
use crate::model::finding::{Finding, Maker, Status, Symptom, Unreached};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, ProbeFailure};
use crate::model::text::{millis, signed_offset, span};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::ControllerTcp,
        title: "The Controller takes connections",
        contacts: "the Controller, TCP 443; its port 80 where that fails",
        rights: "none",
        row: CheckRow::under(Topic::Controller).essential().on(Segment::Controller).tracks(Track::Controller),
        page: include_str!("../../docs/checks/controller.tcp.md"),
        eval: connection,
    },
    Check {
        id: CheckId::ControllerTls,
        title: "The Controller shows a certificate that holds",
        contacts: "the Controller, TCP 443",
        rights: "none",
        row: CheckRow::under(Topic::Controller).essential().on(Segment::Controller).tracks(Track::Controller),
        page: include_str!("../../docs/checks/controller.tls.md"),
        eval: certificate,
    },
    Check {
        id: CheckId::ControllerHttp,
        title: "The Controller answers",
        contacts: "the Controller, TCP 443: a request for the head of /",
        rights: "none",
        row: CheckRow::under(Topic::Controller).essential().on(Segment::Controller).tracks(Track::Controller),
        page: include_str!("../../docs/checks/controller.http.md"),
        eval: answer,
    },
];

/// The Controller, where one is known.
pub(super) fn target(facts: &Facts) -> Option<&Target> {
    facts.targets.iter().find(|t| t.role == TargetRole::Controller)
}

/// Whether it took a connection.
pub(super) fn reached(facts: &Facts) -> bool {
    facts.control.tcp.iter().any(|o| o.seen().is_some())
}

/// Whether a session is with the very host, whatever the time is.
pub(super) fn genuine(session: &TlsSession) -> bool {
    session.name_matches && (session.system.trusted || session.mozilla.trusted)
}

/// Whether an address is one of this host's own.
fn own(facts: &Facts, ip: std::net::IpAddr) -> bool {
    facts.host.interfaces.iter().flat_map(|i| &i.addresses).any(|a| a.ip == ip)
}

/// Whether an address lies in a network of this host's own, or where that cannot be told.
fn on_link(facts: &Facts, ip: std::net::IpAddr) -> bool {
    let within = |a: &InterfaceAddress| match (a.ip, ip) {
        (std::net::IpAddr::V4(own), std::net::IpAddr::V4(ip)) => overlaps_v4((own, a.prefix), (ip, 32)),
        _ => false,
    };
    let mut all = facts.host.interfaces.iter().flat_map(|i| &i.addresses).peekable();
    all.peek().is_none() || all.any(within)
}

/// Whether there is a default route of an address's family.
fn has_default(facts: &Facts, ip: Option<std::net::IpAddr>) -> bool {
    ip.is_some_and(|ip| facts.host.default_routes.iter().any(|route| route.ipv6 == ip.is_ipv6()))
}

/// Who refuses, as far as ICMP and the reset's TTL tell.
pub(super) fn maker(facts: &Facts, failure: &ProbeFailure, address: Option<SocketAddr>) -> Maker {
    let target = address.map(|a| a.ip());
    let here = target.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified() || own(facts, ip));
    match failure.offender {
        Some(ip) if target == Some(ip) => return Maker::Peer,
        Some(ip) if own(facts, ip) && !here => return Maker::ThisHost,
        Some(ip) => return Maker::Nearer(Some(ip)),
        None if failure.kind == FailureKind::Denied => return Maker::ThisHost,
        // Without any default route of the family that is no news, and another cause's matter.
        None if failure.kind == FailureKind::NoRoute && has_default(facts, target) => return Maker::ThisHost,
        None if failure.kind != FailureKind::Refused => return Maker::Unknown,
        None => {}
    }
    let traces =
        || facts.control.refusals.iter().filter(|o| o.address == address).filter_map(Observation::seen);
    // What resets a SYN that cannot leave is here.
    if !here && traces().any(|trace| trace.by_host == Some(true)) {
        return Maker::ThisHost;
    }
    // A SYN that lives for one hop reaches no server beyond the gateway: whoever stands there answers.
    let beyond = target.is_some_and(|ip| is_global(ip) && !on_link(facts, ip));
    if !here && beyond && traces().any(|trace| trace.syn_ttl == Some(1) && trace.by_host.is_some()) {
        return Maker::Nearer(None);
    }
    match traces().find_map(crate::model::facts::RefusalTrace::by_router) {
        Some(true) => Maker::Nearer(None),
        Some(false) => Maker::Peer,
        None => Maker::Unknown,
    }
}

/// A failed connection with all that is known of it.
pub(super) fn fate<T>(facts: &Facts, o: &Observation<T>, failure: &ProbeFailure) -> Unreached {
    Unreached {
        target: peer(o),
        port: o.address.map_or(0, |a| a.port()),
        kind: failure.kind,
        maker: maker(facts, failure, o.address),
    }
}

fn needs(id: CheckId, step: CheckId, status: Status) -> Finding {
    Finding::new(id, status, format!("needs {step}")).symptom(Symptom::Needs(step))
}

fn skip(id: CheckId, step: CheckId) -> Vec<Finding> {
    vec![needs(id, step, Status::Skip)]
}

/// Nobody named a Controller.
fn unnamed(id: CheckId) -> Vec<Finding> {
    vec![Finding::new(id, Status::Skip, "no network is named: say --network NAME or --controller URL")]
}

fn connection(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerTcp;
    let Some(target) = target(facts) else { return unnamed(ID) };
    let tried = &facts.control.tcp;
    if target.addresses.is_empty() {
        // Undecided, and not a step that failed: whether the Controller can be reached was asked, and not answered.
        let status = if super::dns::controller_undecided(facts) { Status::Unknown } else { Status::Skip };
        return vec![needs(ID, CheckId::DnsController, status)];
    }
    let lines = tried.iter().map(|o| match &o.outcome {
        Outcome::Seen(t) => format!("{}: connected in {}", peer(o), millis(t.0.connect_us)),
        Outcome::Failed(failure) => fate(facts, o, failure).words(),
        Outcome::NotRun(_) => format!("{}: not tried", peer(o)),
    });
    let took = tried.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding =
        |status, summary: String| Finding::new(ID, status, summary).evidence_all(lines.clone()).took(took);
    let stood = |v6: bool| tried.iter().filter(move |o| o.address.is_some_and(|a| a.is_ipv6() == v6));
    let best = tried.iter().filter_map(|o| o.seen()).map(|t| t.0.connect_us).min();
    if let Some(best) = best {
        let broken = |v6| stood(v6).next().is_some() && stood(v6).all(|o| o.seen().is_none());
        let silent = tried.iter().filter(|o| o.failure().is_some()).filter_map(|o| o.address);
        let silent: Vec<String> = silent.map(|a| a.ip().to_string()).collect();
        let note = match (broken(false), broken(true)) {
            (true, _) => "; IPv4 does not work, IPv6 does".to_owned(),
            (_, true) => "; IPv6 does not work, IPv4 does".to_owned(),
            _ if !silent.is_empty() => {
                format!("; not by {}, one of its {} addresses", silent.join(", "), tried.len())
            }
            _ => String::new(),
        };
        let passed = finding(Status::Pass, format!("connected in {}{note}", millis(best)));
        return vec![passed.measure("connect_s", best as f64 / 1e6)];
    }
    let failures = || tried.iter().filter_map(|o| Some((o, o.failure()?)));
    // IPv4's failure speaks: IPv6 is often not there at all.
    let Some((o, failure)) =
        failures().find(|(o, _)| o.address.is_some_and(|a| a.is_ipv4())).or(failures().next())
    else {
        let why = nothing_left(tried).unwrap_or_else(|| "the run ended first".into());
        return vec![finding(Status::Unknown, why)];
    };
    if failures().all(|(_, f)| f.kind == FailureKind::Timeout && !proven(facts, f)) {
        return vec![finding(
            Status::Unknown,
            "no answer, but the wait was too short or too much is lost on the way to prove silence".into(),
        )];
    }
    let fate = fate(facts, o, failure);
    vec![finding(Status::Fail, fate.words()).symptom(Symptom::ControllerUnreached(fate))]
}

/// The reference's time, nanoseconds since 1970, and whether anybody but this host says so.
fn reference_ns(facts: &Facts) -> (i64, bool) {
    let local = facts.run.started_wall_ns;
    time::measured(facts).map_or((local, false), |m| (local.saturating_sub(m.error.offset_ns), true))
}

fn certificate(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerTls;
    if target(facts).is_none() {
        return unnamed(ID);
    }
    let tried = &facts.control.tls;
    if tried.is_empty() {
        return skip(ID, CheckId::ControllerTcp);
    }
    let took = tried.iter().map(|o| o.took_us).max().unwrap_or(0);
    let sessions = || tried.iter().filter_map(Observation::seen);
    let mut judged: Vec<(Status, String, Option<Symptom>)> = sessions().map(|s| judge(facts, s)).collect();
    if judged.is_empty() {
        judged = tried.iter().map(|o| broken(facts, o)).collect();
    }
    // One address that is wrong is what the Connector may meet.
    let Some((status, summary, symptom)) = judged.into_iter().max_by_key(|(status, ..)| *status) else {
        return skip(ID, CheckId::ControllerTcp);
    };
    let mut found = Finding::new(ID, status, summary)
        .evidence_all(tried.iter().flat_map(evidence))
        .evidence_all(facts.control.trust.problems.iter().cloned())
        .took(took);
    if let Some(best) = sessions().map(|s| s.handshake_us).min() {
        found = found.measure("handshake_s", best as f64 / 1e6);
    }
    found.symptom = symptom;
    vec![found]
}

fn judge(facts: &Facts, s: &TlsSession) -> (Status, String, Option<Symptom>) {
    let (reference_ns, reference_known) = reference_ns(facts);
    let holds = |ns| s.system.holds_at(ns) || s.mozilla.holds_at(ns);
    let leaf = s.chain.first();
    if !s.system.trusted && !s.mozilla.trusted {
        let issuer = leaf.map_or_else(String::new, |c| c.issuer.clone());
        let problem = s.system.problem.clone().or(s.mozilla.problem.clone()).unwrap_or_default();
        let summary = format!("issued by {issuer}, which this system does not know ({problem})");
        return (Status::Fail, summary, Some(Symptom::TlsUntrusted(issuer)));
    }
    if !s.name_matches {
        let names = leaf.map(|c| c.names.clone()).unwrap_or_default();
        let shown = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
        let summary = format!("the certificate is for {shown}, not for {}", s.name);
        return (Status::Fail, summary, Some(Symptom::TlsWrongName(names)));
    }
    if !holds(reference_ns) {
        let second = reference_ns.div_euclid(1_000_000_000);
        let windows = || s.system.windows.iter().chain(&s.mozilla.windows);
        let ended = windows().map(|w| w.1).filter(|end| *end < second).max();
        let (expired, date_s) = match ended {
            Some(end) => (true, end),
            None => (false, windows().map(|w| w.0).min().unwrap_or(0)),
        };
        let ago = span(second.abs_diff(date_s));
        let by = if reference_known { "" } else { " by this host's clock, the only one known" };
        let summary =
            if expired { format!("expired {ago} ago{by}") } else { format!("valid in {ago} only{by}") };
        return (Status::Fail, summary, Some(Symptom::TlsOutOfDate { expired, date_s, reference_known }));
    }
    let handshake = format!("{}, {}", s.version, millis(s.handshake_us));
    if !holds(facts.run.started_wall_ns) {
        let summary = format!("{handshake}; valid at reference time, but not by this host's clock");
        return (Status::Pass, summary, Some(Symptom::ClockBreaksTls));
    }
    let note = match (s.system.trusted, s.mozilla.trusted) {
        (true, false)
            if !s.mozilla.windows.is_empty() || s.mozilla.problem.as_deref() == Some("unknown issuer") =>
        {
            "; the issuer is this system's own, not a public one"
        }
        (false, true) => "; the system's own roots do not know the issuer, Mozilla's do",
        _ => "",
    };
    (Status::Pass, format!("{handshake}{note}"), None)
}

/// No session came to stand.
fn broken(facts: &Facts, o: &Observation<TlsSession>) -> (Status, String, Option<Symptom>) {
    match &o.outcome {
        Outcome::Failed(f) if f.kind == FailureKind::Timeout && !proven(facts, f) => (
            Status::Unknown,
            "the handshake did not end, but the wait was too short or too much is lost on the way to judge it".into(),
            None,
        ),
        Outcome::Failed(f) => {
            (Status::Fail, format!("no TLS session: {}", f.kind.word()), Some(Symptom::TlsBroken(f.kind)))
        }
        Outcome::NotRun(NotRun::Interrupted) => (Status::Unknown, "the run was interrupted".into(), None),
        _ => (Status::Unknown, "the run ended first".into(), None),
    }
}

fn evidence(o: &Observation<TlsSession>) -> Vec<String> {
    let name = peer(o);
    match &o.outcome {
        Outcome::Seen(s) => {
            let alpn = s.alpn.as_deref().unwrap_or("no ALPN");
            let mut lines =
                vec![format!("{name}: {} {} {alpn}, {}", s.version, s.cipher, millis(s.handshake_us))];
            if let Some(c) = s.chain.first() {
                let names = c.names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                lines.push(format!("{name}: certificate for {names}, issued by {}", c.issuer));
            }
            lines
        }
        Outcome::Failed(f) => vec![format!("{name}: {} ({})", f.kind.word(), f.detail)],
        Outcome::NotRun(_) => vec![format!("{name}: not tried")],
    }
}

fn answer(facts: &Facts) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerHttp;
    let Some(target) = target(facts) else { return unnamed(ID) };
    let control = &facts.control;
    let tried = &control.http;
    let lines = tried.iter().map(|o| match &o.outcome {
        Outcome::Seen(a) => answer_line(&peer(o), a),
        Outcome::Failed(f) => format!("{}: {} ({})", peer(o), f.kind.word(), f.detail),
        Outcome::NotRun(_) => format!("{}: not asked", peer(o)),
    });
    let took = tried.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding =
        |status, summary: String| Finding::new(ID, status, summary).evidence_all(lines.clone()).took(took);
    let certificate = certificate(facts);
    if certificate.iter().any(|f| f.status != Status::Pass) {
        return vec![
            finding(Status::Skip, "needs controller.tls".into())
                .symptom(Symptom::Needs(CheckId::ControllerTls)),
        ];
    }
    let answers = || tried.iter().filter_map(Observation::seen);
    let Some(worst) = answers().max_by_key(|a| a.status) else {
        let failure = tried.iter().find_map(|o| o.failure());
        return vec![match failure {
            Some(f) if f.kind != FailureKind::Timeout || proven(facts, f) => {
                finding(Status::Fail, format!("no answer to a request: {}", f.kind.word()))
                    .symptom(Symptom::HttpBroken(f.kind))
            }
            _ => finding(
                Status::Unknown,
                "no answer, but the wait was too short or too much is lost on the way to prove silence"
                    .into(),
            ),
        }];
    };
    if worst.status >= 500 {
        let summary = format!("HTTP {} to {}", worst.status, worst.method);
        return vec![finding(Status::Fail, summary).symptom(Symptom::ControllerError(worst.status))];
    }
    let first_byte = answers().map(|a| a.first_byte_us).min().unwrap_or(0);
    let note = worst.redirect_host().map_or_else(String::new, |to| {
        let site = if same_site(&to, &target.host) { "" } else { "another site, " };
        format!(", sent on to {site}{to}")
    });
    let summary = format!("HTTP {} in {}{note}", worst.status, millis(first_byte));
    vec![
        match clock_off(facts) {
            Some(off) => {
                finding(Status::Warn, format!("its clock is {} off the reference", signed_offset(off)))
                    .symptom(Symptom::ControllerClock(off))
            }
            None => finding(Status::Pass, summary),
        }
        .measure("first_byte_s", first_byte as f64 / 1e6),
    ]
}

fn answer_line(name: &str, a: &HttpAnswer) -> String {
    let server = a.server.as_ref().map_or_else(String::new, |s| format!(", Server {s}"));
    let location = a.location.as_ref().map_or_else(String::new, |l| format!(", Location {l}"));
    format!("{name}: {} -> {} in {}{server}{location}", a.method, a.status, millis(a.first_byte_us))
}

/// How far the Controller's clock is off the time servers', where that is beyond the limit for certain; negative = past.
fn clock_off(facts: &Facts) -> Option<i64> {
    let reference = time::measured(facts).filter(|m| m.source == "ntp")?;
    let ntp = reference.error;
    let target = target(facts)?.name();
    let (_, date) = facts.control.dates.iter().filter(|o| o.target == target).find_map(date::believed)?;
    // Host minus reference, less host minus Controller: Controller minus reference.
    let off = ntp.offset_ns.saturating_sub(date.mid_ns());
    let error = date.error_ns().unsigned_abs().saturating_add(ntp.error_ns);
    (off.unsigned_abs().saturating_sub(error) > clock::LIMIT_NS).then_some(off)
}
