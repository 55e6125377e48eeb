//! Watches how a NAT maps and filters (RFC 5780 4.3, 4.4), once discovery knows which servers answer; judges nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::drive::drive;
use super::micros;
use super::udp::UdpPort;
use crate::env::Env;
use crate::model::address::overlaps_v4;
use crate::model::facts::{InterfaceAddress, NatAsk, NatPath, NatReply, NatRequest, NatSeries, StunAnswer};
use crate::model::observation::{Observation, Outcome, Phase, ProbeFailure};
use crate::proto::stun::behaviour::{Ask, Behaviour, Observations, Path, Plan, Reply, SOCKETS, usable_other};

/// How long further servers are waited for once two without RFC 5780 have answered.
const MORE: Duration = Duration::from_millis(100);
/// A series never takes longer: 8 rounds at the longest round trip that still answers.
const LONGEST: Duration = Duration::from_secs(4);

/// A STUN server that answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its name.
    pub target: String,
    /// The address that was asked.
    pub server: SocketAddr,
    /// What it said.
    pub answer: StunAnswer,
}

/// Whom to ask, and how far away the first of them is.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The name for the report.
    pub target: String,
    /// Whom.
    pub plan: Plan,
    /// Round trip to the first destination.
    pub rtt: Duration,
}

/// Chooses as answers come in: the first server with RFC 5780, else those that there are. IPv4 alone is asked for:
/// what stands in the way over IPv6 is a firewall, not a NAT.
/// `own`: this host's addresses and networks, which nobody far away may have asked.
pub async fn choose(
    mut answers: mpsc::UnboundedReceiver<Answered>,
    own: &[InterfaceAddress],
) -> Option<Choice> {
    let mut without: Vec<Answered> = Vec::new();
    loop {
        let next = match without.len() {
            0 | 1 => answers.recv().await,
            _ => tokio::time::timeout(MORE, answers.recv()).await.ok().flatten(),
        };
        let Some(answered) = next else { return several(&without) };
        if !answered.server.is_ipv4() {
            continue;
        }
        let other = answered.answer.other_address.filter(|other| usable_other(answered.server, *other));
        let other = other.filter(|other| !leads_home(answered.server.ip(), other.ip(), own));
        match other.and_then(|other| alternate(&answered, other)) {
            Some(choice) => return Some(choice),
            None if without.iter().all(|w| w.server.ip() != answered.server.ip()) => without.push(answered),
            None => {}
        }
    }
}

/// Whether an address that a server names is this host's own, or one of its networks' where the server is none of them.
fn leads_home(server: IpAddr, other: IpAddr, own: &[InterfaceAddress]) -> bool {
    let within = |ip: IpAddr| {
        own.iter().any(|network| match (network.ip, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => overlaps_v4((net, network.prefix), (ip, 32)),
            _ => false,
        })
    };
    own.iter().any(|network| network.ip == other) || within(other) && !within(server)
}

fn alternate(answered: &Answered, other: SocketAddr) -> Option<Choice> {
    // A scratch socket tells the route's local address; nothing is sent.
    let from = UdpPort::connected(other).and_then(|port| port.local()).ok()?.ip();
    let primary = Path { to: answered.server, from: answered.answer.local.ip() };
    Some(Choice {
        target: answered.target.clone(),
        plan: Plan::Alternate { primary, other: Path { to: other, from } },
        rtt: Duration::from_micros(answered.answer.rtt_us),
    })
}

/// One server, whatever it can do.
pub fn alone(answered: &Answered) -> Option<Choice> {
    several(std::slice::from_ref(answered))
}

fn several(answered: &[Answered]) -> Option<Choice> {
    let first = answered.first()?;
    let paths = answered.iter().map(|a| Path { to: a.server, from: a.answer.local.ip() }).collect();
    let names: Vec<&str> = answered.iter().map(|a| a.target.as_str()).collect();
    let rtt = answered.iter().map(|a| a.answer.rtt_us).max().unwrap_or(first.answer.rtt_us);
    Some(Choice { target: names.join(", "), plan: Plan::Several(paths), rtt: Duration::from_micros(rtt) })
}

