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
        folds: &[CauseCode::ControllerPortBlocked, CauseCode::TlsBlocked],
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

/// What is known of the sizes: one that passes, the smallest that vanishes outbound, the largest that passes inbound,
/// and the lines that show it.
#[expect(clippy::type_complexity, reason = "the fields of one symptom, taken apart where it is read")]
fn hole(e: &Evidence<'_>) -> Option<(u32, Option<u32>, Option<u32>, Vec<String>)> {
    e.symptom(|s| match s {
        Symptom::MtuHole { size, outbound, inbound, lines } => {
            Some((*size, *outbound, *inbound, lines.clone()))
        }
        _ => None,
    })
}

fn mtu_blackhole(e: &Evidence<'_>) -> Option<Fit> {
    let Some((size, outbound, inbound, lines)) = hole(e) else {
        let impact = "Handshakes and transfers with the Resource hang while small packets pass.";
        return resource::hole(e).map(|fit| fit.impact(impact));
    };
    let title = match (outbound, inbound) {
        (Some(swallowed), None) => {
            format!("Packets of {swallowed} bytes vanish on the way out, and no router says so")
        }
        (Some(swallowed), Some(_)) => {
            format!("Large packets vanish both ways (outbound at {swallowed} bytes), and no router says so")
        }
        (None, _) => "Full-size packets vanish on the way in, and no router says so".to_owned(),
    };
    let fit = Fit::new(Confidence::Likely, format!("{title}; {size} bytes pass"));
    let mut fit = lines.into_iter().take(6).fold(fit, Fit::because);
    if fit.because.is_empty() {
        let of_size = e.findings.iter().filter(|f| f.check == CheckId::PathMtu);
        fit.because.extend(of_size.map(|f| f.summary.clone()));
    }
    // Without a handshake that hangs nothing else of the Controller's is explained.
    Some(if inbound.is_some() { fit } else { fit.only([CheckId::PathMtu]) })
}

fn smaller_packets(e: &Evidence<'_>) -> Vec<Remedy> {
    let of_path = hole(e).map(|(size, ..)| size);
    let Some(size) = of_path.or_else(|| resource::hole_size(e)) else { return Vec::new() };
    vec![
        Remedy::advice(format!(
            "Ask the network team to let ICMP type 3 code 4 (fragmentation needed) pass, and to clamp TCP's segment size on the router (to {} where it cannot follow the path)",
            size.saturating_sub(40)
        )),
        by_this_host(e, size),
    ]
}

/// Smaller packets by the link, or, below IPv6's least size, by the route of IPv4 alone.
fn by_this_host(e: &Evidence<'_>, size: u32) -> Remedy {
    /// RFC 8200, section 5: a link that takes less carries no IPv6.
    const IPV6_LEAST: u32 = 1280;
    let route = e.host.default_routes.iter().find(|route| !route.ipv6);
    let interface = route.map_or("eth0", |route| route.interface.as_str());
    let until = "(undone by a restart; make it last in the network's configuration)";
    if size >= IPV6_LEAST {
        return Remedy::root(
            format!("Until then send smaller packets from this host: {size} bytes pass {until}"),
            &[&format!("sudo ip link set dev {interface} mtu {size}")],
        );
    }
    let via = route.and_then(|route| route.gateway).map_or_else(String::new, |ip| format!(" via {ip}"));
    let metric =
        route.map(|r| r.metric).filter(|m| *m > 0).map_or_else(String::new, |m| format!(" metric {m}"));
    Remedy::root(
        format!(
            "Until then send smaller packets of IPv4 from this host: {size} bytes pass {until}; never set the link itself below {IPV6_LEAST}, IPv6 ends there"
        ),
        &[&format!("sudo ip route replace default{via} dev {interface}{metric} mtu {size}")],
    )
}

fn packet_loss(e: &Evidence<'_>) -> Option<Fit> {
    let (sent, lost) =
        e.symptom(|s| if let Symptom::PacketLoss { sent, lost } = s { Some((*sent, *lost)) } else { None })?;
    let summary = e.findings.iter().find(|f| f.check == CheckId::PathLoss).map(|f| f.summary.clone());
    let title = format!("{lost} of {sent} request-and-answer pairs were lost");
    Some(Fit::new(Confidence::Certain, title).because_some(summary))
}
