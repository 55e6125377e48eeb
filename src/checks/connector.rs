//! `connector.process`: whether the Connector runs, and where. Pure.

use super::check::Check;
use super::kept;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, Track};
use crate::model::facts::{
    Connector, ConnectorProcess, DeploymentKind, Facts, KeptConnector, OwnMetrics, ProcessState, Stranger,
    Unseen,
};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::{count, span};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorProcess,
    title: "The Connector runs, and this run sees the network as it does",
    contacts: "nothing: /proc and the units on disk",
    rights: "none; root where /proc hides other users' processes",
    row: CheckRow::under(Topic::Connector).tracks(Track::Process),
    page: include_str!("../../docs/checks/connector.process.md"),
    eval: process,
}];

const NONE: &str = "no Connector on this host";

/// Why nothing can be said of a Connector, if nothing can.
pub(super) fn absent(facts: &Facts) -> Option<String> {
    let (host, connector) = (&facts.host, &facts.host.connector);
    if facts.run.lab.is_some() {
        return Some("not judged in the lab".to_owned());
    }
    if connector.is_here() {
        return None;
    }
    let hidden = host.unseen.iter().find(|what| what.is_of_processes());
    Some(match (hidden, &host.container) {
        (_, Some(_)) => "no Connector is seen from inside this container".to_owned(),
        (Some(what), None) => format!("no Connector is seen; not seen: {}", host.in_words(*what)),
        (None, None) => match connector.kept_unread.first() {
            _ if connector.strangers_own().next().is_some() => {
                "a Connector of another user's runs here; only that user's own run follows it".to_owned()
            }
            // Without the containers that do not run nobody can say that there is none.
            Some(first) => format!("no Connector runs here; whether one is at rest may not be read: {first}"),
            None => NONE.to_owned(),
        },
    })
}

const ID: CheckId = CheckId::ConnectorProcess;

fn process(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    let connector = &facts.host.connector;
    let strangers = connector.strangers.iter().map(stranger);
    if let Some(why) = absent(facts) {
        let strangers = strangers.filter(|_| facts.run.lab.is_none());
        let unread = connector.kept_unread.iter().cloned();
        let how = (!connector.kept_unread.is_empty())
            .then(|| format!("to look there: sudo connector-doctor check {ID}"));
        return vec![
            Finding::new(ID, Status::Skip, why).evidence_all(strangers).evidence_all(unread.chain(how)),
        ];
    }
    let running: Vec<&ConnectorProcess> = connector.processes.iter().filter(|p| p.runs()).collect();
    if running.is_empty() {
        let mut findings = at_rest(facts);
        if let Some(first) = findings.first_mut() {
            first.evidence.extend(strangers);
        }
        return findings;
    }
    let more = (connector.process_count as usize).saturating_sub(connector.processes.len());
    let root = facts.host.uid == Some(0);
    let mut findings: Vec<Finding> = running.iter().map(|p| runs(ID, connector, p, root)).collect();
    if let Some(first) = findings.first_mut().filter(|_| more > 0) {
        first.evidence.push(format!("{more} further processes were not looked at"));
    }
    if let Some(first) = findings.first_mut() {
        first.evidence.extend(strangers);
    }
    // Beside one that runs, one that somebody stopped is nobody's trouble; one that dies again and again is.
    let (dying, resting): (Vec<_>, Vec<_>) = connector.at_rest().partition(|kept| kept.dies_again());
    if let Some(first) = findings.first_mut() {
        first.evidence.extend(resting.into_iter().map(|kept| format!("another one: {}", kept::words(kept))));
    }
    findings.extend(dying.into_iter().map(|kept| kept::finding(ID, kept)));
    findings
}

/// Nothing runs: what is kept of Connectors on this host, and what is installed.
fn at_rest(facts: &Facts) -> Vec<Finding> {
    let connector = &facts.host.connector;
    let hidden = facts.host.unseen.iter().any(|what| what.is_of_processes());
    let containers = || connector.at_rest().filter(|kept| !kept.deployment.kind.native());
    let mut findings: Vec<Finding> = containers()
        .filter(|kept| !hidden || kept.dies_again())
        .map(|kept| kept::finding(ID, kept))
        .collect();
    let native: Vec<&KeptConnector> =
        connector.at_rest().filter(|kept| kept.deployment.kind.native()).collect();
    if !connector.installed.is_empty() || !native.is_empty() || !connector.processes.is_empty() {
        findings.push(stopped(ID, facts, &native));
    }
    if findings.is_empty() {
        let why = if hidden {
            "a container of a Connector is there; whether it runs is not seen"
        } else {
            "its container runs, and no process of the Connector is seen in it"
        };
        let status = if hidden { Status::Skip } else { Status::Unknown };
        let all = connector.kept.iter().map(kept::words);
        findings.push(Finding::new(ID, status, why).evidence_all(all));
    }
    findings
}

/// `a process of that name (812), of user 1000, is not believed: ...`.
fn stranger(stranger: &Stranger) -> String {
    let user = stranger.uid.map_or_else(|| "of an unknown user".to_owned(), |uid| format!("of user {uid}"));
    format!(
        "a process of that name ({}), {user}, is not believed: it is neither a system unit nor a container of this system's",
        stranger.pid
    )
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
        .evidence_all(process.metrics.as_ref().map(own_metrics))
        .evidence("that it runs does not say that it is online, nor does its own health command")
}

/// Its own count of its uptime, and of what went which way.
fn own_metrics(metrics: &OwnMetrics) -> String {
    if !metrics.read {
        return "its own metrics (TWINGATE_METRICS_PORT) did not answer on 127.0.0.1".to_owned();
    }
    let uptime = metrics.uptime_s.map(|s| format!("up for {}", span(s)));
    let all = metrics.direct_bytes.saturating_add(metrics.relayed_bytes);
    let share = (all > 0).then(|| {
        let percent = metrics.relayed_bytes as f64 / all as f64 * 100.0;
        format!("{percent:.0} % of its traffic went over relays")
    });
    let parts: Vec<String> = uptime.into_iter().chain(share).collect();
    format!("by its own metrics: {}", parts.join(", "))
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

fn stopped(id: CheckId, facts: &Facts, kept: &[&KeptConnector]) -> Finding {
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
    let places = connector.installed.clone();
    let places =
        if places.is_empty() { kept.iter().map(|kept| kept.place.clone()).collect() } else { places };
    let mut shown = vec![format!("installed: {}", places.join(", "))];
    shown.extend(kept.iter().filter_map(|kept| kept.error.clone()));
    shown.extend(kept.iter().flat_map(|kept| kept.missing.iter().cloned()));
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
    Finding::new(id, Status::Fail, "the Connector is installed but not running")
        .evidence_all(shown.clone())
        .symptom(Symptom::ConnectorStopped(shown))
}
