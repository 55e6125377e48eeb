//! An NTP server (RFC 5905) whose clock is off by what the scenario says; never sets or touches the machine's clock.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::fault::{self, Conduct, Held, NtpFault, Reply};
use super::sockets::{self, Sockets};
use super::tasks::Tasks;
use crate::env::Env;
use crate::proto::ntp::packet::{MODE_CLIENT, MODE_SERVER, Packet, Span, Timestamp};

/// A server's part in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpServer {
    /// How it treats requests.
    pub conduct: Conduct<NtpFault>,
    /// Its clock minus this machine's, ns.
    pub ahead_ns: i64,
}

/// How long ago the server's clock was last set, ns.
const REFERENCE_AGE_NS: i64 = 17_000_000_000;

/// Starts a server and gives its address.
pub(super) fn start(server: NtpServer, ip: IpAddr, env: &Env, tasks: &mut Tasks) -> io::Result<SocketAddr> {
    let sockets = Sockets::new(vec![sockets::udp(ip, 0)?], &server.conduct)?;
    let address = sockets.addresses().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let env = env.clone();
    let mut held = Held::default();
    let answer = move |bytes: &[u8], client| {
        let now = || env.wall_ns().saturating_add(server.ahead_ns);
        answer(server.conduct, bytes, client, now, &mut held)
    };
    tasks.spawn(sockets::serve(Arc::clone(&sockets), 0, answer));
    Ok(address)
}

/// What a server does with a datagram; `now` reads its clock, ns since 1970.
fn answer(
    conduct: Conduct<NtpFault>,
    bytes: &[u8],
    client: SocketAddr,
    now: impl Fn() -> i64,
    held: &mut Held,
) -> Vec<Reply> {
    let received = now();
    let Some(request) =
        Packet::parse(bytes).filter(|it| it.mode == MODE_CLIENT && (1..=4).contains(&it.version))
    else {
        return Vec::new();
    };
    let truth = || Packet {
        leap: 0,
        version: request.version,
        mode: MODE_SERVER,
        stratum: 1,
        poll: request.poll.clamp(4, 17),
        // 2^-20 s: what reading a clock in user space is worth.
        precision: -20,
        root_delay: Span::from_ns(0),
        root_dispersion: Span::from_ns(100_000),
        refid: *b"LAB\0",
        reference: Timestamp::from_unix_ns(received.saturating_sub(REFERENCE_AGE_NS)),
        origin: request.transmit,
        receive: Timestamp::from_unix_ns(received),
        transmit: Timestamp::from_unix_ns(now()),
    };
    let honest = || vec![Reply::now(truth().encode().to_vec(), 0)];
    conduct.replies(honest, |fault| fault::ntp(fault, bytes, &truth(), client, held))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(bytes: &[u8], at_ns: i64) -> Option<Packet> {
        let client = "127.0.0.1:9".parse().unwrap();
        let replies = answer(Conduct::Honest, bytes, client, || at_ns, &mut Held::default());
        replies.first().and_then(|reply| Packet::parse(&reply.bytes))
    }

    #[test]
    fn requests_are_answered_in_their_own_version_and_nothing_else_is() {
        let at_ns = 1_800_000_000_000_000_000;
        let request = Packet { version: 3, ..Packet::request(Timestamp(42)) };
        let seen = ask(&request.encode(), at_ns).unwrap();
        assert_eq!((seen.version, seen.mode, seen.stratum, seen.origin), (3, MODE_SERVER, 1, Timestamp(42)));
        assert_eq!(
            (seen.receive, seen.transmit),
            (Timestamp::from_unix_ns(at_ns), Timestamp::from_unix_ns(at_ns))
        );
        assert!(seen.transmit.since_ns(seen.reference) >= REFERENCE_AGE_NS);
        // An answer to an answer would go to and fro for ever.
        assert_eq!(ask(&seen.encode(), at_ns), None);
        assert_eq!(ask(&request.encode()[..47], at_ns), None);
    }
}
