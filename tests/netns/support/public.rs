//! The internet as the built-in defaults know it: their names, public resolvers, time and STUN servers at the addresses that their
//! operators publish, the vendor's names, and a host that stands in for relays. Inside the namespaces alone.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, UdpSocket};
use std::thread;
use std::time::Duration;

use super::control::{CONTROLLER, NAME, NEEDS, RELAY, SERVICE, plain, site};
use super::doctor::Run;
use super::net::{Builder, Net};
use super::node::Node;
use super::servers::{chronyd, coturn, dnsmasq};
use super::web::{authority, certificate, nginx};

/// This host's own resolver.
pub const RESOLVER: &str = "198.51.100.53";
/// Public resolvers by address.
pub const PUBLIC: [&str; 3] = ["1.1.1.1", "8.8.8.8", "9.9.9.9"];
/// Where the host that stands in for relays is.
pub const STAND_IN: &str = "198.51.100.44";
/// Longer than any test.
const TEST: Duration = Duration::from_mins(1);

const RECORDS: &[(&str, &str)] = &[
    (NAME, CONTROLLER),
    ("relays443.twingate.com", RELAY),
    ("relays443-prm.twingate.com", RELAY),
    ("relays-do.twingate.com", RELAY),
    ("relays-prm-do.twingate.com", RELAY),
    ("h2.pubnubapi.com", SERVICE),
    ("pubsub.pubnub.com", SERVICE),
    ("ps.pndsn.com", SERVICE),
    ("stun.l.google.com", "198.51.100.1"),
    ("stun.cloudflare.com", "162.159.207.1"),
    ("global.stun.twilio.com", "198.51.100.3"),
    ("time.cloudflare.com", "162.159.200.1"),
    ("time.google.com", "216.239.35.0"),
    ("time.aws.com", "198.51.100.21"),
    ("time.facebook.com", "198.51.100.22"),
    ("portquiz.net", STAND_IN),
];

/// The world of the built-in defaults, and a host in it that only knows its network's name.
pub struct Public {
    pub net: Net,
}

impl Public {
    pub fn open(plan: Builder) -> Option<Self> {
        let net = plan.only_ipv4().needs(&["turnserver", "chronyd", "dnsmasq"]).needs(NEEDS).up()?;
        let inet = &net.inet;
        let own = [
            "162.159.207.1",
            "141.101.90.1",
            "162.159.200.1",
            "162.159.200.123",
            "216.239.35.0",
            "216.239.35.8",
        ];
        let lines: Vec<String> =
            own.iter().chain(&PUBLIC).map(|ip| format!("addr add {ip}/32 dev lo\n")).collect();
        inet.ip(&lines.concat());
        coturn(inet, &["162.159.207.1", "141.101.90.1"]);
        stun(inet, "198.51.100.1:19302");
        stun(inet, "198.51.100.3:3478");
        let times = [
            "162.159.200.1",
            "162.159.200.123",
            "216.239.35.0",
            "216.239.35.8",
            "198.51.100.21",
            "198.51.100.22",
        ];
        for at in times {
            chronyd(inet, &[at], 0.0);
        }
        for at in [RESOLVER].iter().chain(&PUBLIC) {
            dnsmasq(inet, at, RECORDS);
        }
        net.host.write("/run/known.pem", &authority(inet, "known"));
        certificate(inet, "controller", "known", NAME, -30, 90);
        certificate(inet, "other", "known", "other.test", -30, 90);
        let sites = [
            site("198.51.100.40:443", "controller", "200"),
            plain("198.51.100.40:80", "301 https://acme.twingate.com/"),
            site("198.51.100.41:443", "other", "200"),
            plain("198.51.100.41:30005", "200"),
            site("198.51.100.42:443", "other", "200"),
            plain("198.51.100.44:443", "200"),
            plain("198.51.100.44:30001", "200"),
            plain("1.1.1.1:443", "200"),
            plain("8.8.8.8:443", "200"),
        ];
        nginx(inet, "public", &sites, 0.0);
        Some(Self { net })
    }

    /// Runs the doctor with no server named at all.
    pub fn doctor(&self, more: &[&str]) -> Run {
        let asked = ["check", "--json", "--network", "acme", "--ca-file", "/run/known.pem"];
        self.net.host.doctor(&[&asked, more].concat())
    }

    /// Which resolvers the host is configured with.
    pub fn resolvers(&self, text: &str) {
        self.net.host.overlay("/etc/resolv.conf", text);
    }
}

