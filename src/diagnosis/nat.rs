//! Causes that lie in the NAT in front of this host. Rows and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::by_relays;
use crate::model::facts::Cloud;
use crate::model::finding::{Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::words::P2pExpect;
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::MultipleEgress,
        severity: Severity::Warning,
        title: "Different destinations see different public addresses",
        impact: "Clients learn an address that is not the one they are answered from: peer-to-peer may fail at random.",
        layer: Layer::Path,
        explains: &[CheckId::PublicAddress, CheckId::StunMapping],
        folds: &[CauseCode::NatEndpointDependent],
        fits: multiple_egress,
        remedies: one_way_out,
        verify: "connector-doctor check public.address --wait 10m",
        page: include_str!("../../docs/causes/multiple-egress.md"),
    },
    CauseRule {
        code: CauseCode::NatEndpointDependent,
        severity: Severity::Warning,
        title: "The NAT is symmetric: its mapping changes with the destination",
        impact: "Peer-to-peer works with few Clients: relays carry most traffic, slower.",
        layer: Layer::Path,
        explains: &[CheckId::StunMapping],
        folds: &[],
        fits: endpoint_dependent,
        remedies: make_independent,
        verify: "connector-doctor check stun.mapping --wait 10m",
        page: include_str!("../../docs/causes/nat-endpoint-dependent.md"),
    },
    CauseRule {
        code: CauseCode::NatTimeoutShort,
        severity: Severity::Warning,
        title: "The NAT forgets UDP mappings before a keepalive holds them",
        impact: "A peer-to-peer connection that is silent for that long is cut off.",
        layer: Layer::Path,
        explains: &[CheckId::StunMapping],
        folds: &[],
        fits: timeout_short,
        remedies: |_| {
            vec![Remedy::advice(
                "Raise the UDP timeout of the router or firewall before this host to 120 s or more (RFC 4787 wants two minutes; Linux: \
                 net.netfilter.nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream)",
            )]
        },
        verify: "connector-doctor check stun.mapping --lifetime",
        page: include_str!("../../docs/causes/nat-timeout-short.md"),
    },
    CauseRule {
        code: CauseCode::StunTampered,
        severity: Severity::Warning,
        title: "Somebody on the way changes or forges STUN answers",
        impact: "Clients are told a wrong address of this host: peer-to-peer may fail although STUN answers.",
        layer: Layer::Path,
        explains: &[CheckId::StunDiscovery],
        // Packets pass: what the log alone says of UDP is told by it.
        folds: &[CauseCode::UdpBlocked],
        fits: tampered,
        remedies: |_| {
            vec![Remedy::advice(
                "Switch off the SIP or STUN helper (ALG) of the router or firewall before this host; where none is yours, tell the provider",
            )]
        },
        verify: "connector-doctor check stun.discovery --wait 10m",
        page: include_str!("../../docs/causes/stun-tampered.md"),
    },
    CauseRule {
        code: CauseCode::Cgnat,
        severity: Severity::Warning,
        title: "The outer NAT is the carrier's (100.64.0.0/10)",
        impact: "Peer-to-peer depends on a NAT that nobody here can configure; what it refuses needs relays.",
        layer: Layer::Path,
        explains: &[CheckId::NatLayers],
        folds: &[CauseCode::NatMultipleLayers],
        fits: cgnat,
        remedies: |_| {
            vec![Remedy::advice(
                "Ask the provider for a public IPv4 address for this line, or use IPv6 where Clients have it, too",
            )]
        },
        verify: "connector-doctor check nat.layers --ask-gateway",
        page: include_str!("../../docs/causes/cgnat.md"),
    },
    CauseRule {
        code: CauseCode::NatMultipleLayers,
        severity: Severity::Warning,
        title: "Two NATs stand in a row, or may",
        impact: "Peer-to-peer needs both of them to play along; what one opens, the other does not.",
        layer: Layer::Path,
        explains: &[CheckId::NatLayers],
        folds: &[],
        fits: multiple_layers,
        remedies: |_| {
            vec![Remedy::advice(
                "Put one of the two routers into bridge mode, so that one NAT is left; a routed private network needs nothing",
            )]
        },
        verify: "connector-doctor check nat.layers --ask-gateway",
        page: include_str!("../../docs/causes/nat-multiple-layers.md"),
    },
];

fn timeout_short(e: &Evidence<'_>) -> Option<Fit> {
    let lives =
        e.symptom(|s| if let Symptom::MappingsShort(lives) = s { Some(lives.clone()) } else { None })?;
    let fit = Fit::new(Confidence::Certain, format!("a UDP mapping lives {lives} after its last packet"));
    Some(fit.because("sockets that were silent for longer got no answer through their mapping, while the server answered others"))
}

