//! The times that lines bear, in every form that journald, docker, kubectl, syslog and the Connector itself print.

use super::months;

pub(super) const NS: i64 = 1_000_000_000;
/// A day, nanoseconds.
pub(super) const DAY_NS: i64 = 86_400 * NS;
/// Figures of numbers that count since 1970, with what one of their units is worth, nanoseconds.
const EPOCHS: [(usize, i64); 4] = [(10, NS), (13, 1_000_000), (16, 1000), (19, 1)];

/// A line's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since 1970 (`Relative`: since some start; `Clock`: since midnight).
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
    /// A wall clock's, of an unknown day.
    Clock,
    /// A wall clock's, of an unknown zone and year.
    Yearless,
    /// A wall clock's, of an unknown zone.
    Local,
    /// Of a known zone.
    Zoned,
}

/// The time that `text` begins with, and where it ends; `now_ns` fills in the year where there is none.
pub(super) fn begins(text: &[u8], now_ns: i64) -> Option<(Stamp, usize)> {
    let mut c = Cursor { text, at: 0 };
    let stamp = match text.first()? {
        b'0'..=b'9' => {
            let again = || Cursor { text, at: 0 };
            let third = *text.get(2)?;
            let found = if third == b':' {
                time_alone(&mut c)
            } else if text.get(4).is_some_and(|b| matches!(b, b'-' | b'/')) {
                dated(&mut c)
            } else {
                None
            };
            match found {
                Some(found) => Some(found),
                None => [by_month_number, day_first, seconds, epoch].iter().find_map(|form| {
                    c = again();
                    form(&mut c, now_ns)
                }),
            }
        }
        b'A'..=b'Z' | b'a'..=b'z' | 0x80.. => syslog(&mut c, now_ns),
        _ => None,
    }?;
    Some((stamp, c.at))
}

/// A time that is a value of its own, as JSON and CSV have them: a text, or a number since 1970.
pub(super) fn value(text: &[u8], now_ns: i64) -> Option<Stamp> {
    let text = text.trim_ascii();
    let mut c = Cursor { text, at: 0 };
    if text.iter().all(u8::is_ascii_digit) {
        return epoch_of(&mut c);
    }
    begins(text, now_ns).map(|(stamp, _)| stamp).filter(|stamp| stamp.kind > Kind::Relative)
}

fn epoch(c: &mut Cursor<'_>, _: i64) -> Option<Stamp> {
    let stamp = epoch_of(c)?;
    // A number of ten figures alone may be anything; one of milliseconds and finer is a time.
    (c.at >= 13 && matches!(c.text.get(c.at), Some(b' ' | b'\t' | b',' | b'"' | b';'))).then_some(stamp)
}

fn epoch_of(c: &mut Cursor<'_>) -> Option<Stamp> {
    let figures = c.text.iter().take(20).take_while(|b| b.is_ascii_digit()).count();
    let (_, unit) = EPOCHS.iter().find(|(n, _)| *n == figures)?;
    let mut n: i64 = 0;
    for b in &c.text[..figures] {
        n = n.checked_mul(10)?.checked_add(i64::from(b - b'0'))?;
    }
    c.at = figures;
    Some(Stamp { ns: n.checked_mul(*unit)?, resolution_ns: *unit, kind: Kind::Zoned })
}

/// `2026-11-24T14:12:13.123456789Z`, `2026/11/24 14:12:13,123 +0100`.
fn dated(c: &mut Cursor<'_>) -> Option<Stamp> {
    let year = c.digits(4..=4)?;
    let by = c.one_of(b"-/")?;
    let month = c.digits(2..=2)?;
    c.one_of(&[by])?;
    let day = c.digits(2..=2)?;
    let _ = c.one_of(b",");
    c.one_of(b"T _")?;
    let (time, resolution_ns) = c.time()?;
    let ns = civil(year, month, day)?.checked_add(time)?;
    c.zoned(ns, resolution_ns)
}

