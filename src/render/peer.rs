//! What `peer` found, for people and as JSON.

use std::fmt::Write as _;

use super::text::{ascii_whole, wrap};
use crate::model::peer::{PeerPair, PeerReport};

/// Columns before the text.
const INDENT: usize = 10;
/// Pairs shown where nothing was proven.
const MOST_PAIRS: usize = 8;

/// One object, ended by a line's end.
pub fn json(report: &PeerReport) -> String {
    let mut text = serde_json::to_string_pretty(report).unwrap_or_else(|_| "{}".to_owned());
    text.push('\n');
    text
}

/// The report on `width` columns.
pub fn human(report: &PeerReport, width: usize) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    rows.push((
        "peer",
        match &report.reason {
            None => {
                "PROVEN: the two hosts speak directly, by QUIC, with both certificates as the lines name them"
                    .to_owned()
            }
            Some(reason) => format!("NOT PROVEN: {reason}"),
        },
    ));
    rows.extend(report.advice.iter().map(|advice| ("do", advice.clone())));
    rows.extend(report.firewall_request.iter().map(|line| ("ask for", line.clone())));
    if let Some(pair) = &report.pair {
        rows.push(("pair", way(pair)));
    }
    rows.extend(measured(report).map(|text| ("path", text)));
    rows.push(("NAT", format!("this side {}, the other {}", nat(report.nat.ours), nat(report.nat.theirs))));
    if !report.proven {
        for pair in report.pairs.iter().take(MOST_PAIRS) {
            rows.push(("tried", tried(pair)));
        }
        if report.pairs.len() > MOST_PAIRS {
            rows.push(("", format!("and {} more (--json shows all)", report.pairs.len() - MOST_PAIRS)));
        }
    }
    if report.strangers > 0 {
        rows.push(("strangers", format!("{} packets of others were dropped", report.strangers)));
    }
    let mut out = String::new();
    let mut before = "";
    for (name, text) in rows {
        let name = if name == before { "" } else { name };
        for (n, line) in wrap(&ascii_whole(&text), width.saturating_sub(INDENT)).into_iter().enumerate() {
            let _ = writeln!(out, "{:INDENT$}{line}", if n == 0 { name } else { "" });
        }
        before = if name.is_empty() { before } else { name };
    }
    out
}

fn nat(word: &str) -> &str {
    match word {
        "no-nat" => "has none",
        "unknown" => "is not known (one STUN server answered)",
        "no-stun-answer" => "is not known (no STUN server answered)",
        other => other,
    }
}

fn way(pair: &PeerPair) -> String {
    let seen = pair.seen_as.map_or_else(String::new, |seen| format!(", which sees this side as {seen}"));
    format!("{} ({}){seen}", pair.remote, pair.kind)
}

fn tried(pair: &PeerPair) -> String {
    let error = pair.error.as_ref().map_or_else(String::new, |error| format!("; {error}"));
    format!(
        "{} ({}): {} sent, {} answered, {} came from there{error}",
        pair.remote, pair.kind, pair.sent, pair.answered, pair.heard
    )
}

fn measured(report: &PeerReport) -> impl Iterator<Item = String> {
    let rtt = report.rtt_ms.map(|rtt| {
        format!(
            "round trip {:.1} ms at least, {:.1} median, {:.1} at 95 %; jitter {:.1} ms{}",
            rtt.min,
            rtt.median,
            rtt.p95,
            rtt.jitter,
            report.loss.map_or_else(String::new, |loss| format!("; {:.1} % lost", loss * 100.0))
        )
    });
    let rate = |name: &str, bps: Option<f64>| bps.map(|bps| format!("{name} {:.1} Mbit/s", bps / 1e6));
    let flow: Vec<String> = [
        rate("up", report.throughput_bps.up),
        rate("down", report.throughput_bps.down),
        report.mtu.map(|mtu| format!("packets up to {mtu} bytes")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let flow = (!flow.is_empty()).then(|| flow.join(", "));
    rtt.into_iter().chain(flow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::peer::{PeerNats, PeerReason, PeerRtt, PeerThroughput};

    fn pair() -> PeerPair {
        PeerPair {
            local: "10.0.0.5".parse().ok(),
            seen_as: "203.0.113.2:40000".parse().ok(),
            remote: "198.51.100.7:41000".parse().unwrap(),
            kind: "server-reflexive",
            sent: 3,
            answered: 2,
            heard: 1,
            rtt_ms: Some(12.0),
            error: None,
        }
    }

    #[test]
    fn a_proven_way_is_told_with_its_figures() {
        let report = PeerReport {
            proven: true,
            pair: Some(pair()),
            rtt_ms: Some(PeerRtt { min: 12.0, median: 12.5, p95: 14.0, jitter: 0.25 }),
            loss: Some(0.0),
            throughput_bps: PeerThroughput { up: Some(94e6), down: None },
            mtu: Some(1500),
            nat: PeerNats { ours: "no-nat", theirs: "endpoint-independent" },
            pairs: vec![pair()],
            ..PeerReport::default()
        };
        let expected = "\
peer      PROVEN: the two hosts speak directly, by QUIC, with both certificates
          as the lines name them
pair      198.51.100.7:41000 (server-reflexive), which sees this side as
          203.0.113.2:40000
path      round trip 12.0 ms at least, 12.5 median, 14.0 at 95 %; jitter 0.2 ms;
          0.0 % lost
          up 94.0 Mbit/s, packets up to 1500 bytes
NAT       this side has none, the other endpoint-independent
";
        assert_eq!(human(&report, 80), expected);
        let json: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
        assert_eq!((&json["proven"], &json["mtu"]), (&true.into(), &1500.into()));
        for key in ["proven", "reason", "pair", "rtt_ms", "loss", "throughput_bps", "mtu", "pairs"] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn what_is_not_proven_says_why_and_what_to_do_in_eighty_columns() {
        let reasons = [
            PeerReason::BlockedHere,
            PeerReason::BlockedThere,
            PeerReason::NoCommonFamily,
            PeerReason::OnlyPrivate,
            PeerReason::Denied,
            PeerReason::StaleMapping {
                was: "203.0.113.2:1".parse().unwrap(),
                is: "203.0.113.2:2".parse().unwrap(),
            },
            PeerReason::Elsewhere("203.0.113.2:1".parse().unwrap()),
            PeerReason::OneWay,
            PeerReason::BothDependent,
            PeerReason::OneDependent { here: true },
            PeerReason::SearchFailed,
            PeerReason::NoHairpin("203.0.113.2".parse().unwrap()),
            PeerReason::NothingHeard { waited_s: 30, line_age_s: 40 },
            PeerReason::QuicBlocked,
            PeerReason::Stranger,
            PeerReason::Broke { after_ms: 1234 },
        ];
        for reason in reasons {
            let report = PeerReport {
                reason: Some(reason.sentence()),
                reason_code: Some(reason.code()),
                advice: reason.advice(),
                pairs: vec![pair(); 12],
                ..PeerReport::default()
            };
            let text = human(&report, 80);
            assert!(text.starts_with("peer      NOT PROVEN: ") && text.contains("\ndo        "), "{text}");
            assert!(text.lines().all(|line| line.len() <= 80) && text.contains("and 4 more"), "{text}");
            assert!(!reason.sentence().ends_with('.'));
        }
    }
}
