//! Reports that format 1.0 saved, read and judged by this version: whoever kept one must get the same answer from it.
//!
//! `tests/fixtures/saved/reports-1.0.txt.gz` was written by the last version of format 1.0 and stays as it is: each
//! scenario of the lab, each case of this folder, every fourth of them hidden strictly as well. A judgement that is
//! changed on purpose stands in `since-1.0.txt` beside it; `UPDATE_GOLDEN=1 cargo test --test cases stored` writes it.

use std::fmt::Write as _;
use std::io::Read;

use connector_doctor::model::report::Cause;
use connector_doctor::model::{Policy, Report};
use connector_doctor::pipeline::judge;
use connector_doctor::render::redact::{Level, load, redact};
use connector_doctor::render::{self, Style, diff, json};
use flate2::read::GzDecoder;

/// Every report by its name.
fn stored() -> Vec<(String, Report)> {
    let file = std::fs::File::open(fixture("reports-1.0.txt.gz")).expect("the stored reports");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("whole");
    // A line with the name, then one with the report.
    let lines: Vec<&str> = text.lines().collect();
    let read = |pair: &[&str]| {
        let [name, report] = pair else { panic!("{pair:?}") };
        ((*name).to_owned(), load(report).unwrap_or_else(|why| panic!("{name} is not read: {why}")))
    };
    lines.chunks(2).map(read).collect()
}

fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/saved").join(name)
}

/// As `render` judges a saved report.
fn anew(saved: &Report) -> Report {
    let run = &saved.facts.run;
    let policy = Policy { select: run.select.clone(), skip: run.skip.clone(), allow: run.allow.clone() };
    Report { redaction: saved.redaction.clone(), ..judge(saved.facts.clone(), &policy) }
}

fn causes(report: &Report) -> Vec<String> {
    let told = |cause: &Cause| {
        let (severity, confidence) = (cause.severity.word(), cause.confidence.word());
        format!("{} ({severity}, {confidence})", cause.code)
    };
    report.causes.iter().map(told).collect()
}

/// What this version says otherwise of a report, or nothing.
fn otherwise(then: &Report, now: &Report) -> String {
    let mut out = String::new();
    let mut say = |what: &str, then: String, now: String| {
        if then != now {
            writeln!(out, "    {what}: {then} -> {now}").expect("written");
        }
    };
    say("verdict", then.verdict.word().into(), now.verdict.word().into());
    say("causes", causes(then).join(", "), causes(now).join(", "));
    for check in &then.checks {
        let told = |report: &Report| {
            let check = report.checks.iter().find(|other| other.id == check.id)?;
            let cause = check.caused_by.as_ref().map_or_else(String::new, |code| format!(" by {code}"));
            Some(format!("{}{cause}", check.outcome.word()))
        };
        say(&check.id, told(then).unwrap_or_default(), told(now).unwrap_or_else(|| "gone".into()));
    }
    // Figures as `diff` compares them.
    for moved in diff::diff(then, now).moved {
        say(&format!("{} {}", moved.check, moved.measurement), moved.old.to_string(), moved.new.to_string());
    }
    let details =
        |report: &Report| serde_json::to_value(&report.connector_details).expect("JSON").to_string();
    say("details", details(then), details(now));
    out
}

#[test]
fn what_format_1_0_saved_is_judged_as_it_was() {
    let stored = stored();
    assert!(stored.len() > 400, "{} reports", stored.len());
    let mut told = "What this version says otherwise of the reports that format 1.0 saved:\n".to_owned();
    for (name, then) in &stored {
        let now = anew(then);
        let changed = otherwise(then, &now);
        if !changed.is_empty() {
            write!(told, "{name}\n{changed}").expect("written");
        }
        if now.redaction == "none" && !name.starts_with("lab ") {
            continue;
        }
        // As it is shown: what was hidden stays hidden, and what is saved now is read again.
        let (_, level) = Level::ALL.into_iter().find(|(word, _)| *word == now.redaction).expect("a level");
        let shown = redact(&now, level).expect("hidden");
        let human = (render::format("human").expect("a format").render)(&shown, &Style::default());
        assert!(human.contains(&now.verdict.word().to_uppercase()), "{name}: {human}");
        let saved = load(&json::render(&shown, &Style::default())).expect("read");
        assert!(saved == shown, "{name}: lost in saving");
    }
    let path = fixture("since-1.0.txt");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &told).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect("the judgements changed on purpose");
    assert!(told == expected, "{} differs; it is now:\n{told}", path.display());
}
