//! What to do about a route that leads astray: by kind, with commands for this very interface and address.

use super::remedy::plain;
use super::resource;
use super::rule::Evidence;
use super::symptoms::fault;
use crate::model::astray::{Astray, AstrayKind, Takes};
use crate::model::report::Remedy;

/// Looks without rights.
fn look(action: &str, commands: Vec<String>) -> Remedy {
    Remedy { action: action.to_owned(), commands, needs_root: false }
}

fn route_get(one: &Astray) -> Vec<String> {
    one.address.map(|ip| format!("ip route get {ip}")).into_iter().collect()
}

pub(super) fn mend_route(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(one) = fault(e, false) else {
        if resource::route_broken(e).is_some() {
            return resource::move_bridge(e);
        }
        let commands = ["ip route", "ip rule", "ip neigh"].map(str::to_owned).to_vec();
        return vec![look("See this host's routes, rules and neighbours", commands)];
    };
    let on = Some(one.interface.as_str()).filter(|name| plain(name));
    let neighbours = on.map(|on| format!("ip neigh show dev {on}"));
    let commands = |more: Option<String>| [route_get(one), more.into_iter().collect()].concat();
    match &one.kind {
        AstrayKind::DeadNextHop { gateway, other, shared } => {
            dead_next_hop(&gateway.to_string(), other.as_ref(), *shared, commands(neighbours))
        }
        AstrayKind::SilentUplink { gateway, .. } => {
            let which = gateway.map_or_else(|| one.interface.clone(), |ip| ip.to_string());
            vec![
                look(
                    "See which destinations go by which uplink",
                    commands(Some("ip route show default".to_owned())),
                ),
                Remedy::advice(format!(
                    "Mend the uplink behind {which}, or take it out of the default route until then (where the route is made: netplan, NetworkManager, a routing daemon)"
                )),
            ]
        }
        AstrayKind::Covered { network: (net, prefix), engine, .. } => {
            let address = on.map(|on| format!("ip addr show dev {on}"));
            let see = look("See which network covers it", commands(address));
            let mend = if *engine {
                format!(
                    "Give the container engine other networks than {net}/{prefix} (docker: \"bip\" and \"default-address-pools\" in /etc/docker/daemon.json, then restart it; a network of its own: docker network rm, and create it anew with --subnet); if a container is meant, start it"
                )
            } else {
                format!(
                    "Take {net}/{prefix} off {}, or make it smaller, so that the address goes by its own link again",
                    one.interface
                )
            };
            vec![see, Remedy::advice(mend)]
        }
        AstrayKind::TooWide { .. } => {
            let address = on.map(|on| format!("ip -4 addr show dev {on}"));
            vec![
                look("See the netmask", commands(address)),
                Remedy::advice(format!(
                    "Set the prefix length on {} that the network really has (mostly /24), where the address is configured: DHCP, netplan, NetworkManager, ifupdown; if the address is on this link, mend that machine",
                    one.interface
                )),
            ]
        }
        AstrayKind::NoGateway { network: (net, prefix) } => vec![
            look("See the route", commands(neighbours)),
            Remedy::advice(format!(
                "Give the route to {net}/{prefix} its gateway (via ...), or delete it, where it is made"
            )),
        ],
        AstrayKind::Pinned { neighbour } => {
            let unpin = on.map(|on| format!("sudo ip neigh del {neighbour} dev {on}"));
            let unpin: Vec<&str> = unpin.iter().map(String::as_str).collect();
            vec![
                look("See what is written down for it", commands(neighbours)),
                Remedy::root(
                    "Delete the entry, so that the kernel asks for the address; and take it out of what wrote it (/etc/ethers, a start script, [Neighbor] of systemd-networkd)",
                    &unpin,
                ),
            ]
        }
        AstrayKind::NoIpv4Default { .. } => vec![
            look("See the routes of IPv4", vec!["ip -4 addr".to_owned(), "ip -4 route".to_owned()]),
            Remedy::advice(
                "Give IPv4 its default gateway, where the address is configured: DHCP, netplan, NetworkManager, ifupdown; then restart the Connector",
            ),
        ],
        AstrayKind::DeadTunnel { .. } => Vec::new(),
    }
}

fn dead_next_hop(
    gateway: &str,
    other: Option<&(Option<std::net::IpAddr>, String)>,
    shared: bool,
    commands: Vec<String>,
) -> Vec<Remedy> {
    let mend = match (other, shared) {
        (Some(_), true) => format!(
            "Bring {gateway} back, or take it out of the route's next hops, where the route is made (netplan, NetworkManager, a routing daemon)"
        ),
        (Some((other, on)), false) => {
            let by = other.map_or_else(|| on.clone(), |ip| format!("{ip} on {on}"));
            format!(
                "Bring {gateway} back, or let the default route by {by} come first: give it the lower metric"
            )
        }
        (None, _) => format!(
            "Correct the route, where it is made (DHCP, netplan, NetworkManager, a static route): {gateway} is not there; if it should be, look at the cable, the virtual switch, the VLAN and that router"
        ),
    };
    vec![look("See the route and its next hop", commands), Remedy::advice(mend)]
}

pub(super) fn free_of_tunnel(e: &Evidence<'_>) -> Vec<Remedy> {
    let tunnel = fault(e, true).and_then(|one| match &one.kind {
        AstrayKind::DeadTunnel { by, .. } => Some((one, by)),
        _ => None,
    });
    let Some((one, by)) = tunnel else {
        if resource::tunnel_owns_route(e).is_some() {
            return resource::leave_tunnel(e);
        }
        let commands = ["ip rule", "ip route get 1.1.1.1"].map(str::to_owned).to_vec();
        return vec![look("See which VPN takes this host's traffic, and how", commands)];
    };
    let on = Some(one.interface.as_str()).filter(|name| plain(name));
    let rules = matches!(by, Takes::Rule(_)).then(|| "ip rule".to_owned());
    let details = on.map(|on| format!("ip -d addr show dev {on}"));
    let commands = [route_get(one), rules.into_iter().collect(), details.into_iter().collect()].concat();
    let down = on.map(|on| format!("sudo ip link set dev {on} down"));
    let down: Vec<&str> = down.iter().map(String::as_str).collect();
    vec![
        look("See which VPN it is, and how it takes the traffic", commands),
        Remedy::root(
            "Take the tunnel down: its routes go with it (better by its own program: wg-quick down, systemctl stop openvpn, tailscale down)",
            &down,
        ),
        Remedy::advice(
            "If the VPN is needed, mend it, and let it take its own networks alone (AllowedIPs, route-nopull, no exit node): the Connector needs no VPN",
        ),
    ]
}
