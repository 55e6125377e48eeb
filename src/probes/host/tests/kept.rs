//! Connectors that do not run: docker, podman, quadlets, pods and services as they lie on disk.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::model::facts::{Connector, DeploymentKind, KeptConnector, KeptState, Meet};

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const ACCESS: &str = "canary-access-0123456789";

fn found(files: &[(&str, &str)]) -> Connector {
    of(&Root::new(files))
}

fn of(root: &Root) -> Connector {
    let connector = assemble(&root.env(), &Absent).connector;
    assert!(!format!("{connector:?}").contains("canary"), "{connector:?}");
    connector
}

fn only(connector: &Connector) -> &KeptConnector {
    assert_eq!(connector.kept.len(), 1, "{connector:?}");
    &connector.kept[0]
}

fn docker(id: &str, state: &str) -> String {
    format!(
        r#"{{"ID":"{id}","Name":"/conn","RestartCount":7,"State":{{{state},"StartedAt":"2026-11-01T00:00:00Z"}},
        "Config":{{"Image":"twingate/connector:1","Env":["TWINGATE_NETWORK=acme","TWINGATE_ACCESS_TOKEN={ACCESS}"]}}}}"#
    )
}

#[test]
fn dockers_containers_at_rest_are_found_with_their_log() {
    let (file, log) = (
        format!("/var/lib/docker/containers/{ID}/config.v2.json"),
        format!("/var/lib/docker/containers/{ID}/{ID}-json.log"),
    );
    let json = docker(ID, r#""Restarting":true,"ExitCode":1"#);
    let connector = found(&[(&file, &json), (&log, "{}\n")]);
    let kept = only(&connector);
    assert_eq!(
        (kept.state, kept.exit_code, kept.deployment.restarts),
        (KeptState::Restarting, Some(1), Some(7))
    );
    assert_eq!((kept.log.as_deref(), kept.alive), (Some(log.as_str()), false));
    assert_eq!(kept.settings[0].network.as_deref(), Some("acme"));
    // The process that docker names is its own, whatever it is called.
    let json = docker(ID, r#""Running":true,"Pid":44"#);
    let group = format!("0::/system.slice/docker-{ID}.scope\n");
    let connector = found(&[(&file, &json), ("/proc/44/cgroup", &group)]);
    assert!(only(&connector).alive && connector.at_rest().next().is_none());
    // A root of its own, which the daemon's configuration names.
    let moved = format!("/data/docker/containers/{ID}/config.v2.json");
    let connector =
        found(&[(&moved, &json), ("/etc/docker/daemon.json", r#"{"data-root": "/data/docker/"}"#)]);
    assert_eq!(connector.at_rest().count(), 1);
}

#[test]
fn podmans_containers_and_quadlets_are_found_and_users_own_are_theirs() {
    let list = format!(
        r#"[{{"id":"{ID}","names":["conn"],"metadata":"{{\"image-name\":\"docker.io/twingate/connector:1.90.0\"}}"}}]"#
    );
    let oci = format!(r#"{{"process":{{"env":["TWINGATE_ACCESS_TOKEN={ACCESS}"]}}}}"#);
    let storage = "/var/lib/containers/storage/overlay-containers";
    let connector = found(&[
        (&format!("{storage}/containers.json"), &list),
        (&format!("{storage}/{ID}/userdata/config.json"), &oci),
        (&format!("{storage}/{ID}/userdata/oom"), ""),
        (&format!("/run/libpod/exits/{ID}"), "137"),
    ]);
    let kept = only(&connector);
    assert_eq!((kept.state, kept.exit_code, kept.oom_killed), (KeptState::Exited, Some(137), true));
    // Below a user's home: shown, and not gone into.
    let own = "/home/ada/.local/share/containers/storage/overlay-containers";
    let passwd = ("/etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n");
    let files = [
        passwd,
        (&format!("{own}/containers.json"), &list),
        (&format!("{own}/{ID}/userdata/config.json"), &oci),
    ];
    let root = Root::new(&files);
    assert!(of(&root).kept.is_empty(), "an ordinary user sees his own alone");
    let as_root = Fake { uid: Some(0), ..Fake::default() };
    let connector = assemble(&root.env(), &as_root).connector;
    let kept = only(&connector);
    assert_eq!((kept.deployment.owner, kept.settings.len()), (Some(1000), 0));
    // How it ended is told by that user's own session, as long as no link leads out of it.
    let session = root.0.join("run/user/1000");
    fs::create_dir_all(session.join("libpod/tmp/exits")).unwrap();
    fs::write(session.join("libpod/tmp/exits").join(ID), "3").unwrap();
    let exit = || assemble(&root.env(), &as_root).connector.kept[0].exit_code;
    assert_eq!(exit(), Some(3));
    fs::rename(session.join("libpod/tmp/exits"), root.0.join("exits")).unwrap();
    symlink(root.0.join("exits"), session.join("libpod/tmp/exits")).unwrap();
    assert_eq!(exit(), None);
    // A link out of a home is not followed, whoever follows it.
    fs::remove_file(root.0.join(format!("{own}/containers.json").trim_start_matches('/'))).unwrap();
    fs::write(root.0.join("elsewhere"), &list).unwrap();
    symlink(root.0.join("elsewhere"), root.0.join(format!("{own}/containers.json").trim_start_matches('/')))
        .unwrap();
    assert!(assemble(&root.env(), &as_root).connector.kept.is_empty());
}

#[test]
fn a_quadlet_without_its_environment_file_says_so() {
    let quadlet = "[Container]\nImage=docker.io/twingate/connector:1\nEnvironmentFile=/etc/tg.env\n[Service]\nRestart=always\n";
    let connector = found(&[("/etc/containers/systemd/office.container", quadlet)]);
    let kept = only(&connector);
    assert_eq!(kept.missing, ["/etc/tg.env, which its quadlet needs, is not there"]);
    assert_eq!((kept.deployment.unit.as_deref(), kept.state), (Some("office"), KeptState::Declared));
    let connector = found(&[("/etc/containers/systemd/office.container", quadlet), ("/etc/tg.env", "")]);
    assert!(only(&connector).missing.is_empty());
}

#[test]
fn pods_are_found_until_they_are_deleted() {
    let uid = "0a1b2c3d-1111-2222-3333-444455556666";
    let logs = format!("/var/log/pods/tg_twingate-connector-7d9f_{uid}/connector");
    let (first, fifth) = (format!("{logs}/0.log"), format!("{logs}/5.log"));
    let connector = found(&[(&first, ""), (&fifth, "")]);
    let kept = only(&connector);
    assert_eq!((kept.state, kept.deployment.restarts), (KeptState::Restarting, Some(5)));
    assert_eq!(
        (kept.deployment.namespace.as_deref(), kept.log.as_deref()),
        (Some("tg"), Some(fifth.as_str()))
    );
    assert!(found(&[(&first, ""), ("/var/lib/kubelet/pods/another/", "")]).kept.is_empty());
    assert_eq!(found(&[(&first, ""), (&format!("/var/lib/kubelet/pods/{uid}/"), "")]).kept.len(), 1);
}

#[test]
fn a_unit_that_lacks_what_it_needs_says_so() {
    let unit = (
        "/lib/systemd/system/twingate-connector.service",
        "[Service]\nExecStart=/usr/bin/twingate-connector\nEnvironmentFile=/etc/twingate/connector.conf\n",
    );
    let program = ("/usr/bin/twingate-connector", "");
    let root = Root::new(&[unit, program]);
    fs::create_dir_all(root.0.join("etc")).unwrap();
    let connector = of(&root);
    assert_eq!(
        only(&connector).missing,
        ["/etc/twingate/connector.conf, which its unit needs, is not there"]
    );
    symlink("/mnt/data/twingate", root.0.join("etc/twingate")).unwrap();
    assert_eq!(
        only(&of(&root)).missing,
        ["/etc/twingate is a link to /mnt/data/twingate, which is not there"]
    );
    // A drop-in takes the need away, or sets the variables itself.
    let drop_in = "/etc/systemd/system/twingate-connector.service.d/own.conf";
    let own = format!(
        "[Service]\nEnvironmentFile=\nEnvironment=TWINGATE_NETWORK=acme \"TWINGATE_ACCESS_TOKEN={ACCESS}\"\n"
    );
    let connector = found(&[unit, program, (drop_in, &own)]);
    assert_eq!((only(&connector).missing.len(), only(&connector).settings.len()), (0, 1));
    // No program.
    let connector = found(&[unit, ("/etc/twingate/connector.conf", "")]);
    assert_eq!(only(&connector).missing, ["/usr/bin/twingate-connector, which its unit needs, is not there"]);
}

#[test]
fn services_of_other_managers_are_found() {
    let script = ("/etc/init.d/twingate-connector", "");
    let connector = found(&[script, ("/run/openrc/failed/twingate-connector", "")]);
    let kept = only(&connector);
    assert_eq!((kept.deployment.kind, kept.state), (DeploymentKind::OpenRc, KeptState::Failed));
    let connector = found(&[script, ("/run/openrc/started/twingate-connector", "")]);
    assert_eq!(only(&connector).state, KeptState::Exited);
    for (folder, kind) in
        [("/etc/sv", DeploymentKind::Runit), ("/etc/s6-overlay/s6-rc.d", DeploymentKind::S6)]
    {
        let connector = found(&[(&format!("{folder}/twingate-connector/run"), "")]);
        assert_eq!((only(&connector).deployment.kind, only(&connector).restarts_itself), (kind, Some(true)));
    }
}

#[test]
fn places_that_stay_closed_are_told() {
    let root = Root::new(&[("/var/lib/docker/containers/", "")]);
    fs::set_permissions(root.0.join("var/lib/docker"), fs::Permissions::from_mode(0o000)).unwrap();
    let closed = fs::read_dir(root.0.join("var/lib/docker")).is_err();
    let connector = of(&root);
    fs::set_permissions(root.0.join("var/lib/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    // Root is kept out of nothing.
    let expected: &[&str] = if closed { &["/var/lib/docker/containers: permission denied"] } else { &[] };
    assert_eq!(connector.kept_unread, expected);
}

#[test]
fn one_pair_in_two_places_is_told_and_one_place_is_no_pair() {
    let file = |id: &str| format!("/var/lib/docker/containers/{id}/config.v2.json");
    let group = |id: &str| format!("0::/system.slice/docker-{id}.scope\n");
    let stat = format!("7 (connectord) S 1 {} 100000 9 9\n", "0 ".repeat(17).trim());
    let environ = format!("TWINGATE_NETWORK=acme\0TWINGATE_ACCESS_TOKEN={ACCESS}\0");
    let conf = format!("TWINGATE_NETWORK=acme\nTWINGATE_ACCESS_TOKEN='{ACCESS}'\n");
    let (one, two) =
        (docker(ID, r#""Running":true"#), docker(OTHER, r#""ExitCode":0"#).replace("/conn", "/old"));
    let (place, other, mine, its) = (file(ID), file(OTHER), group(ID), group(OTHER));
    let process = |pid: u32, group: &str| {
        [("comm", "connectord\n"), ("stat", stat.as_str()), ("environ", environ.as_str()), ("cgroup", group)]
            .map(|(name, text)| (format!("/proc/{pid}/{name}"), text.to_owned()))
    };
    let meet = |files: &[(&str, &str)]| {
        let connector = found(files);
        connector.shared_tokens.first().map(|pair| pair.meet)
    };
    let first = process(7, &mine);
    let first: Vec<(&str, &str)> = first.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let own: Vec<(&str, &str)> = [&first[..], &[(place.as_str(), one.as_str())]].concat();
    // A process and its container's own file are one.
    assert_eq!(meet(&own), None);
    assert_eq!(meet(&[&own[..], &[(other.as_str(), two.as_str())]].concat()), Some(Meet::Idle));
    let policy = file(OTHER).replace("config.v2", "hostconfig");
    assert_eq!(
        meet(
            &[
                &own[..],
                &[
                    (other.as_str(), two.as_str()),
                    (policy.as_str(), r#"{"RestartPolicy":{"Name":"always"}}"#)
                ]
            ]
            .concat()
        ),
        Some(Meet::MayStart)
    );
    let second = process(8, &its);
    let second: Vec<(&str, &str)> = second.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    assert_eq!(meet(&[&own[..], &second[..]].concat()), Some(Meet::BothRun));
    // Left over from before it moved into a container.
    assert_eq!(
        meet(&[&own[..], &[("/etc/twingate/connector.conf", conf.as_str())]].concat()),
        Some(Meet::Idle)
    );
    let bare = process(8, "0::/user.slice\n");
    let bare: Vec<(&str, &str)> = bare.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    assert_eq!(meet(&[&bare[..], &[("/etc/twingate/connector.conf", conf.as_str())]].concat()), None);
}

#[test]
fn rubbish_is_less_and_no_error() {
    let rubbish = "\u{0}\u{1b}]0;x\u{7}[{\"ID\":canary\n[Service]\nExecStart=\\".repeat(50);
    let paths = [
        format!("/var/lib/docker/containers/{ID}/config.v2.json"),
        format!("/var/lib/docker/containers/{ID}/hostconfig.json"),
        "/etc/docker/daemon.json".to_owned(),
        "/var/lib/containers/storage/overlay-containers/containers.json".to_owned(),
        "/etc/containers/systemd/x.container".to_owned(),
        "/lib/systemd/system/twingate-connector.service".to_owned(),
        "/etc/passwd".to_owned(),
    ];
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), rubbish.as_str())).collect();
    let connector = found(&files);
    assert!(connector.kept.iter().all(|kept| kept.deployment.kind == DeploymentKind::Systemd));
}