/// What a DNS server of a test does with a question.
#[derive(Clone, Copy)]
pub enum Conduct {
    /// REFUSED.
    Refuses,
    /// Every name leads here.
    Leads(Ipv4Addr),
    /// The right answer, so much later.
    Late(Duration),
    /// The right answer for A, none for AAAA.
    FourAlone,
    /// Every name does not exist.
    KnowsNothing,
    /// The right answer for A; that the name does not exist for AAAA.
    OldSix,
    /// The right answers, and this address for every name that does not exist.
    Invents(Ipv4Addr),
    /// The right answers, and this address for every name that ends so.
    Below(&'static str, Ipv4Addr),
}

/// A DNS server that misbehaves, over UDP.
pub fn dns(node: &Node, at: &str, conduct: Conduct) {
    let at: SocketAddr = format!("{at}:53").parse().expect("an address");
    let socket = node.run(move || UdpSocket::bind(at).expect("a free port"));
    socket.set_read_timeout(Some(TEST)).expect("a timeout");
    thread::spawn(move || {
        let mut bytes = [0; 600];
        while let Ok((n, from)) = socket.recv_from(&mut bytes) {
            let Some((answer, delay)) = answer(&bytes[..n], conduct) else { continue };
            let socket = socket.try_clone().expect("a descriptor");
            thread::spawn(move || {
                thread::sleep(delay);
                let _ = socket.send_to(&answer, from);
            });
        }
    });
}

/// The answer to a question (RFC 1035 4.1), and how much later it comes.
fn answer(question: &[u8], conduct: Conduct) -> Option<(Vec<u8>, Duration)> {
    let mut name = String::new();
    let mut at = 12;
    while let Some(&length) = question.get(at).filter(|length| **length > 0) {
        let label = question.get(at + 1..at + 1 + usize::from(length))?;
        name = format!("{name}{}{}", if name.is_empty() { "" } else { "." }, String::from_utf8_lossy(label));
        at += 1 + usize::from(length);
    }
    let end = at + 5;
    let four = question.get(at + 1..at + 3)? == [0, 1];
    let known = RECORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
    let known: Option<Ipv4Addr> = known.and_then(|(_, ip)| ip.parse().ok());
    let (code, address, delay) = match conduct {
        Conduct::Refuses => (5, None, Duration::ZERO),
        Conduct::KnowsNothing => (3, None, Duration::ZERO),
        Conduct::Leads(ip) => (0, Some(ip), Duration::ZERO),
        Conduct::FourAlone if !four => return None,
        Conduct::OldSix => (if known.is_some() && four { 0 } else { 3 }, known, Duration::ZERO),
        Conduct::Invents(ip) => (0, known.or(Some(ip)), Duration::ZERO),
        Conduct::Below(end, ip) if name.ends_with(end) => (0, Some(ip), Duration::ZERO),
        Conduct::FourAlone | Conduct::Below(..) => {
            (if known.is_some() { 0 } else { 3 }, known, Duration::ZERO)
        }
        Conduct::Late(delay) => (if known.is_some() { 0 } else { 3 }, known, delay),
    };
    let address = address.filter(|_| four);
    let mut message = question.get(..2)?.to_vec();
    message.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    message.extend(question.get(12..end)?);
    if let Some(ip) = address {
        message.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(ip.octets());
    }
    Some((message, delay))
}

/// A STUN server over UDP and TCP that says where it was asked from.
pub fn stun(node: &Node, at: &str) {
    let at: SocketAddr = at.parse().expect("an address");
    let (udp, tcp) = node.run(move || {
        (UdpSocket::bind(at).expect("a free port"), TcpListener::bind(at).expect("a free port"))
    });
    udp.set_read_timeout(Some(TEST)).expect("a timeout");
    thread::spawn(move || {
        let mut bytes = [0; 1600];
        while let Ok((n, from)) = udp.recv_from(&mut bytes) {
            if let Some(answer) = mapped(&bytes[..n], from) {
                let _ = udp.send_to(&answer, from);
            }
        }
    });
    thread::spawn(move || {
        while let Ok((mut stream, from)) = tcp.accept() {
            thread::spawn(move || {
                let mut request = [0; 20];
                if stream.read_exact(&mut request).is_ok()
                    && let Some(answer) = mapped(&request, from)
                {
                    let _ = stream.write_all(&answer);
                    let _ = stream.read(&mut [0; 1]);
                }
            });
        }
    });
}

/// A success response with XOR-MAPPED-ADDRESS (RFC 8489 14.2).
pub fn mapped(request: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let SocketAddr::V4(from) = from else { return None };
    let from: SocketAddrV4 = from;
    let id = request.get(4..20).filter(|_| request[..2] == [0, 1])?;
    let mut answer = [&[0x01, 0x01, 0, 12], id].concat();
    answer.extend([0, 0x20, 0, 8, 0, 1]);
    answer.extend((from.port() ^ 0x2112).to_be_bytes());
    answer.extend((u32::from(*from.ip()) ^ 0x2112_a442).to_be_bytes());
    Some(answer)
}
