//! Every format against golden files, and the promises that hold for any report at all.
//! `UPDATE_GOLDEN=1 cargo test --test render golden` writes the golden files anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own samples has failed")]

#[path = "render/agree.rs"]
mod agree;
#[path = "render/browser.rs"]
mod browser;
#[path = "../src/render/filled.rs"]
mod filled;
#[path = "render/goldens.rs"]
mod goldens;
#[path = "render/hostile.rs"]
mod hostile;
#[path = "render/readers.rs"]
mod readers;
#[path = "render/reports.rs"]
mod reports;

use connector_doctor::model::report::Report;
use connector_doctor::render::redact::Level;
use connector_doctor::render::{self, FORMATS, Style, human, seal};

fn styles() -> Vec<Style> {
    [40, 60, 80, 120]
        .into_iter()
        .flat_map(|width| [0, 2].map(|verbose| Style { width, verbose, ..Style::default() }))
        .collect()
}

/// Every sample with its name, the one full of secrets included.
fn samples() -> Vec<(&'static str, Report)> {
    reports::all().into_iter().chain([("canaries", reports::canaries())]).collect()
}

/// Whether a line is a command and nothing else, a label aside: these are never broken.
fn is_command(report: &Report, line: &str) -> bool {
    let printed =
        |text: &str| text.bytes().map(|b| if (b' '..=b'~').contains(&b) { b as char } else { '?' }).collect();
    let commands = report.causes.iter().flat_map(|cause| {
        let own = cause.remedies.iter().flat_map(|remedy| &remedy.commands);
        own.chain([&cause.verify]).cloned().chain([format!("connector-doctor explain {}", cause.code)])
    });
    let untested = report.not_tested.iter().map(|row| row.command.clone());
    let strange = report.id == reports::hostile().id;
    strange || commands.chain(untested).any(|command| line.ends_with(&printed(&command) as &String))
}