fn tampered(e: &Evidence<'_>) -> Option<Fit> {
    let lines =
        e.symptom(|s| if let Symptom::StunTampered(lines) = s { Some(lines.clone()) } else { None })?;
    let fit = Fit::new(Confidence::Likely, "STUN answers are changed or forged on the way");
    Some(lines.into_iter().take(4).fold(fit, Fit::because))
}

/// What shows a further NAT, where anything does.
struct Layers {
    routers: String,
    carrier: bool,
    certain: bool,
    said: Vec<String>,
}

fn layers(e: &Evidence<'_>) -> Option<Layers> {
    let said =
        e.findings.iter().filter(|f| f.check == CheckId::NatLayers).map(|f| f.summary.clone()).collect();
    e.symptom(|s| match s {
        Symptom::NatLayers { routers, carrier, certain } => Some((routers.clone(), *carrier, *certain)),
        _ => None,
    })
    .map(|(routers, carrier, certain)| {
        let routers: Vec<String> = routers.iter().map(ToString::to_string).collect();
        Layers { routers: routers.join(" and "), carrier, certain, said }
    })
}

fn cgnat(e: &Evidence<'_>) -> Option<Fit> {
    let seen = layers(e).filter(|seen| seen.carrier)?;
    let confidence = if seen.certain { Confidence::Certain } else { Confidence::Likely };
    let title = format!("The outer NAT is the carrier's: {} lies in 100.64.0.0/10", seen.routers);
    Some(seen.said.into_iter().fold(Fit::new(confidence, title), Fit::because))
}

fn multiple_layers(e: &Evidence<'_>) -> Option<Fit> {
    let seen = layers(e).filter(|seen| !seen.carrier)?;
    let fit = if seen.certain {
        Fit::new(Confidence::Certain, "Two NATs stand in a row: the gateway's outer address is no public one")
    } else {
        Fit::new(Confidence::Possible, "Two NATs may stand in a row, or the network is routed")
            .severity(Severity::Notice)
    };
    Some(seen.said.into_iter().fold(fit, Fit::because))
}

fn multiple_egress(e: &Evidence<'_>) -> Option<Fit> {
    let (addresses, routed, by_transport, seen) = e.symptom(|s| match s {
        Symptom::SeveralPublicAddresses { addresses, routed, by_transport, seen } => {
            Some((addresses.clone(), *routed, *by_transport, seen.clone()))
        }
        _ => None,
    })?;
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let fit = Fit::new(
        Confidence::Certain,
        if by_transport {
            format!("This host appears as {}: one over UDP, another over TCP", shown.join(" and "))
        } else {
            format!("This host appears as {}, by destination", shown.join(" and "))
        },
    );
    let fit = seen.into_iter().take(6).fold(fit, Fit::because);
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
    let (how, expect) = e.symptom(|s| match s {
        Symptom::NatDependent { how, expect } => Some((how.clone(), *expect)),
        _ => None,
    })?;
    if e.status(CheckId::StunMapping) != Status::Warn {
        return None;
    }
    let evidence =
        e.findings.iter().filter(|f| f.check == CheckId::StunMapping).flat_map(|f| f.evidence.iter().take(4));
    let title = format!("The NAT is symmetric: its mapping is {how}");
    let clients = match expect {
        P2pExpect::DirectLikely => "with most Clients",
        P2pExpect::DependsOnClient => "with some Clients and not with others",
        P2pExpect::Relayed => "with few Clients",
    };
    let rest = match e.status(CheckId::RelayTcp) {
        Status::Pass => "relays carry the rest, slower",
        Status::Fail => "and this run reaches no relay for the rest",
        Status::Skip | Status::Unknown | Status::Warn => "the rest needs relays",
    };
    let quic = e.symptom(|s| if let Symptom::QuicBlocked(block) = s { Some(block.ipv4) } else { None });
    let impact = if e.status(CheckId::StunDiscovery) == Status::Fail || quic == Some(true) {
        format!("No peer-to-peer connections, by what else this run found: {}.", by_relays(e))
    } else {
        format!("Peer-to-peer works {clients}: {rest}.")
    };
    let fit = Fit::new(Confidence::Certain, title).impact(impact);
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
    let general = "Enable endpoint-independent NAT (one outside port for each inside port, for all destinations) (SonicWall: Consistent NAT; Palo Alto: Persistent NAT; OPNsense, pfSense: static port)";
    cloud.map(|(_, advice)| *advice).into_iter().chain([general]).map(Remedy::advice).collect()
}
