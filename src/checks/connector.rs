//! Checks of the Connector itself: whether it runs and where, and whether its configuration is complete. Pure.

use super::check::Check;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, Track};
use crate::model::facts::{
    Connector, ConnectorProcess, DeploymentKind, Facts, ProcessState, Settings, SettingsFault,
    SettingsSource, Token, TokenForm, Unseen,
};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::{count, span};

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::ConnectorProcess,
        title: "The Connector runs, and this run sees the network as it does",
        contacts: "nothing: /proc and the units on disk",
        rights: "none; root where /proc hides other users' processes",
        row: CheckRow::under(Topic::Connector).tracks(Track::Process),
        page: include_str!("../../docs/checks/connector.process.md"),
        eval: process,
    },
    Check {
        id: CheckId::ConnectorConfig,
        title: "The Connector's configuration is complete and well-formed",
        contacts: "nothing: its configuration file and its environment",
        rights: "the Connector's own user, or root",
        row: CheckRow::under(Topic::Connector),
        page: include_str!("../../docs/checks/connector.config.md"),
        eval: config,
    },
];

const NONE: &str = "no Connector on this host";

/// Why nothing can be said of a Connector, if nothing can.
pub(super) fn absent(facts: &Facts) -> Option<String> {
    let (host, connector) = (&facts.host, &facts.host.connector);
    if facts.run.lab.is_some() {
        return Some("not judged in the lab".to_owned());
    }
    if !connector.processes.is_empty() || !connector.installed.is_empty() {
        return None;
    }
    let hidden = host.unseen.iter().find(|what| what.is_of_processes());
    Some(match (hidden, &host.container) {
        (_, Some(_)) => "no Connector is seen from inside this container".to_owned(),
        (Some(what), None) => format!("no Connector is seen; not seen: {}", host.in_words(*what)),
        (None, None) => NONE.to_owned(),
    })
}

fn process(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ConnectorProcess;
    let facts = run.facts;
    if let Some(why) = absent(facts) {
        return vec![Finding::new(ID, Status::Skip, why)];
    }
    let connector = &facts.host.connector;
    let running: Vec<&ConnectorProcess> = connector.processes.iter().filter(|p| p.runs()).collect();
    if running.is_empty() {
        return vec![stopped(ID, facts)];
    }
    let more = (connector.process_count as usize).saturating_sub(connector.processes.len());
    let root = facts.host.uid == Some(0);
    let mut findings: Vec<Finding> = running.iter().map(|p| runs(ID, connector, p, root)).collect();
    if let Some(first) = findings.first_mut().filter(|_| more > 0) {
        first.evidence.push(format!("{more} further processes were not looked at"));
    }
    findings
}

fn runs(id: CheckId, connector: &Connector, process: &ConnectorProcess, root: bool) -> Finding {
    let differs = differences(process);
    let age = process.age_us.map(|us| format!(" for {}", span(us / 1_000_000)));
    let what = format!("runs{}, {}, process {}", age.unwrap_or_default(), deployed(process), process.pid);
    let finding = if differs.is_empty() {
        Finding::new(id, Status::Pass, what.clone())
    } else {
        let summary = format!("process {} {}", process.pid, differs.join("; "));
        Finding::new(id, Status::Warn, summary).symptom(Symptom::OtherNetwork(differs))
    };
    let user = process.uid.map(|uid| format!(", uid {uid}"));
    let restarts = process.deployment.restarts.filter(|n| *n > 0);
    let untold = [
        (process.view.same_network.is_none(), "network namespace"),
        (process.view.same_resolvers.is_none(), "resolvers"),
    ];
    let untold: Vec<&str> = untold.iter().filter(|(unknown, _)| *unknown).map(|(_, what)| *what).collect();
    finding
        .evidence(format!("{what}{}", user.unwrap_or_default()))
        .evidence_all(connector.version.as_ref().map(|v| format!("version {v}, by the package")))
        .evidence_all(restarts.map(|n| format!("started anew {} by its runtime", times(n))))
        .evidence_all((!process.relays.is_empty()).then(|| {
            let relays: Vec<String> = process.relays.iter().map(ToString::to_string).collect();
            format!("connected to the relays {}", relays.join(", "))
        }))
        .evidence_all((!untold.is_empty()).then(|| {
            let how = if root { String::new() } else { format!(": sudo connector-doctor check {id}") };
            format!("whether its {} are this run's could not be read{how}", untold.join(" and "))
        }))
        .evidence("that it runs does not say that it is online, nor does its own health command")
}

