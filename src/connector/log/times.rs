//! The time that a line begins with, in the two forms that most logs have: the same as `stamp::begins` says, but quicker,
//! since lines of one day share their date.

use super::stamp::{self, DAY_NS, Kind, NS, Stamp};

/// The date that the last line had.
#[derive(Debug, Default)]
pub(super) struct Times {
    text: [u8; 11],
    /// Its beginning, nanoseconds since 1970.
    begins_ns: i64,
}

impl Times {
    /// The time of `2026-11-24T14:12:13.123Z ...` and `Nov 24 14:12:13 host ...`, and where it ends; none for any other
    /// form, and where more than the date would have to be looked at.
    pub(super) fn begins(&mut self, line: &[u8], now_ns: i64) -> Option<(Stamp, usize)> {
        let zoned = line.get(10) == Some(&b'T') && line[0].is_ascii_digit();
        let length = if zoned { 11 } else { 7 };
        let (time_ns, resolution_ns, mut end) = clock(line, length)?;
        if zoned {
            end += usize::from(line.get(end) == Some(&b'Z'));
            if line[end - 1] != b'Z' {
                return None;
            }
        } else if !line[0].is_ascii_uppercase() || line[3] != b' ' || !said_next(line.get(end + 1..)?) {
            return None;
        }
        if line.get(end) != Some(&b' ') {
            return None;
        }
        if self.text[..length] != line[..length] || (!zoned && self.text[length..] != [0; 4]) {
            let (stamp, known) = stamp::begins(line, now_ns)?;
            let kind = if zoned { Kind::Zoned } else { Kind::Yearless };
            let begins_ns = stamp.ns - time_ns;
            // Of a day at the end of the year that is guessed the time of day decides, too.
            let latest = now_ns.saturating_add(2 * DAY_NS);
            let whole = zoned || (begins_ns + DAY_NS <= latest && begins_ns + 365 * DAY_NS > latest);
            if known != end || stamp.kind != kind || stamp.resolution_ns != resolution_ns || !whole {
                return None;
            }
            self.text = [0; 11];
            self.text[..length].copy_from_slice(&line[..length]);
            self.begins_ns = begins_ns;
        }
        let kind = if zoned { Kind::Zoned } else { Kind::Yearless };
        Some((Stamp { ns: self.begins_ns + time_ns, resolution_ns, kind }, end))
    }
}

/// Whether what follows the time of syslog's form is no part of it: a host's name or a bracket, no zone, year or half of a day.
fn said_next(rest: &[u8]) -> bool {
    match rest {
        [b'a' | b'p', b'm' | b'M', ..] => false,
        [b'a'..=b'z' | b'[', ..] => true,
        _ => false,
    }
}

/// `14:12:13.123` at `at`: nanoseconds since midnight, the unit of the last figure, and the end.
fn clock(line: &[u8], at: usize) -> Option<(i64, i64, usize)> {
    let text = line.get(at..at + 8)?;
    let two = |at: usize| {
        let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then_some(i64::from(tens) * 10 + i64::from(ones))
    };
    let (hour, minute, second) = (two(0)?, two(3)?, two(6)?);
    if text[2] != b':' || text[5] != b':' || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (mut ns, mut unit, mut end) = ((hour * 3600 + minute * 60 + second) * NS, NS, at + 8);
    if line.get(end) == Some(&b'.') {
        let figures = line[end + 1..].iter().take(10).take_while(|b| b.is_ascii_digit());
        let (mut fraction, mut count) = (0, 0);
        for figure in figures {
            (fraction, count) = (fraction * 10 + i64::from(figure - b'0'), count + 1);
            unit /= 10;
        }
        if !(1..=9).contains(&count) {
            return None;
        }
        ns += fraction * unit;
        end += 1 + count;
    }
    Some((ns, unit, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24T14:12:13Z.
    const NOW: i64 = 1_795_529_533 * NS;

    #[test]
    fn what_is_known_quickly_is_what_is_known_slowly() {
        let dates = [
            "2026-11-24T",
            "2026-02-29T",
            "2024-02-29T",
            "1969-12-31T",
            "2026-13-01T",
            "Nov 24 ",
            "Nov  4 ",
            "Dec 31 ",
            "Jan  1 ",
            "Feb 29 ",
            "Nov 26 ",
            "Nov 25 ",
            "Foo 11 ",
            "Feb 30 ",
            "nov 24 ",
            "Nov 4  ",
        ];
        let clocks = [
            "14:12:13",
            "00:00:00",
            "23:59:59",
            "23:59:60",
            "24:00:00",
            "1:02:03",
            "14:12:13.5",
            "14:12:13,5",
            "14:12:13.123456789",
            "14:12:13.1234567891",
            "14:12:13.",
            "14:12:1a",
            "14:60:00",
        ];
        let rests = [
            "Z [ERROR] x",
            " [ERROR] x",
            " host x: y",
            "Z",
            "",
            "+01:00 x",
            " PM x",
            " pm x",
            " am-1 x",
            " amx y",
            " UTC x",
            " 2025 x",
            " 2025",
            " +0100 x",
            "Z  x",
            " \u{e4} x",
            " z x",
            "]",
        ];
        let mut known = 0;
        for now in [NOW, NOW + 30 * DAY_NS, NOW + 40 * DAY_NS, NOW + 120 * DAY_NS] {
            let mut times = Times::default();
            // Twice, so that what one line left behind is met by each other form.
            for _ in 0..2 {
                for date in dates {
                    for clock in clocks {
                        for rest in rests {
                            let line = format!("{date}{clock}{rest}");
                            let Some(quick) = times.begins(line.as_bytes(), now) else { continue };
                            known += 1;
                            assert_eq!(Some(quick), stamp::begins(line.as_bytes(), now), "{line}");
                        }
                    }
                }
            }
        }
        assert!(known > 200, "{known}");
        let mut times = Times::default();
        for line in ["2026-11-24T14:12:13.5Z x", "Nov 24 14:12:13 host x"] {
            assert!(times.begins(line.as_bytes(), NOW).is_some(), "{line}");
        }
    }
}
