//! Causes that lie in the quality of the path. Rows and pure functions.

use super::resource;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::PathMtuBlackhole,
        severity: Severity::Critical,
        title: "Small packets pass, large ones vanish without an ICMP error",
        impact: "Handshakes and transfers hang while pings and names work: the Connector comes and goes.",
        layer: Layer::Path,
        explains: &[
            CheckId::PathMtu,
            CheckId::ControllerTls,
            CheckId::ControllerHttp,
            CheckId::ServicesTcp,
            CheckId::ResourceReply,
        ],
        folds: &[CauseCode::ControllerPortBlocked],
        fits: mtu_blackhole,
        remedies: smaller_packets,
        verify: "connector-doctor check path.mtu --wait 10m",
        page: include_str!("../../docs/causes/path-mtu-blackhole.md"),
    },
    CauseRule {
        code: CauseCode::PacketLoss,
        severity: Severity::Warning,
        title: "5 % or more of the packets are lost on the path",
        impact: "Connections stall and peer-to-peer falls back to relays at random.",
        layer: Layer::Path,
        explains: &[CheckId::PathLoss],
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
    },
];

/// The size that passes, in which directions larger ones vanish, and the lines that show it.
fn hole(e: &Evidence<'_>) -> Option<(u32, bool, bool, Vec<String>)> {
    e.symptom(|s| match s {
        Symptom::MtuHole { size, outbound, inbound, lines } => {
            Some((*size, *outbound, *inbound, lines.clone()))
        }
        _ => None,
    })
}

fn mtu_blackhole(e: &Evidence<'_>) -> Option<Fit> {
    let Some((size, outbound, inbound, lines)) = hole(e) else { return resource::hole(e) };
    let way = match (outbound, inbound) {
        (true, true) => "both ways",
        (true, false) => "on the way out",
        _ => "on the way in",
    };
    let fit = Fit::new(
        Confidence::Likely,
        format!("Packets of more than {size} bytes vanish {way}, and no router says so"),
    );
    let mut fit = lines.into_iter().take(6).fold(fit, Fit::because);
    if fit.because.is_empty() {
        let of_size = e.findings.iter().filter(|f| f.check == CheckId::PathMtu);
        fit.because.extend(of_size.map(|f| f.summary.clone()));
    }
    // Without a handshake that hangs nothing else of the Controller's is explained.
    Some(if inbound { fit } else { fit.only([CheckId::PathMtu]) })
}

fn smaller_packets(e: &Evidence<'_>) -> Vec<Remedy> {
    let of_path = hole(e).map(|(size, ..)| size);
    let Some(size) = of_path.or_else(|| resource::hole_size(e)) else { return Vec::new() };
    let interface = e.host.default_routes.first().map_or("eth0", |route| route.interface.as_str());
    vec![
        Remedy::advice(format!(
            "Ask the network team to let ICMP type 3 code 4 (fragmentation needed) pass, and to clamp TCP's segment size on the router (to {} where it cannot follow the path)",
            size.saturating_sub(40)
        )),
        Remedy {
            action: format!(
                "Until then send smaller packets from this host: {size} bytes pass (undone by a restart; make it last in the network's configuration)"
            ),
            commands: vec![format!("sudo ip link set dev {interface} mtu {size}")],
            needs_root: true,
        },
    ]
}

fn packet_loss(e: &Evidence<'_>) -> Option<Fit> {
    let (sent, lost) =
        e.symptom(|s| if let Symptom::PacketLoss { sent, lost } = s { Some((*sent, *lost)) } else { None })?;
    let summary = e.findings.iter().find(|f| f.check == CheckId::PathLoss).map(|f| f.summary.clone());
    let title = format!("{lost} of {sent} request-and-answer pairs were lost");
    Some(Fit::new(Confidence::Certain, title).because_some(summary))
}
