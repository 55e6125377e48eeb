//! What the watch knows as metrics: the latest report as the prometheus format writes it, and counters; pure.

use std::time::Duration;

use super::latest::Latest;
use crate::render::Style;
use crate::render::prometheus::{self, Family};

/// Writes them; before the first observation has ended the counters alone.
pub(super) fn render(latest: &Latest, every: Duration) -> String {
    let counted = &latest.counted;
    let report = latest.report.as_ref().map(|report| prometheus::render(report, &Style::default()));
    let one = |name, help, value| Family { name, help, samples: vec![(None, value)] };
    let mut families = vec![
        one("watch_interval_seconds", "The pace that was asked for.", every.as_secs_f64()),
        one("watch_samples_total", "Observations since the watch began.", counted.samples as f64),
        one("watch_samples_kept_total", "Observations that the store kept.", counted.kept as f64),
        one("watch_samples_lost_total", "Observations that the store could not keep.", counted.lost as f64),
        Family {
            name: "watch_changes_total",
            help: "Changes of each check's outcome that a second observation agreed with.",
            samples: counted
                .changes
                .iter()
                .map(|(id, n)| (Some(("check", id.as_str())), *n as f64))
                .collect(),
        },
        one(
            "watch_pauses_total",
            "Pauses of the watch or of the host, seen afterwards.",
            counted.pauses as f64,
        ),
        one("watch_clock_steps_total", "Steps of the host's wall clock.", counted.clock_steps as f64),
        one(
            "watch_controller_up_seconds_total",
            "How long the Controller was reached.",
            counted.controller_up_s,
        ),
        one(
            "watch_controller_down_seconds_total",
            "How long the Controller was not reached.",
            counted.controller_down_s,
        ),
    ];
    if report.is_some() {
        let at_s = latest.at_ns as f64 / 1e9;
        families.push(one("watch_last_sample_timestamp_seconds", "When the latest observation ended.", at_s));
    }
    report.unwrap_or_default() + &prometheus::families(&families)
}
