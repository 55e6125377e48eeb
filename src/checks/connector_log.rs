//! `connector.log`: what the Connector's own log shows, and whether it is over. Pure.

use super::check::Check;
use super::log_view::{CLOCK_RIGHT, TOKENS, View};
use super::log_when::when;
use super::log_words::evidence;
use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::facts::{ConnectorLog, OneLog, Place, Signature as S};
use crate::model::finding::{Finding, LogTrouble, Status, Symptom};
use crate::model::observation::{FailureKind, NotRun, Outcome};
use crate::model::text::count;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::ConnectorLog,
    title: "The Connector's log shows no failure that is not over",
    contacts: "nothing: the journal, by journalctl",
    rights: "the group systemd-journal, or root",
    row: CheckRow::under(Topic::Connector),
    page: include_str!("../../docs/checks/connector.log.md"),
    eval: log,
}];

const ID: CheckId = CheckId::ConnectorLog;
fn log(run: &Inference<'_>) -> Vec<Finding> {
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let Some(read) = &facts.connector_log else {
        let connector = &facts.host.connector;
        let absent = connector.processes.is_empty() && connector.installed.is_empty();
        let why = if absent {
            "no Connector on this host"
        } else {
            "its log was not read: no journal of a unit of its own"
        };
        return vec![unread(why)];
    };
    let found = match &read.outcome {
        Outcome::Seen(log) => judge(run, &read.target, log),
        Outcome::Failed(failure) if failure.kind == FailureKind::Rights => {
            vec![unread(&format!("{}: may not be read by this user", read.target))]
        }
        Outcome::Failed(failure) => vec![unread(&format!("{}: {}", read.target, failure.kind.word()))],
        Outcome::NotRun(NotRun::Unsupported(why)) => vec![unread(why)],
        Outcome::NotRun(_) => vec![unread("the run ended before its log was read")],
    };
    found.into_iter().map(|finding| finding.took(read.took_us)).collect()
}

/// Not read: never good, never bad, and how it would be read.
fn unread(why: &str) -> Finding {
    Finding::new(ID, Status::Skip, why)
        .evidence(
            "as a service: sudo journalctl -u twingate-connector -o short-iso | connector-doctor logs -",
        )
        .evidence("in docker: docker logs -t NAME 2>&1 | connector-doctor logs -")
        .evidence("in Kubernetes: kubectl logs --timestamps POD | connector-doctor logs -")
}

fn judge(run: &Inference<'_>, source: &str, log: &ConnectorLog) -> Vec<Finding> {
    if log.lines == 0 && log.read_at_ns.is_some() {
        return vec![unread(&format!("{source}: no line of the last seven days"))];
    }
    let lines = count(log.lines as usize, "line");
    if log.client {
        let why = format!("{source}: a log of the vendor's Client, not of a Connector");
        return vec![Finding::new(ID, Status::Unknown, why)];
    }
    if !log.recognised {
        let why = format!("{source}: none of {lines} is a Connector's");
        return vec![Finding::new(ID, Status::Unknown, why)];
    }
    let views: Vec<View<'_>> = View::all(run, log).collect();
    let troubles: Vec<LogTrouble> = views.iter().flat_map(View::troubles).collect();
    let doubts: Vec<String> = views.iter().filter_map(View::doubt).collect();
    let over: usize = views.iter().map(View::over).sum();
    let summary = match doubts.first() {
        Some(doubt) => format!("{source}: {doubt}"),
        None if over > 0 => format!("{source}: {} in {lines}, over", count(over, "past failure")),
        None => format!("{source}: no failure in {lines}"),
    };
    let status = if doubts.is_empty() { Status::Pass } else { Status::Unknown };
    let mut all = Finding::new(ID, status, summary)
        .evidence_all(doubts.into_iter().skip(1))
        .evidence_all(views.iter().flat_map(evidence))
        .evidence_all(about(log))
        .measure("lines", log.lines as f64)
        .measure("bytes", log.bytes as f64);
    for sign in log.connectors().flat_map(|one| &one.signs) {
        all = all.measure(&format!("count {}", name(sign.signature)), sign.count as f64);
    }
    if let Some(share) = relayed_share(log) {
        all = all.measure("relayed_share", share);
    }
    if let Some(clock) = log.own.token_clock {
        all = all.measure("token_clock_at_most_s", clock.at_most_ns as f64 / 1e9);
        if clock.tokens >= TOKENS && clock.at_most_ns.unsigned_abs() <= CLOCK_RIGHT.unsigned_abs() {
            all = all.symptom(Symptom::LogClockRight);
        }
    }
    let bad = troubles.into_iter().map(|trouble| {
        Finding::new(ID, trouble.status, trouble.told.clone()).symptom(Symptom::LogTrouble(trouble))
    });
    bad.chain([all]).collect()
}

/// The signature's name as facts have it.
fn name(signature: S) -> String {
    serde_json::to_value(signature).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Of the connections whose way is known, the part that went over relays.
fn relayed_share(log: &ConnectorLog) -> Option<f64> {
    let sum = |of: fn(&OneLog) -> u64| log.connectors().map(|one| of(one) as f64).sum::<f64>();
    let (direct, relayed) = (sum(|one| one.traffic.direct), sum(|one| one.traffic.relayed));
    (direct + relayed > 0.0).then(|| relayed / (direct + relayed))
}

/// What is worth knowing of the log as a whole.
fn about(log: &ConnectorLog) -> Vec<String> {
    let dated = log.first.at_ns.zip(log.last.at_ns).is_some();
    let times = (!dated).then(|| "it bears no times: docker logs -t, TWINGATE_TIMESTAMP_FORMAT=2".to_owned());
    let reaches =
        dated.then(|| format!("it reaches from {} to {}", when(log, log.first), when(log, log.last)));
    let sorted = log.sorted.then(|| "its lines are not in order: sorted by their times".to_owned());
    let left_out = (log.left_out > 0).then(|| {
        let since = log.whole_since_ns.map(|ns| when(log, Place { line: 0, at_ns: Some(ns) }));
        format!(
            "too long to sort whole: {} older than {} left out",
            count(log.left_out as usize, "telling line"),
            since.unwrap_or_else(|| "the rest".to_owned())
        )
    });
    let others = (log.others > 0).then(|| {
        format!("{} of other programs, which count for nothing", count(log.others as usize, "failure"))
    });
    let cut = (log.cut_lines > 0).then(|| {
        format!("of {} only the first 64 KiB were looked at", count(log.cut_lines as usize, "long line"))
    });
    [times, reaches, sorted, left_out, others, cut].into_iter().flatten().collect()
}
