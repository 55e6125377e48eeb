//! An ICMP echo from a socket that needs no rights, where `net.ipv4.ping_group_range` lets this process have one.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::env::Env;
use crate::model::observation::{FailureKind, NotRun, Outcome, Phase, ProbeFailure};
use crate::probes::udp::{Arrival, UdpPort};
use crate::proto::greeting::echo;
use crate::proto::{IcmpKind, SILENCE, Transmit};

/// When a request leaves, after the start.
const SENDS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(300), Duration::from_secs(1)];

/// Asks for an echo; its round trip, microseconds.
pub(super) async fn ask(env: &Env, address: IpAddr, left: Duration) -> Outcome<u64> {
    match open(address) {
        Err(Errno::EACCES | Errno::EPERM) => Outcome::NotRun(NotRun::Unsupported(
            "net.ipv4.ping_group_range lets this process send no echo".to_owned(),
        )),
        Err(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => {
            Outcome::NotRun(NotRun::Exhausted("no descriptor".to_owned()))
        }
        Err(errno) => Outcome::NotRun(NotRun::Unsupported(format!("no echo from here: {}", errno.desc()))),
        Ok(socket) => exchange(env, socket, address, left).await.map_or_else(Outcome::Failed, Outcome::Seen),
    }
}

fn open(address: IpAddr) -> nix::Result<UdpSocket> {
    let (family, protocol) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp),
        IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6),
    };
    Ok(socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)?.into())
}

async fn exchange(
    env: &Env,
    socket: UdpSocket,
    address: IpAddr,
    left: Duration,
) -> Result<u64, ProbeFailure> {
    let io = |phase| move |e: std::io::Error| ProbeFailure::from_io(phase, &e);
    let to = SocketAddr::new(address, 0);
    socket.connect(to).map_err(io(Phase::Socket))?;
    let port = UdpPort::over(socket, address).map_err(io(Phase::Socket))?;
    let mark: [u8; 8] = env.random();
    let (begun, left) = (env.elapsed(), SILENCE.min(left));
    let mut sent: Vec<Duration> = Vec::new();
    loop {
        let elapsed = env.elapsed().saturating_sub(begun);
        if elapsed >= left {
            let mut silent = ProbeFailure::new(Phase::Receive, FailureKind::Timeout, "no echo");
            (silent.sent, silent.conclusive) = (sent.len() as u32, left >= SILENCE);
            return Err(silent);
        }
        let due = SENDS.get(sent.len()).copied();
        if due.is_some_and(|due| elapsed >= due) {
            let number = sent.len() as u16;
            sent.push(elapsed);
            let request = Transmit::new(to, echo::request(address.is_ipv6(), number, mark));
            port.send(&request).map_err(io(Phase::Send))?;
            continue;
        }
        let until = due.unwrap_or(left).min(left).saturating_sub(elapsed);
        match tokio::time::timeout(until, port.receive()).await {
            Err(_) => {}
            Ok(Err(error)) => return Err(io(Phase::Receive)(error)),
            Ok(Ok(Arrival::Datagram(bytes, _))) => {
                let at = echo::answer(address.is_ipv6(), &bytes, mark).and_then(|n| sent.get(usize::from(n)));
                if let Some(at) = at {
                    let now = env.elapsed().saturating_sub(begun);
                    return Ok(u64::try_from(now.saturating_sub(*at).as_micros()).unwrap_or(u64::MAX));
                }
            }
            Ok(Ok(Arrival::Error(icmp))) => {
                let kind = if icmp.kind == IcmpKind::Denied {
                    FailureKind::Denied
                } else {
                    FailureKind::Unreachable
                };
                let detail = format!("ICMP type {} code {}", icmp.code >> 8, icmp.code & 0xff);
                let failure = ProbeFailure::new(Phase::Receive, kind, detail);
                return Err(ProbeFailure {
                    offender: icmp.offender,
                    code: Some(icmp.code),
                    sent: sent.len() as u32,
                    ..failure
                });
            }
        }
    }
}
