//! Golden files, few enough that a person reads every one that a change touches: three reports in every format, the
//! others as people and programs read them, without the checks that say what the healthy one says already.

use std::path::PathBuf;

use connector_doctor::model::report::Report;
use connector_doctor::render::redact::Level;
use connector_doctor::render::{self, FORMATS, Style, human};

use super::{redacted, reports};

/// The reports whose golden files are of every format.
const IN_FULL: [&str; 3] = ["healthy", "clock-skew", "hostile"];

/// Compares with `tests/fixtures/reports/NAME`; `UPDATE_GOLDEN=1` writes it instead.
#[expect(clippy::disallowed_methods, reason = "a switch for developers, read by a test alone")]
pub(crate) fn golden(name: &str, actual: &str) {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(expected == actual, "{name} differs (UPDATE_GOLDEN=1 accepts it); it is now:\n{actual}");
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports")
}

/// What a page says, a tag a line, without its style, its script and its facts.
fn page_in_lines(page: &str) -> String {
    let (body, facts) = page.split_once("<section class=\"raw\">").unwrap();
    let (_, body) = body.split_once("</head>").unwrap();
    let (_, foot) = facts.split_once("</section>").unwrap();
    format!("{body}{}\n", foot.split_once("<script>").unwrap().0).replace("><", ">\n<")
}

/// A report in a format. Facts grow with every probe; their shape is the schema's business.
fn shown(report: &Report, format: &render::Format) -> String {
    let mut text = (format.render)(report, &Style::default());
    match format.name {
        "json" => text.truncate(text.find("\n  \"facts\": {").unwrap()),
        "html" => text = page_in_lines(&text),
        _ => {}
    }
    text
}

/// The report without the checks that the healthy one has word for word.
fn beyond_healthy(mut report: Report) -> Report {
    let healthy = reports::healthy();
    report.checks.retain(|check| !healthy.checks.contains(check));
    report
}

/// Every golden file by its name (report, redaction, format), with what it should hold when reports are edited so.
fn all(edited: &dyn Fn(Report) -> Report) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut add = |name: &str, report: Report, level: Level, formats: &[&str]| {
        let report = redacted(&edited(report), level);
        for format in FORMATS.iter().filter(|format| formats.is_empty() || formats.contains(&format.name)) {
            files.push((format!("{name}.{}.{}", report.redaction, format.name), shown(&report, format)));
        }
    };
    for (name, report) in reports::all() {
        if IN_FULL.contains(&name) {
            add(name, report, Level::None, &[]);
        } else {
            add(name, beyond_healthy(report), Level::None, &["human", "json"]);
        }
    }
    add("canaries", reports::canaries(), Level::None, &["json"]);
    add("canaries", reports::canaries(), Level::Default, &["human"]);
    add("canaries", reports::canaries(), Level::Strict, &["human"]);
    let verbose = Style { verbose: 2, ..Style::default() };
    let most = human::render(&edited(beyond_healthy(reports::clock_skew())), &verbose);
    files.push(("clock-skew.none.human-vv".into(), most));
    let change = render::diff::diff(&edited(reports::clock_skew()), &edited(reports::udp_blocked()));
    files.push(("skewed-to-blocked.diff.txt".into(), render::diff::render(&change, &Style::default())));
    files.push(("skewed-to-blocked.diff.json".into(), render::json::to_json(&change)));
    files
}

#[test]
fn every_report_looks_as_agreed() {
    for (name, text) in all(&|report| report) {
        golden(&name, &text);
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let known: Vec<String> = all(&|report| report).into_iter().map(|(name, _)| name).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is compared with nothing: remove it");
    }
}

#[test]
fn one_changed_word_touches_at_most_15_files() {
    let files = all(&|report| report);
    let (healthy, skewed) = (reports::healthy(), reports::clock_skew());
    let common =
        healthy.checks.iter().filter(|check| ["host.hostname", "stun.discovery"].contains(&&*check.id));
    for check in common.chain(skewed.checks.iter().filter(|check| check.id == "clock.offset")) {
        let changed = all(&|mut report| {
            for other in report.checks.iter_mut().filter(|other| other.id == check.id) {
                if let Some(rest) = other.summary.strip_prefix(&check.summary) {
                    other.summary = format!("changed {}{rest}", check.summary);
                }
            }
            report
        });
        let touched = files.iter().zip(&changed).filter(|(before, after)| before != after).count();
        assert!((1..=15).contains(&touched), "{}: its summary stands in {touched} files", check.id);
    }
}
