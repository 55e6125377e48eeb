//! Faults of servers, of one address, of what is left on the host: each made real, named first, and nothing else.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::connector::{start, whole};
use crate::control::{Control, site};
use crate::support::{Net, Run, World, nginx};

fn assert_only(run: &Run, cause: &str) {
    assert_eq!(run.causes(), [cause], "{run}");
}

#[test]
fn stun_servers_that_say_themselves_that_nobody_listens() {
    let Some(control) = Control::open(Net::plan("single: STUN refused"), 0.0) else { return };
    control.0.net.inet.nft(
        "table inet shut { chain i { type filter hook input priority 0; udp dport { 3478, 3479 } reject; }; }",
    );
    assert_only(&control.doctor(&[]), "stun-servers-down");
}

#[test]
fn a_controller_whose_own_clock_is_a_minute_ahead() {
    let Some(control) = Control::open(Net::plan("single: the Controller's clock"), 0.0) else { return };
    nginx(&control.0.net.inet, "skewed", &[site("198.51.100.46:443", "controller", "200")], 60.0);
    control.resolver("198.51.100.24", Some("198.51.100.46"));
    assert_only(&control.doctor(&[]), "controller-clock-skew");
}

#[test]
fn a_network_of_the_hosts_own_where_clients_have_theirs() {
    let Some(control) = Control::open(Net::plan("single: overlap"), 0.0) else { return };
    control.0.net.host.ip(
        "link add lan1 type veth peer name peer1\nlink set lan1 up\nlink set peer1 up\naddr add 100.100.0.1/24 dev lan1\n",
    );
    assert_only(&control.doctor(&[]), "address-overlap");
}

/// Answers with the true address exclusive-ored, and another in plain, as a gateway does that rewrites what it recognises (RFC 8489 14.2).
fn rewritten(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let SocketAddr::V4(from) = from else { return None };
    let id = request.get(4..20)?;
    let mut answer = [&[0x01, 0x01, 0, 24], id].concat();
    answer.extend([0, 0x01, 0, 8, 0, 1, 0x12, 0x34, 192, 0, 2, 99]);
    let port = from.port() ^ 0x2112;
    answer.extend([0, 0x20, 0, 8, 0, 1]);
    answer.extend(port.to_be_bytes());
    answer.extend((u32::from(*from.ip()) ^ 0x2112_a442).to_be_bytes());
    Some(answer)
}

#[test]
fn stun_answers_that_are_rewritten_on_the_way() {
    let Some(control) = Control::open(Net::plan("single: tampered"), 0.0) else { return };
    let socket = control.0.net.inet.run(|| UdpSocket::bind("198.51.100.30:3478").expect("a free port"));
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    std::thread::spawn(move || {
        let mut bytes = [0; 600];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            let Some(answer) = rewritten(&bytes[..n], from) else { return };
            let _ = socket.send_to(&answer, from);
        }
    });
    assert_only(&control.doctor(&["--stun", "198.51.100.30:3478"]), "stun-tampered");
}

#[test]
fn descriptors_that_are_gone_and_a_disk_that_is_full() {
    let Some(world) = World::open(Net::plan("single: nothing left").only_ipv4(), 0.0) else { return };
    let host = &world.net.host;
    host.must("mount", &["-t", "tmpfs", "-o", "size=64m", "tmpfs", "/var/log"], "");
    let _ = host.output("dd", &["if=/dev/zero", "of=/var/log/full", "bs=1M"], "");
    let run = host.doctor(&["check", "host.limits", "--json", "--timeout", "500ms"]);
    assert_only(&run, "host-exhausted");
    start(host, false, "ulimit -n 1024; for i in {1..1015}; do exec {fd}</dev/null; done", &whole());
    let run = host.doctor(&["check", "host.limits", "--json", "--timeout", "500ms"]);
    let both = ["host-exhausted", "fd-exhausted"];
    assert!(run.causes().len() == 2 && both.iter().all(|cause| run.causes().contains(cause)), "{run}");
    host.must("umount", &["/var/log"], "");
    assert_only(&host.doctor(&["check", "host.limits", "--json", "--timeout", "500ms"]), "fd-exhausted");
}
