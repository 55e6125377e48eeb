//! This host's own routing leads astray: looked at before any server is called gone. A few rows in CI; all with `NETS_ALL=1`, each
//! `NETS_RUNS` times.

use crate::control::Control;
use crate::support::public::Public;
use crate::support::{Net, Run, tell, variable};

/// One fault: lines for `ip` on the host that make it, and that undo it.
struct Row {
    name: &'static str,
    set: &'static str,
    undo: &'static str,
    first: &'static str,
    /// Words of that cause and of its remedies.
    says: &'static [&'static str],
    in_ci: bool,
}

const ROWS: &[Row] = &[
    Row {
        name: "the next hop to the resolver is not there",
        set: "route add 198.51.100.53 via 10.0.0.77\n",
        undo: "route del 198.51.100.53\n",
        first: "route-broken",
        says: &["next hop 10.0.0.77 on eth0", "ip route get 198.51.100.53"],
        in_ci: true,
    },
    Row {
        name: "the default gateway is not there",
        set: "route replace default via 10.0.0.77\n",
        undo: "route replace default via 10.0.0.1\n",
        first: "route-broken",
        says: &["next hop 10.0.0.77 on eth0"],
        in_ci: false,
    },
    Row {
        name: "the next hop to the Controller alone is not there",
        set: "route add 198.51.100.40 via 10.0.0.78\n",
        undo: "route del 198.51.100.40\n",
        first: "route-broken",
        says: &["next hop 10.0.0.78 on eth0", "acme.twingate.com:443"],
        in_ci: false,
    },
    Row {
        name: "the better of two default routes leads to a gateway that is not there",
        set: "route del default\nroute add default via 10.0.0.1 metric 200\nroute add default via 10.0.0.79 metric 100\n",
        undo: "route del default via 10.0.0.79 metric 100\nroute del default via 10.0.0.1 metric 200\nroute add default via 10.0.0.1\n",
        first: "route-broken",
        says: &["next hop 10.0.0.79", "Another default route, by 10.0.0.1 on eth0, is not used"],
        in_ci: false,
    },
    Row {
        name: "docker's bridge covers the resolver",
        set: "link add docker0 type bridge\nlink set docker0 up\naddr add 198.51.100.54/30 dev docker0\n",
        undo: "link del docker0\n",
        first: "route-broken",
        says: &["The container bridge docker0 covers 198.51.100.52/30", "198.51.100.53"],
        in_ci: true,
    },
    Row {
        name: "a container network covers the Controller and the relays",
        set: "link add br-0a1b2c3d4e5f type bridge\nlink set br-0a1b2c3d4e5f up\naddr add 198.51.100.46/29 dev br-0a1b2c3d4e5f\n",
        undo: "link del br-0a1b2c3d4e5f\n",
        first: "route-broken",
        says: &["br-0a1b2c3d4e5f covers 198.51.100.40/29", "default-address-pools"],
        in_ci: false,
    },
    Row {
        name: "an overlay covers the resolver",
        set: "tuntap add dev zt7 mode tun\nlink set zt7 up\naddr add 198.51.100.54/30 dev zt7\n",
        undo: "link del zt7\n",
        first: "route-broken",
        says: &["The VPN zt7 covers 198.51.100.52/30"],
        in_ci: false,
    },
    Row {
        name: "by the netmask remote servers seem to be on the link",
        set: "addr add 198.51.99.5/18 dev eth0\n",
        undo: "addr del 198.51.99.5/18 dev eth0\n",
        first: "route-broken",
        says: &["By the netmask of eth0, 198.51.64.0/18"],
        in_ci: false,
    },
    Row {
        name: "a route names no gateway",
        set: "route add 198.51.100.0/24 dev eth0\n",
        undo: "route del 198.51.100.0/24 dev eth0\n",
        first: "route-broken",
        says: &["The route to 198.51.100.0/24 on eth0 names no gateway"],
        in_ci: false,
    },
    Row {
        name: "the gateway's hardware address is pinned wrong",
        set: "neigh replace 10.0.0.1 lladdr 02:00:00:00:00:77 dev eth0 nud permanent\n",
        undo: "neigh del 10.0.0.1 dev eth0\n",
        first: "route-broken",
        says: &["The hardware address of 10.0.0.1 is pinned on eth0", "sudo ip neigh del 10.0.0.1 dev eth0"],
        in_ci: true,
    },
    Row {
        name: "one of two next hops is not there",
        set: "route replace default nexthop via 10.0.0.1 nexthop via 10.0.0.77\n",
        undo: "route replace default via 10.0.0.1\n",
        first: "route-broken",
        says: &["next hop 10.0.0.77 on eth0", "10.0.0.1 on eth0 is another next hop of the same route"],
        in_ci: false,
    },
    Row {
        name: "wg-quick's rule and a tunnel without its other end",
        set: "tuntap add dev wg0 mode tun\nlink set wg0 up\naddr add 10.99.0.2/24 dev wg0\nroute add default dev wg0 table 51820\n\
              rule add not fwmark 51820 table 51820\nrule add table main suppress_prefixlength 0\n",
        undo: "rule del not fwmark 51820 table 51820\nrule del table main suppress_prefixlength 0\nlink del wg0\n",
        first: "tunnel-owns-route",
        says: &[
            "The tunnel wg0 takes",
            "not from all fwmark 0xca6c lookup 51820",
            "sudo ip link set dev wg0 down",
        ],
        in_ci: true,
    },
    Row {
        name: "OpenVPN's two halves and a tunnel without its other end",
        set: "tuntap add dev tun0 mode tun\nlink set tun0 up\naddr add 10.8.0.2/24 dev tun0\nroute add 0.0.0.0/1 via 10.8.0.1\nroute add 128.0.0.0/1 via 10.8.0.1\n",
        undo: "link del tun0\n",
        first: "tunnel-owns-route",
        says: &["The tunnel tun0 takes", "0.0.0.0/1 and 128.0.0.0/1", "sudo ip link set dev tun0 down"],
        in_ci: false,
    },
    Row {
        name: "the default route leads by a dead tunnel",
        set: "tuntap add dev tun0 mode tun\nlink set tun0 up\naddr add 10.8.0.2/24 dev tun0\nroute replace default dev tun0\n",
        undo: "link del tun0\nroute add default via 10.0.0.1\n",
        first: "tunnel-owns-route",
        says: &["The tunnel tun0 takes"],
        in_ci: false,
    },
];

