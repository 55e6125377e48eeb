//! The times that lines bear, in every form that journald, docker, kubectl, syslog and the Connector itself print.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const NS: i64 = 1_000_000_000;
/// Words at a line's beginning among which its time is looked for.
const WORDS: usize = 5;
/// Bytes at a line's beginning among which its time is looked for.
const HEAD: usize = 160;
/// Names of months as syslog writes them.
const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
/// Keys of JSON lines whose value is a time (docker's json-file, Loki, vector); journald's own is a number.
const KEYS: &[&str] = &["\"time\"", "\"timestamp\"", "\"@timestamp\"", "\"ts\""];
/// journald's key, in microseconds since 1970.
const JOURNAL_KEY: &str = "\"__REALTIME_TIMESTAMP\"";

/// A line's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since 1970 (`Relative`: since some start).
    pub(super) ns: i64,
    /// The line is at most so much later, nanoseconds: figures that were cut off.
    pub(super) resolution_ns: i64,
    /// What the figure counts from.
    pub(super) kind: Kind,
}

/// How much a time tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Since some start, of the system or the process.
    Relative,
    /// A wall clock's, of an unknown zone.
    Local,
    /// Of a known zone.
    Zoned,
}

/// The time of a whole line; `now_ns` fills in the year where the line has none.
pub(super) fn stamp(line: &[u8], now_ns: i64) -> Option<Stamp> {
    if line.first() == Some(&b'{') {
        return of_json(line, now_ns);
    }
    let head = &line[..line.len().min(HEAD)];
    let mut at = 0;
    for _ in 0..WORDS {
        // Colours, brackets and bars stand before words, and are none.
        while let Some(b' ' | b'\t' | b'[' | b'(' | b'|' | b'"') = head.get(at) {
            at += 1;
        }
        if head[at..].starts_with(b"\x1b[") {
            at += head[at..].iter().position(u8::is_ascii_alphabetic)? + 1;
            continue;
        }
        if let Some(stamp) = at_word(&head[at..], now_ns) {
            return Some(stamp);
        }
        at += head[at..].iter().position(|b| matches!(b, b' ' | b'\t' | b']'))? + 1;
    }
    None
}

fn of_json(line: &[u8], now_ns: i64) -> Option<Stamp> {
    // Docker's time stands behind the message, however long that is.
    let after = |key: &str| {
        let rest = &line[memchr::memmem::find(line, key.as_bytes())? + key.len()..];
        let rest = rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        Some(rest.strip_prefix(b"\"").unwrap_or(rest))
    };
    if let Some(value) = after(JOURNAL_KEY) {
        return of_micros(value);
    }
    KEYS.iter().find_map(|key| at_word(after(key)?, now_ns))
}

/// Microseconds since 1970, as journald keeps them.
pub(super) fn of_micros(text: &[u8]) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    let ns = cursor.digits(1..=16)?.checked_mul(1000)?;
    Some(Stamp { ns, resolution_ns: 1000, kind: Kind::Zoned })
}

fn at_word(text: &[u8], now_ns: i64) -> Option<Stamp> {
    let mut cursor = Cursor { text, at: 0 };
    match text.first()? {
        b'0'..=b'9' => dated(&mut cursor)
            .or_else(|| time_alone(&mut Cursor { text, at: 0 }))
            .or_else(|| seconds(&mut Cursor { text, at: 0 })),
        b'A'..=b'Z' => syslog(&mut cursor, now_ns),
        _ => None,
    }
}

/// `2026-11-24T14:12:13.123456789Z`, `2026/11/24 14:12:13,123 +0100`.
fn dated(c: &mut Cursor<'_>) -> Option<Stamp> {
    let year = c.digits(4..=4)?;
    let by = c.one_of(b"-/")?;
    let month = c.digits(2..=2)?;
    c.one_of(&[by])?;
    let day = c.digits(2..=2)?;
    c.one_of(b"T _")?;
    let (time, resolution_ns) = c.time()?;
    let ns = civil(year, month, day)?.checked_add(time)?;
    Some(match c.zone() {
        Some(zone_s) => Stamp { ns: ns.checked_sub(zone_s * NS)?, resolution_ns, kind: Kind::Zoned },
        None => Stamp { ns, resolution_ns, kind: Kind::Local },
    })
}

