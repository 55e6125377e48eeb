//! How a process was deployed, by the path of its control group; a table of what runtimes call theirs. Pure.

use crate::model::facts::{Deployment, DeploymentKind};
use crate::model::text;

/// Parts of a path that only one runtime makes, the outermost first.
const MARKS: &[(&str, DeploymentKind)] = &[
    ("kubepods", DeploymentKind::Kubernetes),
    ("docker", DeploymentKind::Docker),
    ("libpod", DeploymentKind::Podman),
    ("lxc", DeploymentKind::Lxc),
    ("systemd-nspawn", DeploymentKind::SystemdNspawn),
    ("machine-", DeploymentKind::SystemdNspawn),
    ("cri-containerd", DeploymentKind::Kubernetes),
    ("crio-", DeploymentKind::Kubernetes),
];

/// Reads /proc/PID/cgroup (cgroups(7)): `0::/path` of v2, `4:memory:/path` of v1.
pub fn deployment(text: &str) -> Deployment {
    let paths = || text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    // Of v1's several paths the longest says most.
    let path = paths().max_by_key(|path| path.len()).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let marks = |part: &str| MARKS.iter().find(|(mark, _)| part.starts_with(mark)).map(|(_, kind)| *kind);
    // The innermost: a node of Kubernetes may itself be a container.
    let kind = parts.iter().rev().find_map(|part| marks(part));
    let id = parts.iter().rev().find_map(|part| container_id(part));
    let unit =
        parts.iter().rev().find_map(|part| part.strip_suffix(".service")).filter(|u| !u.starts_with("user@"));
    // On a node of Proxmox VE a container's number stands by itself: /lxc/101/ns.
    let numbered = parts.iter().position(|part| *part == "lxc").and_then(|at| parts.get(at + 1));
    let machine = parts.iter().find_map(|part| machine(part)).or_else(|| numbered.map(|n| (*n).to_owned()));
    let kind = match (kind, id, unit) {
        (Some(kind), _, _) => kind,
        (None, Some(_), _) => DeploymentKind::Container,
        (None, None, Some(_)) => DeploymentKind::Systemd,
        (None, None, None) => DeploymentKind::Bare,
    };
    let shown = |word: &str| text::clean(word, 128);
    Deployment {
        kind,
        unit: unit.map(shown),
        id: id.map(str::to_owned),
        name: machine.map(|m| shown(&m)),
        pod: parts.iter().find_map(|part| pod(part)),
        owner: parts.iter().find_map(|part| owner(part)).filter(|_| !kind.native()),
        ..Deployment::default()
    }
}

/// `kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice` and `pod0a1b2c3d-1111-...`: a pod's own id.
fn pod(part: &str) -> Option<String> {
    let part = part.split(".slice").next()?;
    let (_, id) = part.rsplit_once("pod").filter(|(before, _)| before.is_empty() || before.ends_with('-'))?;
    let id = id.replace('_', "-");
    (id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')).then_some(id)
}

/// `user-1000.slice`: whose it is, where it is not root's.
fn owner(part: &str) -> Option<u32> {
    part.strip_prefix("user-")?.strip_suffix(".slice")?.parse().ok().filter(|uid| *uid != 0)
}

/// 64 hexadecimal digits, in `docker-ID.scope`, `libpod-ID`, `ID`; shorter than 32 is no id.
fn container_id(part: &str) -> Option<&str> {
    let part = part.strip_suffix(".scope").unwrap_or(part);
    let id = part.rsplit(['-', ':']).next().unwrap_or(part);
    (id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// `lxc.payload.NAME`, `systemd-nspawn@NAME.service`, `machine-NAME.scope`.
fn machine(part: &str) -> Option<String> {
    let name = part
        .strip_prefix("lxc.payload.")
        .or_else(|| part.strip_prefix("systemd-nspawn@").and_then(|p| p.strip_suffix(".service")))
        .or_else(|| part.strip_prefix("machine-").and_then(|p| p.strip_suffix(".scope")))?;
    // systemd escapes what is no letter (systemd.unit(5)); `-` is the one that names have.
    Some(name.replace("\\x2d", "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_and_owners_are_told() {
        let id = "0123456789abcdef".repeat(4);
        let pod = "0a1b2c3d-1111-2222-3333-444455556666";
        for group in [
            format!("/kubepods.slice/kubepods-pod{}.slice/cri-containerd-{id}.scope", pod.replace('-', "_")),
            format!("/kubepods/burstable/pod{pod}/{id}"),
        ] {
            assert_eq!(deployment(&format!("0::{group}\n")).pod.as_deref(), Some(pod), "{group}");
        }
        let rootless = "/user.slice/user-1000.slice/user@1000.service/user.slice";
        assert_eq!(deployment(&format!("0::{rootless}/libpod-{id}.scope/container\n")).owner, Some(1000));
        assert_eq!(deployment(&format!("0::/machine.slice/libpod-{id}.scope\n")).owner, None);
    }

    #[test]
    fn each_runtime_is_told_by_its_path() {
        use DeploymentKind::{Bare, Container, Docker, Kubernetes, Lxc, Podman, Systemd, SystemdNspawn};
        let id = "0123456789abcdef".repeat(4);
        let pod = "kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice";
        for (text, kind, unit, has_id, name) in [
            ("0::/system.slice/twingate-connector.service\n".to_owned(), Systemd, Some("twingate-connector"), false, None),
            (format!("0::/system.slice/docker-{id}.scope\n"), Docker, None, true, None),
            (format!("12:pids:/docker/{id}\n4:memory:/docker/{id}\n0::/\n"), Docker, None, true, None),
            (format!("0::/machine.slice/libpod-{id}.scope/container\n"), Podman, None, true, None),
            (
                format!("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container\n"),
                Podman,
                None,
                true,
                None,
            ),
            (format!("0::/kubepods.slice/kubepods-burstable.slice/{pod}/cri-containerd-{id}.scope\n"), Kubernetes, None, true, None),
            (format!("0::/kubepods/burstable/pod0a1b/{id}\n"), Kubernetes, None, true, None),
            (format!("0::/system.slice/containerd.service/kubepods-besteffort-podx.slice:cri-containerd:{id}\n"), Kubernetes, Some("containerd"), true, None),
            ("0::/lxc.payload.conn-1/system.slice/twingate-connector.service\n".to_owned(), Lxc, Some("twingate-connector"), false, Some("conn-1")),
            (
                "0::/machine.slice/systemd-nspawn@conn\\x2d1.service/payload/system.slice/twingate-connector.service\n".to_owned(),
                SystemdNspawn,
                Some("twingate-connector"),
                false,
                Some("conn-1"),
            ),
            ("0::/lxc/101/ns/system.slice/twingate-connector.service\n".to_owned(), Lxc, Some("twingate-connector"), false, Some("101")),
            (format!("0::/default/{id}\n"), Container, None, true, None),
            ("0::/user.slice/user-0.slice/session-3.scope\n".to_owned(), Bare, None, false, None),
            ("0::/\n".to_owned(), Bare, None, false, None),
            ("\u{1b}::::\n\n:\n".to_owned(), Bare, None, false, None),
        ] {
            let seen = deployment(&text);
            assert_eq!((seen.kind, seen.unit.as_deref(), seen.id.is_some(), seen.name.as_deref()), (kind, unit, has_id, name), "{text}");
        }
    }
}
