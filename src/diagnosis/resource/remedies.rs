//! What to do about a Resource that the Connector does not reach. Pure.

use super::troubles::first;
use crate::diagnosis::remedy::{Allow, ask_network_team};
use crate::diagnosis::rule::Evidence;
use crate::model::CauseCode;
use crate::model::report::Remedy;
use crate::model::trouble::{CertificateFault, Refuser, Trouble};

/// Lets this host's own filter pass what it shuts out, where that is Resources alone.
pub(in crate::diagnosis) fn open_filter(e: &Evidence<'_>) -> Option<Vec<Remedy>> {
    let trouble = first(e, CauseCode::LocalFirewall).filter(|_| e.witnesses.denied.is_empty())?;
    let protocol = if trouble.kind.over_tcp() { "TCP" } else { "ICMP echo" };
    Some(vec![
        Remedy::root(
            "Find the rule of the output chain that drops or rejects, and what made it (a script, a VPN's kill switch, a security agent)",
            &["sudo nft -a list ruleset", "sudo iptables -L OUTPUT -n -v --line-numbers"],
        ),
        Remedy::advice(format!(
            "Allow outbound {protocol} to {} on this host, where that rule comes from",
            trouble.place
        )),
    ])
}

pub(in crate::diagnosis) fn move_bridge(e: &Evidence<'_>) -> Vec<Remedy> {
    let interface = match first(e, CauseCode::RouteBroken).map(|t| &t.what) {
        Some(Trouble::Covered { interface }) => interface.clone(),
        _ => "docker0".to_owned(),
    };
    vec![
        Remedy {
            action: "See which network the bridge has".to_owned(),
            commands: vec![format!("ip address show dev {interface}")],
            needs_root: false,
        },
        Remedy::advice(
            "Give docker other networks: \"bip\" and \"default-address-pools\" in /etc/docker/daemon.json, or \"ipam\" of the compose network; then make the networks anew",
        ),
    ]
}

pub(in crate::diagnosis) fn leave_tunnel(e: &Evidence<'_>) -> Vec<Remedy> {
    let trouble = first(e, CauseCode::TunnelOwnsRoute);
    let interface = match trouble.map(|t| &t.what) {
        Some(Trouble::Tunnelled { interface }) => interface.clone(),
        _ => "wg0".to_owned(),
    };
    vec![
        Remedy {
            action: "See which routes the tunnel has".to_owned(),
            commands: vec![format!("ip route show table all dev {interface}")],
            needs_root: false,
        },
        Remedy::advice(format!(
            "Take the Resource's network out of what {interface} carries (AllowedIPs of WireGuard, pushed routes of OpenVPN), or end that VPN on the Connector's host"
        )),
    ]
}

pub(super) fn other_resolvers(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(trouble) = first(e, CauseCode::ResourceUnresolved) else {
        return vec![Remedy::advice("Let the Connector ask a resolver that knows the Resource's name")];
    };
    let own = match &trouble.what {
        Trouble::Unresolved { by, known_to: Some(_), .. } | Trouble::Elsewhere { by, .. } => Some(by),
        _ => None,
    };
    let settings = own.filter(|by| by.starts_with("TWINGATE_DNS")).map(|_| {
        Remedy::advice(
            "Take TWINGATE_DNS out of the Connector's configuration, or set it to a resolver that knows the inner names; then restart the Connector",
        )
    });
    let general = Remedy::advice(format!(
        "Let the Connector ask a resolver that knows {}: the network's own, or one that forwards that domain to it",
        trouble.host
    ));
    let misspelt = Remedy::advice(format!(
        "Is the name right? Compare it with the Resource's address in the Admin Console: {}",
        trouble.host
    ));
    match settings {
        Some(settings) => vec![settings],
        None => [general].into_iter().chain(own.is_none().then_some(misspelt)).collect(),
    }
}

