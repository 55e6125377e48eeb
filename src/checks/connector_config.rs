//! `connector.config`: whether the Connector's configuration is complete and well-formed. Pure.

use super::check::Check;
use super::connector::absent;
use super::kept;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{
    Connector, ConnectorProcess, KeptConnector, Settings, SettingsFault, SettingsSource, Token, TokenForm,
};
use crate::model::finding::{Finding, Status, Symptom};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorConfig,
    title: "The Connector's configuration is complete and well-formed",
    contacts: "nothing: its configuration file and its environment",
    rights: "the Connector's own user, or root",
    row: CheckRow::under(Topic::Connector),
    page: include_str!("../../docs/checks/connector.config.md"),
    eval: config,
}];

const ID: CheckId = CheckId::ConnectorConfig;

fn config(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if let Some(why) = absent(facts) {
        return vec![Finding::new(ID, Status::Skip, why)];
    }
    let connector = &facts.host.connector;
    let running: Vec<&ConnectorProcess> = connector.processes.iter().filter(|p| p.runs()).collect();
    if running.is_empty() {
        return at_rest(connector);
    }
    let many = running.len() > 1;
    running
        .iter()
        .map(|process| {
            let who = if many { format!("process {}: ", process.pid) } else { String::new() };
            let native = process.deployment.kind.native();
            // What the process was started with comes before the file that it was started from.
            let sources: Vec<&Settings> =
                process.settings.iter().chain(connector.file.iter().filter(|_| native)).collect();
            let unread =
                process.unread.iter().chain(connector.file_unread.iter().filter(|_| native)).collect();
            judged(ID, &who, &sources, unread)
        })
        .collect()
}

/// Of those that do not run: what each would start with.
fn at_rest(connector: &Connector) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut native = false;
    for kept in connector.at_rest() {
        let own = kept.deployment.kind.native();
        native |= own;
        let who = if own { String::new() } else { format!("{}: ", kept::name(kept)) };
        if !kept.missing.is_empty() {
            findings.push(lacks(ID, &who, kept));
            continue;
        }
        let file = connector.file.iter().filter(|_| own);
        let sources: Vec<&Settings> = kept.settings.iter().chain(file).collect();
        let unread: Vec<&String> = connector.file_unread.iter().filter(|_| own).collect();
        if !sources.is_empty() || !unread.is_empty() {
            findings.push(judged(ID, &who, &sources, unread));
        }
    }
    let left = !native && (!connector.installed.is_empty() || !connector.processes.is_empty());
    if left && (connector.file.is_some() || connector.file_unread.is_some()) {
        let sources: Vec<&Settings> = connector.file.iter().collect();
        findings.push(judged(ID, "", &sources, connector.file_unread.iter().collect()));
    }
    if findings.is_empty() {
        // It may take it from elsewhere: nothing is known to be missing.
        let why = if connector.installed.is_empty() {
            "its configuration is not told by what is kept of it"
        } else {
            "no configuration file in /etc/twingate"
        };
        findings.push(Finding::new(ID, Status::Skip, why));
    }
    findings
}

/// A file that it cannot start without is not there.
fn lacks(id: CheckId, who: &str, kept: &KeptConnector) -> Finding {
    let broken = kept.missing.clone();
    Finding::new(id, Status::Fail, format!("{who}{}", broken.join("; ")))
        .evidence_all(broken.clone())
        .symptom(Symptom::ConnectorMisconfigured { broken, flaws: Vec::new(), readable_by_all: false })
}

fn judged(id: CheckId, who: &str, sources: &[&Settings], unread: Vec<&String>) -> Finding {
    if sources.iter().all(|s| matches!(s.source, SettingsSource::CommandLine(_))) && !unread.is_empty() {
        return Finding::new(
            id,
            Status::Skip,
            format!("{who}permission denied on its configuration: rerun with sudo"),
        )
        .evidence_all(unread.into_iter().cloned())
        .evidence(format!("to read it: sudo connector-doctor check {id}"));
    }
    let broken = broken(sources, unread.is_empty());
    let flaws = flaws(sources);
    let status = match (broken.is_empty(), flaws.is_empty()) {
        (false, _) => Status::Fail,
        (true, false) => Status::Warn,
        // A part that may not be read might hold what is missing, or be wrong: no judgement.
        (true, true) if !complete(sources) => Status::Skip,
        (true, true) => Status::Pass,
    };
    let summary = match status {
        Status::Fail => broken.join("; "),
        Status::Warn => flaws.join("; "),
        Status::Skip => "no fault in what may be read of it".to_owned(),
        _ => {
            let network = sources.iter().find_map(|s| s.network.as_ref().or(s.url.as_ref()));
            let network = network.map(|n| format!("network {n}; ")).unwrap_or_default();
            format!("{network}both tokens are there")
        }
    };
    let mut finding = Finding::new(id, status, format!("{who}{summary}"));
    if status == Status::Skip {
        finding = finding.evidence(format!("to read it: sudo connector-doctor check {id}"));
    }
    if status >= Status::Warn {
        finding = finding.symptom(Symptom::ConnectorMisconfigured {
            broken: broken.clone(),
            flaws: flaws.clone(),
            readable_by_all: sources.iter().any(|s| readable_by_all(s)),
        });
    }
    finding
        .evidence_all(broken)
        .evidence_all(flaws)
        .evidence_all(sources.iter().map(|s| describe(s)))
        .evidence_all(unread.into_iter().cloned())
}

/// Every token and the network are there, whatever their form.
fn complete(sources: &[&Settings]) -> bool {
    sources.iter().any(|s| s.access_token.is_some())
        && sources.iter().any(|s| s.refresh_token.is_some())
        && sources.iter().any(|s| s.network.is_some() || s.url.is_some())
}

