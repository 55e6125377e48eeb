//! Interfaces, routes and resolvers of fixtures.

use super::*;
use crate::model::facts::Unseen;

#[test]
fn what_stands_behind_a_stub_is_asked_too() {
    let root = Root::new(&[
        ("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n"),
        (
            "/run/systemd/resolve/resolv.conf",
            "nameserver 10.0.0.53\nnameserver fe80::1%eth9\nnameserver fe80::2%7\n",
        ),
        ("/sys/class/net/eth9/ifindex", "9\n"),
    ]);
    let seen: Vec<String> =
        root.host().resolvers.iter().map(|r| format!("{} {}", r.address, r.origin)).collect();
    let file = "/run/systemd/resolve/resolv.conf";
    assert_eq!(
        seen,
        [
            "127.0.0.53:53 /etc/resolv.conf".to_owned(),
            format!("10.0.0.53:53 {file}"),
            format!("[fe80::1%9]:53 {file}"),
            format!("[fe80::2%7]:53 {file}"),
        ]
    );
    let many = Root::new(&[("/etc/resolv.conf", &"nameserver 10.0.0.1\nnameserver 10.0.0.2\n".repeat(9))]);
    assert_eq!(many.host().resolvers.len(), 2, "the C library reads three lines, one of them twice the same");
    let none = Root::new(&[]).host();
    assert_eq!(none.resolvers[0].address.to_string(), "127.0.0.1:53");
}

#[test]
fn the_routed_and_addressed_of_ten_thousand_interfaces_are_shown() {
    let mut dev = "head\nhead\n    lo: 0\n".to_owned();
    for i in 0..9_997 {
        use std::fmt::Write as _;
        writeln!(dev, "  veth{i}: 0 0").unwrap();
    }
    dev.push_str("  tailscale0: 0\n  eth0: 0\n");
    let root = Root::new(&[("/proc/net/dev", &dev), ("/proc/1/comm", "init\n")]);
    let kernel = Fake {
        addresses: vec![
            address("lo", 1, "127.0.0.1", 8),
            address("veth7", 9, "fe80::7", 64),
            address("tailscale0", 3, "100.100.1.1", 32),
            address("eth0", 2, "10.0.0.5", 24),
        ],
        links: BTreeMap::from([
            ("eth0".to_owned(), link("", true)),
            ("veth7".to_owned(), link("veth", false)),
        ]),
        way_out: Some(Route { gateway: None, ipv6: false, interface: "eth0".into(), metric: 0 }),
        ..Fake::default()
    };
    let host = assemble(&root.env(), &kernel);
    assert_eq!((host.interface_count, host.interfaces.len()), (10_000, 64));
    let names: Vec<&str> = host.interfaces.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names[..6], ["eth0", "tailscale0", "veth7", "lo", "veth0", "veth1"]);
    assert_eq!(host.interfaces[1].kind, InterfaceKind::Vpn, "by its name alone");
    assert!(host.interfaces[1].up && !host.interfaces[2].up);
    assert_eq!(host.unseen, [Unseen::FurtherInterfaces]);
    assert_eq!(host.hostname.as_deref(), Some("conn-ams-1[2J"));
}

#[test]
fn sys_answers_where_netlink_may_not_be_asked_and_only_for_this_namespace() {
    let root = Root::new(&[
        ("/proc/net/dev", "h\nh\n eth0: 1\n wg0: 1\n br-0a1b2c3d4e5f: 1\n wlp2s0: 1\n vetha: 1\n"),
        ("/proc/net/wireless", "h\nh\nwlp2s0: 0000\n"),
        ("/sys/class/net/eth0/ifindex", "2\n"),
        ("/sys/class/net/eth0/type", "1\n"),
        ("/sys/class/net/eth0/mtu", "9001\n"),
        ("/sys/class/net/wg0/ifindex", "5\n"),
        ("/sys/class/net/wg0/uevent", "DEVTYPE=wireguard\nINTERFACE=wg0\n"),
        ("/sys/class/net/wg0/flags", "0x10091\n"),
        ("/sys/class/net/wg0/operstate", "unknown\n"),
        ("/sys/class/net/wg0/mtu", "1420\n"),
        ("/sys/class/net/br-0a1b2c3d4e5f/ifindex", "6\n"),
        ("/sys/class/net/br-0a1b2c3d4e5f/bridge/", ""),
        ("/sys/class/net/br-0a1b2c3d4e5f/operstate", "down\n"),
        ("/sys/class/net/vetha/ifindex", "7\n"),
        ("/sys/class/net/vetha/iflink", "3\n"),
        ("/sys/class/net/vetha/type", "1\n"),
    ]);
    // getifaddrs says index 12: /sys/class/net/eth0 is another namespace's.
    let kernel = Fake { addresses: vec![address("eth0", 12, "10.0.0.5", 24)], ..Fake::default() };
    let host = assemble(&root.env(), &kernel);
    let seen: Vec<_> = host.interfaces.iter().map(|i| (i.name.as_str(), i.kind, i.up, i.mtu)).collect();
    assert_eq!(
        seen,
        [
            ("eth0", InterfaceKind::Other, true, None),
            ("wg0", InterfaceKind::Vpn, true, Some(1420)),
            ("br-0a1b2c3d4e5f", InterfaceKind::ContainerBridge, false, None),
            ("wlp2s0", InterfaceKind::Wireless, false, None),
            ("vetha", InterfaceKind::Veth, true, None),
        ]
    );
}

#[test]
fn the_route_that_the_kernel_would_use_comes_first() {
    let zero = "0\t0\t0";
    let table = format!(
        "h\neth0\t00000000\t00000000\t0001\t0\t0\t100\t00000000\t{zero}\nwlan0\t00000000\t00000000\t0001\t0\t0\t600\t00000000\t{zero}\n"
    );
    let root = Root::new(&[("/proc/net/route", &table)]);
    let via = |interface: &str| Fake {
        way_out: Some(Route { gateway: None, ipv6: false, interface: interface.into(), metric: 0 }),
        ..Fake::default()
    };
    let order = |fake: &Fake| -> Vec<String> {
        let host = assemble(&root.env(), fake);
        host.default_routes.iter().map(|r| format!("{} {}", r.interface, r.metric)).collect()
    };
    assert_eq!(order(&Fake::default()), ["eth0 100", "wlan0 600"]);
    assert_eq!(order(&via("wlan0")), ["wlan0 600", "eth0 100"], "known already: with its metric");
    assert_eq!(order(&via("wg0")), ["wg0 0", "eth0 100", "wlan0 600"], "by a policy rule");
}
