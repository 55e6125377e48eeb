//! Checks of the Controller: connection, certificate, answer. Pure; certificates are judged at reference time.

use super::check::Check;
use super::needs::{needs, unnamed};
use crate::inference::Inference;
use crate::inference::certificate::{Standing, standing, taken_here, unfit};
use crate::inference::elsewhere::learnt;
use crate::inference::loss::nothing_left;
use crate::inference::names::ControllerName;
use crate::inference::refusal::fate;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic, Track};
use crate::model::facts::controller::peer;
use crate::model::facts::{ChainProblem, Facts, HttpAnswer, TlsSession, TlsTrial, same_site};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome};
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

fn skip(id: CheckId, step: CheckId) -> Vec<Finding> {
    vec![needs(id, step, Status::Skip)]
}

fn connection(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerTcp;
    let facts = run.facts;
    let Some(target) = run.controller else { return unnamed(ID, run) };
    let tried = &facts.control.tcp;
    if target.addresses.is_empty() {
        // Undecided, and not a step that failed: whether the Controller can be reached was asked, and not answered.
        let undecided = run.controller_name.as_ref().is_some_and(ControllerName::undecided);
        let status = if undecided { Status::Unknown } else { Status::Skip };
        return vec![needs(ID, CheckId::DnsController, status)];
    }
    let lines = tried.iter().map(|o| match &o.outcome {
        Outcome::Seen(t) => format!("{}: connected in {}{}", peer(o), millis(t.0.connect_us), by(facts, o)),
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
    if failures().all(|(_, f)| f.kind == FailureKind::Timeout && !run.loss.proven(f)) {
        return vec![finding(
            Status::Unknown,
            "no answer, but the wait was too short or too much is lost on the way to prove silence".into(),
        )];
    }
    let fate = fate(facts, o, failure);
    vec![finding(Status::Fail, fate.words()).symptom(Symptom::ControllerUnreached(fate))]
}

/// How its address was learnt, where it was not from this host's own resolvers.
fn by<T>(facts: &Facts, o: &Observation<T>) -> String {
    learnt(facts, o).map_or_else(String::new, |how| format!(", its address {how}"))
}

fn certificate(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerTls;
    let facts = run.facts;
    if run.controller.is_none() {
        return unnamed(ID, run);
    }
    let tried = &facts.control.tls;
    if tried.is_empty() {
        return skip(ID, CheckId::ControllerTcp);
    }
    let took = tried.iter().map(|o| o.took_us).max().unwrap_or(0);
    let sessions = || tried.iter().filter_map(Observation::seen);
    let mut judged: Vec<(Status, String, Option<Symptom>)> = sessions().map(|s| judge(run, s)).collect();
    if judged.is_empty() {
        judged = tried.iter().map(|o| broken(run, o)).collect();
    }
    // One address that is wrong is what the Connector may meet.
    let Some((status, summary, symptom)) = judged.into_iter().max_by_key(|(status, ..)| *status) else {
        return skip(ID, CheckId::ControllerTcp);
    };
    let mut found = Finding::new(ID, status, summary)
        .evidence_all(tried.iter().flat_map(evidence))
        .evidence_all(facts.control.tls_trials.iter().filter_map(trial))
        .evidence_all(facts.control.trust.problems.iter().cloned())
        .took(took);
    if let Some(best) = sessions().map(|s| s.handshake_us).min() {
        found = found.measure("handshake_s", best as f64 / 1e6);
    }
    found.symptom = symptom;
    vec![found]
}

fn judge(run: &Inference<'_>, s: &TlsSession) -> (Status, String, Option<Symptom>) {
    let leaf = s.chain.first();
    let handshake = format!("{}, {}", s.version, millis(s.handshake_us));
    match standing(run.facts, &run.clock, s) {
        Standing::Untrusted => {
            let issuer = leaf.map_or_else(String::new, |c| c.issuer.clone());
            let problem =
                s.system.problem.as_ref().or(s.mozilla.problem.as_ref()).map_or("", ChainProblem::words);
            let summary = format!("issued by {issuer}, which this system does not know ({problem})");
            (Status::Fail, summary, Some(Symptom::TlsUntrusted(issuer)))
        }
        Standing::Unfit => {
            let issuer = leaf.map_or_else(String::new, |c| c.issuer.clone());
            let problem = unfit(s).map_or("", ChainProblem::words).to_owned();
            let summary =
                format!("issued by {issuer}, which is known, but the certificate does not hold: {problem}");
            (Status::Fail, summary, Some(Symptom::TlsUnfit(problem)))
        }
        Standing::BySystemAlone => {
            let issuer = leaf.map_or_else(String::new, |c| c.issuer.clone());
            let summary = format!(
                "{handshake}; issued by {issuer}, which this system's own store alone trusts: no public issuer"
            );
            (Status::Warn, summary, Some(Symptom::TlsTrustedHere(issuer)))
        }
        Standing::OtherName => {
            let names = leaf.map(|c| c.names.clone()).unwrap_or_default();
            let shown = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            let summary = format!("the certificate is for {shown}, not for {}", s.name);
            (Status::Fail, summary, Some(Symptom::TlsWrongName(names)))
        }
        Standing::OutOfDate { expired, date_s } => {
            let reference_known = run.clock.measured.is_some();
            let ago = span(run.clock.started_ns.div_euclid(1_000_000_000).abs_diff(date_s));
            let by = if reference_known { "" } else { " by this host's clock, the only one known" };
            let summary = if expired {
                format!("expired {ago} ago{by}")
            } else {
                format!("not valid for another {ago}{by}")
            };
            (Status::Fail, summary, Some(Symptom::TlsOutOfDate { expired, date_s, reference_known }))
        }
        Standing::ByReferenceAlone => {
            let summary = format!("{handshake}; valid at reference time, but not by this host's clock");
            (Status::Pass, summary, Some(Symptom::ClockBreaksTls))
        }
        Standing::Holds => (Status::Pass, format!("{handshake}{}", roots(s)), None),
    }
}

/// By whose roots alone it is known, where not by both.
fn roots(s: &TlsSession) -> &'static str {
    match (s.system.trusted, s.mozilla.trusted) {
        (true, false)
            if !s.mozilla.windows.is_empty() || s.mozilla.problem == Some(ChainProblem::UnknownIssuer) =>
        {
            "; the issuer is this system's own, not a public one"
        }
        (false, true) => "; the system's own roots do not know the issuer, Mozilla's do",
        _ => "",
    }
}

/// No session came to stand.
fn broken(run: &Inference<'_>, o: &Observation<TlsSession>) -> (Status, String, Option<Symptom>) {
    match &o.outcome {
        Outcome::Failed(f) if f.kind == FailureKind::Timeout && !run.loss.proven(f) => (
            Status::Unknown,
            "the handshake did not end, but the wait was too short or too much is lost on the way to judge it".into(),
            None,
        ),
        Outcome::Failed(f) => {
            let how = run.tls_cut.map_or_else(String::new, |cut| format!("; {}", cut.words()));
            let symptom = run.tls_cut.map_or(Symptom::TlsBroken(f.kind), Symptom::TlsCut);
            (Status::Fail, format!("no TLS session: {}{how}", f.kind.word()), Some(symptom))
        }
        Outcome::NotRun(NotRun::Interrupted) => (Status::Unknown, "the run was interrupted".into(), None),
        _ => (Status::Unknown, "the run ended first".into(), None),
    }
}

/// A handshake of another kind.
fn trial(o: &Observation<TlsTrial>) -> Option<String> {
    let trial = o.seen()?;
    let name = if trial.neutral { "under the name example.com" } else { "under its own name" };
    let version = if trial.only_1_2 { "TLS 1.2 alone" } else { "TLS 1.3 or 1.2" };
    let what = if trial.answered { "answered" } else { "no session" };
    Some(format!("{}: {version} {name}: {what}", peer(o)))
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

fn answer(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ControllerHttp;
    let facts = run.facts;
    let Some(target) = run.controller else { return unnamed(ID, run) };
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
    if !taken_here(facts, &run.clock) {
        return vec![
            finding(Status::Skip, "needs controller.tls".into())
                .symptom(Symptom::Needs(CheckId::ControllerTls)),
        ];
    }
    let answers = || tried.iter().filter_map(Observation::seen);
    let Some(worst) = answers().max_by_key(|a| a.status) else {
        let failure = tried.iter().find_map(|o| o.failure());
        return vec![match failure {
            Some(f) if f.kind != FailureKind::Timeout || run.loss.proven(f) => {
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
        match run.clock.controller_off_ns {
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