/// What keeps a Connector from working at all; `whole`: every source could be read.
fn broken(sources: &[&Settings], whole: bool) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, token) in [
        ("TWINGATE_ACCESS_TOKEN", sources.iter().find_map(|s| s.access_token.as_ref())),
        ("TWINGATE_REFRESH_TOKEN", sources.iter().find_map(|s| s.refresh_token.as_ref())),
    ] {
        match token {
            None if whole => broken.push(format!("{name} is missing")),
            Some(token) if token.form == TokenForm::Empty => {
                broken.push(format!("{} is empty", token.variable));
            }
            Some(token) if token.form == TokenForm::Placeholder => {
                broken.push(format!("{} holds an example's words, not a token", token.variable));
            }
            _ => {}
        }
    }
    let named = sources.iter().any(|s| s.network.is_some() || s.url.is_some());
    let malformed = sources.iter().flat_map(|s| &s.faults).filter_map(|fault| match fault {
        SettingsFault::NotANetwork { variable } => Some(format!("{variable} is not a network's name")),
        SettingsFault::NotAUrl { variable } => Some(format!("{variable} is not https://NAME.twingate.com")),
        SettingsFault::NotText => Some("the file is no UTF-8 text: systemd refuses it whole".to_owned()),
        SettingsFault::FileVariable { variable } => Some(format!(
            "{variable} is set and {} is not: the Connector does not read its tokens from files",
            variable.trim_end_matches("_FILE")
        )),
        _ => None,
    });
    let malformed: Vec<String> = malformed.collect();
    if !named && malformed.is_empty() && whole {
        broken.push("neither TWINGATE_NETWORK nor TWINGATE_URL is set".to_owned());
    }
    broken.extend(malformed);
    broken
}

/// What is wrong and may work all the same.
fn flaws(sources: &[&Settings]) -> Vec<String> {
    let mut flaws = Vec::new();
    for source in sources {
        if readable_by_all(source) {
            let mode = source.mode.unwrap_or_default() & 0o777;
            flaws.push(format!("{} can be read by every user of this host (mode {mode:04o})", source.source));
        }
        for fault in &source.faults {
            flaws.extend(match fault {
                SettingsFault::UrlForName { variable } => {
                    Some(format!("{variable} holds a URL; the name alone belongs there"))
                }
                SettingsFault::NoScheme { variable } => Some(format!("{variable} lacks https://")),
                SettingsFault::OldName { variable } => Some(format!(
                    "{variable} is the name of an older version; write TWINGATE_{}",
                    new_name(variable)
                )),
                SettingsFault::Unknown { variable, nearest } => {
                    Some(format!("{variable} does nothing; {nearest} is meant, perhaps"))
                }
                SettingsFault::Malformed { line } => {
                    Some(format!("line {line} of {} is no NAME=VALUE", source.source))
                }
                SettingsFault::SameTokens => Some("both tokens have the same value".to_owned()),
                SettingsFault::Twice { variable } => Some(format!("{variable} is set twice, differently")),
                SettingsFault::UnclosedQuote { variable } => Some(format!(
                    "the quote of {variable} is never closed: all lines below became part of its value"
                )),
                SettingsFault::ByteOrderMark => Some(format!(
                    "{} begins with a byte order mark: systemd passes over its first line",
                    source.source
                )),
                // What breaks it, and what connector.identity judges.
                SettingsFault::NotANetwork { .. }
                | SettingsFault::NotAUrl { .. }
                | SettingsFault::NotText
                | SettingsFault::FileVariable { .. }
                | SettingsFault::TwoNetworks { .. }
                | SettingsFault::OtherAudience { .. } => None,
            });
        }
    }
    flaws
}

fn readable_by_all(source: &Settings) -> bool {
    source.mode.is_some_and(|mode| mode & 0o004 != 0)
}

fn new_name(old: &str) -> &str {
    if old == "TENANT_URL" { "URL" } else { old }
}

fn describe(source: &Settings) -> String {
    let mut parts = Vec::new();
    parts.extend(source.network.as_ref().map(|n| format!("network {n}")));
    parts.extend(source.url.clone());
    parts.extend(
        [("access token", &source.access_token), ("refresh token", &source.refresh_token)]
            .into_iter()
            .filter_map(|(name, token)| token.as_ref().map(|t| format!("{name} {}", token_words(t)))),
    );
    if !source.dns.is_empty() {
        parts.push(format!("own resolvers {}", source.dns.join(", ")));
    }
    parts.extend(source.log_level.map(|level| format!("log level {level}")));
    if parts.is_empty() {
        parts.push("nothing of a Connector's".to_owned());
    }
    let owner = source.owner.filter(|uid| *uid != 0).map(|uid| format!(" (of user {uid})"));
    format!("{}{}: {}", source.source, owner.unwrap_or_default(), parts.join(", "))
}

/// A first access token that is long past its expiry is normal: the Connector renews it. So its times are told, not judged.
fn token_words(token: &Token) -> String {
    let date = |s: i64| {
        jiff::Timestamp::from_second(s).map_or_else(|_| "?".to_owned(), |t| t.strftime("%F").to_string())
    };
    match token.form {
        TokenForm::Empty => "empty".to_owned(),
        TokenForm::Placeholder => "not filled in".to_owned(),
        TokenForm::Opaque => "there".to_owned(),
        TokenForm::Jwt => match (token.issued_s, token.expires_s) {
            (Some(issued), _) => format!("there (a JWT of {})", date(issued)),
            (None, _) => "there (a JWT)".to_owned(),
        },
    }
}
