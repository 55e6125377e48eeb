//! Hostile text in every string of a report, whichever fact it stands in: no format may break, in any way.

use connector_doctor::model::report::Report;
use connector_doctor::model::text::is_shown;
use connector_doctor::render::redact::{Level, load};
use connector_doctor::render::{FORMATS, Style, human, schema, seal};
use serde_json::json;

use super::{filled, redacted};

/// What breaks formats: steering and turning characters, markup, ends of sections, commands, fences, escapes.
const TEXT: &str = "\u{1b}[2J\u{1b}]0;x\u{7}<script>alert(1)</script><img src=x onerror=alert(1)>]]>--><!--\
                    ::error::x|a`b\"c'd&e\n\r\n::error title=x::y\n```\n````\n# HELP connector_doctor_x\\{a=\"\
                    \u{202e}gpj\u{2066}\u{200f}\u{200b}\u{feff}\u{fffd}\u{9b}31m%0A \u{e9}\u{1f600}\u{0}\t-- end of CDR-AAAA-BBBB: 1 connector-doctor 9 ";

/// Strings that are read as an address with a port; the schema calls them strings.
const ENDPOINTS: &[&str] = &[
    "address",
    "from",
    "local",
    "mapped",
    "mapped_plain",
    "other_address",
    "peer",
    "resolver",
    "relays",
    "resolver",
    "response_origin",
    "to",
];

/// A report for each form that a fact can take, every string of it hostile and 700 characters long.
pub(crate) fn filled() -> Vec<(&'static str, Report)> {
    const NAMES: [&str; 5] = ["filled 0", "filled 1", "filled 2", "filled 3", "filled 4"];
    let text = TEXT.repeat(3) + &"x".repeat(100);
    let root = serde_json::to_value(schema::schema()).unwrap();
    let string = |of: &serde_json::Value, path: &[String], pick: usize| match path.last().map(String::as_str)
    {
        _ if of.get("format").is_some_and(|format| format == "ip") => {
            ["198.51.100.77", "2001:db8:77::77", "10.77.0.1"][pick % 3].to_owned()
        }
        Some(key) if ENDPOINTS.contains(&key) => {
            ["198.51.100.77:443", "[2001:db8:77::77]:443", "10.77.0.1:443"][pick % 3].to_owned()
        }
        // Ours, and what a paste is known by.
        Some("id") if path.len() == 1 => "CDR-AAAA-BBBB".to_owned(),
        Some("version") if path.first().is_some_and(|top| top == "tool") => "0.1.0".to_owned(),
        Some("name") if path.first().is_some_and(|top| top == "tool") => "connector-doctor".to_owned(),
        Some("redaction") => "none".to_owned(),
        Some("format_version") => "1.0".to_owned(),
        _ => text.clone(),
    };
    let report = |(pick, name)| {
        let value = filled::filled(&root, pick, &text, &string);
        (name, load(&value.to_string()).expect("the schema says what is read"))
    };
    NAMES.into_iter().enumerate().map(report).collect()
}

#[test]
fn every_string_was_reached() {
    for (name, report) in filled() {
        let json = json!(report).to_string();
        let (all, ours) = (json.matches("\"x").count(), json.matches("onerror").count());
        assert!(ours > 300 && all < ours, "{name}: {ours} hostile strings");
    }
}

#[test]
fn no_string_of_a_report_can_break_a_format() {
    for (name, open) in filled() {
        for (word, level) in Level::ALL {
            let report = redacted(&open, level);
            for format in FORMATS {
                for verbose in [0, 2] {
                    let text = (format.render)(&report, &Style { verbose, ..Style::default() });
                    let at = format!("{name} {word} {} -v{verbose}", format.name);
                    let steers = text.chars().find(|c| *c != '\n' && !is_shown(*c));
                    assert_eq!(steers, None, "{at}");
                    holds(format.name, &text, &report, &at);
                }
            }
            let pasted = human::fenced(&report, &Style::default(), "");
            let fence = pasted.lines().last().unwrap();
            assert!(fence.len() > 3 && pasted.matches(fence).count() == 2, "{name} {word}: {fence}");
        }
    }
}

