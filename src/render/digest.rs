//! What several formats say alike: counts in words, checks by topic, the remedy's parts. Writes no format.

use crate::model::CheckId;
use crate::model::check::Topic;
use crate::model::finding::Status;
use crate::model::report::{Cause, CheckResult, Remedy, Report, Severity};
use crate::model::text::{clean, count};
use crate::model::words::P2pExpect;

/// Checks by heading, both in the report's order; a file from elsewhere may not keep topics together.
pub(super) fn by_topic(report: &Report) -> Vec<(Topic, Vec<&CheckResult>)> {
    let mut topics: Vec<(Topic, Vec<&CheckResult>)> = Vec::new();
    for check in &report.checks {
        let topic = check.standing.topic;
        match topics.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, members)) => members.push(check),
            None => topics.push((topic, vec![check])),
        }
    }
    topics
}

/// How many checks have an outcome.
pub(super) fn outcomes(report: &Report, status: Status) -> usize {
    report.checks.iter().filter(|check| check.outcome == status).count()
}

/// How many of them are accepted.
fn accepted(report: &Report, status: Status) -> usize {
    let accepted = |check: &&CheckResult| check.outcome == status && check.counted() != status;
    report.checks.iter().filter(accepted).count()
}

/// The words of the order in which outcomes are counted.
pub(super) const COUNTED: [Status; 5] =
    [Status::Pass, Status::Warn, Status::Fail, Status::Unknown, Status::Skip];

/// `20 pass, 1 warn, 1 fail, 4 skip; 1 cause`.
pub(super) fn tally(report: &Report) -> String {
    let mut parts: Vec<String> = COUNTED
        .iter()
        .map(|status| (outcomes(report, *status), *status))
        .filter(|(n, _)| *n > 0)
        .map(|(n, status)| match accepted(report, status) {
            0 => format!("{n} {}", status.word()),
            some => format!("{n} {} ({some} allowed)", status.word()),
        })
        .collect();
    if parts.is_empty() {
        parts.push("no check".to_owned());
    }
    let notices = report.causes.iter().filter(|cause| cause.severity == Severity::Notice).count();
    let causes = match report.causes.len() - notices {
        0 => "no cause".to_owned(),
        n => count(n, "cause"),
    };
    let notices = if notices > 0 { format!(", {}", count(notices, "notice")) } else { String::new() };
    format!("{}; {causes}{notices}", parts.join(", "))
}

/// The summary, with the cause that explains it and what was accepted of it.
pub(super) fn told(check: &CheckResult) -> String {
    let cause = check.caused_by.as_deref().map(|code| format!("caused by {}", line(code)));
    let parts = [Some(line(&check.summary)), cause, allowed(check)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `allowed until 2027-01-31: the reason`; an allowance that is over says so.
pub(super) fn allowed(check: &CheckResult) -> Option<String> {
    let allowed = check.allowed.as_ref()?;
    let until = allowed.until.as_deref().map_or_else(String::new, |day| format!(" until {}", line(day)));
    let expired = if allowed.expired { ", which is over" } else { "" };
    Some(format!("allowed{until}{expired}: {}", line(&allowed.reason)))
}

/// Causes to fix, and notices.
pub(super) fn causes(report: &Report) -> (Vec<&Cause>, Vec<&Cause>) {
    report.causes.iter().partition(|cause| cause.severity > Severity::Notice)
}

/// What to do, and the rows below it: a table for the network team, then commands.
pub(super) fn remedy(remedy: &Remedy) -> (&str, Vec<&str>) {
    let (action, table) = remedy.action.split_once('\n').unwrap_or((&remedy.action, ""));
    let rows = table.lines().chain(remedy.commands.iter().map(String::as_str));
    (action, rows.filter(|row| !row.trim().is_empty()).collect())
}

/// Any text on one line, without what could steer a terminal or turn the reading direction.
pub(super) fn line(text: &str) -> String {
    clean(text, 600)
}

/// What was not tested: the checks, why, and the command that would test them; checks that share both stand together.
pub(super) fn not_tested(report: &Report) -> Vec<(Vec<&str>, &str, &str)> {
    let mut all: Vec<(Vec<&str>, &str, &str)> = Vec::new();
    for row in &report.not_tested {
        let same = |known: &&mut (Vec<&str>, &str, &str)| known.1 == row.reason && known.2 == row.command;
        match all.iter_mut().find(same) {
            Some((checks, ..)) => checks.push(&row.check),
            None => all.push((vec![&row.check], &row.reason, &row.command)),
        }
    }
    all
}

/// What the verdict is of, where it is not of all checks.
pub(super) fn of_a_part(report: &Report) -> &'static str {
    let run = &report.facts.run;
    if run.select.is_empty() && run.skip.is_empty() { "" } else { "of what was selected" }
}

/// What a redaction level hides, in words.
pub(super) fn hidden(level: &str) -> Option<&'static str> {
    match level {
        "default" => Some("public addresses, network, host and user names, MAC addresses"),
        "strict" => Some("every address, interface, network, host, user and server names, MAC addresses"),
        _ => None,
    }
}

/// What to expect of peer-to-peer connections, in words; of relays no more than this run saw.
pub(super) fn p2p(report: &Report) -> Option<String> {
    let outlook = report.p2p_outlook.as_ref()?;
    let relays = report.checks.iter().find(|check| check.id == CheckId::RelayTcp.as_str());
    let (all, rest) = match relays.map(|check| check.outcome) {
        Some(Status::Pass) => ("relays carry all traffic", "relays carry the rest"),
        Some(Status::Fail) => ("and no relay is reached", "and no relay is reached for the rest"),
        _ => ("all traffic needs relays", "the rest needs relays"),
    };
    Some(match outlook.expect {
        P2pExpect::DirectLikely => "direct connections are likely".to_owned(),
        P2pExpect::Relayed if outlook.none => format!("none, {all}"),
        P2pExpect::Relayed => format!("with few Clients, {rest}"),
        P2pExpect::DependsOnClient => "likely unless the Client's NAT is strict".to_owned(),
    })
}
