//! Connectors of fixtures: found, told apart, read, and nothing secret kept.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::model::facts::{ConnectorProcess, DeploymentKind, SettingsFault, TokenForm};

const UPTIME: (&str, &str) = ("/proc/uptime", "5000.00 0\n");
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const ENVIRON: &str = "PATH=/bin\0TWINGATE_NETWORK=acme\0TWINGATE_ACCESS_TOKEN=canaryA\0TWINGATE_REFRESH_TOKEN=canaryB\0\
                       HTTPS_PROXY=http://canary:canary@proxy:3128\0HOSTNAME=conn-7d9f\0";

/// /proc/PID/stat of a process in a state, started 1,000 s after boot.
fn stat(state: &str) -> String {
    format!("812 (a) b) (x) {state} 1 {} 100000 9 9\n", "0 ".repeat(17).trim())
}

/// A process's files: name, state, control group, environment.
fn process(name: &str, state: &str, group: &str, environ: &str) -> Vec<(String, String)> {
    let file = |name: &str, text: &str| (format!("/proc/812/{name}"), text.to_owned());
    vec![
        file("comm", &format!("{name}\n")),
        file("stat", &stat(state)),
        file("status", "Name:\tx\nUid:\t998\t998\t998\t998\n"),
        file("cgroup", &format!("0::{group}\n")),
        file("environ", environ),
        file("cmdline", "./connectord\0"),
        file(
            "limits",
            "Limit Soft Hard Units\nMax open files            1024                 unlimited            files     \n",
        ),
        file("fd/0", ""),
        file("fd/1", ""),
    ]
}

fn root(files: &[(String, String)], more: &[(&str, &str)]) -> Root {
    let all: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    Root::new(&[&all[..], &[UPTIME], more].concat())
}

