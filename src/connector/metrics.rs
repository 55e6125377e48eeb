//! The Connector's own metrics (since 1.80, `TWINGATE_METRICS_PORT`), in Prometheus' text format: the few figures that
//! matter here. Pure; what is no figure is passed over.

use crate::model::facts::OwnMetrics;

/// Names of the figures, from the vendor's public documentation.
const UPTIME: &str = "twingate_connector_uptime_seconds";
const BYTES: &[&str] = &["twingate_inbound_bytes_total", "twingate_outbound_bytes_total"];

/// Reads them; none where nothing of a Connector's is among them.
pub fn read(text: &str) -> Option<OwnMetrics> {
    let (mut metrics, mut any) = (OwnMetrics::default(), false);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let Some(value) = value.parse::<f64>().ok().filter(|v| v.is_finite() && (0.0..1e18).contains(v))
        else {
            continue;
        };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        if name.trim() == UPTIME {
            (metrics.uptime_s, any) = (Some(value as u64), true);
        } else if BYTES.contains(&name) {
            let of = |transport: &str| labels.contains(&format!("transport=\"{transport}\""));
            if of("direct") {
                (metrics.direct_bytes, any) = (metrics.direct_bytes.saturating_add(value as u64), true);
            } else if of("relay") {
                (metrics.relayed_bytes, any) = (metrics.relayed_bytes.saturating_add(value as u64), true);
            }
        }
    }
    any.then_some(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_and_shares_are_read_and_all_else_is_passed_over() {
        let text = "# HELP twingate_connector_uptime_seconds x\n# TYPE y\ntwingate_connector_uptime_seconds 3600.5\n\
                    twingate_inbound_bytes_total{transport=\"direct\"} 100\ntwingate_inbound_bytes_total{transport=\"relay\"} 7e2\n\
                    twingate_outbound_bytes_total{a=\"b\",transport=\"relay\"} 300\nother 5\n\u{0}\n";
        let metrics = read(text).expect("metrics");
        assert_eq!((metrics.uptime_s, metrics.direct_bytes, metrics.relayed_bytes), (Some(3600), 100, 1000));
        for text in [
            "",
            "other 5\n",
            "twingate_connector_uptime_seconds NaN\n",
            "twingate_connector_uptime_seconds -1\n",
            "{} {} {",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