pub(crate) fn all() -> bool {
    variable("NETS_ALL").is_some()
}

pub(crate) fn runs() -> usize {
    variable("NETS_RUNS").and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// The right cause first, and the words that are to be said.
fn right(run: &Run, row: &Row) -> bool {
    run.causes().first() == Some(&row.first)
        && run.json["verdict"] != "healthy"
        && row.says.iter().all(|part| run.json["causes"][0].to_string().contains(part))
}

#[test]
fn a_route_that_leads_astray_comes_before_any_server() {
    let Some(control) = Control::open(Net::plan("routes: table"), 0.0) else { return };
    let host = &control.0.net.host;
    let mut wrong = String::new();
    for row in ROWS.iter().filter(|row| row.in_ci || all()) {
        host.ip(row.set);
        let mut good = 0;
        for time in 1..=runs() {
            let run = if time % 2 == 0 { control.doctor_as_nobody(&[]) } else { control.doctor(&[]) };
            if right(&run, row) {
                good += 1;
            } else {
                wrong.extend([format!("{}, time {time}\n{run}\n", row.name)]);
            }
        }
        tell(&format!("{good} of {} {}: {}", runs(), row.first, row.name));
        host.ip(row.undo);
    }
    assert!(wrong.is_empty(), "{wrong}");
    let run = control.doctor(&[]);
    assert!(run.causes().is_empty(), "all undone\n{run}");
}

#[test]
fn an_uplink_that_passes_nothing_is_found_by_what_it_was_dealt() {
    if !all() {
        return;
    }
    let Some(world) = Public::open(Net::plan("routes: uplinks")) else { return };
    let net = &world.net;
    net.second_uplink();
    net.host.ip("route replace default nexthop via 10.0.0.1 dev eth0 nexthop via 10.9.0.1 dev eth1\n");
    net.fault("iifname lan1 drop");
    let seen: Vec<Run> = (0..runs()).map(|_| world.doctor(&[])).collect();
    let good = seen.iter().filter(|run| run.causes().first() == Some(&"route-broken")).count();
    tell(&format!("{good} of {} route-broken: one of two uplinks passes nothing", runs()));
    assert!(good * 10 >= runs() * 9, "{}", seen.last().expect("a run"));
}

#[test]
fn an_address_of_ipv4_without_a_default_route_of_its_own() {
    let Some(control) = Control::both_families(Net::plan("routes: no IPv4 default"), 0.0) else { return };
    let host = &control.0.net.host;
    host.ip("route del default\n");
    control.resolvers(&["2001:db8:100::35"]);
    for _ in 0..runs() {
        let run = control.doctor(&[]);
        assert_eq!(run.causes(), ["route-broken"], "{run}");
        assert!(run.stdout.contains("the IPv4 address 10.0.0.5 on eth0, and no IPv4 default route"), "{run}");
    }
}
