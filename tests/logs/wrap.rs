//! What runtimes, shippers, exporters and editors do to a log.

use serde_json::{Value, json};

/// The time of a line that begins with one of RFC 3339, and the rest.
fn stamp(line: &str) -> Option<(&str, &str)> {
    let (stamp, rest) = line.split_once(' ')?;
    let dated = stamp.len() >= 20
        && stamp.as_bytes()[4] == b'-'
        && stamp.as_bytes()[10] == b'T'
        && stamp.ends_with('Z');
    dated.then_some((stamp, rest))
}

/// The time and the rest of a line as syslog writes it in English.
fn syslog(line: &str) -> Option<(&str, &str, &str)> {
    let month = line.get(..3).filter(|m| MONTHS[0].contains(m))?;
    Some((month, line.get(3..15)?, line.get(15..)?))
}

/// English, French, German, Japanese.
const MONTHS: [[&str; 12]; 4] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["janv.", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    ["Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"],
];

fn each(text: &str, line: impl Fn(&str) -> String) -> Vec<u8> {
    text.lines().map(|l| line(l) + "\n").collect::<String>().into_bytes()
}

/// Whether every line has a time of its own, a different one each.
fn is_timed(text: &str) -> bool {
    let stamps: Vec<String> = text
        .lines()
        .filter_map(|l| {
            stamp(l).map(|(s, _)| s.to_owned()).or_else(|| syslog(l).map(|(m, t, _)| format!("{m}{t}")))
        })
        .collect();
    let distinct: std::collections::BTreeSet<&String> = stamps.iter().collect();
    stamps.len() == text.lines().count() && distinct.len() == stamps.len()
}

fn utf16(text: &str, low_first: bool, mark: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if low_first { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
}

/// One shuffle that is the same always.
fn shuffled(text: &str) -> Vec<u8> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut n: u64 = 7;
    for at in (1..lines.len()).rev() {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(at, (n >> 33) as usize % (at + 1));
    }
    (lines.join("\n") + "\n").into_bytes()
}

/// The mutations that a text bears, by their names.
pub(crate) fn mutations(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = vec![
        ("CRLF".to_owned(), text.replace('\n', "\r\n").into_bytes()),
        ("UTF-16".to_owned(), utf16(text, true, true)),
        ("UTF-16, high first".to_owned(), utf16(text, false, true)),
        ("UTF-16 without a mark".to_owned(), utf16(text, true, false)),
        ("no end of line at the end".to_owned(), text.trim_end().as_bytes().to_vec()),
    ];
    // What is a document of several lines is no longer one with something before each of them.
    if text.starts_with("---") {
        return all;
    }
    let mut put = |name: &str, bytes: Vec<u8>| all.push((name.to_owned(), bytes));
    put("compose", each(text, |l| format!("connector-1  | {l}")));
    put("compose in colours", each(text, |l| format!("\x1b[36mconnector-1  | \x1b[0m{l}")));
    put("kubectl --prefix", each(text, |l| format!("[pod/connector-7d9f8b6c5-x2x9z/connector] {l}")));
    put("JSON lines", each(text, |l| json!({ "log": format!("{l}\n"), "stream": "stderr" }).to_string()));
    put("a shell's prompt above", [b"$ docker logs -t twingate-connector 2>&1\n", text.as_bytes()].concat());
    put("two that say the same", each(text, |l| format!("connector-a-1  | {l}\nconnector-b-1  | {l}")));
    if text.lines().all(|l| stamp(l).is_some()) {
        put(
            "docker's json-file",
            each(text, |l| {
                let (at, rest) = stamp(l).expect("a time");
                json!({ "log": format!("{rest}\n"), "stream": "stderr", "time": at }).to_string()
            }),
        );
        put(
            "CRI",
            each(text, |l| {
                let (at, rest) = stamp(l).expect("a time");
                format!("{at} stderr F {rest}")
            }),
        );
        put("Google's JSON", {
            let records: Vec<Value> = text.lines().rev().map(|l| {
                let (at, rest) = stamp(l).expect("a time");
                json!({ "insertId": "x", "resource": { "labels": { "container_name": "connector" } }, "severity": "ERROR", "textPayload": rest, "timestamp": at })
            }).collect();
            serde_json::to_vec_pretty(&records).expect("JSON")
        });
        put("Grafana's table", {
            let quoted = |rest: &str| rest.replace('"', "\"\"");
            let rows = each(text, |l| {
                stamp(l).map(|(at, rest)| format!("\"{at}\",\"{}\"", quoted(rest))).expect("a time")
            });
            [&b"\"Time\",\"Line\"\n"[..], &rows].concat()
        });
    }
    for months in &MONTHS[1..] {
        if text.lines().all(|l| syslog(l).is_some()) {
            put(
                &format!("months such as {}", months[11]),
                each(text, |l| {
                    let (month, time, rest) = syslog(l).expect("a time");
                    let at = MONTHS[0].iter().position(|m| *m == month).expect("a month");
                    format!("{}{time}{rest}", months[at])
                }),
            );
        } else if text.lines().all(|l| stamp(l).is_some_and(|(at, _)| at.starts_with("2026-"))) {
            put(
                &format!("journald, months such as {}", months[11]),
                each(text, |l| {
                    let (at, rest) = stamp(l).expect("a time");
                    let month: usize = at[5..7].parse().expect("a month");
                    format!(
                        "{} {} {} conn-1 twingate-connector[812]: {rest}",
                        months[month - 1],
                        &at[8..10],
                        at[11..].trim_end_matches('Z')
                    )
                }),
            );
        }
    }
    let in_journal = text.lines().all(|l| syslog(l).is_some());
    if is_timed(text) || in_journal {
        let reversed: Vec<&str> = text.lines().rev().collect();
        put("reversed", (reversed.join("\n") + "\n").into_bytes());
    }
    if is_timed(text) {
        put("shuffled", shuffled(text));
    }
    all
}

/// The same lines beside those of a Connector that is well.
pub(crate) fn beside_a_healthy_one(text: &str) -> String {
    let well =
        "connector-b-1  | 2026-11-24T13:00:05.1Z [INFO] [libsdwan] [controller] heartbeat response: 200\n";
    let mixed: String =
        text.lines().map(|l| format!("connector-a-1  | {l}\n{well}")).collect::<Vec<_>>().concat();
    mixed + "connector-b-1  | 2026-11-24T23:59:05.1Z [INFO] [connector] State: Ready\n"
}
