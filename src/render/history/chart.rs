//! Charts as SVG by plotters. Colours are roles: the page's style sheet gives each its tone, light or dark.

use plotters::prelude::*;

use super::words::{LIMIT_S, tracks};
use crate::model::history::{History, Moment, State};

/// A colour that stands for a role; [`ROLES`] names them for the style sheet.
const INK: RGBColor = RGBColor(1, 0, 1);
const GRID: RGBColor = RGBColor(2, 0, 2);
const UP: RGBColor = RGBColor(3, 0, 3);
const DOWN: RGBColor = RGBColor(4, 0, 4);
const UNKNOWN: RGBColor = RGBColor(5, 0, 5);
const CURVE: RGBColor = RGBColor(6, 0, 6);
const LIMIT: RGBColor = RGBColor(7, 0, 7);

/// The roles by name, as the page's variables are called.
pub(super) const ROLES: [(&str, RGBColor); 7] = [
    ("text", INK),
    ("line", GRID),
    ("pass", UP),
    ("fail", DOWN),
    ("warn", UNKNOWN),
    ("unknown", CURVE),
    ("fail", LIMIT),
];

/// Width and height in CSS pixels, and about how many dates fit below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) width: u32,
    pub(super) dates: usize,
}

/// For a page at full width.
pub(super) const WIDE: Size = Size { width: 960, dates: 7 };
/// For a telephone.
pub(super) const NARROW: Size = Size { width: 358, dates: 3 };

const TRACK: u32 = 34;
const FOOT: u32 = 26;
const FONT: &str = "sans-serif";

/// A chart that could not be drawn is left out: the tables say the same.
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The timelines of everything that is up or down.
pub(super) fn timelines(history: &History, size: Size) -> Option<String> {
    let height = TRACK * 3 + FOOT;
    svg(size.width, height, |area| {
        let seconds = history.until.seconds_since(history.since).max(1.0);
        let mut chart = ChartBuilder::on(area)
            .x_label_area_size(FOOT)
            .margin_left(1)
            .margin_right(1)
            .build_cartesian_2d(0.0..seconds, 0.0..3.0)?;
        let dates = |s: &f64| date(history.since, *s, seconds);
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(size.dates)
            .x_label_formatter(&dates)
            .x_label_style((FONT, 12, &INK))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (n, (_, availability)) in tracks(history).into_iter().enumerate() {
            let top = 3.0 - n as f64;
            // Down last: however short it was, nothing covers it.
            for state in [State::Unknown, State::Up, State::Down] {
                let stretches = availability.timeline.iter().filter(|stretch| stretch.state == state);
                let colour = match state {
                    State::Up => UP,
                    State::Down => DOWN,
                    State::Unknown => UNKNOWN,
                };
                let least = if state == State::Down { seconds / f64::from(size.width) * 1.5 } else { 0.0 };
                chart.draw_series(stretches.map(|stretch| {
                    let from = stretch.started_at.seconds_since(history.since).max(0.0);
                    let to = stretch.ended_at.seconds_since(history.since).max(from + least).min(seconds);
                    Rectangle::new([(from, top - 0.72), (to, top - 0.12)], colour.filled())
                }))?;
            }
        }
        Ok(())
    })
}

/// The clock's offset over time, its range, and the limits where they are in reach.
pub(super) fn offset(history: &History, size: Size) -> Option<String> {
    let points = &history.time_offset.points;
    let low = points.iter().map(|p| p.min_s).min_by(f64::total_cmp)?;
    let high = points.iter().map(|p| p.max_s).max_by(f64::total_cmp)?;
    let pad = ((high - low) * 0.15).max(0.002);
    // A curve on the way to a limit is shown with it.
    let reach = |limit: f64| low.abs().max(high.abs()) > limit.abs() * 0.4;
    let low = if reach(LIMIT_S) && low < 0.0 { low.min(-LIMIT_S) } else { low } - pad;
    let high = if reach(LIMIT_S) && high > 0.0 { high.max(LIMIT_S) } else { high } + pad;
    svg(size.width, 200, |area| {
        let seconds = history.until.seconds_since(history.since).max(1.0);
        let mut chart = ChartBuilder::on(area)
            .x_label_area_size(FOOT)
            .y_label_area_size(64)
            .margin_top(8)
            .margin_right(1)
            .build_cartesian_2d(0.0..seconds, low..high)?;
        let dates = |s: &f64| date(history.since, *s, seconds);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(size.dates)
            .y_labels(5)
            .x_label_formatter(&dates)
            .y_label_formatter(&|s: &f64| format!("{s:+.3} s"))
            .label_style((FONT, 12, &INK))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        let at = |moment: Moment| moment.seconds_since(history.since).clamp(0.0, seconds);
        for limit in [-LIMIT_S, LIMIT_S].into_iter().filter(|limit| (low..=high).contains(limit)) {
            chart.draw_series(LineSeries::new([(0.0, limit), (seconds, limit)], LIMIT.stroke_width(2)))?;
        }
        // The curve is broken where nobody measured.
        let apart = seconds / points.len().max(1) as f64 * 4.0;
        for piece in points.chunk_by(|a, b| b.at.seconds_since(a.at) <= apart.max(seconds / 60.0)) {
            chart.draw_series(
                piece.iter().map(|p| PathElement::new([(at(p.at), p.min_s), (at(p.at), p.max_s)], CURVE)),
            )?;
            chart.draw_series(LineSeries::new(
                piece.iter().map(|p| (at(p.at), p.offset_s)),
                CURVE.stroke_width(2),
            ))?;
        }
        Ok(())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn svg(width: u32, height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?)).ok()?;
    }
    Some(text)
}

/// The hour where the whole is short, else the day.
fn date(since: Moment, s: f64, whole_s: f64) -> String {
    let at = Moment(since.0.saturating_add((s * 1e9) as i64)).to_string();
    match at.split_once('T') {
        Some((_, clock)) if whole_s <= 300.0 => clock.get(..8).unwrap_or_default().to_owned(),
        Some((_, clock)) if whole_s <= 36.0 * 3600.0 => clock.get(..5).unwrap_or_default().to_owned(),
        Some((day, _)) => day.get(5..).unwrap_or_default().to_owned(),
        None => at,
    }
}
