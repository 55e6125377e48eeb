//! Causes that lie in the quality of the path. Rows and pure functions.

use super::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};

/// The rows.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: "packet-loss",
    severity: Severity::Warning,
    title: "5 % or more of the packets are lost on the path",
    impact: "Connections stall and peer-to-peer falls back to relays at random.",
    layer: Layer::Path,
    explains: &["path.loss"],
    folds: &[],
    fits: packet_loss,
    remedies: |_| {
        vec![
            Remedy {
                action: "See on which hop the loss begins".to_owned(),
                commands: vec!["mtr -u -P 3478 -r -c 100 stun.cloudflare.com".to_owned()],
                needs_root: false,
            },
            Remedy::advice(
                "Loss at the first hop: check cable, Wi-Fi, duplex and the host's load; beyond it: ask the provider",
            ),
        ]
    },
    verify: "connector-doctor check path.loss --wait 10m",
    page: include_str!("../../docs/causes/packet-loss.md"),
}];

fn packet_loss(e: &Evidence<'_>) -> Option<Fit> {
    let (sent, lost) =
        e.symptom(|s| if let Symptom::PacketLoss { sent, lost } = s { Some((*sent, *lost)) } else { None })?;
    let summary = e.findings.iter().find(|f| f.check == "path.loss").map(|f| f.summary.clone());
    let title = format!("{lost} of {sent} request-and-answer pairs were lost");
    Some(Fit::new(Confidence::Certain, title).because_some(summary))
}