/// `Nov 24 14:12:13`, `déc.  4 14:12:13.123456`, `Nov 24 14:12:13 2026`, `Nov 24, 2026 14:12:13`.
fn syslog(c: &mut Cursor<'_>, now_ns: i64) -> Option<Stamp> {
    let (month, length) = months::begins(c.text)?;
    c.at = length;
    c.one_of(b" ")?;
    let _ = c.one_of(b" ");
    let day = c.digits(1..=2)?;
    let comma = c.one_of(b",").is_some();
    c.one_of(b" ")?;
    if comma {
        return written_out(c, month, day);
    }
    let (time, resolution_ns) = c.time()?;
    // `ctime` and `date` have the year at the end, perhaps behind the zone.
    let mark = c.at;
    let zone = c.zone();
    if zone.is_none() {
        c.at = mark;
    }
    if c.one_of(b" ").is_some()
        && let Some(year) = c.digits(4..=4).filter(|year| (1970..2100).contains(year))
        && c.text.get(c.at).is_none_or(|b| !b.is_ascii_alphanumeric())
    {
        let ns = civil(year, month, day)?.checked_add(time)?.checked_sub(zone.unwrap_or(0) * NS)?;
        let kind = if zone.is_some() { Kind::Zoned } else { Kind::Local };
        return Some(Stamp { ns, resolution_ns, kind });
    }
    c.at = mark;
    yearless(month, day, time, resolution_ns, now_ns)
}

/// `11月 24 13:00:01`, `11月24日 13:00:01`: Japanese, Chinese, Korean, and what is left of them in other encodings.
fn by_month_number(c: &mut Cursor<'_>, now_ns: i64) -> Option<Stamp> {
    let month = c.digits(1..=2)?;
    c.foreign()?;
    let _ = c.one_of(b" ").and_then(|_| c.one_of(b" "));
    let day = c.digits(1..=2)?;
    let _ = c.foreign();
    c.one_of(b" ")?;
    let (time, resolution_ns) = c.time()?;
    yearless(month, day, time, resolution_ns, now_ns)
}

/// Without a year: the latest that is not in the future.
fn yearless(month: i64, day: i64, time: i64, resolution_ns: i64, now_ns: i64) -> Option<Stamp> {
    let this_year = year_of(now_ns);
    let latest = now_ns.saturating_add(2 * DAY_NS);
    // The 29th of February is up to eight years away.
    let ns = (0..9)
        .filter_map(|back| civil(this_year + 1 - back, month, day)?.checked_add(time))
        .find(|ns| *ns <= latest)?;
    Some(Stamp { ns, resolution_ns, kind: Kind::Yearless })
}

/// The same day and time in the year before or after, where that is nearer to `near_ns`.
pub(super) fn near(ns: i64, near_ns: i64) -> i64 {
    let distance = |ns: i64| ns.abs_diff(near_ns);
    // Only across a new year: a log may well have a gap of months.
    [-365, -366, 365, 366]
        .iter()
        .map(|days| ns.saturating_add(days * DAY_NS))
        .filter(|other| distance(*other) < 45 * DAY_NS as u64 && distance(ns) > 300 * DAY_NS as u64)
        .filter(|other| day_of_year(*other) == day_of_year(ns))
        .min_by_key(|other| distance(*other))
        .unwrap_or(ns)
}

/// `24.11.2026 14:12:13`, `24 Nov 2026 14:12:13`, `24/Nov/2026:14:12:13 +0000`, `11/24/2026, 2:12:13 PM`.
fn day_first(c: &mut Cursor<'_>, _: i64) -> Option<Stamp> {
    let first = c.digits(1..=2)?;
    let by = c.one_of(b"./- ")?;
    let rest = &c.text[c.at..];
    if let Some((month, length)) = months::begins(rest) {
        c.at += length;
        return written_out_year(c, month, first);
    }
    let second = c.digits(1..=2)?;
    c.one_of(&[by])?;
    let (day, month) = match by {
        b'.' => (first, second),
        // Which is which only shows where one of them is no month.
        b'/' | b'-' if first > 12 => (first, second),
        b'/' | b'-' if second > 12 => (second, first),
        _ => return None,
    };
    written_out_year(c, month, day)
}

fn written_out_year(c: &mut Cursor<'_>, month: i64, day: i64) -> Option<Stamp> {
    let _ = c.one_of(b"./- ");
    written_out(c, month, day)
}

/// What follows a day and a month: the year and the time.
fn written_out(c: &mut Cursor<'_>, month: i64, day: i64) -> Option<Stamp> {
    let year = c.digits(4..=4)?;
    let _ = c.one_of(b",");
    c.one_of(b" T:@")?;
    let _ = c.one_of(b"@").and_then(|_| c.one_of(b" "));
    let (time, resolution_ns) = c.time()?;
    let ns = civil(year, month, day)?.checked_add(time)?;
    c.zoned(ns, resolution_ns)
}

/// `14:12:13.123`: no day, so only differences mean something.
fn time_alone(c: &mut Cursor<'_>) -> Option<Stamp> {
    let (ns, resolution_ns) = c.time()?;
    Some(Stamp { ns, resolution_ns, kind: Kind::Clock })
}

