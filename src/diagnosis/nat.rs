//! Causes that lie in the NAT in front of this host. Rows and pure functions.

use super::{CauseRule, Evidence, Fit, Layer};
use crate::model::facts::Cloud;
use crate::model::finding::{Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: "multiple-egress",
        severity: Severity::Warning,
        title: "Different destinations see different public addresses",
        impact: "Clients learn an address that is not the one they are answered from: peer-to-peer fails at random.",
        layer: Layer::Path,
        explains: &["public.address", "stun.mapping"],
        folds: &["nat-endpoint-dependent"],
        fits: multiple_egress,
        remedies: one_way_out,
        verify: "connector-doctor check public.address --wait 10m",
        page: include_str!("../../docs/causes/multiple-egress.md"),
    },
    CauseRule {
        code: "nat-endpoint-dependent",
        severity: Severity::Warning,
        title: "The NAT is symmetric: its mapping changes with the destination",
        impact: "Peer-to-peer works with few Clients: relays carry most traffic, slower.",
        layer: Layer::Path,
        explains: &["stun.mapping"],
        folds: &[],
        fits: endpoint_dependent,
        remedies: make_independent,
        verify: "connector-doctor check stun.mapping --wait 10m",
        page: include_str!("../../docs/causes/nat-endpoint-dependent.md"),
    },
];

fn multiple_egress(e: &Evidence<'_>) -> Option<Fit> {
    let (addresses, routed) = e.symptom(|s| match s {
        Symptom::SeveralPublicAddresses { addresses, routed } => Some((addresses.clone(), *routed)),
        _ => None,
    })?;
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let fit = Fit::new(
        Confidence::Certain,
        format!("This host appears as {}, by destination", shown.join(" and ")),
    );
    Some(fit.because(if routed {
        "This host itself leaves by different local addresses: its own routing chooses"
    } else {
        "It leaves by one local address: something beyond it chooses"
    }))
}

fn one_way_out(e: &Evidence<'_>) -> Vec<Remedy> {
    let routed =
        e.symptom(
            |s| if let Symptom::SeveralPublicAddresses { routed, .. } = s { Some(*routed) } else { None },
        );
    vec![if routed == Some(true) {
        Remedy {
            action: "Route all of this host's internet traffic by one uplink; see which it takes".to_owned(),
            commands: vec!["ip route".to_owned(), "ip rule".to_owned()],
            needs_root: false,
        }
    } else {
        Remedy::advice(
            "Have the router or NAT gateway use one public address for this host (sticky or paired pooling)",
        )
    }]
}

fn endpoint_dependent(e: &Evidence<'_>) -> Option<Fit> {
    let how = e.symptom(|s| if let Symptom::NatDependent(how) = s { Some(how.clone()) } else { None })?;
    if e.status("stun.mapping") != Status::Warn {
        return None;
    }
    let evidence =
        e.findings.iter().filter(|f| f.check == "stun.mapping").flat_map(|f| f.evidence.iter().take(4));
    let fit = Fit::new(Confidence::Certain, format!("The NAT is symmetric: its mapping is {how}"));
    Some(evidence.fold(fit, |fit, line| fit.because(line.clone())))
}

/// Advice by cloud (connector-facts 2.3).
const BY_CLOUD: &[(Cloud, &str)] = &[
    (
        Cloud::Aws,
        "An AWS NAT gateway is always symmetric: place the Connector in a public subnet with an internet gateway, or use a NAT instance",
    ),
    (Cloud::Gcp, "Enable endpoint-independent mapping on the Cloud NAT gateway, and raise min_ports_per_vm"),
    (
        Cloud::Azure,
        "An Azure NAT gateway is symmetric: give the Connector's machine a public address of its own",
    ),
];

fn make_independent(e: &Evidence<'_>) -> Vec<Remedy> {
    let cloud = BY_CLOUD.iter().find(|(cloud, _)| e.host.cloud == Some(*cloud));
    let general = "Have the firewall map each inside port to one outside port whatever the destination (SonicWall: Consistent NAT; Palo Alto: Persistent NAT; OPNsense, pfSense: static port)";
    cloud.map(|(_, advice)| *advice).into_iter().chain([general]).map(Remedy::advice).collect()
}
