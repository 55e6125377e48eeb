//! What an interface is: a table over the kernel's words for links, then names and hardware types. Pure.

use super::kernel::Link;
use crate::model::facts::InterfaceKind as Kind;

/// The kernel's word for a link (rtnetlink's kind, /sys's DEVTYPE) and ours.
const WORDS: &[(&str, Kind)] = &[
    ("veth", Kind::Veth),
    ("netkit", Kind::Veth),
    ("bridge", Kind::Bridge),
    ("openvswitch", Kind::Bridge),
    ("vlan", Kind::Vlan),
    ("bond", Kind::Bond),
    ("team", Kind::Bond),
    ("macvlan", Kind::Macvlan),
    ("macvtap", Kind::Macvlan),
    ("ipvlan", Kind::Macvlan),
    ("ipvtap", Kind::Macvlan),
    ("dummy", Kind::Dummy),
    ("wireguard", Kind::Vpn),
    ("amneziawg", Kind::Vpn),
    ("ovpn", Kind::Vpn),
    ("ovpn-dco", Kind::Vpn),
    ("xfrm", Kind::Vpn),
    ("vti", Kind::Vpn),
    ("vti6", Kind::Vpn),
    ("tun", Kind::Vpn),
    ("gre", Kind::Tunnel),
    ("gretap", Kind::Tunnel),
    ("ip6gre", Kind::Tunnel),
    ("ip6gretap", Kind::Tunnel),
    ("erspan", Kind::Tunnel),
    ("ipip", Kind::Tunnel),
    ("ip6tnl", Kind::Tunnel),
    ("sit", Kind::Tunnel),
    ("vxlan", Kind::Tunnel),
    ("geneve", Kind::Tunnel),
    ("ppp", Kind::Ppp),
    ("wlan", Kind::Wireless),
    ("virt_wifi", Kind::Wireless),
    ("wwan", Kind::Wwan),
    ("rmnet", Kind::Wwan),
    ("ifb", Kind::Other),
    ("vrf", Kind::Other),
];

/// Beginnings of names that tell, where the kernel has no word: prefix, whether digits must follow, kind.
const NAMES: &[(&str, bool, Kind)] = &[
    ("docker", true, Kind::ContainerBridge),
    ("podman", true, Kind::ContainerBridge),
    ("veth", false, Kind::Veth),
    ("wg", true, Kind::Vpn),
    ("tailscale", true, Kind::Vpn),
    ("zt", false, Kind::Vpn),
    ("tun", true, Kind::Vpn),
    ("utun", true, Kind::Vpn),
    ("nordlynx", false, Kind::Vpn),
    ("sdwan", true, Kind::Vpn),
    ("ppp", true, Kind::Ppp),
    ("dummy", true, Kind::Dummy),
    ("wlan", true, Kind::Wireless),
    ("wlp", false, Kind::Wireless),
    ("wlx", false, Kind::Wireless),
    ("wwan", true, Kind::Wwan),
    ("wwp", false, Kind::Wwan),
    ("bond", true, Kind::Bond),
    ("virbr", true, Kind::Bridge),
];

/// Bridges that container engines make: `docker0`, `br-` and twelve hex digits, `podman1`, `cni-podman0`, …
fn is_container_bridge(name: &str) -> bool {
    let of_docker = name.strip_prefix("br-").is_some_and(|id| id.len() == 12 && is_hex(id));
    let numbered = ["docker", "podman", "cni-podman", "cni", "nerdctl"]
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix))
        .any(is_number);
    of_docker || numbered || name == "docker_gwbridge"
}

