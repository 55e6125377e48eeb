//! Charts as SVG by plotters. Colours are roles: the page's style sheet gives each its tone, light or dark.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::words::{LIMIT_S, level, tracks};
use crate::model::history::{History, Moment, OffsetPoint, State};

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

/// What fits on a screen, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    width: u32,
    /// How many dates stand below.
    dates: usize,
    /// The height of a timeline; a higher one has its name above it.
    track: u32,
}

/// For a page at full width.
pub(super) const WIDE: Size = Size { width: 960, dates: 8, track: TRACK };
/// For a telephone.
pub(super) const NARROW: Size = Size { width: 358, dates: 4, track: 50 };

const TRACK: u32 = 34;
const FOOT: u32 = 26;
const SCALE: u32 = 74;
/// Half of a date's width: one that would stand nearer to an edge is left out.
const DATE: i32 = 24;
const FONT: (&str, i32) = ("sans-serif", 12);

/// Seconds from one date below to the next, the finest that leaves room.
const STEPS: [i64; 15] = [
    60,
    300,
    600,
    1800,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86_400,
    2 * 86_400,
    7 * 86_400,
    14 * 86_400,
    30 * 86_400,
    91 * 86_400,
    182 * 86_400,
];

/// A chart that could not be drawn is left out: the tables say the same.
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// The timelines of everything that is up or down.
pub(super) fn timelines(history: &History, size: Size) -> Option<String> {
    let seconds = history.until.seconds_since(history.since).max(1.0);
    svg(size.width, size.track * 3 + FOOT, |area| {
        let mut chart =
            ChartBuilder::on(area).x_label_area_size(FOOT).build_cartesian_2d(0.0..seconds, 0.0..3.0)?;
        dates(area, &mut chart, history, size)?;
        let bar = f64::from(TRACK) / f64::from(size.track) * 0.6;
        for (n, (name, availability)) in tracks(history).into_iter().enumerate() {
            let low = 2.12 - n as f64;
            if size.track > TRACK {
                let (x, y) = chart.backend_coord(&(0.0, low + bar));
                area.draw(&Text::new(name, (x, y - 17), (FONT.0, FONT.1, &INK).into_text_style(area)))?;
            }
            // Down last: however short it was, nothing covers it.
            for (state, colour) in [(State::Unknown, UNKNOWN), (State::Up, UP), (State::Down, DOWN)] {
                let stretches = availability.timeline.iter().filter(|stretch| stretch.state == state);
                let least = if state == State::Down { seconds / f64::from(size.width) * 1.5 } else { 0.0 };
                chart.draw_series(stretches.map(|stretch| {
                    let from = stretch.started_at.seconds_since(history.since).max(0.0);
                    let to = stretch.ended_at.seconds_since(history.since).max(from + least).min(seconds);
                    Rectangle::new([(from, low), (to, low + bar)], colour.filled())
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
    let reach = low.abs().max(high.abs()) > LIMIT_S * 0.4;
    let low = if reach && low < 0.0 { low.min(-LIMIT_S) } else { low } - pad;
    let high = if reach && high > 0.0 { high.max(LIMIT_S) } else { high } + pad;
    let seconds = history.until.seconds_since(history.since).max(1.0);
    svg(size.width, 200, |area| {
        let mut chart = ChartBuilder::on(area)
            .x_label_area_size(FOOT)
            .y_label_area_size(SCALE)
            .margin_top(8)
            .build_cartesian_2d(0.0..seconds, low..high)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .y_labels(5)
            .y_label_formatter(&|s: &f64| level(*s))
            .label_style((FONT.0, FONT.1, &INK))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        dates(area, &mut chart, history, size)?;
        let at = |moment: Moment| moment.seconds_since(history.since).clamp(0.0, seconds);
        for limit in [-LIMIT_S, LIMIT_S].into_iter().filter(|limit| (low..=high).contains(limit)) {
            chart.draw_series(LineSeries::new([(0.0, limit), (seconds, limit)], LIMIT.stroke_width(2)))?;
        }
        // The curve is broken where nobody measured.
        let apart = seconds / points.len().max(1) as f64 * 4.0;
        for piece in points.chunk_by(|a, b| b.at.seconds_since(a.at) <= apart.max(seconds / 60.0)) {
            let range = |p: &OffsetPoint| PathElement::new([(at(p.at), p.min_s), (at(p.at), p.max_s)], CURVE);
            chart.draw_series(piece.iter().map(range))?;
            let curve = piece.iter().map(|p| (at(p.at), p.offset_s));
            chart.draw_series(LineSeries::new(curve, CURVE.stroke_width(2)))?;
        }
        Ok(())
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn svg(width: u32, height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Option<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?)).ok()?;
    }
    Some(text)
}

/// Dates at round times of UTC, each with its line: the library's own would stand at round numbers of seconds.
fn dates(area: &Area<'_>, chart: &mut Chart<'_, '_>, history: &History, size: Size) -> Drawn {
    let range = chart.y_range();
    let (since_s, until_s) = (history.since.0 / 1_000_000_000, history.until.0 / 1_000_000_000);
    let longest = STEPS[STEPS.len() - 1];
    let room = |step: &&i64| (until_s - since_s) / **step <= size.dates as i64;
    let step = STEPS.iter().find(room).copied().unwrap_or(longest);
    let style = (FONT.0, FONT.1, &INK).into_text_style(area).pos(Pos::new(HPos::Center, VPos::Top));
    let first = since_s.div_euclid(step) + 1;
    for at_s in (first..=until_s.div_euclid(step)).map(|n| n * step) {
        let x = (at_s - since_s) as f64;
        chart.draw_series([PathElement::new([(x, range.start), (x, range.end)], GRID)])?;
        let (px, py) = chart.backend_coord(&(x, range.start));
        if (DATE..=size.width as i32 - DATE).contains(&px) {
            area.draw(&Text::new(date(at_s, step), (px, py + 8), &style))?;
        }
    }
    Ok(())
}

/// The day where days are apart, else the hour.
fn date(at_s: i64, step: i64) -> String {
    let at = Moment(at_s.saturating_mul(1_000_000_000)).to_string();
    let (day, clock) = at.split_once('T').unwrap_or_default();
    let text = if step >= 86_400 { day.get(5..) } else { clock.get(..5) };
    text.unwrap_or_default().to_owned()
}
