//! Hosts whose routing looks odd and is well: no alarm. A few rows in CI; all with `NETS_ALL=1`, each `SOAK` times.

use std::fmt::Write as _;

use crate::control::Control;
use crate::pairs::times;
use crate::routes::all;
use crate::support::{Net, Wire, tell};

/// Lines for `ip` on the host that make it odd, and that undo it.
struct Odd {
    name: &'static str,
    set: &'static str,
    undo: &'static str,
    in_ci: bool,
}

const ODD: &[Odd] = &[
    Odd {
        name: "docker's bridge without a container",
        set: "link add docker0 type bridge\nlink set docker0 up\naddr add 172.17.0.1/16 dev docker0\n",
        undo: "link del docker0\n",
        in_ci: true,
    },
    Odd {
        name: "four networks of containers",
        set: "link add br-0a1b2c3d4e50 type bridge\nlink set br-0a1b2c3d4e50 up\naddr add 172.18.0.1/16 dev br-0a1b2c3d4e50\nlink add br-0a1b2c3d4e51 type bridge\nlink set br-0a1b2c3d4e51 up\naddr add 172.19.0.1/16 dev br-0a1b2c3d4e51\n",
        undo: "link del br-0a1b2c3d4e50\nlink del br-0a1b2c3d4e51\n",
        in_ci: false,
    },
    Odd {
        name: "a dead tunnel with a network of its own",
        set: "tuntap add dev tun5 mode tun\nlink set tun5 up\naddr add 10.66.0.2/24 dev tun5\nroute add 192.168.66.0/24 dev tun5\n",
        undo: "link del tun5\n",
        in_ci: true,
    },
    Odd {
        name: "a tunnel that is down and would take everything",
        set: "tuntap add dev wg5 mode tun\naddr add 10.67.0.2/24 dev wg5\nrule add not fwmark 51820 table 51820\nrule add table main suppress_prefixlength 0\n",
        undo: "rule del not fwmark 51820 table 51820\nrule del table main suppress_prefixlength 0\nlink del wg5\n",
        in_ci: false,
    },
    Odd {
        name: "a rule for another source",
        set: "rule add from 192.168.77.0/24 lookup 100\nroute add blackhole default table 100\n",
        undo: "rule del from 192.168.77.0/24 lookup 100\nroute del blackhole default table 100\n",
        in_ci: false,
    },
    Odd {
        name: "a rule for marked packets",
        set: "rule add fwmark 0x77 lookup 100\nroute add unreachable default table 100\n",
        undo: "rule del fwmark 0x77 lookup 100\nroute del unreachable default table 100\n",
        in_ci: false,
    },
    Odd {
        name: "a default route in a table of its own",
        set: "rule add from all lookup 100\nroute add default via 10.0.0.1 dev eth0 table 100\n",
        undo: "rule del from all lookup 100\nroute del default table 100\n",
        in_ci: true,
    },
    Odd {
        name: "wg-quick's rule and a table that leads by the gateway",
        set: "route add default via 10.0.0.1 dev eth0 table 51820\nrule add not fwmark 51820 table 51820\nrule add table main suppress_prefixlength 0\n",
        undo: "rule del not fwmark 51820 table 51820\nrule del table main suppress_prefixlength 0\nroute del default table 51820\n",
        in_ci: false,
    },
    Odd {
        name: "two halves of the internet by the gateway",
        set: "route add 0.0.0.0/1 via 10.0.0.1\nroute add 128.0.0.0/1 via 10.0.0.1\n",
        undo: "route del 0.0.0.0/1\nroute del 128.0.0.0/1\n",
        in_ci: false,
    },
    Odd {
        name: "a route to the resolver alone",
        set: "route add 198.51.100.53 via 10.0.0.1\n",
        undo: "route del 198.51.100.53\n",
        in_ci: false,
    },
    Odd {
        name: "a route by a gateway that is not there to a network that nobody asks",
        set: "route add 192.168.88.0/24 via 10.0.0.99\n",
        undo: "route del 192.168.88.0/24\n",
        in_ci: false,
    },
    Odd {
        name: "a black hole for a private network",
        set: "route add blackhole 192.168.0.0/16\n",
        undo: "route del blackhole 192.168.0.0/16\n",
        in_ci: false,
    },
    Odd {
        name: "an unreachable default route as the last",
        set: "route add unreachable default metric 4278198272\n",
        undo: "route del unreachable default metric 4278198272\n",
        in_ci: false,
    },
    Odd {
        name: "a throw route",
        set: "route add throw 192.168.0.0/16\n",
        undo: "route del throw 192.168.0.0/16\n",
        in_ci: false,
    },
    Odd {
        name: "a second address with a wide netmask",
        set: "addr add 10.1.2.3/8 dev eth0\n",
        undo: "addr del 10.1.2.3/8 dev eth0\n",
        in_ci: false,
    },
    Odd {
        name: "many addresses",
        set: "addr add 10.0.0.60/24 dev eth0\naddr add 10.0.0.61/24 dev eth0\naddr add 10.0.0.62/24 dev eth0\naddr add 192.168.5.1/24 dev eth0\n",
        undo: "addr del 10.0.0.60/24 dev eth0\naddr del 10.0.0.61/24 dev eth0\naddr del 10.0.0.62/24 dev eth0\naddr del 192.168.5.1/24 dev eth0\n",
        in_ci: false,
    },
    Odd {
        name: "a default route with a source and an MTU",
        set: "route replace default via 10.0.0.1 src 10.0.0.5 mtu 1400\n",
        undo: "route replace default via 10.0.0.1\n",
        in_ci: false,
    },
    Odd {
        name: "a default route with a metric",
        set: "route del default\nroute add default via 10.0.0.1 metric 20100\n",
        undo: "route del default\nroute add default via 10.0.0.1\n",
        in_ci: false,
    },
    Odd {
        name: "a neighbour that never answered, and that nobody needs",
        set: "neigh replace 10.0.0.200 dev eth0 nud failed\n",
        undo: "neigh del 10.0.0.200 dev eth0\n",
        in_ci: false,
    },
    Odd {
        name: "a pinned neighbour that nobody needs",
        set: "neigh replace 10.0.0.201 lladdr 02:00:00:00:00:99 dev eth0 nud permanent\n",
        undo: "neigh del 10.0.0.201 dev eth0\n",
        in_ci: false,
    },
    Odd {
        name: "a spare default route whose link is down",
        set: "link add lan8 type veth peer name peer8\naddr add 192.168.8.5/24 dev lan8\n",
        undo: "link del lan8\n",
        in_ci: false,
    },
    Odd {
        name: "an overlay with addresses of the carriers' range",
        set: "tuntap add dev tailscale0 mode tun\nlink set tailscale0 up\naddr add 100.64.9.9/32 dev tailscale0\nrule add priority 5210 fwmark 0x80000/0xff0000 lookup main\nrule add priority 5270 lookup 52\nroute add 100.64.0.0/11 dev tailscale0 table 52\n",
        undo: "rule del priority 5210\nrule del priority 5270\nlink del tailscale0\n",
        in_ci: false,
    },
    Odd {
        name: "next hops by an object",
        set: "nexthop add id 7 via 10.0.0.1 dev eth0\nroute replace default nhid 7\n",
        undo: "route replace default via 10.0.0.1\nnexthop del id 7\n",
        in_ci: false,
    },
    Odd {
        name: "the gateway reached on the link without a network",
        set: "route add 10.0.0.1 dev eth0\nroute replace default via 10.0.0.1 dev eth0 onlink\n",
        undo: "route replace default via 10.0.0.1\nroute del 10.0.0.1 dev eth0\n",
        in_ci: false,
    },
];

