//! `connector.identity`: whether the tokens are whole, fit together and the network, and are one Connector's alone. Pure.

use super::check::Check;
use super::connector::absent;
use crate::inference::Inference;
use crate::inference::own_sockets::standing;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{
    ConnectorProcess, Facts, Meet, Settings, SettingsFault, Token, TokenFlaw, TokenForm,
};
use crate::model::finding::{Finding, Status, Symptom};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorIdentity,
    title: "The Connector's tokens are whole, fit the network, and are its own",
    contacts: "nothing: its configuration and its environment; tokens are compared in memory and never kept",
    rights: "the Connector's own user, or root",
    row: CheckRow::under(Topic::Connector),
    page: include_str!("../../docs/checks/connector.identity.md"),
    eval: identity,
}];

const ID: CheckId = CheckId::ConnectorIdentity;

/// A Connector's sources, what it is called where there are several, and whether it is online all the same.
struct Subject<'a> {
    who: String,
    sources: Vec<&'a Settings>,
    online: bool,
}

fn identity(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if let Some(why) = absent(facts) {
        return vec![Finding::new(ID, Status::Skip, why)];
    }
    let subjects = subjects(facts);
    let mut findings: Vec<Finding> = subjects.iter().filter_map(|subject| judged(run, subject)).collect();
    findings.extend(shared(facts));
    if findings.is_empty() {
        findings.push(
            Finding::new(ID, Status::Skip, "its tokens may not be read")
                .evidence(format!("to read them: sudo connector-doctor check {ID}")),
        );
    }
    findings
}

fn subjects(facts: &Facts) -> Vec<Subject<'_>> {
    let connector = &facts.host.connector;
    let running: Vec<&ConnectorProcess> = connector.processes.iter().filter(|p| p.runs()).collect();
    if !running.is_empty() {
        let many = running.len() > 1;
        let of = |process: &&'_ ConnectorProcess| {
            let native = process.deployment.kind.native();
            (many.then(|| format!("process {}: ", process.pid)), native)
        };
        return running
            .iter()
            .map(|process| {
                let (who, native) = of(process);
                // What it was started with counts; the file where it was started with nothing that was seen.
                let own: Vec<&Settings> = process.settings.iter().filter(|s| has_token(s)).collect();
                let file = connector.file.iter().filter(|_| native && own.is_empty());
                Subject {
                    who: who.unwrap_or_default(),
                    online: standing(facts, process).is_some_and(|stands| stands.relays > 0),
                    sources: own.iter().copied().chain(file).collect(),
                }
            })
            .collect();
    }
    let kept = connector.at_rest().map(|kept| Subject {
        who: if kept.deployment.kind.native() {
            String::new()
        } else {
            format!("{}: ", super::kept::name(kept))
        },
        sources: kept.settings.iter().collect(),
        online: false,
    });
    let file =
        connector.file.iter().map(|file| Subject { who: String::new(), sources: vec![file], online: false });
    kept.chain(file).collect()
}

fn has_token(settings: &Settings) -> bool {
    settings.access_token.is_some() || settings.refresh_token.is_some()
}

/// None where nothing of its tokens is known.
fn judged(run: &Inference<'_>, subject: &Subject<'_>) -> Option<Finding> {
    if !subject.sources.iter().any(|source| has_token(source)) {
        return None;
    }
    let broken: Vec<String> = subject.sources.iter().flat_map(|source| broken(run, source)).collect();
    let who = &subject.who;
    let Some(first) = broken.first() else {
        let empty = subject.sources.iter().flat_map(|s| [&s.access_token, &s.refresh_token]).flatten();
        let unfit = |form| matches!(form, TokenForm::Empty | TokenForm::Placeholder);
        if empty.clone().any(|token| unfit(token.form)) {
            let why = format!("{who}needs connector.config: a token is missing");
            return Some(
                Finding::new(ID, Status::Skip, why).symptom(Symptom::Needs(CheckId::ConnectorConfig)),
            );
        }
        let summary = format!("{who}its tokens are well-formed, and fit the network");
        return Some(
            Finding::new(ID, Status::Pass, summary).evidence_all(empty.filter_map(|t| told(run, t))),
        );
    };
    if subject.online {
        // Whatever is wrong with their form, the Controller took them.
        let summary = format!("{who}{first}; its connections to relays stand all the same");
        return Some(Finding::new(ID, Status::Pass, summary).evidence_all(broken));
    }
    Some(
        Finding::new(ID, Status::Fail, format!("{who}{}", broken.join("; ")))
            .evidence_all(broken.clone())
            .symptom(Symptom::TokensUnfit(broken)),
    )
}

