//! The Resources that were named, a line each, the worst first; one or two are told by their checks.

use std::cmp::Reverse;

use super::checks::word;
use crate::model::finding::Status;
use crate::model::report::Report;
use crate::model::resource::ResourceResult;
use crate::model::text::{clean, count};
use crate::render::text::{Page, Paint, ascii, heading, wrap};
use crate::render::{Room, Style};

/// Names are padded to the longest, within this.
const NAME: usize = 24;
/// Fewer than these are told by their checks.
const FEWEST: usize = 3;
/// More lines than these are folded into a count.
const SHOWN: usize = 40;

pub(super) fn write(page: &mut Page, report: &Report, width: usize, style: &Style) {
    table(page, &report.resources, width, style.room);
}

fn table(page: &mut Page, resources: &[ResourceResult], width: usize, room: Room) {
    let mut all: Vec<&ResourceResult> = resources.iter().collect();
    all.sort_by_key(|one| Reverse(one.outcome));
    // A paste has room for what does not pass.
    if room > Room::Free {
        all.retain(|one| one.outcome != Status::Pass);
    }
    if resources.len() < FEWEST || all.is_empty() {
        return;
    }
    page.line("");
    heading(page, "RESOURCES");
    let name = |one: &ResourceResult| ascii(&clean(&one.name, NAME));
    let names = all.iter().take(SHOWN).map(|one| name(one).len()).max().unwrap_or(0);
    // In a narrow page what is said stands below its name.
    let indent = if width < 60 { 10 } else { 10 + names };
    for one in all.iter().take(SHOWN) {
        let (name, said) = (name(one), ascii(&one.summary));
        let mut lines = wrap(&said, width - indent).into_iter();
        let head = format!("  {:4}  {name:names$}  ", word(one.outcome));
        let first = (head.len() <= indent).then(|| lines.next()).flatten().unwrap_or_default();
        page.painted(format!("{head}{first}").trim_end(), word(one.outcome), Paint::Outcome(one.outcome));
        page.hanging("", indent, lines);
    }
    let more = all.len().saturating_sub(SHOWN);
    if more > 0 {
        page.line(format!("  and {} more; see the JSON report", count(more, "Resource")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(outcomes: &[(&str, Status)]) -> Vec<ResourceResult> {
        let one = |(name, outcome): &(&str, Status)| ResourceResult {
            name: (*name).to_owned(),
            host: "wiki.corp.test".to_owned(),
            port: 443,
            kind: "https".to_owned(),
            address: None,
            resolver: None,
            source: None,
            interface: None,
            connect_ms: None,
            reply: None,
            certificate: None,
            outcome: *outcome,
            summary: "10.20.0.30 port 443: no answer, out of eth1 from 10.20.0.5 by 10.20.0.1".to_owned(),
            caused_by: None,
        };
        outcomes.iter().map(one).collect()
    }

    fn lines(resources: &[ResourceResult], width: usize, room: Room) -> Vec<String> {
        let mut page = Page::default();
        table(&mut page, resources, width, room);
        page.finish(false).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_worst_comes_first_and_few_are_not_told_twice() {
        let many =
            [("Wiki", Status::Pass), ("A very long name of a database", Status::Fail), ("x", Status::Warn)];
        let many = resources(&many);
        for width in [40, 80, 132] {
            let lines = lines(&many, width, Room::Free);
            assert!(lines.iter().all(|line| line.len() <= width && line.is_ascii()), "{lines:#?}");
            let told: Vec<&str> = lines.iter().filter_map(|line| line.trim().get(..4)).collect();
            let outcomes: Vec<&&str> =
                told.iter().filter(|word| ["FAIL", "WARN", "PASS"].contains(word)).collect();
            assert_eq!(outcomes, [&"FAIL", &"WARN", &"PASS"], "{lines:#?}");
        }
        let paste = lines(&many, 80, Room::Paste).join("\n");
        assert!(paste.contains("FAIL") && !paste.contains("PASS"), "{paste}");
        assert!(lines(&resources(&[("Wiki", Status::Fail)]), 80, Room::Free).is_empty());
    }
}
