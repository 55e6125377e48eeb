//! Checks of the Resources that the user named: names, connections, greetings. Pure.

use super::check::Check;
use crate::inference::Inference;
use crate::inference::resource::{Judged, Step};
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::lack::Lack;
use crate::model::text::count;

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::ResourceDns,
        title: "The Resources' names resolve as the Connector resolves them",
        contacts: "the Connector's resolvers, and this host's own beside them",
        rights: "none; root to read the Connector's own resolv.conf",
        row: CheckRow::under(Topic::Resources).essential(),
        page: include_str!("../../docs/checks/resource.dns.md"),
        eval: |run| findings(run, CheckId::ResourceDns, ["resolves", "resolve"]),
    },
    Check {
        id: CheckId::ResourceTcp,
        title: "The Resources take connections",
        contacts: "the Resources that are named, and no others",
        rights: "none",
        row: CheckRow::under(Topic::Resources).essential(),
        page: include_str!("../../docs/checks/resource.tcp.md"),
        eval: |run| findings(run, CheckId::ResourceTcp, ["takes a connection", "take a connection"]),
    },
    Check {
        id: CheckId::ResourceReply,
        title: "The Resources say first what their kind says",
        contacts: "the Resources that are named, with the least that their protocol allows",
        rights: "none; ICMP needs net.ipv4.ping_group_range",
        row: CheckRow::under(Topic::Resources),
        page: include_str!("../../docs/checks/resource.reply.md"),
        eval: |run| {
            findings(run, CheckId::ResourceReply, ["answers as its kind does", "answer as their kind does"])
        },
    },
];

/// A finding a Resource. Its sentence also says how many there are, since the worst one's stands for all.
fn findings(run: &Inference<'_>, id: CheckId, [one, many]: [&str; 2]) -> Vec<Finding> {
    let logged = || run.failed_in_log.iter().filter(|_| id == CheckId::ResourceTcp);
    let of_log = || logged().map(|f| format!("the Connector's log calls {} failed: {}", f.place, f.words));
    if run.resources.is_empty() {
        let found = |words| vec![Finding::new(id, Status::Skip, words).evidence_all(of_log())];
        let Some(first) = logged().next() else { return found("none is named (--resource)".to_owned()) };
        let (failed, many) = (count(run.failed_in_log.len(), "Resource"), run.failed_in_log.len() > 1);
        let most = if many { "most often " } else { "" };
        let words = format!(
            "none is named; the Connector's log calls {failed} failed: {most}{} ({})",
            first.place, first.words
        );
        return found(words).into_iter().map(|finding| finding.lacks(Lack::Named)).collect();
    }
    let step = |judged: &Judged<'_>| -> Step {
        let all = judged.steps();
        all.into_iter()
            .find(|(check, _)| *check == id)
            .map_or_else(|| judged.dns.clone(), |(_, step)| step.clone())
    };
    let steps: Vec<(&Judged<'_>, Step)> = run.resources.iter().map(|judged| (judged, step(judged))).collect();
    let count_of = |keep: fn(Status) -> bool| steps.iter().filter(|(_, step)| keep(step.status)).count();
    let passed = count_of(|status| status == Status::Pass);
    let asked = count_of(|status| status != Status::Skip);
    let verb = if asked == 1 { one } else { many };
    let total = format!("{passed} of {} {verb}", count(asked, "Resource"));
    let several = steps.len() > 1;
    let finding = |(judged, step): &(&Judged<'_>, Step)| {
        let name = &judged.resource.name;
        let mut words = format!("{name}: {}", step.words);
        if several && step.status == Status::Pass {
            words.clone_from(&total);
        } else if several && asked > 0 {
            words = format!("{words}; {total}");
        }
        let lines = step.lines.iter().map(|line| format!("{name}: {line}"));
        let each = several.then(|| format!("{name}: {}, {}", step.status.word(), step.words));
        let mut finding = Finding::new(id, step.status, words)
            .evidence_all(each)
            .evidence_all(lines)
            .measure("asked", asked as f64)
            .measure("passed", passed as f64)
            .took(judged.resource.seen().map_or(0, |seen| seen.took_us));
        finding.symptom = match step.needs {
            Some(check) => Some(Symptom::Needs(check)),
            None => {
                judged.troubles().find(|trouble| trouble.check == id).map(|t| Symptom::Resource(Box::new(t)))
            }
        };
        finding
    };
    let mut found: Vec<Finding> = steps.iter().map(finding).collect();
    if let Some(last) = found.pop() {
        found.push(last.evidence_all(of_log()));
    }
    found
}