/// Why no Controller takes them, a sentence each.
fn broken(run: &Inference<'_>, source: &Settings) -> Vec<String> {
    let place = &source.source;
    let tokens = [&source.access_token, &source.refresh_token];
    let mut broken: Vec<String> = tokens
        .into_iter()
        .flatten()
        .flat_map(|token| token.flaws.iter().map(move |flaw| (token, *flaw)))
        .map(|(token, flaw)| format!("{} in {place} {}", token.variable, words(flaw)))
        .collect();
    // Swapped ones are said once.
    broken.dedup_by(|second, first| {
        second.ends_with(words(TokenFlaw::Swapped)) && first.ends_with(words(TokenFlaw::Swapped))
    });
    if let Some(token) = source.refresh_token.as_ref().filter(|token| expired(run, token)) {
        broken.push(format!("{} in {place} has expired: only new tokens help", token.variable));
    }
    for fault in &source.faults {
        broken.extend(match fault {
            SettingsFault::TwoNetworks { network, other } => {
                Some(format!("TWINGATE_NETWORK in {place} is {network}, and TWINGATE_URL leads to {other}"))
            }
            SettingsFault::OtherAudience { network, other } => Some(format!(
                "the access token in {place} was made for the network {other}, and {network} is set"
            )),
            _ => None,
        });
    }
    broken
}

/// By the reference's time, not by a clock that may be off.
fn expired(run: &Inference<'_>, token: &Token) -> bool {
    token.expires_s.is_some_and(|at| at.saturating_mul(1_000_000_000) < run.clock.started_ns)
}

/// A first access token that is over is normal: the Connector renews it.
fn told(run: &Inference<'_>, token: &Token) -> Option<String> {
    let over = expired(run, token);
    over.then(|| format!("{} has expired; the Connector renews it with the refresh token", token.variable))
}

fn words(flaw: TokenFlaw) -> &'static str {
    match flaw {
        TokenFlaw::Newline => "ends in a line feed",
        TokenFlaw::CarriageReturn => "ends in a carriage return",
        TokenFlaw::Blanks => "has blanks around it",
        TokenFlaw::Quotes => "has quotes that became part of it",
        TokenFlaw::Bearer => "begins with \"Bearer\", which is no part of a token",
        TokenFlaw::NameInside => {
            "has a variable's name within it: two lines grown together, or pasted with its name"
        }
        TokenFlaw::Inside => "has blanks, line ends or other signs within it",
        TokenFlaw::EncodedTwice => "is encoded in base64 once too often",
        TokenFlaw::Cut => "is cut short",
        TokenFlaw::Path => "is a file's path, not the token that is in the file",
        TokenFlaw::Swapped => "and the other token stand in each other's place",
    }
}

/// One pair in two places.
fn shared(facts: &Facts) -> Vec<Finding> {
    let pairs = &facts.host.connector.shared_tokens;
    let Some(worst) = pairs.first() else { return Vec::new() };
    let lines: Vec<String> =
        pairs.iter().map(|pair| format!("{} and {} have the same tokens", pair.first, pair.second)).collect();
    let (status, tail) = match worst.meet {
        Meet::BothRun => (Status::Fail, "both run"),
        Meet::MayStart => (Status::Warn, "one of them is started sooner or later"),
        Meet::Idle => (Status::Pass, "one of them does not run, and nothing starts it"),
    };
    let found = Finding::new(ID, status, format!("{}; {tail}", lines[0])).evidence_all(lines.clone());
    vec![match worst.meet {
        Meet::Idle => found,
        meet => found.symptom(Symptom::TokensShared(lines, meet == Meet::BothRun)),
    }]
}