/// What `name` is, by what is known of its link.
pub(super) fn kind(name: &str, link: &Link, wireless: bool) -> Kind {
    let word = link.kind.as_deref().and_then(|word| WORDS.iter().find(|(w, _)| *w == word));
    match word {
        Some((_, Kind::Bridge)) if is_container_bridge(name) => return Kind::ContainerBridge,
        // A TAP device in a bridge is a virtual machine's cable, not a VPN.
        Some(("tun", _)) if link.tap && link.enslaved => return Kind::Other,
        Some((_, kind)) => return *kind,
        None if wireless => return Kind::Wireless,
        None => {}
    }
    match link.hardware {
        Some(772) => return Kind::Loopback,
        Some(512) => return Kind::Ppp,
        Some(768 | 769 | 776 | 778 | 823) => return Kind::Tunnel,
        Some(801..=803) => return Kind::Wireless,
        Some(519) => return Kind::Wwan,
        _ => {}
    }
    by_name(name).unwrap_or(match link.hardware {
        // An unknown kind of virtual link is not a card.
        Some(1) if link.kind.is_none() => Kind::Ethernet,
        Some(65534) => Kind::Vpn,
        _ => Kind::Other,
    })
}

fn by_name(name: &str) -> Option<Kind> {
    if name == "lo" {
        return Some(Kind::Loopback);
    }
    if is_container_bridge(name) {
        return Some(Kind::ContainerBridge);
    }
    NAMES
        .iter()
        .find(|(prefix, numbered, _)| {
            name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && (!numbered || is_number(rest)))
                || (!numbered && name == *prefix)
        })
        .map(|(.., kind)| *kind)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_from_its_neighbours() {
        let link = |word: &str, hardware| Link {
            kind: (!word.is_empty()).then(|| word.to_owned()),
            hardware,
            ..Link::default()
        };
        for (name, word, hardware, expected) in [
            ("lo", "", Some(772), Kind::Loopback),
            ("eth0", "", Some(1), Kind::Ethernet),
            ("eth0", "veth", Some(1), Kind::Veth),
            ("ens5", "", None, Kind::Other),
            ("docker0", "bridge", Some(1), Kind::ContainerBridge),
            ("br-0a1b2c3d4e5f", "bridge", Some(1), Kind::ContainerBridge),
            ("br-lan", "bridge", Some(1), Kind::Bridge),
            ("br0", "bridge", Some(1), Kind::Bridge),
            ("cni-podman0", "bridge", Some(1), Kind::ContainerBridge),
            ("docker0", "", None, Kind::ContainerBridge),
            ("eth0.100", "vlan", Some(1), Kind::Vlan),
            ("bond0", "bond", Some(1), Kind::Bond),
            ("wg0", "wireguard", Some(65534), Kind::Vpn),
            ("office", "wireguard", Some(65534), Kind::Vpn),
            ("tailscale0", "tun", Some(65534), Kind::Vpn),
            ("CloudflareWARP", "tun", Some(65534), Kind::Vpn),
            ("wg0", "", None, Kind::Vpn),
            ("zt7nnig34o", "", None, Kind::Vpn),
            ("pppoe-wan", "", Some(512), Kind::Ppp),
            ("sit1", "", Some(776), Kind::Tunnel),
            ("macvlan0", "macvlan", Some(1), Kind::Macvlan),
            ("dummy7", "dummy", Some(1), Kind::Dummy),
            ("ifb0", "ifb", Some(1), Kind::Other),
            ("new0", "a-kind-of-2031", Some(1), Kind::Other),
            ("wwan0", "wwan", Some(65534), Kind::Wwan),
        ] {
            assert_eq!(kind(name, &link(word, hardware), false), expected, "{name} {word}");
        }
        assert_eq!(kind("wlp3s0", &link("", Some(1)), true), Kind::Wireless);
    }

    #[test]
    fn a_virtual_machines_tap_is_no_vpn() {
        let tap = Link { kind: Some("tun".into()), tap: true, enslaved: true, ..Link::default() };
        assert_eq!(kind("vnet3", &tap, false), Kind::Other);
        assert_eq!(kind("zt7nnig34o", &Link { enslaved: false, ..tap }, false), Kind::Vpn);
    }
}
