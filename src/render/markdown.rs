//! The report as GitHub-flavoured Markdown: for tickets, pull requests and a job's step summary.

use std::fmt::Write as _;

use super::Style;
use super::digest::{allowed, by_topic, causes, hidden, line, not_tested, p2p, remedy, tally};
use super::human::details;
use crate::model::finding::Status;
use crate::model::report::{Cause, Report};

/// More lines of evidence or commands than these are folded into a count.
const SHOWN: usize = 20;

/// Writes the report as Markdown.
pub fn render(report: &Report, style: &Style) -> String {
    let mut out = String::new();
    let _ = write(&mut out, report, style);
    out
}

fn write(out: &mut String, report: &Report, style: &Style) -> std::fmt::Result {
    let tool = &report.tool;
    writeln!(out, "# {}: {}\n", text(&tool.name), report.verdict.word().to_uppercase())?;
    writeln!(out, "{}.\n", text(&tally(report)))?;
    writeln!(
        out,
        "Report {}, {}, {} {} {}, redaction {}.{}",
        code(&report.id),
        text(&report.started_at),
        text(&tool.name),
        text(&tool.version),
        text(&tool.target),
        text(&report.redaction),
        hidden(&report.redaction).map_or_else(String::new, |what| format!(" Hidden: {what}.")),
    )?;
    writeln!(out, "\n| Detail | Value |\n| --- | --- |")?;
    for (label, value) in details::rows(report) {
        writeln!(out, "| {label} | {} |", text(&value))?;
    }
    if let Some((outlook, words)) = report.p2p_outlook.as_ref().zip(p2p(report)) {
        writeln!(out, "| Peer-to-peer | {words} ({}) |", text(&outlook.reason))?;
    }
    for (checks, reason, command) in not_tested(report) {
        let names: Vec<String> = checks.iter().map(|id| code(id)).collect();
        writeln!(out, "\n## Not tested: {}\n\n{}. This would test it:", names.join(", "), text(reason))?;
        block(out, &[command])?;
    }
    let (causes, notices) = causes(report);
    for (n, found) in causes.iter().enumerate() {
        cause(out, if n == 0 { "Fix first" } else { "Also" }, found)?;
    }
    for found in notices {
        cause(out, "Notice", found)?;
    }
    writeln!(out, "\n## Checks\n\n| Outcome | Check | Finding | Cause |\n| --- | --- | --- | --- |")?;
    for (_, checks) in by_topic(report) {
        for check in checks {
            let outcome = match check.counted() {
                bad @ (Status::Warn | Status::Fail) => format!("**{}**", bad.word()),
                _ => check.outcome.word().to_owned(),
            };
            let why = check.caused_by.as_deref().map_or_else(String::new, code);
            let accepted = allowed(check).map_or_else(String::new, |words| format!(", {words}"));
            let found = text(&(line(&check.summary) + &accepted));
            writeln!(out, "| {outcome} | {} | {found} | {why} |", code(&check.id))?;
        }
    }
    if style.verbose > 0 {
        evidence(out, report)?;
    }
    Ok(())
}

fn cause(out: &mut String, heading: &str, cause: &Cause) -> std::fmt::Result {
    writeln!(out, "\n## {heading}: {}\n", code(&cause.code))?;
    writeln!(out, "**{}** ({})\n", text(&cause.title), cause.confidence.word())?;
    for because in cause.because.iter().take(SHOWN) {
        writeln!(out, "- {}", text(because))?;
    }
    folded(out, cause.because.len(), "- ")?;
    if !cause.impact.is_empty() {
        writeln!(out, "\nImpact: {}", text(&cause.impact))?;
    }
    for one in &cause.remedies {
        let (action, rows) = remedy(one);
        writeln!(out, "\nDo: {}", text(action))?;
        block(out, &rows)?;
    }
    if !cause.verify.is_empty() {
        writeln!(out, "\nVerify:")?;
        block(out, &[&cause.verify])?;
    }
    Ok(())
}

fn evidence(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\n## Evidence")?;
    for check in report.checks.iter().filter(|check| !check.evidence.is_empty()) {
        writeln!(out, "\n{} {}\n", code(&check.id), text(&check.title))?;
        for seen in check.evidence.iter().take(SHOWN) {
            writeln!(out, "- {}", text(seen))?;
        }
        folded(out, check.evidence.len(), "- ")?;
    }
    Ok(())
}

fn folded(out: &mut String, n: usize, before: &str) -> std::fmt::Result {
    if n > SHOWN { writeln!(out, "{before}and {} more; see the JSON report", n - SHOWN) } else { Ok(()) }
}

/// Lines in a fence that nothing inside can close.
fn block(out: &mut String, rows: &[&str]) -> std::fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = rows.iter().take(SHOWN).map(|row| line(row)).collect();
    let fence = "`".repeat(3.max(longest_run(&lines.join("\n")) + 1));
    writeln!(out, "\n{fence}")?;
    for row in lines {
        writeln!(out, "{row}")?;
    }
    folded(out, rows.len(), "")?;
    writeln!(out, "{fence}")
}

/// A code span that nothing inside can close; also inside a table, where `|` needs its escape.
fn code(name: &str) -> String {
    let name = line(name);
    let ticks = "`".repeat(longest_run(&name) + 1);
    let gap = if name.starts_with('`') || name.ends_with('`') { " " } else { "" };
    format!("{ticks}{gap}{}{gap}{ticks}", name.replace('|', "\\|"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text in which nothing is markup: what could open any is escaped.
fn text(text: &str) -> String {
    let mut out = String::new();
    let text = line(text);
    for (at, c) in text.char_indices() {
        let next_is_blank = text[at + c.len_utf8()..].chars().next().is_none_or(|c| c == ' ');
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A zero-width break between the name and the sign would be invisible text; an entity is none.
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' | '{' | '}' => {
                out.extend(['\\', c]);
            }
            // At a line's start these would be lists; `://` would be a link.
            '-' | '+' | '.' | ')' if next_is_blank && out.chars().all(|c| c.is_ascii_digit()) => {
                out.extend(['\\', c]);
            }
            ':' if out.ends_with("http") || out.ends_with("https") || out.ends_with("ftp") => {
                out.push_str("\\:");
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            text("a|b <b> *x* _y_ [z](u) `c` #1"),
            "a\\|b &lt;b&gt; \\*x\\* \\_y\\_ \\[z\\](u) \\`c\\` \\#1"
        );
        assert_eq!(text("- a - b"), "\\- a - b");
        assert_eq!(text("1. a 2. b"), "1\\. a 2. b");
        assert_eq!(text("-7.003 s at https://x"), "-7.003 s at https\\://x");
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(code("`"), "`` ` ``");
    }
}
