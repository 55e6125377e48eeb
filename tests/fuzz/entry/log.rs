//! One input through the reader of the Connector's log; the fuzz target and the ordinary test both call it.

use connector_doctor::connector::log::Reader;
use connector_doctor::model::facts::ConnectorLog;

/// 2026-11-24T14:12:13Z.
const NOW: i64 = 1_795_529_533_000_000_000;
/// A word that no line's sample may keep: no sentence has it.
const CANARY: &[u8] = b"eyJ";

/// The bytes as a log: whole, and cut where its own first byte says.
pub(crate) fn run(data: &[u8]) {
    let whole = read(&[data]);
    let (head, tail) = data.split_at(data.first().map_or(0, |at| usize::from(*at)).min(data.len()));
    assert_eq!(read(&[head, tail]), whole, "where a log is cut makes no difference");
    assert_eq!(whole.bytes, data.len() as u64);
    // In UTF-16 the end of a line is two bytes.
    let wide = data.starts_with(b"\xff\xfe")
        || data.starts_with(b"\xfe\xff")
        || matches!(data, [a, 0, b, 0, ..] | [0, a, 0, b, ..] if *a != 0 && *b != 0);
    let ends = data.split(|byte| *byte == b'\n').count() as u64 - 1;
    assert!(wide || whole.lines == ends + u64::from(data.last().is_some_and(|byte| *byte != b'\n')));
    assert!(
        whole.relays.len() <= 8
            && whole.relays.iter().all(|relay| relay.port() == 443 || relay.port() >= 30_000)
    );
    let mut one = whole.connectors().flat_map(|one| &one.unknown);
    assert!(one.all(|error| error.shape.chars().count() <= 160 && !error.shape.contains(char::is_control)));
    assert!(whole.more.len() < 24 && whole.own.traffic.failed.len() <= 8);
    for sign in whole.connectors().flat_map(|one| &one.signs) {
        assert!(sign.open <= sign.count && sign.count > 0);
        // A log may stand newest first.
        let lines = 1..=whole.lines;
        assert!(lines.contains(&sign.first.line) && lines.contains(&sign.last.line));
        assert!(sign.sample.chars().count() <= 160 && !sign.sample.contains(char::is_control));
        assert!(
            !sign.sample.as_bytes().windows(CANARY.len()).any(|part| part == CANARY),
            "{:?}",
            sign.sample
        );
    }
}

fn read(parts: &[&[u8]]) -> ConnectorLog {
    let mut reader = Reader::new(NOW);
    for part in parts {
        reader.feed(part);
    }
    reader.finish()
}
