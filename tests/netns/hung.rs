//! A mount that answers nobody (a dead NFS or FUSE server): it is named, the rest is told in time, and signals end what waits for it.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::mount::{MsFlags, mount};

use crate::support::{Net, Node, now};

/// Mounts a file system whose server never says a word; it hangs for as long as the handle lives.
fn hang(node: &Node, folder: &'static str) -> File {
    node.run(|| {
        let fuse = OpenOptions::new().read(true).write(true).open("/dev/fuse").expect("/dev/fuse");
        let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", fuse.as_raw_fd());
        let data = Some(data.as_str());
        mount(Some("hung"), folder, Some("fuse"), MsFlags::empty(), data).expect("a mount of FUSE");
        fuse
    })
}

#[test]
fn a_mount_that_does_not_answer_is_named_and_the_rest_is_told_in_time() {
    let Some(net) = Net::plan("hung").up() else { return };
    let _hung = hang(&net.host, "/etc/systemd/system");
    let words = [
        "check",
        "--json",
        "--timeout",
        "2s",
        "--stun",
        "198.51.100.1",
        "--ntp",
        "198.51.100.1",
        "--no-fallback",
    ];
    let run = net.host.doctor(&words);
    assert!(run.wall < Duration::from_millis(2200 + 600), "{run}");
    assert_eq!(run.json["facts"]["host"]["hung"], serde_json::json!(["/etc/systemd/system"]), "{run}");
    assert!(run.stderr.contains("/etc/systemd/system does not answer"), "{run}");
    let host = &run.json["facts"]["host"];
    assert!(
        host["hostname"].is_string() && host["interfaces"].as_array().is_some_and(|all| !all.is_empty()),
        "{run}"
    );
}

#[test]
fn a_configuration_on_a_dead_mount_is_given_up_and_a_signal_ends_the_wait() {
    use nix::sys::signal::{Signal, kill};
    let Some(net) = Net::plan("hung config").up() else { return };
    let _hung = hang(&net.host, "/etc/chrony");
    let run = net.host.doctor(&["check", "--config", "/etc/chrony/x.toml"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(run.stderr.contains("does not answer") && run.wall < Duration::from_millis(2800), "{run}");
    // Where nothing gives up by itself, a signal does.
    let command = net.host.doctor_command(&["lab", "-f", "json=/etc/chrony/x.json"]);
    let child = net.host.spawn(command);
    std::thread::sleep(Duration::from_millis(1500));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
    let asked = now();
    kill(pid, Signal::SIGTERM).expect("signalled");
    let output = net.host.end(child, "the doctor");
    assert_eq!(output.status.code(), Some(143), "{output:?}");
    assert!(now().saturating_sub(asked) < Duration::from_secs(4));
}
