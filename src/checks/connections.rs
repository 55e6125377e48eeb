//! `connector.connections`: whether the Connector's own connections stand. Pure.

use super::check::Check;
use super::connector::absent;
use super::needs::needs;
use crate::inference::Inference;
use crate::inference::own_sockets::{Standing, standing};
use crate::inference::target::reached;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{AttributedBy, ConnectionState, ConnectorProcess};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::{count, span};
use crate::model::verdict::Lack;

/// A Connector that started less long ago may still be connecting, microseconds.
const YOUNG_US: u64 = 90_000_000;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorConnections,
    title: "The Connector's own connections stand",
    contacts: "nothing: its network namespace's table of TCP, and its descriptors",
    rights: "none; the Connector's own user, or root, to tell its connections from other programs' for certain",
    row: CheckRow::under(Topic::Connector).essential(),
    page: include_str!("../../docs/checks/connector.connections.md"),
    eval: connections,
}];

const ID: CheckId = CheckId::ConnectorConnections;

fn connections(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if let Some(why) = absent(facts) {
        return vec![Finding::new(ID, Status::Skip, why)];
    }
    let running: Vec<&ConnectorProcess> =
        facts.host.connector.processes.iter().filter(|p| p.runs()).collect();
    let hidden = facts.host.unseen.iter().any(|what| what.is_of_processes());
    if running.is_empty() && hidden {
        let why = "permission denied: only root sees whether a Connector runs here; rerun with sudo";
        return vec![Finding::new(ID, Status::Skip, why).lacks(Lack::Rights)];
    }
    if running.is_empty() {
        return vec![needs(ID, CheckId::ConnectorProcess, Status::Skip)];
    }
    running.into_iter().map(|process| of_process(run, process)).collect()
}

fn of_process(run: &Inference<'_>, process: &ConnectorProcess) -> Finding {
    let pid = process.pid;
    let Some(stands) = standing(run.facts, process) else {
        let found =
            |why: &str| Finding::new(ID, Status::Skip, format!("the connections of process {pid}: {why}"));
        return match process.connections.as_ref().and_then(|c| c.unread.as_ref()) {
            Some(why) => found(&format!("could not be read, {why}")).lacks(Lack::Rights),
            // Facts of a version that did not look.
            None => found("not looked at"),
        };
    };
    let (status, summary, symptom) = judge(run, process, &stands);
    let mut found = Finding::new(ID, status, summary)
        .evidence_all(lines(process))
        .measure("connections", stands.all() as f64)
        .measure("relay_connections", stands.relays as f64);
    found.symptom = symptom;
    found
}

fn judge(
    run: &Inference<'_>,
    process: &ConnectorProcess,
    stands: &Standing,
) -> (Status, String, Option<Symptom>) {
    let pid = process.pid;
    if stands.all() > 0 {
        let relays = match (stands.relays, stands.others) {
            (0, _) => "none of them to ports 30000-31000".to_owned(),
            (relays, 0) => format!("to ports 30000-31000, {}", count(relays, "relay")),
            (relays, others) => {
                format!("{relays} to ports 30000-31000, {others} to its Controller or relays on 443")
            }
        };
        let verb = if stands.all() == 1 { "stands" } else { "stand" };
        let summary = format!("{} of process {pid} {verb}: {relays}", count(stands.all(), "connection"));
        return (Status::Pass, summary, None);
    }
    let none = format!("no connection of process {pid} stands");
    if let Some(age) = process.age_us.filter(|age| *age < YOUNG_US) {
        let since = span(age / 1_000_000);
        return (Status::Unknown, format!("{none}; it started {since} ago, 90 s are usual"), None);
    }
    if process.view.same_network == Some(false) {
        let why = "whether its network reaches Controller and relays was not tested from here";
        return (Status::Unknown, format!("{none}; {why}"), None);
    }
    let reached_all = reached(run.facts) && run.controller_serves && run.reach.relays_work();
    if !reached_all {
        let needed = if reached(run.facts) && run.controller_serves {
            CheckId::RelayTcp
        } else {
            CheckId::ControllerTcp
        };
        let summary =
            format!("needs {needed}: {none}, and this host does not reach all that it needs either");
        return (Status::Skip, summary, Some(Symptom::Needs(needed)));
    }
    let runs =
        process.age_us.map_or_else(String::new, |age| format!(", which runs for {}", span(age / 1_000_000)));
    let summary = format!("{none}{runs}; this host reaches Controller and relays");
    (Status::Fail, summary, Some(Symptom::ConnectorUnconnected { pid, age_us: process.age_us }))
}

/// Where its connections lead, and how they were told from others.
fn lines(process: &ConnectorProcess) -> Vec<String> {
    let Some(connections) = &process.connections else { return Vec::new() };
    let by = match connections.by {
        AttributedBy::Descriptors => "by its own descriptors",
        AttributedBy::User => "by its user, port and address: another program of this user's may hold them",
    };
    let network = match process.view.same_network {
        Some(false) => ", in a network of its own",
        _ => "",
    };
    let line = |state: ConnectionState| match state {
        ConnectionState::Established => "stands",
        ConnectionState::Opening => "SYN sent, no answer yet",
        ConnectionState::Closing => "is ending",
    };
    let each = connections.seen.iter().take(8).map(|c| format!("{}: {}", c.peer, line(c.state)));
    std::iter::once(format!("process {}{network}, {by}", process.pid)).chain(each).collect()
}
