//! The reader over whole logs: what it counts, wherever the bytes are cut, however long and broken the lines.

use super::events::EVENTS;
use super::signatures::rows;
use super::*;
use crate::model::facts::{Ended, Signature as S};

/// 2026-11-24T14:12:13Z.
const NOW: i64 = 1_795_529_533_000_000_000;

fn read(text: &[u8]) -> ConnectorLog {
    let mut reader = Reader::new(NOW);
    reader.feed(text);
    reader.finish()
}

fn signs(log: &ConnectorLog) -> Vec<(S, u64, u64)> {
    log.own.signs.iter().map(|sign| (sign.signature, sign.count, sign.open)).collect()
}

#[test]
fn every_row_is_found_by_each_of_its_words_alone() {
    for row in rows() {
        for (word, also) in row.words {
            let line = format!("2026-11-24T14:00:00Z [INFO] {} {word}x\n", also.join(" "));
            let log = read(line.as_bytes());
            assert_eq!(signs(&log), [(row.signature, 1, 1)], "{line}");
            for missing in *also {
                let line = line.replace(missing, "");
                let log = read(line.as_bytes());
                assert!(log.own.signs.iter().all(|sign| sign.signature != row.signature), "{line}");
            }
        }
    }
    assert!(
        EVENTS
            .iter()
            .all(|(word, also, _)| read(format!("{word} {}\n", also.join(" ")).as_bytes()).lines == 1)
    );
}

