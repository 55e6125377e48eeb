//! An embedded internet on loopback that misbehaves on purpose: real sockets, unprivileged ports, no rights, no network.
//! Asks nothing of the code that it is there to try, but for the NTP packet's layout.

mod binding;
mod certs;
mod dns;
pub mod fault;
mod ntp;
pub mod quic;
pub mod resource;
pub mod scenario;
mod self_check;
mod sockets;
mod stun;
mod tasks;
mod web;

use std::io;
use std::net::{IpAddr, SocketAddr};

pub use dns::Zone;
pub use ntp::NtpServer;
pub use scenario::Scenario;
pub use stun::{Second, StunServer};
pub use web::{Naming, Web};

use crate::env::Env;
use sockets::{FIRST, FOURTH, SECOND, SIX, THIRD};
use tasks::Tasks;

/// A running embedded internet; it ends when this is dropped.
pub struct Lab {
    /// What it is like.
    pub scenario: Scenario,
    /// STUN servers: `stun1` and `stun2` over IPv4, then `stun1` over IPv6 where the host has `::1`.
    pub stun: Vec<SocketAddr>,
    /// NTP servers, `ntp1` to `ntp4`; the last one over IPv6 where the host has `::1`.
    pub ntp: Vec<SocketAddr>,
    /// The DNS server, over UDP and TCP.
    pub dns: SocketAddr,
    /// The Controller, over TLS; its name is `controller.lab.test`.
    pub controller: SocketAddr,
    /// The event service, over TLS; its name is `events.lab.test`.
    pub service: SocketAddr,
    /// Relays, two, on ports from 30000 to 31000.
    pub relays: Vec<SocketAddr>,
    /// QUIC servers, two, with TLS over TCP on the same ports.
    pub quic: Vec<SocketAddr>,
    /// Resources, as `--resource` takes them.
    pub resources: Vec<String>,
    /// The host's own resolver, where the Connector asks another.
    pub inner_dns: Option<SocketAddr>,
    /// The authority that signs the lab's certificates, as `--ca-file` takes it.
    pub ca_pem: String,
    /// What the DNS server knows.
    pub zone: Zone,
    _tasks: Tasks,
}

/// Starts the servers of `scenario` on the current tokio runtime.
///
/// # Errors
/// When a loopback address cannot be bound.
///
/// # Panics
/// Outside a tokio runtime.
pub fn start(scenario: &Scenario, env: &Env) -> io::Result<Lab> {
    let mut tasks = Tasks::default();
    let [stun1, stun2] = scenario.stun;
    let six = sockets::has_six().then_some(SIX);
    let mut stun = vec![
        stun::start(stun1, FIRST, Some(SECOND), &mut tasks)?,
        stun::start(stun2, SECOND, Some(FIRST), &mut tasks)?,
    ];
    if let Some(six) = six {
        stun.push(stun::start(stun1, six, None, &mut tasks)?);
    }
    let mut ntp = Vec::new();
    for (server, ip) in scenario.ntp.into_iter().zip([FIRST, SECOND, THIRD, six.unwrap_or(FOURTH)]) {
        ntp.push(ntp::start(server, ip, env, &mut tasks)?);
    }
    let web = web::start(scenario.web, [FIRST, SECOND], scenario.web_ahead_ns, env, &mut tasks)?;
    let quic = quic::start(scenario.quic, [FIRST, SECOND], env.wall_ns(), &mut tasks)?;
    let mut zone = zone(scenario.naming, &stun, &ntp, &web);
    let web::Served { controller, service, relays, authority } = web;
    let resource::Started { named: resources, inner_dns } =
        resource::start(scenario.resource, &authority, scenario.web_ahead_ns, env, &mut zone, &mut tasks)?;
    let dns = dns::start(scenario.dns, zone.clone(), FIRST, &mut tasks)?;
    Ok(Lab {
        scenario: *scenario,
        stun,
        ntp,
        dns,
        controller,
        service,
        relays,
        quic,
        resources,
        inner_dns,
        ca_pem: authority.pem(),
        zone,
        _tasks: tasks,
    })
}

impl Lab {
    /// The Controller's URL.
    pub fn controller_url(&self) -> String {
        format!("https://{}:{}", web::CONTROLLER, self.controller.port())
    }

    /// The event service, by its name.
    pub fn service_name(&self) -> String {
        format!("{}:{}", web::EVENTS, self.service.port())
    }

    /// The options of `check` that make it use these servers; the certificate of `--ca-file` is the caller's to place.
    pub fn options(&self) -> Vec<String> {
        let named = |option: &'static str, addresses: &[SocketAddr]| {
            addresses.iter().flat_map(|address| [option.into(), address.to_string()]).collect::<Vec<String>>()
        };
        let dns = named("--dns", &[self.dns]);
        let controller = ["--controller".into(), self.controller_url()].to_vec();
        let service = ["--service".into(), self.service_name()].to_vec();
        let (stun, ntp, relays) =
            (named("--stun", &self.stun), named("--ntp", &self.ntp), named("--relay", &self.relays));
        let resources = self.resources.iter().flat_map(|one| ["--resource".into(), one.clone()]).collect();
        [controller, stun, ntp, relays, service, named("--quic", &self.quic), dns, resources].concat()
    }

    /// Asks another implementation (`stunclient`) whether our STUN servers answer rightly.
    ///
    /// # Errors
    /// What it found wrong, in one sentence.
    pub async fn self_check(&self) -> Result<(), String> {
        self_check::run(self.scenario.stun[0], self.stun.first().copied()).await
    }
}

