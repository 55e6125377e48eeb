//! Plain text on a grid: ASCII only, wrapped with hanging indents, coloured after layout.

use colored::Colorize;

use crate::model::finding::Status;
use crate::model::report::Verdict;
use crate::model::text::clean;

/// Longest string that is shown of anything; what is longer is cut with `...`.
const LONGEST: usize = 600;

/// A name: anything as printable ASCII, cut where no name should be longer.
pub(super) fn name(text: &str) -> String {
    ascii(&clean(text, 80))
}

/// Anything as printable ASCII: control and bidirectional characters gone, what has no ASCII form `?`.
pub(crate) fn ascii(text: &str) -> String {
    ascii_whole(&clean(text, LONGEST))
}

/// The same of a text of our own, whatever its length.
pub(crate) fn ascii_whole(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            '\u{a0}' => out.push(' '),
            '\u{b1}' => out.push_str("+/-"),
            '\u{b5}' | '\u{3bc}' => out.push('u'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{2026}' => out.push_str("..."),
            '\u{2192}' => out.push_str("->"),
            '\u{2264}' => out.push_str("<="),
            '\u{2265}' => out.push_str(">="),
            _ => out.push('?'),
        }
    }
    out
}

/// Breaks ASCII text into lines of at most `width` characters, at spaces where there are any.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_ascii_whitespace() {
        for (n, piece) in pieces(word, width).enumerate() {
            match lines.last_mut() {
                Some(last) if last.is_empty() => last.push_str(piece),
                Some(last) if n == 0 && last.len() + 1 + piece.len() <= width => {
                    last.push(' ');
                    last.push_str(piece);
                }
                _ => lines.push(piece.to_owned()),
            }
        }
    }
    lines
}

/// A word that is too long for a line, in parts; callers pass ASCII, so every index is a boundary.
fn pieces(word: &str, width: usize) -> impl Iterator<Item = &str> {
    (0..word.len()).step_by(width).filter_map(move |at| word.get(at..word.len().min(at + width)))
}

/// Joins items with `; `, starting a new line where an item does not fit whole on the current one.
pub(super) fn flow(items: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let item = if n + 1 < items.len() { format!("{item};") } else { item.clone() };
        match lines.last_mut() {
            Some(last) if last.len() + 1 + item.len() <= width => {
                last.push(' ');
                last.push_str(&item);
            }
            _ => lines.extend(wrap(&item, width)),
        }
    }
    lines
}

/// What a stretch of a finished line means; colour is a function of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Paint {
    /// A heading.
    Strong,
    /// An outcome's word.
    Outcome(Status),
    /// The verdict's word.
    Verdict(Verdict),
}

impl Paint {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Strong => text.bold(),
            Self::Outcome(Status::Pass) => text.green(),
            Self::Outcome(Status::Skip) => text.dimmed(),
            Self::Outcome(Status::Unknown) => text.cyan(),
            Self::Outcome(Status::Warn) => text.yellow(),
            Self::Verdict(Verdict::Healthy) => text.green().bold(),
            Self::Verdict(Verdict::Inconclusive) => text.cyan().bold(),
            Self::Verdict(Verdict::Degraded) => text.yellow().bold(),
            Self::Outcome(Status::Fail) | Self::Verdict(Verdict::Unhealthy) => text.red().bold(),
        }
        .to_string()
    }
}

/// From byte, to byte, meaning.
type Stretch = (usize, usize, Paint);

/// Finished lines, with at most one painted stretch each.
#[derive(Default)]
pub(super) struct Page {
    lines: Vec<(String, Option<Stretch>)>,
}

impl Page {
    /// Adds a line; trailing blanks are dropped, so that no mailer has to.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.lines.push((text.as_ref().trim_end().to_owned(), None));
    }

    /// Adds a line whose first occurrence of `word` is painted.
    pub(super) fn painted(&mut self, text: impl AsRef<str>, word: &str, paint: Paint) {
        let text = text.as_ref().trim_end().to_owned();
        let stretch = text.find(word).map(|at| (at, at + word.len(), paint));
        self.lines.push((text, stretch));
    }

    /// Adds lines under a label: the label before the first, blanks before the others.
    pub(super) fn hanging(&mut self, label: &str, indent: usize, lines: impl IntoIterator<Item = String>) {
        let mut head = format!("{label:indent$}");
        for line in lines {
            self.line(format!("{head}{line}"));
            head = " ".repeat(indent);
        }
    }

    /// The text without colour, a newline after each line.
    pub(super) fn plain(&self) -> String {
        self.lines.iter().flat_map(|(text, _)| [text.as_str(), "\n"]).collect()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The text, coloured if asked.
    pub(super) fn finish(self, colour: bool) -> String {
        if !colour {
            return self.plain();
        }
        let mut out = String::new();
        for (text, stretch) in self.lines {
            match stretch {
                Some((from, to, paint)) => {
                    out.push_str(&text[..from]);
                    out.push_str(&paint.apply(&text[from..to]));
                    out.push_str(&text[to..]);
                }
                None => out.push_str(&text),
            }
            out.push('\n');
        }
        out
    }
}

/// A heading.
pub(super) fn heading(page: &mut Page, text: &str) {
    page.painted(text, text, Paint::Strong);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_ascii_and_keeps_its_meaning() {
        assert_eq!(ascii("\u{b1}5 s \u{2192} K\u{f6}ln\u{1b}[2J\u{202e}"), "+/-5 s -> K?ln[2J");
        assert!(ascii(&"\u{1f600}".repeat(5000)).len() <= LONGEST);
    }

    #[test]
    fn lines_never_exceed_the_width() {
        for width in [1, 7, 20] {
            let lines = wrap("one two-three-four-five-six seven", width);
            assert!(lines.iter().all(|line| line.len() <= width), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), "onetwo-three-four-five-sixseven");
        }
    }

    #[test]
    fn an_item_that_does_not_fit_starts_its_own_line() {
        let items = ["aaa".to_owned(), "bbb".to_owned(), "cccccc dd".to_owned()];
        assert_eq!(flow(&items, 10), ["aaa; bbb;", "cccccc dd"]);
    }
}
