//! Watches how a NAT maps and filters (RFC 5780 4.3, 4.4), once discovery knows which servers answer; judges nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::drive::drive;
use super::micros;
use super::udp::UdpPort;
use crate::env::Env;
use crate::model::facts::{NatAsk, NatPath, NatReply, NatRequest, NatSeries, StunAnswer};
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
pub async fn choose(mut answers: mpsc::UnboundedReceiver<Answered>) -> Option<Choice> {
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
        match other.and_then(|other| alternate(&answered, other)) {
            Some(choice) => return Some(choice),
            None if without.iter().all(|w| w.server.ip() != answered.server.ip()) => without.push(answered),
            None => {}
        }
    }
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

/// Runs the series over fresh sockets, for at most `left`.
pub async fn series(env: &Env, choice: Choice, left: Duration) -> Observation<NatSeries> {
    let at = env.elapsed();
    let first = choice.plan.destinations().first().map(|path| path.to);
    let outcome = match run(env, &choice, left.min(LONGEST)).await {
        Ok(seen) => Outcome::Seen(record(&seen)),
        Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    Observation {
        target: choice.target,
        address: first,
        at_us: micros(at),
        took_us: micros(env.elapsed().saturating_sub(at)),
        outcome,
    }
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
