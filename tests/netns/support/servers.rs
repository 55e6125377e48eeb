//! Other people's servers on a node. Each is asked until it answers before a test goes on.

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::gate::{now, program};
use super::node::Node;

const PATIENCE: Duration = Duration::from_secs(10);
/// Where Debian keeps it, by architecture.
const FAKETIME: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

/// coturn as a STUN server of RFC 5780 on ports 3478 and 3479 of these addresses (one family, one or two).
pub fn coturn(node: &Node, addresses: &[&str]) {
    let first = addresses[0];
    let label = format!("coturn-{first}");
    let mut command = Command::new(program("turnserver"));
    command.args(["-n", "--stun-only", "--no-auth", "--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay"]);
    command.args(["--no-cli", "--relay-threads", "1", "--min-port", "50000", "--max-port", "50010"]);
    command.args(["--log-file", "stdout", "--userdb"]).arg(format!("/run/{label}.db"));
    command.arg("--pidfile").arg(format!("/run/{label}.pid"));
    for a in addresses {
        command.args(["--listening-ip", a]);
    }
    node.serve(&label, command);
    let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[7; 12]].concat();
    for address in addresses {
        for port in if addresses.len() > 1 { 3478..=3479 } else { 3478..=3478 } {
            answers(node, &label, SocketAddr::new(ip(address), port), &request);
        }
    }
}

/// chronyd as a time server on these addresses (at most one a family), `ahead` seconds before the true time.
/// It serves only: `-x` never touches this machine's clock.
pub fn chronyd(node: &Node, addresses: &[&str], ahead: f64) {
    let label = format!("chronyd-{}", addresses[0]);
    let mut configuration = format!("local stratum 2\nallow\ncmdport 0\npidfile /run/{label}.pid\n");
    for address in addresses {
        let _ = writeln!(configuration, "bindaddress {address}");
    }
    let path = format!("/run/{label}.conf");
    node.write(&path, &configuration);
    let mut command = Command::new(program("chronyd"));
    command.args(["-x", "-d", "-u", "root", "-f", &path]);
    skew(&mut command, ahead);
    node.serve(&label, command);
    let mut request = [0; 48];
    (request[0], request[40]) = (0x23, 1);
    for a in addresses {
        answers(node, &label, SocketAddr::new(ip(a), 123), &request);
    }
}

/// dnsmasq on this address: it knows these names (address records of either family), every other does not exist.
pub fn dnsmasq(node: &Node, address: &str, records: &[(&str, &str)]) {
    let label = format!("dnsmasq-{address}");
    let mut configuration = format!(
        "listen-address={address}\nbind-interfaces\nno-resolv\nno-hosts\nno-daemon\nuser=root\n\
         pid-file=\naddress=/#/\n"
    );
    for (name, address) in records {
        let _ = writeln!(configuration, "host-record={name},{address}");
    }
    let path = format!("/run/{label}.conf");
    node.write(&path, &configuration);
    let mut command = Command::new(program("dnsmasq"));
    command.args(["-C", &path]);
    node.serve(&label, command);
    let question = [&[0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5][..], b"ready\x04test\0", &[0, 1, 0, 1]].concat();
    answers(node, &label, SocketAddr::new(ip(address), 53), &question);
}

/// Makes a program believe that it is so many seconds later.
pub fn skew(command: &mut Command, ahead: f64) {
    if ahead != 0.0 {
        let library = FAKETIME.iter().map(PathBuf::from).find(|p| p.is_file());
        command.env("LD_PRELOAD", library.expect("libfaketime is not installed, see .ci/run"));
        command.env("FAKETIME", format!("{ahead:+.3}"));
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn answers(node: &Node, label: &str, server: SocketAddr, request: &[u8]) {
    let request = request.to_vec();
    if let Err(error) = node.run(move || ask(server, &request)) {
        panic!("{label} at {server} does not answer: {error}\n{}", node.log(label));
    }
}

fn ask(server: SocketAddr, request: &[u8]) -> io::Result<()> {
    let any =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { IpAddr::from(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let end = now() + PATIENCE;
    loop {
        let answer = socket.send(request).and_then(|_| socket.recv(&mut [0; 2048]));
        match answer {
            Err(error) if now() > end => return Err(error),
            // Refused at once while it is not there yet: do not spin.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                std::thread::sleep(Duration::from_millis(3));
            }
            Err(_) => {}
            Ok(_) => return Ok(()),
        }
    }
}