pub(super) fn let_through(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(trouble) = first(e, CauseCode::ResourceUnreachable) else {
        return vec![Remedy::advice(
            "See whether the Resource runs, and whether firewalls between it and this host let its port pass",
        )];
    };
    let route = |action: &str| Remedy {
        action: action.to_owned(),
        commands: vec!["ip route".to_owned()],
        needs_root: false,
    };
    match trouble.what {
        Trouble::NoRoute { ipv6: true } => vec![
            Remedy::advice(format!("Give {} an IPv4 address, or this host IPv6", trouble.name)),
            Remedy {
                action: "See this host's IPv6 routes".to_owned(),
                commands: vec!["ip -6 route".to_owned()],
                needs_root: false,
            },
        ],
        Trouble::NoRoute { .. } => {
            vec![route("See this host's routes, and add the one to the Resource's network")]
        }
        Trouble::Unreachable { no_neighbour: true } => vec![
            Remedy::advice(format!(
                "See whether {} is up, and in this host's network (VLAN, cable, switch port)",
                trouble.name
            )),
            route("See whether this host is to reach it by this interface and source address"),
        ],
        _ => {
            let row = Allow { protocol: "TCP", destination: &trouble.place, purpose: "a Resource" };
            vec![
                Remedy::advice(format!(
                    "See whether {} runs, and whether its own firewall lets this host in",
                    trouble.name
                )),
                ask_network_team(e.host, &[row]),
            ]
        }
    }
}

pub(super) fn start_service(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(trouble) = first(e, CauseCode::ResourceRefused) else {
        return vec![Remedy::advice("Start the Resource's server, or name the port at which it listens")];
    };
    match trouble.what {
        Trouble::Refused(Refuser::Nearer(_)) => {
            let row = Allow { protocol: "TCP", destination: &trouble.place, purpose: "a Resource" };
            vec![ask_network_team(e.host, &[row])]
        }
        Trouble::Refused(Refuser::Protocol) => vec![Remedy::advice(format!(
            "Look at the log of {}: its server refuses this host (limits of connections, a block after failed ones, lists of allowed hosts)",
            trouble.name
        ))],
        _ => vec![
            Remedy::advice(format!(
                "Start the server of {}; see that it listens at this address, not on its own loopback alone",
                trouble.name
            )),
            Remedy::advice(
                "Is the port right? A server that speaks UDP alone refuses TCP: name it with /udp",
            ),
        ],
    }
}

pub(super) fn right_kind(e: &Evidence<'_>) -> Vec<Remedy> {
    let name = first(e, CauseCode::ResourceWrongProtocol).map_or("the Resource", |t| t.name.as_str());
    vec![Remedy::advice(format!(
        "Name the port at which {name} speaks that protocol, or the kind that this port speaks (HOST:PORT/KIND)"
    ))]
}

pub(super) fn wake_service(e: &Evidence<'_>) -> Vec<Remedy> {
    let trouble = first(e, CauseCode::ResourceMute);
    let name = trouble.map_or("the Resource", |t| t.name.as_str());
    let mut all = vec![Remedy::advice(format!(
        "Look at the server of {name}: its kernel takes connections, its program does not answer (hung, overloaded, or it waits for something)"
    ))];
    if trouble.is_some_and(|t| matches!(t.what, Trouble::Mute { guessed: true })) {
        all.push(Remedy::advice(
            "Does it speak another protocol? Name it: HOST:PORT/KIND, or /tcp for a connection alone",
        ));
    }
    all
}

pub(super) fn new_certificate(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(trouble) = first(e, CauseCode::ResourceCertificate) else {
        return vec![Remedy::advice("Give the Resource's server a certificate that holds for its name")];
    };
    let action = match trouble.what {
        Trouble::Certificate(CertificateFault::Expired | CertificateFault::NotYet) => {
            format!("Renew the certificate of {}, and restart what serves it", trouble.name)
        }
        Trouble::Certificate(CertificateFault::Name) => {
            format!(
                "Add {} to the certificate's names, or name the Resource as its certificate does",
                trouble.host
            )
        }
        Trouble::Certificate(CertificateFault::Issuer) => {
            return vec![Remedy::advice(format!(
                "Name the issuer's certificate with --ca-file PEM if it is your own; else give {} one of a known issuer",
                trouble.name
            ))];
        }
        _ => format!("Give {} a certificate that holds", trouble.name),
    };
    vec![Remedy::advice(action)]
}