impl Choice {
    /// What came of `work` against these servers; `address` is the one that is named in the report.
    pub(super) async fn observed<T>(
        &self,
        env: &Env,
        address: Option<SocketAddr>,
        work: impl Future<Output = std::io::Result<T>>,
    ) -> Observation<T> {
        let at = env.elapsed();
        let outcome = match work.await {
            Ok(seen) => Outcome::Seen(seen),
            Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
        };
        Observation {
            target: self.target.clone(),
            address,
            at_us: micros(at),
            took_us: micros(env.elapsed().saturating_sub(at)),
            outcome,
        }
    }
}

/// Runs the series over fresh sockets, for at most `left`.
pub async fn series(env: &Env, choice: Choice, left: Duration) -> Observation<NatSeries> {
    let first = choice.plan.destinations().first().map(|path| path.to);
    let work = async { Ok(record(&run(env, &choice, left.min(LONGEST)).await?)) };
    choice.observed(env, first, work).await
}

async fn run(env: &Env, choice: &Choice, left: Duration) -> std::io::Result<Observations> {
    let family = choice.plan.destinations().first().map_or([0; 4].into(), |path| path.to.ip());
    let mut ports = Vec::new();
    for _ in 0..SOCKETS {
        ports.push(Arc::new(UdpPort::unconnected(family)?));
    }
    let mut numbers = [0; SOCKETS];
    for (number, port) in numbers.iter_mut().zip(&ports) {
        *number = port.local()?.port();
    }
    let ids = (0..Behaviour::ids(&choice.plan)).map(|_| env.random()).collect();
    let mut machine = Behaviour::new(choice.plan.clone(), numbers, ids, choice.rtt, env.elapsed());
    // Time is up: what was seen until then is judged.
    let _ = tokio::time::timeout(left, drive(&mut machine, &ports, env)).await;
    Ok(machine.observations(env.elapsed()))
}

fn record(seen: &Observations) -> NatSeries {
    let path = |path: &Path| NatPath { to: path.to, from: path.from };
    let (paths, alternate) = match &seen.plan {
        Plan::Alternate { primary, other } => (vec![path(primary), path(other)], true),
        Plan::Several(paths) => (paths.iter().map(path).collect(), false),
    };
    NatSeries {
        paths,
        alternate,
        asked: seen
            .asked
            .iter()
            .map(|asked| NatRequest {
                socket: asked.socket,
                local: asked.local,
                to: asked.to,
                ask: match asked.ask {
                    Ask::Plain => NatAsk::Plain,
                    Ask::ChangePort => NatAsk::ChangePort,
                    Ask::ChangeBoth => NatAsk::ChangeBoth,
                },
                sent_us: micros(asked.sent),
                reply: asked.reply.map(|reply| match reply {
                    Reply::Mapped { from, mapped, at } => {
                        NatReply::Mapped { from, mapped, at_us: micros(at) }
                    }
                    Reply::Refused(code) => NatReply::Refused(code),
                }),
            })
            .collect(),
        patience_us: micros(seen.patience),
        ended_us: micros(seen.ended),
        strays: seen.strays.total(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_far_away_has_this_hosts_own_networks_asked() {
        let network = |ip: &str, prefix| InterfaceAddress { ip: ip.parse().unwrap(), prefix };
        let own = [network("198.51.100.7", 24), network("10.0.0.5", 8), network("127.0.0.1", 8)];
        for (server, other, home) in [
            ("203.0.113.20", "203.0.113.21", false),
            ("203.0.113.20", "198.51.100.7", true),
            ("203.0.113.20", "198.51.100.9", true),
            ("203.0.113.20", "10.9.9.9", true),
            ("198.51.100.20", "198.51.100.21", false),
            ("198.51.100.20", "198.51.100.7", true),
            ("127.0.0.1", "127.0.0.2", false),
        ] {
            let [server, other] = [server, other].map(|ip| ip.parse().unwrap());
            assert_eq!(leads_home(server, other, &own), home, "{server} names {other}");
        }
    }
}
