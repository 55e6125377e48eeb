//! Whether a process sees the network as this run does. Without rights as far as that goes: anybody may see which
//! namespace's tables stand in /proc/PID/net, and which file systems a process has.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;

use super::here::Here;
use crate::connector::config;
use crate::env::Env;
use crate::model::facts::{Settings, View};
use crate::probes::host::files;
use crate::probes::host::inside::Inside;

const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The files behind it, which a stub's links lead to.
const BEHIND: &[&str] =
    &[RESOLV_CONF, "/run/systemd/resolve/stub-resolv.conf", "/run/NetworkManager/resolv.conf"];
/// Variables of proxies that would take a Connector's way to its Controller.
const PROXIES: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Most bytes of a table of mounts.
const MOUNTS: usize = 1 << 20;
/// Most resolvers kept.
const RESOLVERS: usize = 3;

/// Compares a process's view with this run's.
pub(super) fn compare(env: &Env, pid: u32, environ: &str, settings: &[Settings], here: &Here<'_>) -> View {
    let own = |name: &str| env.var(name).filter(|value| !value.is_empty());
    let proxy_variables = PROXIES
        .iter()
        .filter(|name| {
            let its = config::variable(environ.as_bytes(), name);
            its.is_some() && its.as_deref() != own(name)
        })
        .map(|name| (*name).to_owned())
        .collect();
    let set: Vec<IpAddr> = settings.iter().flat_map(|s| &s.dns).filter_map(|at| address(at)).collect();
    if !set.is_empty() {
        // Resolvers of its own configuration are asked by this run, too: they are the default of --dns.
        let view =
            View { same_network: same_network(env, pid), same_resolvers: Some(true), ..View::default() };
        return View { resolvers: set.into_iter().take(RESOLVERS).collect(), proxy_variables, ..view };
    }
    let resolvers = resolvers(env, pid);
    let same_resolvers = match &resolvers {
        Some(its) if its.is_empty() => None,
        // Whatever it asks, this run asks too: docker hands on the upstreams of a stub.
        Some(its) => Some(its.iter().all(|ip| here.resolvers.iter().any(|r| r.address.ip() == *ip))),
        None => same_files(env, pid).then_some(true),
    };
    View {
        same_network: same_network(env, pid),
        same_resolvers,
        resolvers: resolvers.unwrap_or_default(),
        proxy_variables,
    }
}

/// Each network namespace has entries of its own in /proc/PID/net, with inodes of their own, which anybody may see;
/// /proc/PID/ns/net itself only root and the same user.
fn same_network(env: &Env, pid: u32) -> Option<bool> {
    let inode = |of: &str| Some(fs::metadata(env.path(&format!("/proc/{of}/net/dev"))).ok()?.ino());
    Some(inode("self")? == inode(&pid.to_string())?)
}

/// The nameservers of its own /etc/resolv.conf, where its root may be looked into.
fn resolvers(env: &Env, pid: u32) -> Option<Vec<IpAddr>> {
    let text = Inside::process(env, pid).ok()?.read(RESOLV_CONF, files::SMALL).ok()?.text;
    let named = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then_some(())?;
        address(words.next()?)
    });
    Some(named.take(RESOLVERS).collect())
}

/// An address, without port and zone.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.split('%').next()?;
    text.parse().ok().or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

/// Whether the files that name resolvers are the same ones in its mounts and in ours.
fn same_files(env: &Env, pid: u32) -> bool {
    let mounts = |of: &str| files::read(env, &format!("/proc/{of}/mountinfo"), MOUNTS);
    let (Some(ours), Some(its)) = (mounts("self"), mounts(&pid.to_string())) else { return false };
    BEHIND.iter().all(|path| {
        let own = behind(&ours, path);
        own.is_some() && own == behind(&its, path)
    })
}

/// The file system and the place on it that a path leads to, by a table of mounts (`proc_pid_mountinfo(5)`).
fn behind(mounts: &str, path: &str) -> Option<(String, String)> {
    let mut best: Option<(&str, &str, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(2);
        let (Some(device), Some(root), Some(point)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let within = point == "/"
            || path.strip_prefix(point).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        // Of two at the same place the later one covers the earlier.
        if within && best.is_none_or(|(_, _, so_far)| point.len() >= so_far.len()) {
            best = Some((device, root, point));
        }
    }
    let (device, root, point) = best?;
    let rest = path.strip_prefix(point.trim_end_matches('/')).unwrap_or(path);
    Some((device.to_owned(), format!("{}{rest}", root.trim_end_matches('/'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_file_system_that_covers_it() {
        let plain = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n24 22 0:21 / /run rw - tmpfs tmpfs rw\n";
        // As a service with ProtectSystem= has it.
        let kept = "90 1 8:1 / / ro - ext4 /dev/sda1 ro\n91 90 8:1 /etc /etc ro - ext4 /dev/sda1 ro\n92 90 0:21 / /run rw - tmpfs tmpfs rw\n";
        let docker = "600 1 0:70 / / rw - overlay overlay rw\n610 600 8:1 /var/lib/x/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n";
        for path in BEHIND {
            assert_eq!(behind(plain, path), behind(kept, path), "{path}");
        }
        assert_ne!(behind(plain, RESOLV_CONF), behind(docker, RESOLV_CONF));
        assert_eq!(behind("", RESOLV_CONF), None);
        assert_eq!(behind("x\n1 2\n", RESOLV_CONF), None);
    }
}
