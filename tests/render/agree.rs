//! Every format says the same of a report: its verdict, outcomes, causes and what was accepted; and redaction hides
//! secrets alone. Golden files show how it looks; here is what holds for any report.

use connector_doctor::model::finding::Status;
use connector_doctor::model::report::{Report, Severity, Verdict};
use connector_doctor::render::redact::Level;
use connector_doctor::render::{self, FORMATS, Style};

use super::{redacted, reports, samples};

/// The samples whose ids and codes are ours, at every level.
fn ordinary() -> impl Iterator<Item = (String, Report)> {
    let at_levels = |(name, report): (&'static str, Report)| {
        Level::ALL.map(|(word, level)| (format!("{name} {word}"), redacted(&report, level)))
    };
    samples().into_iter().filter(|(name, _)| *name != "hostile").flat_map(at_levels)
}

/// A report in a format as one line of words, however it was wrapped, quoted or boxed.
fn words(report: &Report, format: &str) -> String {
    let text = (render::format(format).unwrap().render)(report, &Style::default());
    text.split(|c: char| c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_format_tells_the_verdict() {
    for (name, report) in ordinary() {
        let (word, heading, state) = match report.verdict {
            Verdict::Healthy => ("healthy", "Healthy", "CONNECTOR OK - "),
            Verdict::Degraded => ("degraded", "Degraded", "CONNECTOR WARNING - "),
            Verdict::Unhealthy => ("unhealthy", "Unhealthy", "CONNECTOR CRITICAL - "),
            Verdict::Inconclusive => ("inconclusive", "Inconclusive", "CONNECTOR UNKNOWN - "),
        };
        let loud = word.to_uppercase();
        for (format, begins) in [
            ("human", format!("result {loud} ")),
            ("json", format!("\"verdict\": \"{word}\",")),
            ("markdown", format!("# connector-doctor: {loud} ")),
            ("junit", format!("<property name=\"verdict\" value=\"{word}\"/>")),
            ("nagios", format!("{state}{word}")),
            ("prometheus", format!("connector_doctor_verdict{{verdict=\"{word}\"}} 1 ")),
            ("github", format!("connector-doctor: {word}, ")),
            ("html", format!("<h1>{heading}</h1>")),
        ] {
            let text = words(&report, format);
            assert!(text.contains(&begins), "{name} {format}: {begins:?} not in {text}");
        }
        // A state set has one state.
        let metrics = words(&report, "prometheus");
        let sets = metrics.split("connector_doctor_verdict{").skip(1);
        assert_eq!(sets.filter(|set| set.split(' ').nth(1) == Some("1")).count(), 1, "{name}");
    }
}

#[test]
fn every_format_tells_each_outcome() {
    for (name, report) in ordinary() {
        let of = |status| report.checks.iter().filter(|check| check.outcome == status).count();
        let nagios = words(&report, "nagios");
        for status in Status::ALL {
            let word = status.word();
            assert!(nagios.contains(&format!("'{word}'={};;;0", of(status))), "{name}: {nagios}");
        }
        let metrics = words(&report, "prometheus");
        for check in &report.checks {
            let (id, word) = (&check.id, check.outcome.word());
            for status in Status::ALL {
                let is = u8::from(status == check.outcome);
                let sample = format!("{{check=\"{id}\",outcome=\"{}\"}} {is} ", status.word());
                assert!(metrics.contains(&sample), "{name}: {sample}");
            }
            let accepted = metrics.contains(&format!("check_allowed{{check=\"{id}\"}} 1 "));
            assert_eq!(accepted, check.counted() != check.outcome, "{name}: {id}");
            let bold = matches!(check.counted(), Status::Fail | Status::Warn);
            let row = if bold { format!("| **{word}** | `{id}` |") } else { format!("| {word} | `{id}` |") };
            assert!(words(&report, "markdown").contains(&row), "{name}: {row}");
            assert!(words(&report, "junit").contains(&format!("<testcase name=\"{id}\"")), "{name}: {id}");
            assert!(words(&report, "html").contains(id.as_str()), "{name}: {id}");
        }
    }
}

#[test]
fn a_workflow_is_told_what_no_cause_explains() {
    for (name, report) in ordinary() {
        let text = words(&report, "github");
        for check in report.checks.iter().filter(|check| check.caused_by.is_none()) {
            let level = match check.outcome {
                Status::Fail => Some("error"),
                Status::Warn => Some("warning"),
                Status::Unknown => Some("notice"),
                Status::Skip | Status::Pass => None,
            };
            let told = ["error", "warning", "notice"]
                .into_iter()
                .find(|level| text.contains(&format!("::{level} title=connector-doctor {}::", check.id)));
            assert_eq!(told, level, "{name}: {} in {text}", check.id);
        }
    }
}

#[test]
fn every_format_tells_each_cause() {
    for (name, report) in ordinary() {
        for (n, cause) in report.causes.iter().enumerate() {
            for format in ["human", "json", "markdown", "prometheus", "github", "html"] {
                assert!(words(&report, format).contains(&cause.code), "{name} {format}: {}", cause.code);
            }
            let level = match cause.severity {
                Severity::Critical => "error",
                Severity::Warning => "warning",
                Severity::Notice => "notice",
            };
            let start = format!("::{level} title=connector-doctor {}::", cause.code);
            assert!(words(&report, "github").contains(&start), "{name}: {start}");
            // One line has room for the first alone.
            let first = report.causes.iter().position(|cause| cause.severity > Severity::Notice) == Some(n);
            assert_eq!(words(&report, "nagios").contains(&format!(": {}: ", cause.code)), first, "{name}");
            // A test case names the causes of failures with what to do.
            if report
                .checks
                .iter()
                .any(|check| check.caused_by.as_ref() == Some(&cause.code) && check.counted() == Status::Fail)
            {
                let failure = format!("type=\"{}\"", cause.code);
                assert!(words(&report, "junit").contains(&failure), "{name}: {failure}");
            }
        }
    }
}

#[test]
fn what_was_accepted_is_told_with_its_reason() {
    let report = reports::allowed();
    assert!(report.checks.iter().filter(|check| check.allowed.is_some()).count() == 2);
    for format in ["human", "markdown", "junit", "github", "html"] {
        let text = words(&report, format).replace("\\-", "-");
        for told in [
            "allowed: relays suffice ",
            "allowed until 2026-10-31, which is over: until the carrier gives us",
        ] {
            assert!(text.contains(told), "{format}: {told:?} not in {text}");
        }
    }
    for format in ["human", "markdown", "nagios", "github"] {
        let text = words(&report, format);
        assert!(text.contains("2 warn (1 allowed)"), "{format}: {text}");
    }
}

#[test]
fn details_that_are_not_known_are_no_figures() {
    let report = reports::unknown();
    for (format, never) in [
        ("nagios", &["time_offset", "uptime", "downtime"][..]),
        ("prometheus", &["time_offset_", "uptime_", "downtime_", "stun_discovery_available"]),
    ] {
        let text = words(&report, format);
        for name in never {
            assert!(!text.contains(name), "{format}: {name} in {text}");
        }
    }
    let known = words(&reports::udp_blocked(), "prometheus");
    assert!(known.contains("connector_doctor_stun_discovery_available 0 "), "{known}");
    assert!(known.contains("connector_doctor_time_offset_seconds 0.4 "), "{known}");
}

/// Where a label such as `[pub4-1]` stands, split off the text around it.
fn around_labels(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((start, end)) = rest.char_indices().filter(|(_, c)| *c == '[').find_map(|(start, _)| {
        let end = start + rest[start..].find(']')?;
        let (word, number) = rest[start + 1..end].rsplit_once('-')?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let label = !word.is_empty() && word.chars().all(plain) && number.parse::<u32>().is_ok();
        label.then_some((start, end + 1))
    }) {
        parts.push(&rest[..start]);
        rest = &rest[end..];
    }
    parts.push(rest);
    parts
}

#[test]
fn redaction_hides_secrets_and_nothing_beside_them() {
    let report = reports::canaries();
    let open = serde_json::to_value(&report).unwrap();
    for (level, secrets) in [
        (Level::Default, reports::CANARIES_DEFAULT.to_vec()),
        (Level::Strict, [reports::CANARIES_DEFAULT, reports::CANARIES_STRICT].concat()),
    ] {
        let hidden = serde_json::to_value(redacted(&report, level)).unwrap();
        let mut labels = 0;
        for part in ["checks", "causes"] {
            for (before, after) in strings(&open[part]).into_iter().zip(strings(&hidden[part])) {
                let mut rest = before;
                let parts = around_labels(after);
                for (n, kept) in parts.iter().enumerate() {
                    let end = rest.strip_suffix(kept).map(str::len);
                    let at = if n + 1 == parts.len() { end } else { rest.find(kept) };
                    let at = at.unwrap_or_else(|| panic!("{kept:?} of {after:?} not in {before:?}"));
                    // A MAC address stands in two spellings.
                    let secret =
                        rest[..at].to_ascii_lowercase().replace("52-54-00-12-34-56", "52:54:00:12:34:56");
                    assert!(n > 0 || at == 0, "{after:?} begins otherwise than {before:?}");
                    if n > 0 {
                        labels += 1;
                        let known =
                            !secret.contains(' ') && secrets.iter().any(|known| secret.contains(known));
                        assert!(known, "{level:?} hides {secret:?} of {before:?}: {after:?}");
                    }
                    rest = &rest[at + kept.len()..];
                }
                assert_eq!(rest, "", "{after:?} ends before {before:?}");
            }
        }
        assert!(labels > 20, "{level:?}: {labels} labels");
    }
}

/// Every string in a value, in order; keys are not.
fn strings(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(list) => list.iter().flat_map(strings).collect(),
        serde_json::Value::Object(map) => map.values().flat_map(strings).collect(),
        _ => vec![],
    }
}

#[test]
fn labels_are_told_apart_from_other_brackets() {
    assert_eq!(around_labels("a [pub4-1]:9 [::1] [x] b[host-12]"), ["a ", ":9 [::1] [x] b", ""]);
    assert_eq!(FORMATS.len(), 8, "say of a new format what it must tell");
}
