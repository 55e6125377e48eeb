//! Interfaces with their addresses: which of possibly ten thousand are shown, and their details.

use std::collections::{BTreeMap, BTreeSet};

use super::files;
use super::kernel::{Address, Kernel, Link};
use super::kinds;
use crate::env::Env;
use crate::model::address::{Scope, scope};
use crate::model::facts::{Interface, InterfaceAddress, Route};
use crate::model::text;

/// Most interfaces shown.
pub(super) const MOST: usize = 64;
/// Most addresses shown of one interface.
const MOST_ADDRESSES: usize = 64;
/// Enough of /proc/net/dev for 30,000 interfaces.
const DEV: usize = 4 * 1024 * 1024;

/// What was seen of interfaces.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Details: the routed ones first, then those with addresses, then the others in the kernel's order.
    pub(super) interfaces: Vec<Interface>,
    /// How many there are.
    pub(super) count: u32,
    /// Why none could be read.
    pub(super) error: Option<String>,
}

/// Reads the interfaces; `routes` say which matter most.
pub(super) fn discover(env: &Env, kernel: &dyn Kernel, routes: &[Route]) -> Seen {
    let (addresses, error) = match kernel.addresses() {
        Ok(addresses) => (addresses, None),
        Err(e) => (Vec::new(), Some(e)),
    };
    let mut of: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
    for address in &addresses {
        of.entry(&address.interface).or_default().push(address);
    }
    let dev = files::read_why(env, "/proc/net/dev", DEV);
    let mut names: Vec<&str> = dev.as_deref().map(device_names).unwrap_or_default();
    let listed: BTreeSet<&str> = names.iter().copied().collect();
    names.extend(of.keys().filter(|name| !listed.contains(*name)));
    let count = names.len() as u32;
    let used: BTreeSet<&str> = routes.iter().map(|r| r.interface.as_str()).collect();
    names.sort_by_cached_key(|name| (!used.contains(name), rank(of.get(name))));
    names.truncate(MOST);

    let wireless = wireless(env);
    let interfaces = names
        .iter()
        .map(|name| {
            let addresses = of.get(name).map_or(&[][..], Vec::as_slice);
            let known =
                kernel.link(name).or_else(|| from_sys(env, name, addresses.first().and_then(|a| a.index)));
            let link =
                known.unwrap_or_else(|| Link { up: addresses.iter().any(|a| a.running), ..Link::default() });
            Interface {
                kind: kinds::kind(name, &link, wireless.contains(*name)),
                name: text::clean(name, 32),
                up: link.up,
                mtu: link.mtu,
                addresses: addresses
                    .iter()
                    .take(MOST_ADDRESSES)
                    .map(|a| InterfaceAddress { ip: a.ip, prefix: a.prefix })
                    .collect(),
            }
        })
        .collect::<Vec<_>>();
    let error = error.filter(|_| interfaces.iter().all(|i| i.addresses.is_empty()));
    Seen { interfaces, count, error }
}

/// Order of interest: a usable address, a link-local one, loopback, none.
fn rank(addresses: Option<&Vec<&Address>>) -> u8 {
    let of = |address: &&Address| match scope(address.ip) {
        Scope::Loopback | Scope::Unspecified | Scope::Multicast => 2,
        Scope::LinkLocal => 1,
        _ => 0,
    };
    addresses.and_then(|all| all.iter().map(of).min()).unwrap_or(3)
}

/// Names of /proc/net/dev, in the kernel's order.
fn device_names(table: &str) -> Vec<&str> {
    table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim())).collect()
}

/// Names of /proc/net/wireless.
fn wireless(env: &Env) -> BTreeSet<String> {
    let table = files::read(env, "/proc/net/wireless", files::SMALL).unwrap_or_default();
    device_names(&table).into_iter().map(str::to_owned).collect()
}

/// The same out of /sys, where netlink may not be asked; none where /sys shows another namespace's interface.
fn from_sys(env: &Env, name: &str, index: Option<u32>) -> Option<Link> {
    if name.contains('/') || name.starts_with('.') {
        return None;
    }
    let folder = format!("/sys/class/net/{name}");
    let line = |file: &str| files::line(env, &format!("{folder}/{file}"));
    let has = |file: &str| files::exists(env, &format!("{folder}/{file}"));
    let own: Option<u32> = line("ifindex").and_then(|text| text.parse().ok());
    if own.is_none() || index.is_some_and(|index| Some(index) != own) {
        return None;
    }
    let flags = line("flags").and_then(|f| u32::from_str_radix(f.trim_start_matches("0x"), 16).ok());
    let state = line("operstate").unwrap_or_else(|| "unknown".to_owned());
    let hardware = line("type").and_then(|text| text.parse().ok());
    let devtype = files::read(env, &format!("{folder}/uevent"), files::SMALL)
        .and_then(|text| Some(text.lines().find_map(|l| l.strip_prefix("DEVTYPE="))?.to_owned()));
    let tap = line("tun_flags")
        .and_then(|f| u32::from_str_radix(f.trim_start_matches("0x"), 16).ok())
        .is_some_and(|flags| flags & 2 != 0);
    let folders = [("tun_flags", "tun"), ("bridge", "bridge"), ("bonding", "bond"), ("wireless", "wlan")];
    let peer: Option<u32> = line("iflink").and_then(|text| text.parse().ok());
    let paired = hardware == Some(1) && !has("device") && peer.is_some() && peer != own;
    Some(Link {
        kind: devtype
            .or_else(|| folders.iter().find(|(file, _)| has(file)).map(|(_, word)| (*word).to_owned()))
            .or_else(|| paired.then(|| "veth".to_owned())),
        hardware,
        up: flags.is_none_or(|f| f & 1 != 0) && matches!(state.as_str(), "up" | "unknown"),
        mtu: line("mtu").and_then(|text| text.parse().ok()),
        enslaved: has("master"),
        tap,
    })
}
