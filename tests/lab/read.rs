//! What people see of a scenario: the end of a report on a terminal of 80 columns and 24 rows, and a paste of it read again.

use connector_doctor::model::Policy;
use connector_doctor::model::Report;
use connector_doctor::model::report::Severity;
use connector_doctor::pipeline;
use connector_doctor::render::redact::{Level, redact};
use connector_doctor::render::{self, Style, human, paste};

/// The rows of a terminal after the report and the prompt below it.
fn screen(report: &Report) -> String {
    let text = human::render(report, &Style { rows: Some(24), ..Style::default() });
    let mut terminal = vt100::Parser::new(24, 80, 0);
    terminal.process(text.replace('\n', "\r\n").as_bytes());
    assert_eq!(terminal.screen().cursor_position(), (23, 0), "the prompt stands below the answer:\n{text}");
    terminal.screen().contents()
}

/// The last 23 rows hold the verdict, the first cause, what to do and how to verify it.
pub(crate) fn the_answer_is_on_the_screen(name: &str, report: &Report) {
    let shown = screen(report);
    let last = |what: &str| assert!(shown.contains(what), "{name}: {what:?} is not on the screen:\n{shown}");
    last(&report.verdict.word().to_uppercase());
    let Some(cause) = report.causes.iter().find(|cause| cause.severity != Severity::Notice) else { return };
    last(&cause.code);
    last("    do ");
    last("    verify ");
    let start = |text: &str| text.chars().take(30).collect::<String>().trim_end().to_owned();
    let command = cause.remedies.iter().flat_map(|remedy| &remedy.commands).next();
    for text in command.into_iter().chain([&cause.verify]) {
        last(&start(text));
    }
}

/// A pasted report says the same when it is read again: verdict and causes, as text, as a page, in a comparison.
pub(crate) fn a_paste_is_enough(name: &str, report: &Report) {
    for (word, level) in Level::ALL {
        let hidden = redact(report, level).unwrap();
        let data = paste::brief(&hidden);
        assert!(!data.is_empty() && data.lines().count() <= 40, "{name}: {} lines", data.lines().count());
        assert!(data.lines().all(|line| line.len() <= 80), "{name}: {data}");
        let saved = paste::read(&human::fenced(&hidden, &Style::default(), &data)).unwrap();
        let again = if saved.left_out.is_empty() {
            let judged = pipeline::judge(saved.report.facts.clone(), &Policy::default());
            Report { redaction: saved.report.redaction.clone(), ..judged }
        } else {
            saved.report.clone()
        };
        let again = redact(&again, level).unwrap();
        let told = |report: &Report| {
            let causes = report.causes.iter().map(|cause| (cause.code.clone(), cause.title.clone()));
            (report.verdict, causes.collect::<Vec<_>>())
        };
        assert_eq!(told(&again), told(&hidden), "{name} at {word}, without {:?}", saved.left_out);
        let page = render::html::render(&again, &Style::default());
        assert!(again.causes.iter().all(|cause| page.contains(&cause.code)), "{name}");
        let change = render::diff::diff(&hidden, &again);
        assert!(!change.worse && change.causes_new.is_empty() && change.causes_gone.is_empty(), "{name}");
        assert!(change.appeared.is_empty() && change.fixed.is_empty(), "{name}: {change:?}");
    }
}
