//! Logs as people paste them (rewritten from public reports): each is judged as `expected.tsv` says, and goes on to be
//! however it is wrapped, turned over, mixed with another's or written in another language.

use std::path::Path;

use connector_doctor::connector::log::Reader;
use connector_doctor::model::facts::{ConnectorLog, Facts, Run};
use connector_doctor::model::observation::{Observation, Outcome};
use connector_doctor::model::policy::Policy;
use connector_doctor::pipeline::judge;

use super::wrap;

/// 2026-11-28T12:00:00Z.
pub(crate) const NOW_S: i64 = 1_795_867_200;

/// Verdict and causes' codes.
pub(crate) type Judged = (String, Vec<String>);

pub(crate) fn read(text: &[u8]) -> ConnectorLog {
    let mut reader = Reader::new(NOW_S * 1_000_000_000);
    text.chunks(10_007).for_each(|block| reader.feed(block));
    reader.finish()
}

pub(crate) fn judged(text: &[u8]) -> Judged {
    let run = Run {
        started_wall_ns: NOW_S * 1_000_000_000,
        select: vec!["connector.log".to_owned()],
        ..Run::default()
    };
    let seen = Observation {
        target: "log".to_owned(),
        address: None,
        at_us: 0,
        took_us: 0,
        outcome: Outcome::Seen(read(text)),
    };
    let policy = Policy { select: vec!["connector.log".to_owned()], ..Policy::default() };
    let report = judge(Facts { run, connector_log: Some(seen), ..Facts::default() }, &policy);
    let causes = report.causes.iter().map(|cause| cause.code.clone()).collect();
    let verdict = serde_json::to_value(report.verdict()).expect("a word");
    (verdict.as_str().expect("a word").to_owned(), causes)
}

/// Long logs of one kind of line are made here, not kept.
fn made(name: &str) -> Option<String> {
    let relay = r#"[ERROR] [libsdwan] listen::channel_event: Failed to preconnect a relay listener "ice://any": 110 (Connection timed out)"#;
    let refused = "Response was: {\"error\":true,\"status\":403,\"service\":\"Access Manager\",\"message\":\"Token is expired.\"}";
    let denied = "pbcc_parse_subscribe_v2_response - AccessDenied: response from server";
    let every_two_minutes = |count: usize, line: &dyn Fn(usize, usize, usize) -> String| {
        (0..count)
            .map(|n| line((21 * 60 + n * 2) / 1440, (21 * 60 + n * 2) / 60 % 24, n * 2 % 60))
            .collect::<String>()
    };
    let journal = |month: &str| {
        every_two_minutes(180, &|day, hour, minute| {
            format!("{month} {} {hour:02}:{minute:02}:07 conn-1 twingate-connector[812]: {relay}\n", 24 + day)
        })
    };
    let of_day = |count| {
        every_two_minutes(count, &|_, hour, minute| format!("[{hour:02}:{minute:02}:07] ERROR: {relay}\n"))
    };
    Some(match name {
        "access403-hourly-2w.log" => (0..360)
            .map(|hour| {
                let at = format!("2026-11-{:02}T{:02}:00:01Z", 10 + hour / 24, hour % 24);
                format!("{at} {refused} [connector]\n{at} {denied}\n")
            })
            .collect::<Vec<_>>()
            .concat(),
        "access403-notimes-noise.log" => {
            let noise = "[ERROR] [libsdwan] connect: 203.0.113.50:443 connection refused\n".repeat(8);
            format!("{refused}\n{denied}\n{noise}").repeat(40)
        }
        "english-two-days.journal.log" => journal("Dec"),
        "french-two-days.journal.log" => journal("déc."),
        "japanese-two-days.journal.log" => journal("12月"),
        "ha-before-midnight.log" => of_day(90),
        "ha-midnight.log" => of_day(180),
        _ => return None,
    })
}

/// File, its text, verdicts, first causes.
fn all() -> Vec<(String, String, Vec<String>, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-logs");
    let table = std::fs::read_to_string(folder.join("expected.tsv")).expect("the table");
    let split = |cell: &str| cell.split('|').map(str::to_owned).collect();
    table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let text = made(cells[0])
                .unwrap_or_else(|| std::fs::read_to_string(folder.join(cells[0])).expect("a log"));
            (cells[0].to_owned(), text, split(cells[1]), split(cells[2]))
        })
        .collect()
}

fn fits(judged: &Judged, verdicts: &[String], causes: &[String]) -> bool {
    let first = judged.1.first().map_or("-", String::as_str);
    let cause = causes.iter().any(|cause| match cause.as_str() {
        "*" => true,
        cause => cause.strip_prefix('!').map_or(cause == first, |not| not != first),
    });
    cause && verdicts.contains(&judged.0)
}

#[test]
fn every_log_of_the_table_is_judged_as_it_says() {
    let wrong: Vec<String> = all()
        .iter()
        .map(|(name, text, verdicts, causes)| (name, judged(text.as_bytes()), verdicts, causes))
        .filter(|(_, judged, verdicts, causes)| !fits(judged, verdicts, causes))
        .map(|(name, judged, verdicts, causes)| {
            format!("{name}: {judged:?}, expected {verdicts:?} {causes:?}")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_wrapping_order_or_language_changes_what_a_log_says() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (name, text, ..) in all() {
        let plain = judged(text.as_bytes());
        for (mutation, mutant) in wrap::mutations(&text) {
            tried += 1;
            let other = judged(&mutant);
            if other.0 != plain.0 || other.1.first() != plain.1.first() {
                wrong.push(format!("{name}, {mutation}: {other:?}, not {plain:?}"));
            }
        }
        // Another Connector that is well hides nothing.
        if plain.0 == "unhealthy" && !name.contains("gcloud") {
            tried += 1;
            let other = judged(wrap::beside_a_healthy_one(&text).as_bytes());
            if other.0 != plain.0 || other.1.first() != plain.1.first() {
                wrong.push(format!("{name}, beside a healthy one: {other:?}, not {plain:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}
