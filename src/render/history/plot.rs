//! A curve in letters, two steps a line, with the limits where they are in reach.

use super::words;
use crate::model::history::{Moment, OffsetPoint};

/// Lines of a plot; each tells two levels apart.
const LINES: usize = 5;
/// A curve that moves less than this is shown flat, seconds.
const LEAST_RANGE_S: f64 = 0.01;
/// Columns of the scale on the left.
pub(super) const SCALE: usize = 10;

/// The curve in lines of [`SCALE`] and `width` columns, the top first.
pub(super) fn plot(
    points: &[OffsetPoint],
    since: Moment,
    until: Moment,
    width: usize,
    limit_s: f64,
) -> Vec<String> {
    let span_s = until.seconds_since(since);
    let low = points.iter().map(|p| p.min_s).min_by(f64::total_cmp);
    let high = points.iter().map(|p| p.max_s).max_by(f64::total_cmp);
    let (Some(low), Some(high), true) = (low, high, span_s > 0.0 && width > 0) else { return Vec::new() };
    let middle = f64::midpoint(low, high);
    let half = ((high - low) / 2.0).max(LEAST_RANGE_S / 2.0);
    let (low, high) = (middle - half, middle + half);
    let levels = LINES * 2;
    let level = |s: f64| (((s - low) / (high - low) * levels as f64) as usize).min(levels - 1);
    let mut cells = vec![vec![' '; width]; LINES];
    for limit_s in [-limit_s, limit_s].into_iter().filter(|limit_s| (low..=high).contains(limit_s)) {
        cells[LINES - 1 - level(limit_s) / 2].fill('-');
    }
    for point in points {
        let column = (point.at.seconds_since(since) / span_s * width as f64).max(0.0) as usize;
        let (from, to) = (level(point.min_s), level(point.max_s));
        for level in from..=to {
            let cell = &mut cells[LINES - 1 - level / 2][column.min(width - 1)];
            let dot = if level % 2 == 0 { '.' } else { '\'' };
            *cell = match *cell {
                ' ' | '-' => dot,
                other if other == dot => dot,
                _ => ':',
            };
        }
    }
    let scale = |line: usize| match line {
        0 => words::level(high),
        n if n == LINES - 1 => words::level(low),
        _ => String::new(),
    };
    let row = |(n, cells): (usize, Vec<char>)| {
        format!("{:>SCALE$} |{}", scale(n), cells.into_iter().collect::<String>())
    };
    cells.into_iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(offsets_s: &[f64]) -> Vec<OffsetPoint> {
        let point = |(n, s): (usize, &f64)| OffsetPoint {
            at: Moment(n as i64 * 1_000_000_000),
            offset_s: *s,
            min_s: *s,
            max_s: *s,
        };
        offsets_s.iter().enumerate().map(point).collect()
    }

    #[test]
    fn a_curve_climbs_and_the_limit_is_drawn_where_it_is_in_reach() {
        let climbing = points(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        let lines = plot(&climbing, Moment(0), Moment(10_000_000_000), 10, 5.0);
        assert_eq!(
            lines,
            [
                "  +9.000 s |        .'",
                "           |      .'  ",
                "           |----.'----",
                "           |  .'      ",
                "  +0.000 s |.'        ",
            ]
        );
        let flat = plot(&points(&[0.001; 5]), Moment(0), Moment(5_000_000_000), 5, 5.0);
        assert_eq!(flat[2], "           |'''''");
        assert!(flat.iter().all(|line| !line.contains('-') || line.contains(" s |")), "{flat:?}");
        assert!(plot(&[], Moment(0), Moment(1), 10, 5.0).is_empty());
        // However far off, the scale keeps to its columns.
        for far in [-999.9996, 9999.5, 172_799.9, -172_800.0, -1.8e9, 1e300, f64::MIN] {
            let lines = plot(&points(&[far, 0.0]), Moment(0), Moment(2_000_000_000), 5, 5.0);
            assert!(lines.iter().all(|line| line.len() == SCALE + 7), "{lines:?}");
        }
    }
}
