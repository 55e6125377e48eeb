//! Firewall tools in use on this host, as far as that is seen without root: names for remedies, no rules.

use super::files;
use super::processes::Processes;
use super::services;
use crate::env::Env;

/// The tools in use, by the name their remedies go by.
pub(super) fn discover(env: &Env, processes: &Processes) -> Vec<String> {
    let ufw = files::read(env, "/etc/ufw/ufw.conf", files::SMALL).is_some_and(|text| {
        files::assignments(&text).any(|(k, v)| k == "ENABLED" && v.eq_ignore_ascii_case("yes"))
    });
    let runs = processes.named("firewalld").next().is_some() || files::exists(env, "/run/firewalld.pid");
    let unseen = processes.hidden || !processes.readable;
    let firewalld = runs || unseen && services::enabled(env, "firewalld");
    let nftables = services::enabled(env, "nftables");
    let iptables = ["netfilter-persistent", "iptables"].iter().any(|unit| services::enabled(env, unit));
    [("ufw", ufw), ("firewalld", firewalld), ("nftables", nftables), ("iptables", iptables)]
        .iter()
        .filter(|(_, used)| *used)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}