/// `12.345678` since a start; `1732457533.123456` since 1970.
fn seconds(c: &mut Cursor<'_>, _: i64) -> Option<Stamp> {
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

/// Nanoseconds since 1970 of a day's beginning in UTC: days of the proleptic Gregorian calendar, counted from March.
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || !(1900..2200).contains(&year) {
        return None;
    }
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719_468;
    Some(days * DAY_NS)
}

fn year_of(ns: i64) -> i64 {
    // Near enough: the years around it are tried.
    1970 + ns.div_euclid(NS) / 31_556_952
}

/// Days since the 1st of January of its year.
fn day_of_year(ns: i64) -> i64 {
    let guess = year_of(ns);
    let begun = [guess + 1, guess, guess - 1].into_iter().filter_map(|year| civil(year, 1, 1));
    begun.into_iter().find(|begun| *begun <= ns).map_or(0, |begun| (ns - begun) / DAY_NS)
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

    /// One letter that is no ASCII, or what a broken encoding left of it.
    fn foreign(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let length = rest.iter().take(6).take_while(|b| !b.is_ascii() || **b == b'?').count();
        self.at += length;
        (length > 0).then_some(())
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

    /// `14:12:13.123456` or `2:12:13 PM`, and what was cut off of it; a leap second is the last one before it.
    fn time(&mut self) -> Option<(i64, i64)> {
        let from = self.at;
        let mut hour = self.digits(1..=2).filter(|n| *n < 24)?;
        let short = self.at - from == 1;
        self.one_of(b":")?;
        let minute = self.digits(2..=2).filter(|n| *n < 60)?;
        self.one_of(b":")?;
        let second = self.digits(2..=2).filter(|n| *n <= 60)?.min(59);
        let (fraction, resolution) = self.fraction();
        let rest = &self.text[self.at..];
        let half = match rest {
            [b' ', b'A' | b'P' | b'a' | b'p', b'M' | b'm', ..] => Some(rest[1].to_ascii_lowercase()),
            _ => None,
        };
        if let Some(half) = half.filter(|_| (1..=12).contains(&hour)) {
            self.at += 3;
            hour = hour % 12 + if half == b'p' { 12 } else { 0 };
        } else if short {
            return None;
        }
        Some(((hour * 3600 + minute * 60 + second) * NS + fraction, resolution))
    }

    /// `.123456789` or `,123` in nanoseconds, and the unit of its last figure; nothing is a whole second.
    fn fraction(&mut self) -> (i64, i64) {
        let figures = self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if !figures || self.one_of(b".,").is_none() {
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

    /// The time with its zone, where one follows.
    fn zoned(&mut self, ns: i64, resolution_ns: i64) -> Option<Stamp> {
        let mark = self.at;
        let zone = self.zone();
        if let Some(zone_s) = zone {
            return Some(Stamp { ns: ns.checked_sub(zone_s * NS)?, resolution_ns, kind: Kind::Zoned });
        }
        self.at = mark;
        Some(Stamp { ns, resolution_ns, kind: Kind::Local })
    }

    /// `Z`, `UTC`, `GMT`, `+01:00`, `-0330`, `+02`, perhaps after a space: seconds east of Greenwich.
    fn zone(&mut self) -> Option<i64> {
        let _ = self.one_of(b" ");
        let rest = self.text.get(self.at..)?;
        let ends = |n: usize| rest.get(n).is_none_or(|b| !b.is_ascii_alphanumeric());
        let length = match rest {
            [b'Z', ..] => 1,
            [b'U', b'T', b'C', ..] | [b'G', b'M', b'T', ..] => 3,
            _ => 0,
        };
        if length > 0 && ends(length) {
            self.at += length;
            return Some(0);
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        if let Some(both) = self.digits(4..=4) {
            return (both / 100 < 24 && both % 100 < 60)
                .then(|| sign * (both / 100 * 3600 + both % 100 * 60));
        }
        let hours = self.digits(2..=2).filter(|n| *n < 24)?;
        let minutes = match self.one_of(b":") {
            Some(_) => {
                let two = self.text.get(self.at..self.at + 2)?;
                if !two.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                self.at += 2;
                i64::from(two[0] - b'0') * 10 + i64::from(two[1] - b'0')
            }
            None => 0,
        };
        (minutes < 60).then(|| sign * (hours * 3600 + minutes * 60))
    }
}