/// Every command of every remedy on every system, at any width: what is copied from the screen is what the JSON has,
/// and a shell takes it.
#[test]
fn every_command_is_read_back_from_the_screen() {
    use connector_doctor::diagnosis::{self, Evidence, remedy};
    use connector_doctor::model::witness::Witnesses;
    let witnesses = Witnesses::default();
    let mut sample = reports::clock_skew();
    sample.causes.truncate(1);
    let mut seen = std::collections::BTreeSet::new();
    for (label, host) in remedy::systems() {
        let evidence = Evidence { findings: &[], witnesses: &witnesses, host: &host };
        for cause in diagnosis::all() {
            let remedies = (cause.remedies)(&evidence);
            let commands: Vec<String> = remedies.iter().flat_map(|r| r.commands.clone()).collect();
            let new = commands.iter().any(|command| !seen.contains(command));
            if !new {
                continue;
            }
            sample.causes[0].remedies = remedies;
            sample.causes[0].verify = cause.verify.to_owned();
            for width in (40..=240).step_by(20).chain([41, 79]) {
                let text = human::render(&sample, &Style { width, ..Style::default() });
                let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
                for command in &commands {
                    assert!(
                        lines.iter().any(|line| line == command
                            || line.strip_prefix("do").is_some_and(|l| l.trim_start() == command)),
                        "{} on {label} at {width}: {command}\n{text}",
                        cause.code
                    );
                }
                let told = sample.causes[0].remedies.iter().flat_map(|r| r.action.split_whitespace());
                let words: std::collections::BTreeSet<&str> = text.split_whitespace().collect();
                for word in told.filter(|word| word.len() < 24) {
                    assert!(words.contains(word), "{} on {label} at {width}: {word:?} is gone", cause.code);
                }
            }
            seen.extend(commands);
        }
    }
    assert!(seen.len() > 60, "only {} commands", seen.len());
    for command in seen {
        let output = std::process::Command::new("sh").args(["-n", "-c", &command]).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn human_reports_are_ascii_within_their_width_and_repeatable() {
    for (name, report) in reports::all() {
        for style in styles() {
            let text = human::render(&report, &style);
            assert!(text.bytes().all(|b| b == b'\n' || (b' '..=b'~').contains(&b)), "{name}");
            for line in text.lines() {
                let fits = line.len() <= style.width || is_command(&report, line);
                assert!(fits, "{name} at {}: {line}", style.width);
                assert_eq!(line, line.trim_end(), "{name}");
            }
            assert_eq!(text, human::render(&report, &style), "{name}");
        }
    }
}

#[test]
fn an_ordinary_report_fits_a_ticket() {
    for (name, report) in reports::all().into_iter().filter(|(_, report)| report.causes.len() < 2) {
        let text = human::fenced(&report, &Style::default(), "");
        assert!(text.len() < 4096, "{name}: {} bytes", text.len());
        assert!(text.lines().count() <= 60, "{name}: {} lines", text.lines().count());
        let second = text.lines().nth(2).unwrap();
        assert!(
            second.starts_with("result") && second.contains(&report.verdict.word().to_uppercase()),
            "{second}"
        );
    }
}

#[test]
fn the_end_line_verifies_and_any_changed_character_is_noticed() {
    for (name, report) in reports::all() {
        for style in styles() {
            let text = human::render(&report, &style);
            if name == "hostile" {
                // Its version is no version, so the first line is none; it must not pass for another's.
                assert_eq!(seal::verify(&text), Err(seal::Broken::NoBeginning));
            } else {
                assert_eq!(seal::verify(&text), Ok(report.id.clone()), "{name} at {}", style.width);
            }
        }
    }
    let text = human::render(&reports::clock_skew(), &Style::default());
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        let mut changed = text.clone();
        changed.replace_range(at..=at, if c == '7' { "8" } else { "7" });
        assert!(seal::verify(&changed) != Ok("CDR-M8VT-2Z6H".into()), "a change at byte {at} goes unnoticed");
    }
}

#[test]
fn no_text_closes_the_fence() {
    let text = human::fenced(&reports::hostile(), &Style { width: 40, ..Style::default() }, "");
    let fence = text.lines().last().unwrap();
    assert_eq!(fence, "````");
    assert_eq!(text.matches(fence).count(), 2);
    assert!(text.starts_with("````text\n"));
}

#[test]
fn colour_changes_nothing_but_colour() {
    colored::control::set_override(true);
    for (name, report) in reports::all() {
        let plain = human::render(&report, &Style::default());
        let coloured = human::render(&report, &Style { colour: true, ..Style::default() });
        assert!(coloured.contains("\u{1b}["), "{name}");
        let mut stripped = String::new();
        for (n, part) in coloured.split("\u{1b}[").enumerate() {
            stripped.push_str(if n == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(stripped, plain, "{name}");
    }
}

#[test]
fn long_lists_are_folded_with_a_count() {
    let report = reports::huge();
    let text = human::render(&report, &Style { verbose: 1, ..Style::default() });
    assert!(text.contains("and 56 more"), "{text}");
    assert!(text.contains("503 of 503 servers"), "{text}");
    assert!(text.lines().count() < 120, "{text}");
}

#[test]
fn json_is_the_report_itself() {
    for (name, report) in reports::all() {
        let json = render::json::render(&report, &Style::default());
        let back: Report = serde_json::from_str(&json).unwrap();
        assert!(back == report, "{name}");
    }
}

#[test]
fn formats_have_names_of_their_own_and_end_in_a_newline() {
    for (n, format) in FORMATS.iter().enumerate() {
        assert!(FORMATS[..n].iter().all(|other| other.name != format.name), "{}", format.name);
        assert!(render::format(format.name).is_some());
        for (name, report) in reports::all() {
            let text = (format.render)(&report, &Style::default());
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{} {name}", format.name);
        }
    }
    assert!(render::format("yaml").is_none());
}

fn redacted(report: &Report, level: Level) -> Report {
    render::redact::redact(report, level).unwrap()
}

#[test]
fn no_canary_survives_in_any_format() {
    let report = reports::canaries();
    let verbose = Style { verbose: 2, ..Style::default() };
    for format in FORMATS {
        let text = |level| (format.render)(&redacted(&report, level), &verbose).to_ascii_lowercase();
        let (open, default, strict) = (text(Level::None), text(Level::Default), text(Level::Strict));
        for canary in reports::CANARIES_DEFAULT {
            assert!(
                !default.contains(canary),
                "{}: {canary} at default: {}",
                format.name,
                around(&default, canary)
            );
        }
        for canary in reports::CANARIES_DEFAULT.iter().chain(reports::CANARIES_STRICT) {
            assert!(
                !strict.contains(canary),
                "{}: {canary} at strict: {}",
                format.name,
                around(&strict, canary)
            );
        }
        // Canaries that are nowhere to begin with would prove nothing.
        if format.name == "json" {
            for canary in reports::CANARIES_DEFAULT.iter().chain(reports::CANARIES_STRICT) {
                assert!(open.contains(canary), "{canary}");
            }
            for canary in reports::CANARIES_STRICT {
                assert!(default.contains(canary), "{canary} is hidden too early");
            }
        }
    }
}

fn around(text: &str, what: &str) -> String {
    let at = text.find(what).unwrap_or(0);
    text.chars().skip(at.saturating_sub(60)).take(160).collect()
}

#[test]
fn redaction_keeps_relations_and_outcomes_and_can_be_read_back() {
    for (name, report) in reports::all().into_iter().chain([("canaries", reports::canaries())]) {
        for (word, level) in Level::ALL {
            let hidden = redacted(&report, level);
            assert_eq!(hidden.redaction, word, "{name}");
            assert_eq!(hidden.verdict, report.verdict);
            let outcomes =
                |report: &Report| report.checks.iter().map(|check| check.outcome).collect::<Vec<_>>();
            assert_eq!(outcomes(&hidden), outcomes(&report), "{name}");
            // Redacting twice, and less the second time, changes nothing; saving and loading neither.
            let again = redacted(&hidden, Level::Default.min(level));
            assert!(again == hidden || name == "hostile", "{name} at {word}: redacting twice changes it");
            let json = render::json::render(&hidden, &Style::default());
            assert!(render::redact::load(&json).unwrap() == hidden, "{name} at {word}: lost in saving");
        }
    }
    let hidden = redacted(&reports::canaries(), Level::Default);
    assert_eq!(hidden.facts.run.network.as_deref(), Some("[network-1]"));
    assert_eq!(hidden.connector_details.hostname.as_deref(), Some("[host-1]"));
    let summary = &hidden.checks[0].summary;
    assert!(summary.contains("https://[network-1].twingate.com:443/ saw [pub4-1]:41552"), "{summary}");
    // From default to strict: known labels keep their numbers.
    let stricter = redacted(&hidden, Level::Strict);
    assert_eq!(stricter.connector_details.public_ips, hidden.connector_details.public_ips);
    assert!(human::render(&stricter, &Style::default()).contains("[priv4-1] [if-1]"));
}

#[test]
fn nagios_gets_one_line_with_one_bar() {
    for (name, report) in samples().into_iter().chain([("huge", reports::huge())]) {
        let text = render::nagios::render(&report, &Style::default());
        assert_eq!((text.lines().count(), text.matches('|').count()), (1, 1), "{name}: {text}");
        assert!(text.is_ascii() && text.len() <= 4096, "{name}");
    }
    let offset = "'time_offset'=-7.003s;-3:3;-5:5 ";
    assert!(render::nagios::render(&reports::clock_skew(), &Style::default()).contains(offset));
}

#[test]
fn github_commands_are_ours_alone_and_at_most_ten_of_a_level() {
    let mut many = reports::symmetric();
    many.causes = vec![many.causes[0].clone(); 25];
    for (name, report) in samples().into_iter().chain([("many", many)]) {
        let text = render::github::render(&report, &Style::default());
        let lines: Vec<&str> = text.lines().collect();
        for level in ["error", "warning", "notice"] {
            let start = format!("::{level} title=connector-doctor");
            assert!(lines.iter().filter(|line| line.starts_with(&start)).count() <= 10, "{name}");
        }
        let (last, commands) = lines.split_last().unwrap();
        assert!(last.starts_with("connector-doctor: "), "{name}: {last}");
        for command in commands {
            let level = command.strip_prefix("::").unwrap().split_once(" title=connector-doctor").unwrap().0;
            assert!(["error", "warning", "notice"].contains(&level), "{name}: {command}");
        }
    }
}

#[test]
fn a_difference_is_sorted_into_fixed_new_and_still_failing() {
    let (healthy, skewed, blocked) = (reports::healthy(), reports::clock_skew(), reports::udp_blocked());
    let worse = render::diff::diff(&healthy, &skewed);
    assert!(worse.worse && worse.appeared.len() == 2 && worse.fixed.is_empty());
    let better = render::diff::diff(&skewed, &healthy);
    assert!(!better.worse && better.fixed.len() == 2 && better.appeared.is_empty());
    // Another failure in place of the first is worse, whatever the verdicts are.
    let mut other = render::diff::diff(&skewed, &blocked);
    assert!(other.worse && other.old.verdict == other.new.verdict);
    assert_eq!(other.addresses.len(), 1);
    assert_eq!(other.addresses[0].gone, ["198.51.100.200"]);
    // A figure moves beyond its noise, not within it.
    let mut later = skewed.clone();
    let offset = later.checks.iter_mut().find(|check| check.id == "clock.offset").unwrap();
    offset.measurements.insert("offset_s".into(), -7.003);
    offset.measurements.insert("error_s".into(), 0.012);
    let moved = render::diff::diff(&skewed, &later).moved;
    assert!(moved.len() == 1 && moved[0].measurement == "offset_s", "{moved:?}");
    // A check that is not tested any more is not fixed.
    let mut narrowed = skewed.clone();
    narrowed.checks.retain(|check| check.id != "clock.offset");
    let less = render::diff::diff(&skewed, &narrowed);
    assert!(less.fixed.is_empty() && less.changed.len() == 1, "{less:?}");
    let same = render::diff::diff(&skewed, &skewed);
    assert!(!same.worse && same.still.len() == 2 && same.moved.is_empty() && same.addresses.is_empty());
    other = render::diff::diff(&redacted(&skewed, Level::Default), &blocked);
    assert!(other.addresses.is_empty() && other.addresses_skipped.is_some());
    // Labels are compared as they stand, and no address is made of them.
    let hidden = |report| redacted(report, Level::Default);
    let by_label = render::diff::diff(&hidden(&skewed), &hidden(&blocked));
    let text = render::diff::render(&by_label, &Style::default());
    assert_eq!(by_label.addresses[0].gone, ["[pub4-1]"], "{text}");
    assert!(!text.contains("254.254.") && !text.contains("198.51.100."), "{text}");
    // Causes come first.
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(at("CAUSES GONE") < at("CAUSES NEW") && at("CAUSES NEW") < at("FIXED"), "{text}");
    assert!(text.contains("clock-skew: ") && text.contains("udp-blocked: "), "{text}");
}

#[test]
fn a_difference_is_ascii_within_its_width() {
    for (name, old) in samples() {
        for (_, new) in samples() {
            for style in styles() {
                let text = render::diff::render(&render::diff::diff(&old, &new), &style);
                assert!(
                    text.lines().all(|line| line.len() <= style.width && line.is_ascii()),
                    "{name}: {text}"
                );
            }
        }
    }
}
