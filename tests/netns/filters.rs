//! Filters that look inside or drop what comes back, and portals. Each `NETS_RUNS` times; with `NETS_ALL=1` one filter swallows instead.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use crate::routes::{all, runs};
use crate::support::control::{CONTROLLER, Control, plain};
use crate::support::{Net, Node, Run, nginx, tell};

/// Which handshakes a filter cuts.
#[derive(Clone, Copy)]
enum Cuts {
    /// Those with the Controller's name.
    Name,
    /// Those that offer TLS 1.3.
    Version,
    All,
}

impl Cuts {
    fn cuts(self, hello: &[u8]) -> bool {
        let has = |part: &[u8]| hello.windows(part.len()).any(|window| window == part);
        match self {
            Self::Name => has(b"acme.twingate.com"),
            // The extension supported_versions (43) with 1.3 among them (RFC 8446 4.2.1).
            Self::Version => has(&[0, 43, 0, 5, 4, 3, 4, 3, 3]),
            Self::All => true,
        }
    }
}

/// A filter before the Controller: it takes connections, looks at the first bytes, and resets, swallows, or hands on.
fn filter(node: &Node, at: &'static str, cuts: Cuts, resets: bool) {
    // Sockets stay in the namespace in which they were made.
    let (listener, mut through) = node.run(move || {
        let connect = || TcpStream::connect((CONTROLLER, 443)).expect("the Controller listens");
        let through: Vec<TcpStream> = (0..2 * runs()).map(|_| connect()).collect();
        (TcpListener::bind(at).expect("a free port"), through)
    });
    thread::spawn(move || {
        let mut swallowed = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            let mut hello = [0; 2048];
            let Ok(n @ 1..) = stream.peek(&mut hello) else { continue };
            match (cuts.cuts(&hello[..n]), resets) {
                // Closed with bytes unread, it is reset.
                (true, true) => drop(stream),
                (true, false) => swallowed.push(stream),
                (false, _) => hand_on(&stream, through.pop()),
            }
        }
    });
}

fn hand_on(client: &TcpStream, server: Option<TcpStream>) {
    let server = server.expect("one for each handshake that passes");
    let pump = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) =
            (from.try_clone().expect("a descriptor"), to.try_clone().expect("a descriptor"));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n) = from.read(&mut bytes) {
                if n == 0 || to.write_all(&bytes[..n]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Write);
        });
    };
    pump(client, &server);
    pump(&server, client);
}

fn assert_always(what: &str, code: &str, says: &[&str], doctor: impl Fn() -> Run) {
    for time in 1..=runs() {
        let run = doctor();
        assert_eq!(run.causes(), [code], "{what}, time {time}\n{run}");
        let text = run.json["causes"][0].to_string();
        assert!(says.iter().all(|part| text.contains(part)), "{what}, time {time}\n{run}");
    }
    tell(&format!("{0} of {0} {code}: {what}", runs()));
}

#[test]
fn what_a_filter_cuts_of_tls_is_told_by_controls() {
    let Some(control) = Control::open(Net::plan("filters: TLS"), 0.0) else { return };
    let net = &control.0.net;
    let rows = [
        ("198.51.100.46:443", Cuts::Name, true, "a filter by name (SNI)"),
        ("198.51.100.47:443", Cuts::Version, !all(), "A handshake that offers the Controller TLS 1.3 is"),
        ("198.51.100.48:443", Cuts::All, true, "or the server itself"),
    ];
    for (at, cuts, resets, says) in rows {
        filter(&net.inet, at, cuts, resets);
        let to = at.trim_end_matches(":443");
        net.gw().nft(&format!(
            "add table ip tls\ndelete table ip tls\ntable ip tls {{ chain pre {{ type nat hook prerouting priority -110; \
             iifname lan0 ip daddr {CONTROLLER} tcp dport 443 dnat to {to}; }}; }}"
        ));
        assert_always(at, "tls-blocked", &[says], || control.doctor(&[]));
    }
}

#[test]
fn answers_that_this_hosts_own_filter_drops_are_its_own_fault() {
    let Some(control) = Control::open(Net::plan("filters: input"), 0.0) else { return };
    let rows =
        [("UDP but DNS", "udp sport != 53 drop"), ("one banned address", "ip saddr 198.51.100.40 drop")];
    for (what, rule) in rows {
        control.0.net.host.nft(&format!(
            "add table inet own\ndelete table inet own\ntable inet own {{ chain i {{ type filter hook input priority 0; \
             iifname eth0 {rule}; }}; }}"
        ));
        assert_always(what, "local-firewall", &["drops what comes in"], || control.doctor(&[]));
    }
}

#[test]
fn a_portal_with_a_page_or_a_511_is_a_portal() {
    let Some(control) = Control::open(Net::plan("filters: portal"), 0.0) else { return };
    let net = &control.0.net;
    let sites = [plain("198.51.100.46:80", "200"), plain("198.51.100.47:80", "511")];
    nginx(&net.inet, "portals", &sites, 0.0);
    net.fault("iifname lan0 tcp dport != 80 drop; iifname lan0 udp dport != 53 drop");
    for (to, says) in [("198.51.100.46", "a page of its own"), ("198.51.100.47", "511")] {
        net.gw().nft(&format!(
            "add table ip portal\ndelete table ip portal\ntable ip portal {{ chain pre {{ type nat hook prerouting priority -110; \
             iifname lan0 tcp dport 80 dnat to {to}; }}; }}"
        ));
        assert_always(to, "captive-portal", &[says], || control.doctor(&[]));
    }
}
