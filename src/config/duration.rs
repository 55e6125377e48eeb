//! Spans of time as people write them.

use std::fmt::Write as _;
use std::time::Duration;

use super::error::quoted;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// `10s`, `500ms`, `2m`, `1h30m`, `7d`: whole numbers with units, the larger first, not all nought.
///
/// The error names the form.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text).ok_or_else(|| {
        let bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let what = if bare { "has no unit" } else { "is not a span of time" };
        format!("{} {what}; write 10s, 500ms, 2m or 1h30m", quoted(text))
    })
}

/// The same within bounds, both allowed.
pub fn parse_duration_within(text: &str, range: (Duration, Duration)) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(duration) if (range.0..=range.1).contains(&duration) => Ok(duration),
        Err(problem) if text.bytes().all(|b| b.is_ascii_digit()) => Err(problem),
        _ => Err(format!("{} is not from {} to {}", quoted(text), show(range.0), show(range.1))),
    }
}

fn parse(text: &str) -> Option<Duration> {
    let (mut rest, mut units, mut total) = (text, UNITS.as_slice(), 0_u64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at_checked(letters)?;
        let at = units.iter().position(|(name, _)| *name == unit)?;
        total = number.parse::<u64>().ok()?.checked_mul(units[at].1)?.checked_add(total)?;
        units = &units[at + 1..];
        rest = tail;
    }
    (total > 0).then(|| Duration::from_millis(total))
}

/// The shortest form that [`parse_duration`] reads back, milliseconds kept: `1m30s`.
pub fn show(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, size) in UNITS {
        if rest >= size {
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_alike() {
        for (text, ms) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("1m30s", 90_000),
            ("1h1ms", 3_600_001),
            ("7d", 604_800_000),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(ms));
            assert_eq!(show(duration), text);
        }
        assert_eq!(parse_duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(show(Duration::ZERO), "0s");
    }

    #[test]
    fn what_is_no_span_names_the_form() {
        for text in [
            "",
            "s",
            "10",
            "-1s",
            "1.5s",
            "10 s",
            "1s2s",
            "1s1m",
            "0s",
            "1S",
            "10sec",
            "99999999999999999999s",
        ] {
            let problem = parse_duration(text).unwrap_err();
            assert!(problem.contains("10s, 500ms, 2m or 1h30m"), "{text}: {problem}");
        }
        assert!(parse_duration("10").unwrap_err().contains("has no unit"));
        let range = (Duration::from_millis(100), Duration::from_mins(10));
        assert!(parse_duration_within("99ms", range).unwrap_err().contains("from 100ms to 10m"));
        assert!(parse_duration_within("10m1ms", range).is_err());
        assert!(parse_duration_within("10m", range).is_ok() && parse_duration_within("100ms", range).is_ok());
    }
}
