//! Other people's clients against the lab's servers: what they print must be what the lab says of itself.
//! Nothing leaves loopback, and no clock is set: `chronyd -Q` only prints.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use connector_doctor::env::Env;
use connector_doctor::lab::{self, scenario};

/// A lab on a thread of its own, up while this lives.
struct Running {
    stun: Vec<SocketAddr>,
    ntp: Vec<SocketAddr>,
    dns: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn new(name: &str) -> Self {
        let scenario = *scenario::find(name).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (up, is_up) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let lab = lab::start(&scenario, &Env::system()).unwrap();
                up.send((lab.stun.clone(), lab.ntp.clone(), lab.dns)).unwrap();
                let _ = stopped.await;
            });
        });
        let (stun, ntp, dns) = is_up.recv().unwrap();
        Self { stun, ntp, dns, stop: Some(stop), thread: Some(thread) }
    }

    fn stun_six(&self) -> Option<SocketAddr> {
        self.stun.iter().copied().find(SocketAddr::is_ipv6)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }
}

/// What a program prints on both streams, at most 30 s long; `None`, loudly, where it is not installed.
fn run(package: &str, program: &str, arguments: &[&str]) -> Option<String> {
    // Daemons stand in /usr/sbin, which is not on everybody's PATH.
    let found = ["/usr/bin", "/usr/sbin"].iter().map(|dir| format!("{dir}/{program}"));
    let Some(path) = found.into_iter().find(|path| Path::new(path).exists()) else {
        assert_ne!(Env::system().var("CI"), Some("true"), "{program} is missing: install {package}");
        eprintln!("SKIPPED: {program} is missing; apt-get install {package}");
        return None;
    };
    let output = Command::new("timeout").arg("30").arg(path).args(arguments).output().unwrap();
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{program} {}\n{printed}", arguments.join(" "));
    Some(printed)
}

fn assert_lines(printed: &str, expected: &[&str]) {
    for part in expected {
        assert!(printed.contains(part), "lacks {part:?}:\n{printed}");
    }
}

#[test]
fn coturn_finds_its_mapping_and_filtering() {
    let lab = Running::new("healthy");
    for server in &lab.stun[..2] {
        let (ip, port) = (server.ip().to_string(), server.port().to_string());
        let Some(printed) = run("coturn", "turnutils_natdiscovery", &["-m", "-f", "-p", &port, &ip]) else {
            return;
        };
        let origin = format!("Response origin: : {server}");
        let no_alg = "No ALG: Mapped == XOR-Mapped";
        let mapping = "NAT with Endpoint Independent Mapping!";
        let filtering = "NAT with Endpoint Independent Filtering!";
        assert_lines(&printed, &[&origin, no_alg, mapping, filtering]);
        assert_eq!(printed.matches("Other addr: : 127.0.0.").count(), 4, "{printed}");
        let padded = run("coturn", "turnutils_natdiscovery", &["-P", "-m", "-f", "-p", &port, &ip]).unwrap();
        assert_lines(&padded, &[no_alg, mapping, filtering]);
    }
}

#[test]
fn coturn_is_answered_from_where_it_asks_and_at_the_port_it_asks_for() {
    let lab = Running::new("healthy");
    let server = lab.stun[0];
    let Some(printed) =
        run("coturn", "turnutils_stunclient", &["-p", &server.port().to_string(), "127.0.0.1"])
    else {
        return;
    };
    // The third answer goes to the RESPONSE-PORT, and comes from the other address and port.
    assert_lines(&printed, &[&format!("Response origin: : {server}"), "RFC 5780 response 3"]);
    assert_lines(&printed, &["Response origin: : 127.0.0.2:", "UDP reflexive addr: 127.0.0.1:"]);
    let Some(six) = lab.stun_six() else {
        eprintln!("SKIPPED: no ::1 on this host");
        return;
    };
    let printed = run("coturn", "turnutils_stunclient", &["-p", &six.port().to_string(), "::1"]).unwrap();
    assert_lines(&printed, &["UDP reflexive addr: ::1:"]);
}

#[test]
fn a_client_of_rfc_3489_sees_no_nat() {
    let lab = Running::new("healthy");
    let Some(printed) = run("stun-client", "stun", &[&lab.stun[0].to_string(), "-v"]) else { return };
    assert_lines(&printed, &["test I = 1", "test II = 1", "test III = 1", "test I(2) = 1", "is nat  = 0"]);
    assert_lines(&printed, &[&format!("SourceAddress = {}", lab.stun[0]), "Primary: Open"]);
}

/// Runs `chronyd -Q` against `servers`: it prints the offset and sets nothing.
fn chronyd(seconds: &str, servers: &[SocketAddr]) -> Option<String> {
    // It removes its pid file as it starts, as root where the tests run as root: so one that is nobody else's.
    let pid_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chronyd-{}.pid", std::process::id()));
    let mut arguments = vec!["-Q".into(), "-U".into(), "-t".into(), seconds.into()];
    arguments.extend([
        "cmdport 0".into(),
        "bindcmdaddress /".into(),
        format!("pidfile {}", pid_file.display()),
    ]);
    arguments.extend(servers.iter().map(|it| format!("server {} port {} iburst", it.ip(), it.port())));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let printed = run("chrony", "chronyd", &arguments);
    let _ = std::fs::remove_file(pid_file);
    printed
}

#[test]
fn chronyd_reads_the_offset_that_the_scenario_says() {
    for (name, offset_s) in [("clock-behind", 7.0), ("clock-ahead", -7.0), ("time-liar", 0.0)] {
        let lab = Running::new(name);
        let Some(printed) = chronyd("10", &lab.ntp) else { return };
        let (_, seen) = printed.split_once("System clock wrong by ").expect("no offset printed");
        let seen_s: f64 = seen.split_whitespace().next().and_then(|it| it.parse().ok()).expect("no number");
        assert!((seen_s - offset_s).abs() < 0.05, "{name}: {seen_s}");
    }
    // Here and not in a test of its own: two would share a pid file.
    let blocked = Running::new("ntp-blocked");
    let printed = chronyd("3", &blocked.ntp).expect("chronyd was there just now");
    assert!(!printed.contains("System clock wrong"), "{printed}");
}

#[test]
fn dig_reads_the_zone_over_udp_and_tcp() {
    let lab = Running::new("healthy");
    let port = lab.dns.port().to_string();
    let ask =
        |arguments: &[&str]| run("dnsutils", "dig", &[&["@127.0.0.1", "-p", &port], arguments].concat());
    let Some(printed) = ask(&["stun1.lab.test", "A"]) else { return };
    assert_lines(&printed, &["status: NOERROR", "ANSWER: 1", "stun1.lab.test.\t\t60\tIN\tA\t127.0.0.1"]);
    assert!(!printed.contains("WARNING") && !printed.contains("Warning"), "{printed}");
    assert_eq!(ask(&["+tcp", "+short", "StUn2.LAB.test"]).unwrap().trim(), "127.0.0.2");
    assert_lines(&ask(&["nothing.example"]).unwrap(), &["status: NXDOMAIN", "SOA"]);
    assert_lines(&ask(&["lab.test", "MX"]).unwrap(), &["status: NOERROR", "ANSWER: 0"]);
}

#[test]
fn a_closed_server_tells_others_nothing() {
    let lab = Running::new("stun-down");
    let port = lab.stun[0].port().to_string();
    let Some(printed) = run("coturn", "turnutils_natdiscovery", &["-m", "-p", &port, "127.0.0.1"]) else {
        return;
    };
    assert!(!printed.contains("reflexive"), "{printed}");
}
