//! Other overlays on this host, by what they call their interfaces and resolvers: named as what they are. Pure.

use std::net::IpAddr;

use crate::model::facts::{Host, Interface, InterfaceAddress, InterfaceKind};

/// The beginning of an interface's name, whether a number must follow, and whose it is.
const INTERFACES: &[(&str, bool, &str)] = &[
    ("sdwan", true, CLIENT),
    ("tailscale", true, "Tailscale"),
    ("wt", true, "NetBird"),
    ("zt", false, "ZeroTier"),
    ("CloudflareWARP", false, "Cloudflare WARP"),
    ("wg", true, "WireGuard"),
];
const CLIENT: &str = "the vendor's own Client";
/// Resolvers that overlays put into /etc/resolv.conf: network, whose, and how the host's own come back.
const RESOLVERS: &[(&str, &str, &str)] = &[
    ("100.95.0.", CLIENT, "sudo twingate stop"),
    ("100.100.100.100", "Tailscale", "sudo tailscale set --accept-dns=false"),
];

/// Whose interface it is, where its name tells.
fn whose(interface: &Interface) -> Option<&'static str> {
    let named = |prefix: &str, numbered: bool| {
        let rest = interface.name.strip_prefix(prefix)?;
        let number = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        (!numbered || number).then_some(())
    };
    INTERFACES.iter().find(|(prefix, numbered, _)| named(prefix, *numbered).is_some()).map(|(.., name)| *name)
}

/// Whether an address is a tunnel's own, not one of a network that a Resource may live in.
pub(super) fn is_tunnels_own(interface: &Interface, address: &InterfaceAddress) -> bool {
    let alone = interface.kind == InterfaceKind::Vpn && address.prefix == 32;
    alone || matches!(whose(interface), Some(CLIENT | "Tailscale" | "NetBird"))
}

/// The overlays that are up, a line each.
pub(super) fn overlays(host: &Host) -> Vec<String> {
    let up = host.interfaces.iter().filter(|interface| interface.up);
    let named = up.filter_map(|interface| Some((interface, whose(interface)?)));
    named
        .map(|(interface, name)| match name {
            CLIENT => format!(
                "{}: {name}; beside a Connector it takes the Resources' addresses for itself (sudo twingate stop ends it)",
                interface.name
            ),
            name => format!("{}: {name}", interface.name),
        })
        .collect()
}

/// Resolvers that an overlay put in the place of the host's own, a line each.
pub(super) fn resolvers(host: &Host) -> Vec<String> {
    let of = |ip: IpAddr| {
        let text = ip.to_string();
        RESOLVERS
            .iter()
            .find(|(begins, ..)| text == *begins || begins.ends_with('.') && text.starts_with(begins))
    };
    let named = host.resolvers.iter().filter_map(|resolver| Some((resolver, of(resolver.address.ip())?)));
    named
        .map(|(resolver, (_, name, how))| {
            format!("{} is a resolver of {name}; {how} gives this host its own back", resolver.address.ip())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{Resolver, ResolverOrigin};

    #[test]
    fn overlays_are_named_and_their_addresses_are_no_local_network() {
        for (name, kind, prefix, is, own) in [
            ("sdwan0", InterfaceKind::Vpn, 12, Some(CLIENT), true),
            ("tailscale0", InterfaceKind::Vpn, 32, Some("Tailscale"), true),
            ("wt0", InterfaceKind::Vpn, 16, Some("NetBird"), true),
            ("zt7nnig34o", InterfaceKind::Vpn, 24, Some("ZeroTier"), false),
            ("wg0", InterfaceKind::Vpn, 24, Some("WireGuard"), false),
            ("wg0", InterfaceKind::Vpn, 32, Some("WireGuard"), true),
            ("eth0", InterfaceKind::Ethernet, 32, None, false),
            ("wtx", InterfaceKind::Other, 24, None, false),
        ] {
            let address = InterfaceAddress { ip: "100.96.0.1".parse().unwrap(), prefix };
            let interface =
                Interface { name: name.into(), kind, up: true, mtu: None, addresses: vec![address.clone()] };
            assert_eq!(whose(&interface), is, "{name}");
            assert_eq!(is_tunnels_own(&interface, &address), own, "{name}/{prefix}");
            let host = Host { interfaces: vec![interface], ..Host::default() };
            assert_eq!(overlays(&host).len(), usize::from(is.is_some()));
        }
    }

    #[test]
    fn whose_resolvers_are_in_use_is_said() {
        for (at, whose) in [
            ("100.95.0.251:53", Some("Client")),
            ("100.100.100.100:53", Some("Tailscale")),
            ("10.0.0.53:53", None),
        ] {
            let origin = ResolverOrigin::System("/etc/resolv.conf".into());
            let resolver = Resolver { address: at.parse().unwrap(), origin };
            let lines = resolvers(&Host { resolvers: vec![resolver], ..Host::default() });
            assert_eq!(
                lines.first().is_some_and(|line| line.contains(whose.unwrap_or("-"))),
                whose.is_some(),
                "{at}"
            );
        }
    }
}