/// `Nov 24 14:12:13`, `Nov  4 14:12:13.123456`: without a year, the latest that is not in the future.
fn syslog(c: &mut Cursor<'_>, now_ns: i64) -> Option<Stamp> {
    let name = c.text.get(..3)?;
    let month = MONTHS.chunks_exact(3).position(|month| month == name)? as i64 + 1;
    c.at = 3;
    c.one_of(b" ")?;
    let _ = c.one_of(b" ");
    let day = c.digits(1..=2)?;
    c.one_of(b" ")?;
    let (time, resolution_ns) = c.time()?;
    let this_year =
        i64::from(jiff::Timestamp::from_second(now_ns.div_euclid(NS)).ok()?.to_zoned(TimeZone::UTC).year());
    let latest = now_ns.saturating_add(2 * 86_400 * NS);
    // The 29th of February is up to eight years away.
    let ns = (0..9)
        .filter_map(|back| civil(this_year + 1 - back, month, day)?.checked_add(time))
        .find(|ns| *ns <= latest)?;
    Some(Stamp { ns, resolution_ns, kind: Kind::Local })
}

/// `14:12:13.123`: no day, so only differences mean something.
fn time_alone(c: &mut Cursor<'_>) -> Option<Stamp> {
    let (ns, resolution_ns) = c.time()?;
    Some(Stamp { ns, resolution_ns, kind: Kind::Relative })
}

/// `12.345678` since a start; `1732457533.123456` since 1970.
fn seconds(c: &mut Cursor<'_>) -> Option<Stamp> {
    let whole = c.digits(1..=10)?;
    if c.text.get(c.at) != Some(&b'.') {
        return None;
    }
    let (fraction, resolution_ns) = c.fraction();
    let ns = whole.checked_mul(NS)?.checked_add(fraction)?;
    // A version (1.93.0) or an address is no time.
    if resolution_ns == NS || matches!(c.text.get(c.at), Some(b'.' | b':' | b'a'..=b'z' | b'A'..=b'Z')) {
        return None;
    }
    let kind = if whole >= 1_000_000_000 { Kind::Zoned } else { Kind::Relative };
    Some(Stamp { ns, resolution_ns, kind })
}