const MIXED: &str = "\
2026-11-24T14:00:00.5Z [ERROR] [controller] failed to get SD: Invalid token, err code 1
2026-11-24T14:00:09Z [INFO] [connector] set_state: switching from \"Authentication\" to \"Ready\"
2026-11-24T14:01:00Z [DEBUG] [controller] verify_token: {\"typ\":\"DAT\"}.{\"iat\":1795528868}
2026-11-24T14:02:00Z ANALYTICS {\"event_type\":\"established_connection\",\"x\":\"Gone, code 410\",\"relays\":[{\"ip\":\"203.0.113.9\",\"name\":\"n\",\"port\":30005}]}
2026-11-24T14:03:00Z [ERROR] [msg] All nameservers have failed

2026-11-24T14:03:01Z [ERROR] [msg] All nameservers have failed
";

#[test]
fn a_log_is_read_alike_wherever_it_is_cut() {
    let text =
        format!("{MIXED}{}\n{}{MIXED}no newline at the end", "x".repeat(100_000), "filler\n".repeat(200))
            .into_bytes();
    let whole = read(&text);
    assert_eq!((whole.lines, whole.cut_lines, whole.bytes), (7 + 1 + 200 + 7 + 1, 1, text.len() as u64));
    for size in [1, 7, 64, 1000, 65_536, 70_001] {
        let mut reader = Reader::new(NOW);
        text.chunks(size).for_each(|chunk| reader.feed(chunk));
        assert_eq!(reader.finish(), whole, "cut every {size} bytes");
    }
    for at in (0..text.len()).step_by(4999).chain((0..text.len().min(800)).step_by(7)) {
        let mut reader = Reader::new(NOW);
        reader.feed(&text[..at]);
        reader.feed(&text[at..]);
        assert_eq!(reader.finish(), whole, "cut at {at}");
    }
}

#[test]
fn counts_times_recovery_relays_and_the_tokens_clock_are_kept() {
    let log = read(MIXED.as_bytes());
    assert_eq!(signs(&log), [(S::InvalidToken, 1, 0), (S::NameserversFailed, 2, 2)]);
    assert_eq!(log.own.signs[0].ended, Some(Ended::Ready));
    assert_eq!(log.own.signs[0].first.at_ns, Some(NOW - 733_000_000_000 + 500_000_000));
    assert_eq!(log.own.signs[1].incident.map(|place| place.line), Some(7));
    assert_eq!((log.first.line, log.last.line, log.zone_known), (1, 7, true));
    assert_eq!((log.own.state.as_deref(), log.own.state_changes), (Some("Ready"), 1));
    assert_eq!(log.relays, ["203.0.113.9:30005".parse().unwrap()]);
    // Issued at 14:01:08, shown in the second from 14:01:00: at least 7 s behind.
    let clock = log.own.token_clock.unwrap();
    assert_eq!((clock.tokens, clock.at_most_ns, clock.place.line), (1, -7_000_000_000, 3));
    assert!(log.recognised);
}

#[test]
fn a_zone_that_is_not_told_does_not_spoil_the_tokens_clock() {
    for hours in [0, 1, 2, 14] {
        let text = format!(
            "2026-11-24 {:02}:01:00 [DEBUG] [x] verify_token: {{\"typ\":\"DAT\",\"iat\":1795528868}}\n",
            14 - hours
        );
        let log = read(text.as_bytes());
        assert!(!log.zone_known);
        assert_eq!(log.own.token_clock.unwrap().at_most_ns, -7_000_000_000, "{text}");
    }
}

#[test]
fn another_process_ends_what_went_before_unless_it_had_no_time_yet() {
    let line = |second: u32, process: u32, what: &str| {
        format!(
            "2026-11-24T14:{:02}:{:02}+0000 h twingate-connector[{process}]: {what}\n",
            second / 60,
            second % 60
        )
    };
    let gone = "[ERROR] [controller] failed to get SD: Gone, code 410";
    let log = |lines: &[String]| read(lines.concat().as_bytes());
    let old = log(&[line(0, 7, gone), line(10, 8, "begins"), line(200, 8, "goes on")]);
    // Only the last line's process is known: it began at some time after the failure.
    assert_eq!((old.own.signs[0].open, old.own.signs[0].ended), (0, Some(Ended::Restarted)));
    let young = log(&[line(0, 7, gone), line(10, 8, "begins")]);
    assert_eq!(young.own.signs[0].open, 1);
    let again = log(&[line(0, 7, gone), line(10, 8, gone), line(200, 8, "goes on")]);
    assert_eq!((again.own.signs[0].count, again.own.signs[0].open), (2, 1));
    let started =
        "2026-11-24T14:01:00+0000 h systemd[1]: Started twingate-connector.service - Twingate Connector.\n";
    let unit = log(&[line(0, 7, gone), started.to_owned(), line(300, 8, "goes on")]);
    assert_eq!((unit.own.signs[0].open, unit.own.signs[0].ended), (0, Some(Ended::Restarted)));
}

#[test]
fn rubbish_of_any_kind_is_survived_and_is_no_connectors_log() {
    let mut rubbish: Vec<u8> =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let log = read(&rubbish);
    assert!(!log.recognised && log.own.signs.is_empty());
    rubbish.extend_from_slice(b"\n\xff\xfe[ERROR] [controller] failed to get SD: Gone, code 410\xc3\n");
    let log = read(&rubbish);
    assert_eq!(signs(&log), [(S::TokensGone, 1, 1)]);
    assert!(log.recognised);
    assert_eq!(read(b""), ConnectorLog::default());
    // A line of 10 MB: its beginning counts, its end does not, and the next line is whole.
    let mut line = b"[ERROR] failed to get SD: Gone, code 410 ".to_vec();
    line.resize(10_000_000, b'y');
    line.extend_from_slice(b" Too many open files\nToo many open files (os error 24)\n");
    let log = read(&line);
    assert_eq!(
        (signs(&log), log.lines, log.cut_lines),
        (vec![(S::TokensGone, 1, 1), (S::FdExhausted, 1, 1)], 2, 1)
    );
}

#[test]
fn relays_of_the_last_day_are_in_use_older_ones_are_not() {
    let line = |day: u32, ip: &str| {
        format!(
            "2026-11-{day}T14:00:00Z ANALYTICS {{\"relays\":[{{\"ip\":\"{ip}\",\"name\":\"n\",\"port\":30005}}]}}\n"
        )
    };
    let log =
        read([line(20, "203.0.113.1"), line(20, "203.0.113.2"), line(24, "203.0.113.2")].concat().as_bytes());
    assert_eq!(log.relays, ["203.0.113.2:30005".parse().unwrap()]);
}

#[test]
fn memory_is_constant_whatever_the_log() {
    let mut reader = Reader::new(NOW);
    for n in 0_u32..20_000 {
        let line = format!(
            "2026-11-24T14:00:00Z [ERROR] x maintain_relay_connectivity: relay 203.0.{}.{}:30010 is not available {}\n",
            n % 200,
            n % 250,
            "z".repeat(200)
        );
        reader.feed(line.as_bytes());
        reader.feed(b"verify_token: {\"typ\":\"DAT\",\"iat\":1795529533}\n");
    }
    assert!(reader.pending.capacity() <= 2 * MOST_OF_LINE);
    let log = reader.finish();
    assert!(
        log.relays.len() <= 8 && log.own.signs.len() == 1 && log.own.signs[0].sample.chars().count() <= 160
    );
}

/// What stands behind the time of lines, for a log of many lines that come again.
const AGAIN: &[&str] = &[
    "[ERROR] [controller] failed to get SD: Gone, code 410",
    "[ERROR] [connector] something that nobody has a name for, 17",
    "[ERROR] [connector] something that nobody has a name for, 18",
    "[FATAL] [connector] the end of it",
    "[INFO] [connector] set_state: switching from \"Authentication\" to \"Ready\"",
    "[INFO] [connector] set_state: switching from \"Ready\" to \"Authentication\"",
    "[INFO] [connector] State: Error",
    "[DEBUG] [controller] heartbeat response: 200, 84 bytes, next in 30 s",
    "[DEBUG] [libsdwan] nothing of any meaning",
    "[DEBUG] [controller] verify_token: {\"typ\":\"DAT\"}.{\"iat\":1795528868}",
    "[ERROR] [msg] All nameservers have failed",
    "[WARN] [x] listen::maintain_relay_connectivity: relay 203.0.113.9:30010 is not available, disconnect",
    "ANALYTICS {\"event_type\":\"established_connection\",\"user\":{\"email\":\"a@example.com\"},\"x\":\"Gone, code 410 State: Ready\",\"connection\":{\"tunnel_path\":\"relay\"},\"relays\":[{\"ip\":\"203.0.113.9\",\"name\":\"n\",\"port\":30005}]}",
    "ANALYTICS {\"event_type\":\"failed_to_connect\",\"user\":{\"email\":\"b@example.com\"},\"resource\":{\"address\":\"db.internal\"},\"connection\":{\"resource_port\":5432,\"error_message\":\"Connection refused\",\"tunnel_path\":\"direct\"}}",
    "plain words of nobody",
    "[client] of the Client",
    "",
];
/// Who says it, in syslog's form.
const BY: &[&str] = &[
    "h twingate-connector[7]: ",
    "h twingate-connector[8]: ",
    "g twingate-connector[7]: ",
    "h nginx[9]: ",
    "h kernel: ",
    "h chronyd[3]: ",
    "[connector-a] ",
];

#[test]
fn a_line_that_comes_again_says_the_same_as_one_that_is_taken_apart() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut chance = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % most as u64) as usize
    };
    for round in 0..120 {
        let (kinds, by, forms) = (1 + chance(AGAIN.len()), chance(BY.len() + 1), 1 + chance(4));
        let (mut text, mut second) = (String::new(), 0_usize);
        for _ in 0..300 {
            second += chance(40);
            let at = if chance(50) == 0 { second / 2 } else { second };
            let time = format!("{:02}:{:02}:{:02}", at / 3600 % 24, at / 60 % 60, at % 60);
            let said = AGAIN[chance(kinds)];
            let by = if by == 0 { "" } else { BY[chance(by)] };
            let line = match chance(forms) {
                0 => format!("2026-11-24T{time}.{}Z {by}{said}", chance(1000)),
                1 => format!("Nov 24 {time} {by}{said}"),
                2 => format!("2026-11-24 {time} {by}{said}"),
                _ => format!("{by}{said}"),
            };
            text += &line;
            text += if round % 7 == 0 { "\r\n" } else { "\n" };
        }
        let quick = read(text.as_bytes());
        // Every line of two parts is taken apart by itself.
        let mut reader = Reader::new(NOW);
        text.as_bytes().chunks(5).for_each(|chunk| reader.feed(chunk));
        assert_eq!(reader.finish(), quick, "{round}: {text}");
    }
}