/// What each format must be, whatever stands in it.
fn holds(format: &str, text: &str, report: &Report, at: &str) {
    let mut lines = text.lines();
    match format {
        "human" => {
            // A command stands on one line, however long.
            let command = |line: &str| {
                ["    do", "    verify", "    more", "               "].iter().any(|b| line.starts_with(b))
            };
            let fits = lines.all(|line| line.len() <= 80 || command(line));
            assert!(text.is_ascii() && fits, "{at}: {text}");
            assert_ne!(
                seal::verify(text),
                Err(seal::Broken::Changed),
                "{at}: another's end line was believed"
            );
        }
        "json" => assert!(load(text).unwrap() == *report, "{at}"),
        "nagios" => {
            assert_eq!((lines.count(), text.matches('|').count()), (1, 1), "{at}");
            assert!(text.is_ascii() && text.len() <= 4096, "{at}");
        }
        "prometheus" => {
            let ours = |line: &str| {
                line.trim_start_matches("# HELP ")
                    .trim_start_matches("# TYPE ")
                    .starts_with("connector_doctor_")
            };
            assert!(lines.all(ours) && !text.contains("\n# HELP connector_doctor_x"), "{at}");
        }
        "github" => {
            let ours = |line: &str| {
                ["::error", "::warning", "::notice"]
                    .iter()
                    .any(|level| line.starts_with(&format!("{level} title=connector-doctor")))
            };
            let last = lines.next_back().unwrap();
            assert!(lines.all(ours) && last.starts_with("connector-doctor: "), "{at}: {text}");
        }
        "html" => {
            for tag in ["<img", "<script>alert", "<!--"] {
                assert!(!text.contains(tag), "{at}: {tag}");
            }
            assert_eq!(text.matches("<script").count(), 1, "{at}");
        }
        "junit" => {
            assert!(!text.contains("<script") && !text.contains("<img") && !text.contains("<!--"), "{at}");
        }
        "markdown" => markdown(text, at),
        other => panic!("say what must hold of {other}"),
    }
}

/// Tables keep their columns, fences and code spans are closed, and beyond them nothing is markup.
fn markdown(text: &str, at: &str) {
    let (mut fence, mut columns) = (None::<&str>, 0);
    for line in text.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) => {
                if line == open {
                    fence = None;
                }
                continue;
            }
            // What follows a fence's opening has no ticks (CommonMark 4.5), or it is a code span.
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => {
                fence = Some(line);
                continue;
            }
            None => {}
        }
        let (bars, prose) = spans(line, at);
        if prose.starts_with("| ") {
            columns = if columns == 0 { bars } else { columns };
            assert_eq!(bars, columns, "{at}: {line}");
        } else {
            columns = 0;
        }
        assert!(!prose.contains(['<', '>']), "{at}: markup outside code: {prose}");
    }
    assert_eq!(fence, None, "{at}: a fence is open at the end");
}

/// How many bars divide cells, and the line without its code spans.
fn spans(line: &str, at: &str) -> (usize, String) {
    let (mut bars, mut prose, mut chars, mut open) = (0, String::new(), line.chars().peekable(), 0);
    while let Some(c) = chars.next() {
        match c {
            // In a table an escaped bar is one everywhere; in prose a backslash takes the next character's meaning.
            '\\' if open == 0 || chars.peek() == Some(&'|') => drop(chars.next()),
            '`' => {
                let mut run = 1;
                while chars.next_if_eq(&'`').is_some() {
                    run += 1;
                }
                open = if open == 0 {
                    run
                } else if open == run {
                    0
                } else {
                    open
                };
            }
            '|' => {
                bars += 1;
                prose.push(c);
            }
            _ if open == 0 => prose.push(c),
            _ => {}
        }
    }
    assert_eq!(open, 0, "{at}: a code span is open at the end: {line}");
    (bars, prose)
}