/// Nanoseconds since 1970 of a day's beginning in UTC.
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let small = |n: i64| i8::try_from(n).ok();
    let midnight = DateTime::new(i16::try_from(year).ok()?, small(month)?, small(day)?, 0, 0, 0, 0).ok()?;
    midnight.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second().checked_mul(NS)
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        bytes.contains(&byte).then(|| {
            self.at += 1;
            byte
        })
    }

    /// As many digits as there are, if their number fits.
    fn digits(&mut self, fits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let rest = self.text.get(self.at..)?;
        let count = rest.iter().take(*fits.end() + 1).take_while(|b| b.is_ascii_digit()).count();
        if !fits.contains(&count) {
            return None;
        }
        self.at += count;
        Some(rest[..count].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
    }

    /// `14:12:13.123456`, and what was cut off of it; a leap second is the last one before it.
    fn time(&mut self) -> Option<(i64, i64)> {
        let hour = self.digits(2..=2).filter(|n| *n < 24)?;
        self.one_of(b":")?;
        let minute = self.digits(2..=2).filter(|n| *n < 60)?;
        self.one_of(b":")?;
        let second = self.digits(2..=2).filter(|n| *n <= 60)?.min(59);
        let (fraction, resolution) = self.fraction();
        Some(((hour * 3600 + minute * 60 + second) * NS + fraction, resolution))
    }

    /// `.123456789` or `,123` in nanoseconds, and the unit of its last figure; nothing is a whole second.
    fn fraction(&mut self) -> (i64, i64) {
        if self.one_of(b".,").is_none() {
            return (0, NS);
        }
        let (mut ns, mut unit) = (0, NS);
        while let Some(digit) = self.text.get(self.at).filter(|b| b.is_ascii_digit()) {
            if unit > 1 {
                unit /= 10;
                ns += i64::from(digit - b'0') * unit;
            }
            self.at += 1;
        }
        (ns, unit)
    }

    /// `Z`, `UTC`, `GMT`, `+01:00`, `-0330`, `+02`, perhaps after a space: seconds east of Greenwich.
    fn zone(&mut self) -> Option<i64> {
        let _ = self.one_of(b" ");
        let rest = self.text.get(self.at..)?;
        let ends = |n: usize| rest.get(n).is_none_or(|b| !b.is_ascii_alphanumeric());
        if (rest.starts_with(b"Z") && ends(1))
            || ((rest.starts_with(b"UTC") || rest.starts_with(b"GMT")) && ends(3))
        {
            return Some(0);
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        if let Some(both) = self.digits(4..=4) {
            return (both / 100 < 24 && both % 100 < 60)
                .then(|| sign * (both / 100 * 3600 + both % 100 * 60));
        }
        let hours = self.digits(2..=2).filter(|n| *n < 24)?;
        let minutes = match self.one_of(b":") {
            Some(_) => self.digits(2..=2).filter(|n| *n < 60)?,
            None => 0,
        };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T14:12:13Z.
    const THEN: i64 = 1_795_529_533 * NS;

    fn got(line: &str) -> Option<(i64, i64, Kind)> {
        stamp(line.as_bytes(), THEN + 100 * NS).map(|s| (s.ns - THEN, s.resolution_ns, s.kind))
    }

    #[test]
    fn every_form_is_read() {
        for (line, ns, resolution, kind) in [
            // docker logs -t, kubectl logs --timestamps, CRI, docker compose logs, kubectl logs --prefix.
            ("2026-11-24T14:12:13.123456789Z [ERROR] x", 123_456_789, 1, Kind::Zoned),
            ("2026-11-24T15:12:13.5+01:00 stderr F [ERROR] x", 500_000_000, 100_000_000, Kind::Zoned),
            ("connector-1  | 2026-11-24T14:12:13Z [ERROR] x", 0, NS, Kind::Zoned),
            ("[pod/tg-1/connector] 2026-11-24T14:12:13Z [ERROR] x", 0, NS, Kind::Zoned),
            // journalctl: short, short-precise, short-iso, short-iso-precise, short-full, short-unix, short-monotonic, json.
            ("Nov 24 14:12:13 host twingate-connector[7]: x", 0, NS, Kind::Local),
            ("Nov 24 14:12:13.000123 host twingate-connector[7]: x", 123_000, 1000, Kind::Local),
            ("2026-11-24T14:12:13+0000 host twingate-connector[7]: x", 0, NS, Kind::Zoned),
            ("2026-11-24T10:42:13.000123-0330 host x[7]: x", 123_000, 1000, Kind::Zoned),
            ("Tue 2026-11-24 14:12:13 UTC host x[7]: x", 0, NS, Kind::Zoned),
            ("Tue 2026-11-24 14:12:13 CET host x[7]: x", 0, NS, Kind::Local),
            ("1795529533.000123 host x[7]: x", 123_000, 1000, Kind::Zoned),
            ("[   12.345678] host x[7]: x", 12_345_678_000 - THEN, 1000, Kind::Relative),
            (r#"{"__REALTIME_TIMESTAMP":"1795529533000123","MESSAGE":"x"}"#, 123_000, 1000, Kind::Zoned),
            (
                r#"{"log":"[ERROR] x\n","stream":"stderr","time":"2026-11-24T14:12:13.000000001Z"}"#,
                1,
                1,
                Kind::Zoned,
            ),
            (r#"{"log": "y", "time": "2026-11-24T14:12:13Z"}"#, 0, NS, Kind::Zoned),
            (r#"{"@timestamp":"2026-11-24T14:12:13Z"}"#, 0, NS, Kind::Zoned),
            (r#"{"ts":1795529533.5,"msg":"y"}"#, 500_000_000, 100_000_000, Kind::Zoned),
            // The Connector's own, and what programs write in general.
            ("[2026-11-24 14:12:13.123] [ERROR] x", 123_000_000, 1_000_000, Kind::Local),
            ("2026/11/24 14:12:13,123 [ERROR] x", 123_000_000, 1_000_000, Kind::Local),
            ("\x1b[31m2026-11-24 14:12:13 [ERROR]\x1b[0m x", 0, NS, Kind::Local),
            (
                "[14:12:13.123] [ERROR] x",
                (14 * 3600 + 12 * 60 + 13) * NS + 123_000_000 - THEN,
                1_000_000,
                Kind::Relative,
            ),
            ("12.345 [ERROR] x", 12_345_000_000 - THEN, 1_000_000, Kind::Relative),
        ] {
            assert_eq!(got(line), Some((ns, resolution, kind)), "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for line in [
            "",
            "[ERROR] [connector] failed to get SD: Gone, code 410",
            "1.93.0 starts",
            "203.0.113.7:30001 x",
            "{",
            "2026-13-24T14:12:13Z",
            "2026-11-24T24:12:13Z x",
            "999999999999 x",
            "Mon x",
            "\x1b[",
            "2026-11-24",
            "10.0.0.1",
        ] {
            assert_eq!(got(line), None, "{line}");
        }
    }

    #[test]
    fn a_year_that_is_not_told_is_the_latest_possible() {
        let year = |line: &str| stamp(line.as_bytes(), THEN).map(|s| s.ns / NS / 31_556_952 + 1970);
        assert_eq!(year("Dec 30 00:00:00 x"), Some(2025));
        assert_eq!(year("Nov 25 00:00:00 x"), Some(2026), "zones reach a day ahead");
        assert_eq!(year("Feb 29 12:00:00 x"), Some(2024));
    }
}