/// `stun1.lab.test` and so on, with their addresses.
fn zone(naming: Naming, stun: &[SocketAddr], ntp: &[SocketAddr], web: &web::Served) -> Zone {
    let mut zone = Zone::new();
    let mut add = |name: &str, ip: IpAddr| zone.entry(format!("{name}.lab.test")).or_default().push(ip);
    for (name, address) in ["stun1", "stun2", "stun1"].iter().zip(stun) {
        add(name, address.ip());
    }
    for (name, address) in ["ntp1", "ntp2", "ntp3", "ntp4"].iter().zip(ntp) {
        add(name, address.ip());
    }
    zone.insert(web::EVENTS.into(), vec![web.service.ip()]);
    let controller = match naming {
        Naming::Right => web.controller.ip(),
        Naming::Unknown => return zone,
        Naming::Sinkhole => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    };
    zone.insert(web::CONTROLLER.into(), vec![controller]);
    zone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::ntp::packet::{Packet, Timestamp};
    use fault::Conduct;
    use std::time::Duration;

    const NOW_NS: i64 = 1_800_000_000_000_000_000;

    /// Runs `test` against a lab.
    fn with_lab(scenario: Scenario, test: impl AsyncFnOnce(Lab)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { test(start(&scenario, &Env::frozen(NOW_NS, 1)).unwrap()).await });
    }

    /// What comes back from `server`, or how it failed; `None` is silence.
    async fn ask(server: SocketAddr, request: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let any = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = tokio::net::UdpSocket::bind(any).await?;
        socket.connect(server).await?;
        socket.send(request).await?;
        let mut buffer = vec![0; 2048];
        match tokio::time::timeout(Duration::from_millis(300), socket.recv(&mut buffer)).await {
            Ok(received) => Ok(Some(buffer[..received?].to_vec())),
            Err(_) => Ok(None),
        }
    }

    const STUN: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    fn named(name: &str) -> Scenario {
        *scenario::find(name).unwrap()
    }

    #[test]
    fn the_healthy_lab_answers_everywhere() {
        with_lab(named("healthy"), async |lab| {
            for &server in &lab.stun {
                assert!(ask(server, &STUN).await.unwrap().is_some(), "{server}");
                tokio::net::TcpStream::connect(server).await.unwrap();
            }
            for &server in &lab.ntp {
                let answer = ask(server, &Packet::request(Timestamp(5)).encode()).await.unwrap().unwrap();
                assert_eq!(Packet::parse(&answer).unwrap().transmit, Timestamp::from_unix_ns(NOW_NS));
            }
            assert_eq!(lab.ntp.len(), 4);
            assert!(lab.options().join(" ").starts_with("--controller https://controller.lab.test:"));
            assert_eq!(lab.zone["stun1.lab.test"][0], FIRST);
            assert_eq!(lab.self_check().await, Ok(()));
        });
    }

    #[test]
    fn a_blocked_port_is_silent_and_a_closed_one_refuses() {
        with_lab(named("udp-blocked"), async |lab| {
            assert_eq!(ask(lab.stun[0], &STUN).await.unwrap(), None);
            assert_eq!(ask(lab.ntp[0], &Packet::request(Timestamp(5)).encode()).await.unwrap(), None);
            tokio::net::TcpStream::connect(lab.stun[0]).await.unwrap();
            // The scenario's server is silent, so a private one answers.
            assert_eq!(lab.self_check().await, Ok(()));
        });
        with_lab(named("stun-down"), async |lab| {
            for &server in &lab.stun {
                assert_eq!(ask(server, &STUN).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
                let tcp = tokio::net::TcpStream::connect(server).await;
                assert_eq!(tcp.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            }
        });
    }

    #[test]
    fn a_forgery_comes_from_elsewhere_and_then_the_truth() {
        let scenario = Scenario::with_stun(Conduct::Before(fault::StunFault::OtherSource), Second::Whole);
        with_lab(scenario, async |lab| {
            let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
            socket.send_to(&STUN, lab.stun[0]).await.unwrap();
            let mut buffer = [0; 2048];
            let (_, forger) = socket.recv_from(&mut buffer).await.unwrap();
            let (_, server) = socket.recv_from(&mut buffer).await.unwrap();
            assert_ne!(forger, lab.stun[0]);
            assert_eq!(server, lab.stun[0]);
        });
    }

    #[test]
    fn a_slow_answer_takes_its_time() {
        let scenario = Scenario::with_stun(Conduct::Only(fault::StunFault::Slow(100)), Second::Whole);
        with_lab(scenario, async |lab| {
            let begun = Env::system();
            assert!(ask(lab.stun[0], &STUN).await.unwrap().is_some());
            assert!(begun.elapsed() >= Duration::from_millis(100));
        });
    }

    #[test]
    fn the_ports_are_free_once_the_lab_is_gone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let lab = start(&named("healthy"), &Env::frozen(NOW_NS, 1)).unwrap();
            let server = lab.stun[0];
            drop(lab);
            tokio::task::yield_now().await;
            assert_eq!(ask(server, &STUN).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        });
    }

    #[test]
    fn tcp_carries_stun_too() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        with_lab(named("healthy"), async |lab| {
            let mut stream = tokio::net::TcpStream::connect(lab.stun[0]).await.unwrap();
            for _ in 0..2 {
                stream.write_all(&STUN).await.unwrap();
                let mut header = [0; 20];
                stream.read_exact(&mut header).await.unwrap();
                assert_eq!((&header[..2], &header[4..]), (&[1, 1][..], &STUN[4..]));
                let mut rest = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]]))];
                stream.read_exact(&mut rest).await.unwrap();
            }
        });
    }
}
