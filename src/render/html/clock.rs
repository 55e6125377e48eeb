//! The clock's offset on a scale with its limits, as SVG.

use crate::model::CheckId;
use maud::{Markup, html};

use super::parts::px;
use crate::model::finding::Status;
use crate::model::report::Report;
use crate::render::human::details;

/// Seconds from the middle to either end.
const REACH: f64 = 8.0;
/// Where warnings begin, and where the Controller refuses: the limits of `clock.offset`, seconds.
const WARN: f64 = 3.0;
const FAIL: f64 = 5.0;
const WIDTH: f64 = 340.0;
const EDGE: f64 = 12.0;

pub(super) fn picture(report: &Report) -> Markup {
    let offset = report.connector_details.time_offset_s;
    let error = report.connector_details.time_offset_error_s.unwrap_or(0.0).abs();
    let status =
        report.checks.iter().find(|check| check.id == CheckId::ClockOffset).map(|check| check.outcome);
    let fill = format!("f-{}", status.unwrap_or(Status::Skip).word());
    let [_, (_, said), ..] = details::rows(report);
    html! {
        svg viewBox="0 0 340 84" role="img" aria-label={ "Clock offset: " (said) } {
            @for (from, to, zone) in [(-REACH, -FAIL, "z-fail"), (-FAIL, -WARN, "z-warn"), (-WARN, WARN, "z-pass"), (WARN, FAIL, "z-warn"), (FAIL, REACH, "z-fail")] {
                rect class=(zone) x=(px(x(from))) y="30" width=(px(x(to) - x(from))) height="22" {}
            }
            line.axis x1=(px(x(-REACH))) x2=(px(x(REACH))) y1="52" y2="52" {}
            @for (at, label) in [(-FAIL, "-5 s"), (-WARN, "-3"), (0.0, "0"), (WARN, "+3"), (FAIL, "+5 s")] {
                line.axis x1=(px(x(at))) x2=(px(x(at))) y1="52" y2="57" {}
                text.sub x=(px(x(at))) y="71" text-anchor="middle" { (label) }
            }
            text.sub x=(px(x(-REACH))) y="22" { "behind" }
            text.sub x=(px(x(REACH))) y="22" text-anchor="end" { "ahead" }
            @if let Some(offset) = offset {
                @let (low, high) = (x(offset - error), x(offset + error));
                rect class=(fill) x=(px(low)) y="38" width=(px((high - low).max(2.0))) height="6" rx="2" {}
                path class=(fill) d=(marker(offset)) {}
            }
        }
        p { (said) }
    }
}

/// Where a second stands; what lies beyond the scale stands at its end.
fn x(seconds: f64) -> f64 {
    let at = if seconds.is_finite() { seconds.clamp(-REACH, REACH) } else { 0.0 };
    WIDTH / 2.0 + at / REACH * (WIDTH / 2.0 - EDGE)
}

/// A needle at the offset, or an arrow out of the scale.
fn marker(offset: f64) -> String {
    let at = px(x(offset));
    if offset.abs() <= REACH {
        format!("M{at} 41 l-7 -15 h14 z")
    } else {
        let out = if offset < 0.0 { -10 } else { 10 };
        format!("M{at} 33 l{out} 8 l{} 8 z", -out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_offset_stands_on_the_scale() {
        assert!((x(0.0) - 170.0).abs() < f64::EPSILON);
        for offset in [-1e300, -8.0, 7.9, 1e300, f64::NAN, f64::INFINITY] {
            assert!((EDGE..=WIDTH - EDGE).contains(&x(offset)), "{offset}");
        }
        assert!(x(-5.0) < x(-3.0) && x(-3.0) < x(0.0));
    }
}
