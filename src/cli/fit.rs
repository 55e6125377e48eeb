//! Pages and lists fitted to a terminal: paragraphs and rows wrapped, commands left as they are. Knows no command.

use super::output;
use crate::config::defaults::{WIDTH, WIDTH_RANGE};
use crate::env::Env;
use crate::render::text::{ascii_whole, wrap};

/// Columns of what is printed: the terminal's own; elsewhere 80, or what an exported `COLUMNS` says of a narrower one.
pub(super) fn columns(env: &Env) -> u16 {
    if let Some((columns, _)) = output::terminal() {
        return columns.clamp(WIDTH_RANGE.0, WIDTH_RANGE.1);
    }
    let said = env.var("COLUMNS").and_then(|text| text.trim().parse::<u16>().ok());
    said.map_or(WIDTH, |columns| columns.clamp(WIDTH_RANGE.0, WIDTH))
}

/// Columns of a page of prose: lines longer than these are hard to follow.
pub(super) fn prose(env: &Env) -> usize {
    usize::from(columns(env).min(100))
}

/// `head`, then `text` beside it, its lines below each other.
pub(super) fn hanging(head: &str, text: &str, width: usize) -> String {
    let indent = " ".repeat(head.len());
    let mut out = String::new();
    for (n, line) in wrap(&ascii_whole(text), width.saturating_sub(head.len()).max(12)).iter().enumerate() {
        let before = if n == 0 { head } else { &indent };
        out.extend([format!("{before}{line}").trim_end(), "\n"]);
    }
    out
}

/// A Markdown page as plain text of `width` columns: paragraphs and items are wrapped, tables of two columns are rows.
pub(super) fn page(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut block: Vec<&str> = Vec::new();
    for line in text.lines() {
        let kind = Kind::of(line);
        // A line that only goes on belongs to what stands above it.
        if kind == Kind::Prose
            && block.last().is_some_and(|last| {
                matches!(Kind::of(block[0]), Kind::Prose | Kind::Item) && !last.is_empty()
            })
        {
            block.push(line);
            continue;
        }
        if kind == Kind::Row && block.first().is_some_and(|first| Kind::of(first) == Kind::Row) {
            block.push(line);
            continue;
        }
        flush(&mut out, &mut block, width);
        block.push(line);
    }
    flush(&mut out, &mut block, width);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Prose,
    Item,
    Row,
    /// Headings, commands, empty lines.
    Fixed,
}

impl Kind {
    fn of(line: &str) -> Self {
        match line.trim_start() {
            "" => Self::Fixed,
            rest if rest.starts_with("- ") => Self::Item,
            rest if rest.starts_with('|') => Self::Row,
            rest if rest.starts_with(['#', '`']) && !rest.starts_with("`c") || line.starts_with("    ") => {
                Self::Fixed
            }
            _ => Self::Prose,
        }
    }
}

fn flush(out: &mut String, block: &mut Vec<&str>, width: usize) {
    let lines = std::mem::take(block);
    let Some(first) = lines.first() else { return };
    match Kind::of(first) {
        Kind::Fixed => out.extend([first, "\n"]),
        Kind::Prose => out.push_str(&hanging("", &lines.join(" "), width)),
        Kind::Item => {
            let text = lines.join(" ");
            let (head, text) = text.split_at(text.find("- ").unwrap_or(0) + 2);
            out.push_str(&hanging(head, text, width));
        }
        Kind::Row => rows(out, &lines, width),
    }
}

/// Two cells side by side, as wide as the first ones are; the line below the head is the grid's own.
fn rows(out: &mut String, lines: &[&str], width: usize) {
    let cells = |line: &str| {
        let inner = line.trim().trim_matches('|').replace("\\|", "\u{1}");
        let (a, b) = inner.split_once('|').unwrap_or((&inner, ""));
        [a, b].map(|cell| cell.trim().replace('\u{1}', "|"))
    };
    let rows: Vec<[String; 2]> =
        lines.iter().map(|line| cells(line)).filter(|[a, _]| !a.starts_with("---")).collect();
    let first = rows.iter().map(|[a, _]| a.chars().count()).max().unwrap_or(0).min(width / 2);
    for [a, b] in rows {
        let head = format!("  {a:first$}  ");
        if a.chars().count() <= first {
            out.push_str(&hanging(&head, &b, width));
        } else {
            out.push_str(&hanging("  ", &a, width));
            out.push_str(&hanging(&" ".repeat(first + 4), &b, width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checks, diagnosis};

    #[test]
    fn every_page_fits_and_keeps_its_words_and_its_commands() {
        let pages = checks::all().map(|check| check.page).chain(diagnosis::all().map(|cause| cause.page));
        let words = |text: &str| {
            text.replace(['|', '\\'], " ")
                .replace("---", "")
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for text in pages {
            for width in [40, 60, 80] {
                let shown = page(text, width);
                // Commands are to be copied: they stay whole.
                let long = shown.lines().find(|line| line.len() > width && Kind::of(line) != Kind::Fixed);
                assert_eq!(long, None, "{width}");
                if width == 80 {
                    assert_eq!(words(&shown), words(&text.replace('\u{2026}', "...")), "{shown}");
                }
            }
        }
    }

    #[test]
    fn a_table_is_rows_and_an_item_hangs() {
        let text = "# a\n\none\ntwo\n| outcome | when |\n| --- | --- |\n| pass | a \\| b |\n- item one two\n  three\n    cmd\n";
        let shown = "# a\n\none two\n  outcome  when\n  pass     a | b\n- item one two three\n    cmd\n";
        assert_eq!(page(text, 80), shown);
    }
}
