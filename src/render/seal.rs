//! The end line of a pasted report and its check: notices a cut or edited paste, proves nothing more.
//!
//! The sum is the CRC-32 (IEEE 802.3) of the text from the first line up to the end line's own `sum`, without what
//! mailers and forms change (white space, `>`, entities, typographic marks): a digit changes it, quoting does not.

use crate::model::text::{count, is_shown};

/// The end line over finished plain text.
pub(super) fn end_line(id: &str, checks: usize, lines: usize, text: &str) -> String {
    let end = format!("-- end of {id}: {}, {},", count(checks, "check"), count(lines, "line"));
    format!("{end} sum {} --", sum(&format!("{text}{end}")))
}

/// The sum as it is printed: `7F8C-C6B0`.
pub fn sum(text: &str) -> String {
    let mut hasher = crc32fast::Hasher::new();
    let mut last = ' ';
    for c in plain(text).chars().filter(|c| !c.is_whitespace() && *c != '>') {
        // How many dashes a mailer makes of two is not ours to say.
        if c != '-' || last != '-' {
            hasher.update(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        last = c;
    }
    let sum = hasher.finalize();
    format!("{:04X}-{:04X}", sum >> 16, sum & 0xffff)
}

/// Text without what mailers, word processors and web forms make of ASCII: entities, typographic marks.
fn plain(text: &str) -> String {
    const ENTITIES: [(&str, &str); 8] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let entity = ENTITIES.iter().find(|(name, _)| c == '&' && rest.starts_with(name));
        let (taken, said) = match (entity, c) {
            (Some((name, said)), _) => (name.len(), *said),
            (_, '\u{2018}'..='\u{201b}' | '\u{2032}') => (c.len_utf8(), "'"),
            (_, '\u{201c}'..='\u{201f}' | '\u{2033}') => (c.len_utf8(), "\""),
            (_, '\u{2010}' | '\u{2011}' | '\u{2212}') => (c.len_utf8(), "-"),
            (_, '\u{2012}'..='\u{2015}') => (c.len_utf8(), "--"),
            (_, '\u{2026}') => (c.len_utf8(), "..."),
            (_, '\u{2192}') => (c.len_utf8(), "->"),
            _ => (c.len_utf8(), &rest[..c.len_utf8()]),
        };
        out.push_str(said);
        rest = &rest[taken..];
    }
    out
}

/// The parts of a text that hold one pasted report each, what stands around it included; the whole where there is none.
pub fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut sealed) = (vec![String::new()], false);
    for line in text.lines() {
        let shown = unquoted(line);
        if sealed && is_first(&shown) {
            parts.push(String::new());
            sealed = false;
        }
        sealed |= shown.starts_with(END);
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// What an end line begins with.
const END: &str = "-- end of CDR-";

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
    let end = lines.iter().rposition(|line| line.starts_with(END)).ok_or(Broken::NoEnd)?;
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
    let out = plain(&out);
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
        // A word processor's, a web form's, and the two after each other.
        let marks = sealed().replace("--", "\u{2014}").replace("->", "\u{2192}").replace('\'', "\u{2019}");
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        for text in [
            marks.clone(),
            marks.replace('\u{2014}', "\u{2013}"),
            escaped(&sealed()),
            escaped(&escaped(&marks)),
        ] {
            assert_eq!(verify(&text), id, "{text}");
        }
    }

    #[test]
    fn two_pastes_in_one_text_are_two() {
        let two = format!(
            "First:\n{}\nthen:\n> {}",
            sealed(),
            sealed().replace("2 pass", "3 pass").replace('\n', "\n> ")
        );
        let told: Vec<_> = parts(&two).iter().map(|part| verify(part)).collect();
        assert_eq!(told, [Ok("CDR-AAAA-BBBB".to_owned()), Err(Broken::Changed)]);
        assert_eq!(parts("hello\n"), ["hello\n"]);
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