fn times(n: u32) -> String {
    count(n as usize, "time")
}

/// `a docker container twingate-1`, `the unit twingate-connector`.
fn deployed(process: &ConnectorProcess) -> String {
    let deployment = &process.deployment;
    let short = deployment.id.as_deref().map(|id| id.get(..12).unwrap_or(id));
    match (deployment.name.as_deref().or(short), &deployment.unit) {
        (Some(name), _) => format!("{} ({name})", deployment.kind.words()),
        (None, Some(unit)) => format!("{} ({unit})", deployment.kind.words()),
        (None, None) => deployment.kind.words().to_owned(),
    }
}

/// In what its view of the network is another than this run's.
fn differences(process: &ConnectorProcess) -> Vec<String> {
    let view = &process.view;
    let mut differs = Vec::new();
    if view.same_network == Some(false) {
        let within = match process.deployment.kind {
            DeploymentKind::Bare => String::new(),
            _ => format!(", in {}", deployed(process)),
        };
        differs.push(format!("runs in another network than this run{within}"));
    }
    if view.same_resolvers == Some(false) {
        let own: Vec<String> = view.resolvers.iter().map(ToString::to_string).collect();
        let own = if own.is_empty() { "none of its own".to_owned() } else { own.join(", ") };
        differs.push(format!("asks other resolvers than this run: {own}"));
    }
    if !view.proxy_variables.is_empty() {
        differs.push(format!("has a proxy that this run does not use: {}", view.proxy_variables.join(", ")));
    }
    differs
}

fn stopped(id: CheckId, facts: &Facts) -> Finding {
    let (host, connector) = (&facts.host, &facts.host.connector);
    let dead = connector.processes.first();
    if dead.is_none() && host.unseen.contains(&Unseen::OtherUsersProcesses) {
        let what = host.in_words(Unseen::OtherUsersProcesses);
        return Finding::new(id, Status::Skip, format!("installed; whether it runs is not seen: {what}"))
            .evidence(format!("to see it: sudo connector-doctor check {id}"));
    }
    if dead.is_none() && host.unseen.contains(&Unseen::Proc) {
        return Finding::new(id, Status::Skip, "installed; whether it runs cannot be seen without /proc");
    }
    let mut shown = vec![format!("installed: {}", connector.installed.join(", "))];
    shown.extend(dead.map(|p| match p.state {
        ProcessState::Zombie => {
            format!("process {} has ended, and its parent has not noticed (a zombie)", p.pid)
        }
        _ => format!("process {} is stopped by a signal", p.pid),
    }));
    shown.extend(connector.unit.as_ref().map(|unit| {
        let state = match (unit.masked, unit.enabled) {
            (true, _) => "masked: it cannot be started",
            (false, true) => "started at boot",
            (false, false) => "not started at boot",
        };
        format!("the unit {} is {state}", unit.name)
    }));
    Finding::new(id, Status::Fail, "the Connector is installed and does not run")
        .evidence_all(shown.clone())
        .symptom(Symptom::ConnectorStopped(shown))
}

fn config(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ConnectorConfig;
    let facts = run.facts;
    if let Some(why) = absent(facts) {
        return vec![Finding::new(ID, Status::Skip, why)];
    }
    let connector = &facts.host.connector;
    let running: Vec<&ConnectorProcess> = connector.processes.iter().filter(|p| p.runs()).collect();
    if running.is_empty() {
        let sources: Vec<&Settings> = connector.file.iter().collect();
        if sources.is_empty() && connector.file_unread.is_none() {
            // Its unit may take it from elsewhere: nothing is known to be missing.
            return vec![Finding::new(ID, Status::Skip, "no configuration file in /etc/twingate")];
        }
        return vec![judged(ID, "", &sources, connector.file_unread.iter().collect())];
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

fn judged(id: CheckId, who: &str, sources: &[&Settings], unread: Vec<&String>) -> Finding {
    if sources.iter().all(|s| matches!(s.source, SettingsSource::CommandLine(_))) && !unread.is_empty() {
        return Finding::new(id, Status::Skip, format!("{who}its configuration may not be read"))
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
                SettingsFault::NotANetwork { .. } | SettingsFault::NotAUrl { .. } => None,
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
    format!("{}: {}", source.source, parts.join(", "))
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