fn only(root: &Root) -> ConnectorProcess {
    let host = root.host();
    assert!(!format!("{host:?}").contains("canary"), "{host:?}");
    let mut found = host.connector.processes;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_service_is_found_aged_and_measured() {
    let group = "/system.slice/twingate-connector.service";
    let files = process("twingate-connec", "S", group, ENVIRON);
    let root = root(
        &files,
        &[
            ("/usr/bin/twingate-connector", ""),
            ("/lib/systemd/system/twingate-connector.service", ""),
            ("/etc/systemd/system/multi-user.target.wants/twingate-connector.service", ""),
            (
                "/etc/twingate/connector.conf",
                "TWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN=\nrubbish canary\n",
            ),
            (
                "/var/lib/dpkg/status",
                "Package: a\nVersion: 9\n\nPackage: twingate-connector\nStatus: x\nVersion: 1.80.0\n\n",
            ),
            (&format!("/sys/fs/cgroup{group}/memory.current"), "100000000\n"),
            (&format!("/sys/fs/cgroup{group}/memory.max"), "max\n"),
            (
                &format!("/sys/fs/cgroup{group}/memory.stat"),
                "anon 1\nfile 60000000\nshmem 1000000\nslab_reclaimable 1000000\n",
            ),
            (&format!("/sys/fs/cgroup{group}/memory.events"), "oom 5\noom_kill 2\n"),
            ("/sys/fs/cgroup/system.slice/memory.current", "200000000\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "250000000\n"),
            ("/sys/fs/cgroup/system.slice/memory.stat", "file 0\n"),
        ],
    );
    fs::set_permissions(root.0.join("etc/twingate/connector.conf"), fs::Permissions::from_mode(0o644))
        .unwrap();
    fs::set_permissions(root.0.join("etc/twingate"), fs::Permissions::from_mode(0o755)).unwrap();
    let host = root.host();
    let connector = &host.connector;
    assert_eq!(connector.version.as_deref(), Some("1.80.0"));
    assert_eq!(
        connector.installed,
        ["/usr/bin/twingate-connector", "/lib/systemd/system/twingate-connector.service"]
    );
    let unit = connector.unit.as_ref().expect("a unit");
    assert_eq!((unit.enabled, unit.masked), (true, false));
    let file = connector.file.as_ref().expect("a file");
    assert_eq!(
        (file.mode, file.faults.as_slice()),
        (Some(0o644), &[SettingsFault::Malformed { line: 3 }][..])
    );
    let found = only(&root);
    assert_eq!((found.uid, found.age_us), (Some(998), Some(4_000_000_000)));
    assert_eq!(host.connector_uptime_us, Some(4_000_000_000));
    assert_eq!(
        (found.deployment.kind, found.deployment.unit.as_deref()),
        (DeploymentKind::Systemd, Some("twingate-connector"))
    );
    assert_eq!(found.settings[0].network.as_deref(), Some("acme"));
    assert_eq!(found.settings[0].access_token.as_ref().map(|t| t.form), Some(TokenForm::Opaque));
    assert_eq!(found.view.proxy_variables, ["HTTPS_PROXY"]);
    assert_eq!(
        (found.limits.open_files, found.limits.open_files_soft, found.limits.open_files_hard),
        (Some(2), Some(1024), None)
    );
    let memory = found.limits.memory.expect("memory");
    assert_eq!((memory.limit, memory.used, memory.oom_kills), (Some(250_000_000), 200_000_000, 2));
    // A folder that lets nobody in keeps the file from everybody.
    fs::set_permissions(root.0.join("etc/twingate"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(root.host().connector.file.and_then(|f| f.mode), Some(0o640));
}

#[test]
fn containers_have_names_networks_and_resolvers_of_their_own() {
    let docker = process("connectord", "S", &format!("/system.slice/docker-{ID}.scope"), ENVIRON);
    let json = format!(
        r#"{{"ID":"{ID}","Name":"/twingate-1","RestartCount":3,"Config":{{"Env":["TWINGATE_ACCESS_TOKEN=canary"]}}}}"#
    );
    let path = format!("/var/lib/docker/containers/{ID}/config.v2.json");
    let root = root(
        &docker,
        &[
            (&path, &json),
            ("/proc/812/root/run/own", "nameserver 127.0.0.11\nnameserver 10.9.9.9\n"),
            ("/proc/812/root/etc/twingate/connector.conf", "TWINGATE_URL=https://acme.twingate.com\n"),
            ("/run/own", "nameserver 192.0.2.66\n"),
            ("/etc/resolv.conf", "nameserver 10.0.0.53\n"),
            ("/proc/self/net/dev", ""),
            ("/proc/812/net/dev", ""),
        ],
    );
    // A link that begins with / is one of the container's own root.
    symlink("/run/own", root.0.join("proc/812/root/etc/resolv.conf")).unwrap();
    let found = only(&root);
    let deployment = &found.deployment;
    assert_eq!(
        (deployment.kind, deployment.name.as_deref(), deployment.restarts),
        (DeploymentKind::Docker, Some("twingate-1"), Some(3))
    );
    assert_eq!((found.view.same_network, found.view.same_resolvers), (Some(false), Some(false)));
    let resolvers: Vec<String> = found.view.resolvers.iter().map(ToString::to_string).collect();
    assert_eq!(resolvers, ["127.0.0.11", "10.9.9.9"]);
    assert_eq!(found.settings.len(), 2, "its environment and its own file");
    // Two links to one inode stand for two ways to one namespace.
    fs::remove_file(root.0.join("proc/812/net/dev")).unwrap();
    fs::hard_link(root.0.join("proc/self/net/dev"), root.0.join("proc/812/net/dev")).unwrap();
    assert_eq!(only(&root).view.same_network, Some(true));
}

#[test]
fn pods_and_podmans_containers_are_named() {
    let pod =
        process("connectord", "S", &format!("/kubepods.slice/x.slice/cri-containerd-{ID}.scope"), ENVIRON);
    assert_eq!(only(&root(&pod, &[])).deployment.name.as_deref(), Some("conn-7d9f"));
    let podman = process("connectord", "S", &format!("/machine.slice/libpod-{ID}.scope/container"), ENVIRON);
    let list = format!(r#"[{{"id":"x"}},{{"id":"{ID}","names":["conn-\u001b[31m1"],"metadata":"canary"}}]"#);
    let podman = root(&podman, &[("/var/lib/containers/storage/vfs-containers/containers.json", &list)]);
    assert_eq!(only(&podman).deployment.name.as_deref(), Some("conn-[31m1"));
}

#[test]
fn a_name_alone_makes_no_connector_and_the_dead_do_not_run() {
    let other = process("connectord", "S", "/system.slice/connectord.service", "PATH=/bin\0");
    assert!(root(&other, &[]).host().connector.processes.is_empty());
    let own = process("connectord", "S", "/user.slice", ENVIRON);
    assert_eq!(only(&root(&own, &[])).deployment.kind, DeploymentKind::Bare);
    // In its own container, whose control group is bare.
    assert_eq!(root(&other, &[("/.dockerenv", "")]).host().connector.processes.len(), 1);
    let zombie = process("twingate-connec", "Z", "/", "");
    let host = root(&zombie, &[]).host();
    assert_eq!((host.connector.processes.len(), host.connector_uptime_us), (1, None));
}

#[test]
fn a_masked_unit_and_a_left_over_file_are_no_installation() {
    let root = Root::new(&[("/etc/systemd/system/x", ""), ("/etc/twingate/connector.conf", "")]);
    symlink("/dev/null", root.0.join("etc/systemd/system/twingate-connector.service")).unwrap();
    let connector = root.host().connector;
    assert!(connector.installed.is_empty() && connector.unit.is_some_and(|u| u.masked));
    assert_eq!(connector.version, None);
}

#[test]
fn rubbish_in_every_file_is_less_and_no_error() {
    let rubbish = "\u{0}\u{1b}]0;x\u{7}={\"Name\":canary 0:: :/../..\u{fffd}\n".repeat(200);
    let mut files = process("twingate-connec", "S", &format!("/docker/{ID}"), &rubbish);
    for (path, text) in &mut files {
        if !path.ends_with("comm") && !path.ends_with("stat") && !path.ends_with("cgroup") {
            text.clone_from(&rubbish);
        }
    }
    let more = [
        "/etc/twingate/connector.conf",
        "/var/lib/dpkg/status",
        "/proc/812/net/tcp",
        "/proc/812/mountinfo",
        "/proc/meminfo",
    ];
    let docker = format!("/var/lib/docker/containers/{ID}/config.v2.json");
    let more: Vec<(&str, &str)> =
        more.iter().copied().chain([docker.as_str()]).map(|path| (path, rubbish.as_str())).collect();
    let root = root(&files, &more);
    let shown = format!("{:?}", only(&root));
    assert!(!shown.contains("\\u{1b}") && !shown.contains("\\u{7}"), "{shown}");
}

#[test]
fn what_a_user_calls_a_connector_steers_nobody_elses_run() {
    let evil = "PATH=/bin\0TWINGATE_URL=https://evil.example\0TWINGATE_DNS=192.0.2.66\0";
    let session = "/user.slice/user-998.slice/session-3.scope";
    let root = root(&process("twingate-connec", "S", session, evil), &[("/proc/net/tcp", "")]);
    for (own, followed) in [(0, false), (1001, false), (998, true)] {
        let host = assemble(&root.env(), &Fake { uid: Some(own), ..Fake::default() });
        let connector = &host.connector;
        assert_eq!(connector.processes.len(), usize::from(followed), "{own}");
        assert_eq!(host.connector_uptime_us.is_some(), followed, "{own}");
        let strangers: Vec<_> = connector.strangers.iter().map(|s| (s.pid, s.uid)).collect();
        assert_eq!(strangers, if followed { vec![] } else { vec![(812, Some(998))] }, "{own}");
        assert_eq!(format!("{host:?}").contains("evil"), followed, "{own}");
    }
}

#[test]
fn a_containers_file_that_is_a_pipe_is_said_and_holds_nobody() {
    let docker = process("connectord", "S", &format!("/system.slice/docker-{ID}.scope"), ENVIRON);
    let root = root(&docker, &[("/proc/812/root/etc/twingate/", "")]);
    let pipe = root.0.join("proc/812/root/etc/twingate/connector.conf");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let found = only(&root);
    assert_eq!(found.unread, ["/etc/twingate/connector.conf of process 812: not a regular file"]);
    fs::remove_file(&pipe).unwrap();
    symlink("../../../../../../secret", &pipe).unwrap();
    fs::write(root.0.join("secret"), "TWINGATE_NETWORK=canary\n").unwrap();
    assert_eq!(only(&root).settings.len(), 1, "no link leads out of its root");
}
