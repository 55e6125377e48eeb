//! Causes that lie in what passes of many UDP packets: a policer, a NAT with nothing left. Rows and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::{Missing, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::UdpRateLimited,
        severity: Severity::Warning,
        title: "UDP is policed: beyond some packets a second it is dropped",
        impact: "Peer-to-peer connections come to stand and are slow, or fall back to relays under load.",
        layer: Layer::Path,
        explains: &[CheckId::PathLoss],
        folds: &[CauseCode::PacketLoss],
        fits: policed,
        remedies: |_| {
            vec![Remedy::advice(
                "Ask the network team for the limit on UDP (policer, flood protection, storm control, a firewall's rate limit), and to exempt this host from it",
            )]
        },
        verify: "connector-doctor check path.loss --wait 10m",
        page: include_str!("../../docs/causes/udp-rate-limited.md"),
    },
    CauseRule {
        code: CauseCode::NatExhausted,
        severity: Severity::Warning,
        title: "The NAT has no ports or entries left for new flows",
        impact: "What stands goes on; new peer-to-peer connections, and much else over UDP, fail at random.",
        layer: Layer::Path,
        explains: &[CheckId::PathLoss, CheckId::StunMapping],
        folds: &[CauseCode::PacketLoss, CauseCode::StunServerDown, CauseCode::NatEndpointDependent],
        fits: exhausted,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Look at the NAT's table of sessions and its ports (more public addresses, more ports a host, shorter UDP timeouts), and at which host fills it",
                ),
                Remedy::advice(
                    "A carrier's or cloud NAT: ask for more ports for this host, or give it a public address of its own",
                ),
            ]
        },
        verify: "connector-doctor check path.loss --wait 10m",
        page: include_str!("../../docs/causes/nat-exhausted.md"),
    },
];

fn pattern(e: &Evidence<'_>) -> Option<Missing> {
    e.symptom(|s| if let Symptom::Missing(missing) = s { Some(*missing) } else { None })
}

fn policed(e: &Evidence<'_>) -> Option<Fit> {
    let missing = pattern(e).filter(|m| matches!(m, Missing::AfterFirst { .. }))?;
    let title = "UDP passes at first, and then most of it does not: something limits its rate";
    Some(Fit::new(Confidence::Likely, title).because(missing.words()))
}

fn exhausted(e: &Evidence<'_>) -> Option<Fit> {
    let missing = pattern(e).filter(|m| matches!(m, Missing::NewFlows { .. }))?;
    let title =
        "New UDP flows fail while others beside them live: the NAT has no ports or entries left for them";
    Some(Fit::new(Confidence::Likely, title).because(missing.words()))
}
