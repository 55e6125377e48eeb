//! The end line of a pasted report and its check: notices a cut or edited paste, proves nothing more.
//!
//! The sum is the CRC-32 (IEEE 802.3) of the text from the first line up to the end line's own `sum`,
//! with white space and `>` left out: quoting, re-wrapping and CRLF change nothing, a digit does.

use crate::model::text::is_shown;

/// The end line over finished plain text.
pub(super) fn end_line(id: &str, checks: usize, lines: usize, text: &str) -> String {
    let end = format!("-- end of {id}: {checks} checks, {lines} lines,");
    format!("{end} sum {} --", sum(&format!("{text}{end}")))
}

/// The sum as it is printed: `7F8C-C6B0`.
pub fn sum(text: &str) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '>') {
        hasher.update(word.as_bytes());
    }
    let sum = hasher.finalize();
    format!("{:04X}-{:04X}", sum >> 16, sum & 0xffff)
}

/// Why a pasted report does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No first line, `connector-doctor 0.1.0 ...`, before the end line.
    NoBeginning,
    /// No end line: cut, or not a report.
    NoEnd,
    /// Both are there, and the text between them is not what was written.
    Changed,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoBeginning => "the report's first line, \"connector-doctor ...\", is missing",
            Self::NoEnd => "the report's end line, \"-- end of CDR-...\", is missing: it was cut",
            Self::Changed => "the text does not match the sum of its end line: it was edited or cut",
        })
    }
}

/// Checks a paste (text around it, quote marks, re-wrapped lines, colour codes survive); gives the report's id.
///
/// # Errors
/// [`Broken`] when it is not what was written.
pub fn verify(paste: &str) -> Result<String, Broken> {
    let lines: Vec<String> = paste.lines().map(unquoted).collect();
    let end = lines.iter().rposition(|line| line.starts_with("-- end of CDR-")).ok_or(Broken::NoEnd)?;
    // A mailer may have wrapped the end line itself.
    let tail = lines[end..].iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    let (end_line, claimed) = tail.split_once(" sum ").ok_or(Broken::NoEnd)?;
    let claimed = claimed.split_ascii_whitespace().next().unwrap_or_default();
    let id = end_line.trim_start_matches("-- end of ").split(':').next().unwrap_or_default();
    let mut why = Broken::NoBeginning;
    // What was observed may look like a first line, too; the sum knows the right one.
    for (begin, _) in lines[..end].iter().enumerate().rev().filter(|(_, line)| is_first(line)).take(32) {
        if sum(&format!("{}\n{end_line}", lines[begin..end].join("\n"))) == claimed {
            return Ok(id.to_owned());
        }
        why = Broken::Changed;
    }
    Err(why)
}

fn is_first(line: &str) -> bool {
    line.strip_prefix("connector-doctor ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A line without quote marks, without the colour codes that our own report has (`ESC [ ... m`), and without what
/// mailers and web forms add: blanks of other widths, characters of no width.
pub(super) fn unquoted(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once('m').map_or(part, |(_, text)| text));
    }
    let shown = out.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| is_shown(*c));
    shown.collect::<String>().trim_start_matches([' ', '>']).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> String {
        let body =
            "connector-doctor 0.1.0  x   report CDR-AAAA-BBBB\nresult   HEALTHY   2 pass -> x\n\nmore\n";
        format!("{body}{}\n", end_line("CDR-AAAA-BBBB", 2, 4, body))
    }

    #[test]
    fn a_paste_survives_quoting_wrapping_and_a_ticket_around_it() {
        let id = Ok("CDR-AAAA-BBBB".to_owned());
        assert_eq!(verify(&sealed()), id);
        assert_eq!(verify(&sealed().replace('\n', "  \r\n")), id);
        let quoted = sealed().replace('\n', "\n> > ");
        assert_eq!(verify(&format!("Hello,\nour connector-doctor says:\n> > {quoted}\n-- \nBob")), id);
        assert_eq!(verify(&sealed().replace("2 pass", "2\npass").replace(", sum", ",\nsum")), id);
        assert_eq!(verify(&sealed().replace("HEALTHY", "\u{1b}[1;31mHEALTHY\u{1b}[0m")), id);
    }

    #[test]
    fn a_changed_digit_a_cut_and_other_text_are_noticed() {
        assert_eq!(verify(&sealed().replace("2 pass", "3 pass")), Err(Broken::Changed));
        assert_eq!(verify(&sealed().replace("more\n", "")), Err(Broken::Changed));
        assert_eq!(verify(&sealed().replace("2 checks", "9 checks")), Err(Broken::Changed));
        let (head, tail) = sealed().split_once("result").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(verify(&head), Err(Broken::NoEnd));
        assert_eq!(verify(&tail), Err(Broken::NoBeginning));
        assert_eq!(verify(""), Err(Broken::NoEnd));
        assert_eq!(verify("-- end of CDR-"), Err(Broken::NoEnd));
    }
}
