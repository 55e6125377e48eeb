//! A cause that lies in filters which look into UDP. Rows and pure functions.

use super::remedy::{Allow, ask_network_team};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::by_relays;
use crate::model::finding::{QuicBlock, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: CauseCode::QuicBlocked,
    severity: Severity::Warning,
    title: "QUIC is dropped on the way, while other UDP passes",
    impact: "Peer-to-peer connections are QUIC: none will stand, whatever the NAT allows.",
    layer: Layer::Path,
    explains: &[CheckId::QuicHandshake],
    folds: &[],
    fits: blocked,
    remedies: allow,
    verify: "connector-doctor check quic.handshake --wait 10m",
    page: include_str!("../../docs/causes/quic-blocked.md"),
}];

fn seen(e: &Evidence<'_>) -> Option<QuicBlock> {
    e.symptom(|s| if let Symptom::QuicBlocked(block) = s { Some(block.clone()) } else { None })
}

fn blocked(e: &Evidence<'_>) -> Option<Fit> {
    let block = seen(e)?;
    // One server that is silent may be one that does not speak QUIC; what else it answers, or another one, decides.
    let sure = block.servers.len() > 1
        || block.versions_pass
        || block.by_name
        || block.dies
        || block.only_small
        || block.rejected_by.is_some();
    let summary = e.findings.iter().find(|f| f.check == CheckId::QuicHandshake)?;
    let fit = Fit::new(if sure { Confidence::Certain } else { Confidence::Likely }, summary.summary.clone());
    let fit = summary.evidence.iter().take(6).fold(fit, |fit, line| fit.because(line.clone()));
    let impact = match &block {
        QuicBlock { only_small: true, .. } => "those that send full-size packets fail".to_owned(),
        QuicBlock { ipv4: false, ipv6: true, .. } => {
            "none will stand over IPv6, whatever the NAT allows; IPv4 is left to them".to_owned()
        }
        _ => format!("none will stand, whatever the NAT allows; {}", by_relays(e)),
    };
    Some(fit.impact(format!("Peer-to-peer connections are QUIC: {impact}.")))
}

fn allow(e: &Evidence<'_>) -> Vec<Remedy> {
    let rows = [Allow { protocol: "UDP", destination: "any:443", purpose: "QUIC" }];
    let block = seen(e).unwrap_or_default();
    let inspection = if block.rejected_by.is_some() {
        "Have the device that rejects it let QUIC pass for this host"
    } else {
        "Have \"QUIC inspection\" (\"Block QUIC\", application \"quic\") turned off for this host on the firewall, proxy or endpoint protection on the way"
    };
    let clients = Remedy::advice(
        "Ask that QUIC pass on every other port of UDP, too: Clients are reached on any, and this run tried no more",
    );
    vec![Remedy::advice(inspection), ask_network_team(e.host, &rows), clients]
}