#[test]
fn hosts_with_odd_routes_are_well() {
    let Some(control) = Control::open(Net::plan("odd: table"), 0.0) else { return };
    let host = &control.0.net.host;
    let mut alarms = String::new();
    let times = if all() { times() } else { 1 };
    for odd in ODD.iter().filter(|odd| odd.in_ci || all()) {
        host.ip(odd.set);
        let mut well = 0;
        for time in 1..=times {
            let run = if time % 2 == 0 { control.doctor_as_nobody(&[]) } else { control.doctor(&[]) };
            if run.causes().is_empty() && run.json["verdict"] == "healthy" {
                well += 1;
            } else {
                let _ = write!(alarms, "{}, time {time}\n{run}\n", odd.name);
            }
        }
        tell(&format!("{well} of {times} well: {}", odd.name));
        host.ip(odd.undo);
    }
    assert!(alarms.is_empty(), "{alarms}");
}

#[test]
fn a_live_tunnel_that_takes_everything_is_well() {
    let Some(control) = Control::open(Net::plan("odd: tunnel"), 0.0) else { return };
    let net = &control.0.net;
    let _carrier = Wire::default().join((&net.host, "wg0"), (net.gw(), "wg0"));
    net.gw().ip("link set wg0 up\naddr add 10.99.0.1/24 dev wg0\n");
    net.host.ip("link set wg0 up\naddr add 10.99.0.2/24 dev wg0\n");
    let takes = [
        (
            "by wg-quick's rule",
            "route add default via 10.99.0.1 dev wg0 table 51820\nrule add not fwmark 51820 table 51820\nrule add table main suppress_prefixlength 0\n",
            "rule del not fwmark 51820 table 51820\nrule del table main suppress_prefixlength 0\nroute del default table 51820\n",
        ),
        (
            "by two halves",
            "route add 0.0.0.0/1 via 10.99.0.1\nroute add 128.0.0.0/1 via 10.99.0.1\n",
            "route del 0.0.0.0/1\nroute del 128.0.0.0/1\n",
        ),
    ];
    for (how, set, undo) in takes {
        net.host.ip(set);
        for time in 1..=if all() { times() } else { 1 } {
            let run = control.doctor(&[]);
            assert!(run.causes().is_empty(), "{how}, time {time}\n{run}");
        }
        net.host.ip(undo);
    }
}
