//! The resolvers this host is configured with: /etc/resolv.conf, and what stands behind a local stub.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use super::files;
use crate::env::Env;
use crate::model::facts::{Resolver, ResolverOrigin};

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The C library uses the first three and no more (`MAXNS`).
const USED: usize = 3;
/// Most upstreams of a stub.
const UPSTREAMS: usize = 8;

/// Stubs on loopback, and the file in which their upstreams stand.
const STUBS: &[(&str, &str)] = &[
    ("127.0.0.53", "/run/systemd/resolve/resolv.conf"),
    ("127.0.0.54", "/run/systemd/resolve/resolv.conf"),
    ("127.0.0.1", "/run/NetworkManager/no-stub-resolv.conf"),
    ("127.0.1.1", "/run/NetworkManager/no-stub-resolv.conf"),
];

/// Reads them, in the order in which they are asked, upstreams last.
pub(super) fn discover(env: &Env) -> Vec<Resolver> {
    let text = files::read(env, RESOLV_CONF, files::SMALL);
    let mut found: Vec<Resolver> = Vec::new();
    let mut add = |address: SocketAddr, origin: ResolverOrigin| {
        if !found.iter().any(|r| r.address == address) {
            found.push(Resolver { address, origin });
        }
    };
    let mut own = nameservers(env, text.as_deref().unwrap_or_default(), USED);
    if own.is_empty() {
        // resolv.conf(5): without a nameserver line the local one is asked.
        own.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 53)));
        add(own[0], ResolverOrigin::LibraryDefault);
    }
    for address in &own {
        let docker = address.ip() == IpAddr::from([127, 0, 0, 11]);
        let behind = docker.then(|| docker_upstreams(text.as_deref().unwrap_or_default()));
        add(*address, ResolverOrigin::System(behind.unwrap_or_else(|| RESOLV_CONF.to_owned())));
    }
    for (stub, file) in STUBS {
        if own.iter().any(|a| a.ip().to_string() == *stub) {
            let upstreams = files::read(env, file, files::SMALL).unwrap_or_default();
            for address in nameservers(env, &upstreams, UPSTREAMS) {
                add(address, ResolverOrigin::System((*file).to_owned()));
            }
        }
    }
    found
}

/// What else resolv.conf(5) says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Besides {
    /// Resolvers beyond those that are used.
    pub(super) unused: Vec<IpAddr>,
    /// Domains that are appended to names.
    pub(super) search: Vec<String>,
    /// Names with fewer dots are tried with those first.
    pub(super) ndots: u8,
}

/// Reads what else stands there.
pub(super) fn besides(env: &Env) -> Besides {
    besides_in(env, &files::read(env, RESOLV_CONF, files::SMALL).unwrap_or_default())
}

fn besides_in(env: &Env, text: &str) -> Besides {
    /// Domains that older libraries take, and the greatest `ndots` (resolv.conf(5)).
    const DOMAINS: usize = 6;
    const NDOTS: u8 = 15;
    let used = nameservers(env, text, USED);
    let all = nameservers(env, text, UPSTREAMS);
    let unused = all.iter().skip(USED).filter(|a| !used.contains(a)).map(SocketAddr::ip).collect();
    let (mut search, mut ndots) = (Vec::new(), 1);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            // The last line counts.
            Some("search") => search = words.filter_map(domain).take(DOMAINS).collect(),
            Some("domain") => search = words.filter_map(domain).take(1).collect(),
            Some("options") => {
                let said =
                    words.filter_map(|word| word.strip_prefix("ndots:")?.parse::<u8>().ok()).next_back();
                ndots = said.unwrap_or(ndots).min(NDOTS);
            }
            _ => {}
        }
    }
    Besides { unused, search, ndots }
}

/// A domain as DNS writes it; none where it is no name.
fn domain(word: &str) -> Option<String> {
    let name = word.trim_matches('.');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name.len() <= 253 && name.chars().all(plain)).then(|| name.to_ascii_lowercase())
}

/// Docker's own resolver and whom it asks, which it says in a comment: `# ExtServers: [host(10.0.0.53) 192.0.2.53]`.
/// They are named alone: those of `host(...)` are asked from the host's network, where this process cannot ask.
fn docker_upstreams(text: &str) -> String {
    let list = text.lines().find_map(|line| line.strip_prefix("# ExtServers: [")?.strip_suffix(']'));
    let ips = list
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.strip_prefix("host(").and_then(|word| word.strip_suffix(')')).unwrap_or(word));
    let named: Vec<String> =
        ips.filter_map(|word| Some(word.parse::<IpAddr>().ok()?.to_string())).take(UPSTREAMS).collect();
    match named.as_slice() {
        [] => format!("{RESOLV_CONF}, docker's own"),
        named => format!("{RESOLV_CONF}, docker's own, which asks {}", named.join(", ")),
    }
}

fn nameservers(env: &Env, text: &str, most: usize) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then_some(())?;
            address(env, words.next()?)
        })
        .take(most)
        .collect()
}

/// `10.0.0.53`, `2001:db8::53`, `fe80::1%eth0`.
fn address(env: &Env, word: &str) -> Option<SocketAddr> {
    let (ip, zone) = word.split_once('%').map_or((word, None), |(ip, zone)| (ip, Some(zone)));
    match (ip.parse().ok()?, zone) {
        (IpAddr::V6(ip), Some(zone)) => {
            let named = || {
                let plain = !zone.contains('/') && !zone.starts_with('.');
                files::line(env, &format!("/sys/class/net/{zone}/ifindex")).filter(|_| plain)?.parse().ok()
            };
            let scope = zone.parse().ok().or_else(named).unwrap_or(0);
            Some(SocketAddrV6::new(ip, 53, 0, scope).into())
        }
        (ip, _) => Some(SocketAddr::new(ip, 53)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_else_stands_there_is_read_as_the_library_reads_it() {
        let text = "search old.test\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n\
                    nameserver 10.0.0.1\nsearch Corp.Example. lab.test bad!name\noptions edns0 ndots:5\n";
        let found = besides_in(&Env::system(), text);
        assert_eq!(found.unused, ["10.0.0.4".parse::<IpAddr>().unwrap()]);
        assert_eq!(
            (found.search.as_slice(), found.ndots),
            (&["corp.example".to_owned(), "lab.test".to_owned()][..], 5)
        );
        let none = besides_in(
            &Env::system(),
            "nameserver 10.0.0.1\noptions ndots:99 ndots:x\ndomain a.test b.test\n",
        );
        assert_eq!((none.unused.len(), none.search.len(), none.ndots), (0, 1, 15));
        assert_eq!(
            besides_in(&Env::system(), ""),
            Besides { unused: Vec::new(), search: Vec::new(), ndots: 1 }
        );
    }
}
