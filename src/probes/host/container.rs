//! The container this process runs in, recognised by the signs its runtime leaves; a table, first match wins.

use super::files;
use crate::env::Env;
use crate::model::facts::{Container, Runtime};
use crate::model::text;

/// Files whose presence tells the runtime, the most telling first.
const FILES: &[(&str, Runtime)] = &[
    ("/var/run/secrets/kubernetes.io", Runtime::Kubernetes),
    ("/run/secrets/kubernetes.io", Runtime::Kubernetes),
    ("/run/.containerenv", Runtime::Podman),
    ("/.dockerenv", Runtime::Docker),
    ("/dev/lxd", Runtime::Lxc),
    ("/dev/.lxc", Runtime::Lxc),
    ("/dev/.lxd-mounts", Runtime::Lxc),
];

/// Files that hold the runtime's name: systemd's container interface.
const NAMED: &[&str] = &["/run/systemd/container", "/run/host/container-manager"];

/// Parts of a path in /proc/1/cgroup or of the root's mount that only a runtime makes.
const PATHS: &[(&str, Runtime)] = &[
    ("/kubepods", Runtime::Kubernetes),
    ("/docker/", Runtime::Docker),
    ("/docker-", Runtime::Docker),
    ("/libpod", Runtime::Podman),
    ("/containers/storage/overlay", Runtime::Podman),
    ("/lxc/", Runtime::Lxc),
    ("/lxc.payload", Runtime::Lxc),
    ("/machine.slice/systemd-nspawn", Runtime::SystemdNspawn),
    ("/io.containerd", Runtime::Container),
];

/// Names that runtimes give themselves, and ours.
const SELF_GIVEN: &[(&str, Runtime)] = &[
    ("lxc", Runtime::Lxc),
    ("lxc-libvirt", Runtime::Lxc),
    ("lxd", Runtime::Lxc),
    ("incus", Runtime::Lxc),
    ("systemd-nspawn", Runtime::SystemdNspawn),
    ("docker", Runtime::Docker),
    ("podman", Runtime::Podman),
    ("kube", Runtime::Kubernetes),
    ("oci", Runtime::Container),
];

/// Recognises the container, if this is one. WSL is a virtual machine here, not a container.
pub(super) fn discover(env: &Env) -> Option<Container> {
    if env.var("KUBERNETES_SERVICE_HOST").is_some_and(|v| !v.is_empty()) {
        return Some(found(Runtime::Kubernetes, "the variable KUBERNETES_SERVICE_HOST"));
    }
    let mounts = files::read(env, "/proc/self/mountinfo", files::SMALL).unwrap_or_default();
    let left_over = |path: &str| path == "/.dockerenv" && is_exported_image(&mounts);
    if let Some((path, runtime)) = FILES.iter().find(|(path, _)| files::exists(env, path) && !left_over(path))
    {
        return Some(found(runtime.clone(), path));
    }
    for path in NAMED {
        if let Some(container) = files::line(env, path).and_then(|name| named(&name, path)) {
            return Some(container);
        }
    }
    // Set by LXC, systemd-nspawn and podman for the first process; readable by its own user alone.
    let init = files::read(env, "/proc/1/environ", files::SMALL).unwrap_or_default();
    let set = init.split('\0').find_map(|v| v.strip_prefix("container="));
    if let Some(container) = set.and_then(|name| named(name, "container= of process 1")) {
        return Some(container);
    }
    if let Some(container) = env.var("container").and_then(|name| named(name, "the variable container")) {
        return Some(container);
    }
    by_path(env, &mounts)
}

/// A virtual machine or WSL made of an exported image keeps `/.dockerenv`, but nobody mounts the names' files.
fn is_exported_image(mounts: &str) -> bool {
    const BOUND: &[&str] = &["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
    let mut points = mounts.lines().filter_map(|line| line.split(' ').nth(4)).peekable();
    points.peek().is_some() && !points.any(|point| BOUND.contains(&point))
}

fn by_path(env: &Env, mounts: &str) -> Option<Container> {
    let cgroup = files::read(env, "/proc/1/cgroup", files::SMALL).unwrap_or_default();
    // With a cgroup namespace the path is bare; the root's own mount still names the runtime's storage.
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/")).unwrap_or_default();
    for (text, sign) in [(cgroup.as_str(), "/proc/1/cgroup"), (root, "the root's mount")] {
        if let Some((_, runtime)) = PATHS.iter().find(|(part, _)| text.contains(part)) {
            return Some(found(runtime.clone(), sign));
        }
    }
    None
}

fn named(name: &str, sign: &str) -> Option<Container> {
    match name.trim() {
        "" | "wsl" => None,
        name => {
            let known = SELF_GIVEN.iter().find(|(own, _)| *own == name);
            let other = || Runtime::Other(text::clean(name, 32));
            Some(found(known.map_or_else(other, |(_, ours)| ours.clone()), sign))
        }
    }
}

fn found(runtime: Runtime, sign: &str) -> Container {
    Container { runtime, sign: sign.to_owned() }
}
