//! Which routers stand on the way, and how far out the outermost NAT does (protocols.md F); judges nothing.
//!
//! From a socket each, a request leaves for the server's other address with a time to live of 1, 2, 3 ...: routers where it ends say so.
//! Then the server is asked to answer from that other address: the answer passes only where the first packet got through every NAT.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

use super::ends;
use crate::env::Env;
use crate::model::facts::{Hop, PathHops};
use crate::model::observation::{Observation, Outcome, Phase, ProbeFailure};
use crate::probes::micros;
use crate::probes::nat::Choice;
use crate::probes::udp::{Arrival, UdpPort};
use crate::proto::stun::message::{Change, Message, TransactionId};
use crate::proto::{IcmpKind, Transmit};

/// The farthest router that is looked for.
const DEEPEST: u8 = 8;
/// The farthest NAT that is looked for.
const NATS: u8 = 5;
/// How long a router that says nothing is waited for, beyond the round trip.
const SILENT: Duration = Duration::from_millis(150);
/// How often the alternate's answer is asked for.
const ASKED: usize = 2;

/// One time to live: its own socket, ids and what came.
struct Lane {
    ttl: Option<u8>,
    port: UdpPort,
    opening: TransactionId,
    change: TransactionId,
}

/// Looks for routers and NATs on the way to the chosen server, for at most `left`.
pub async fn observe(env: &Env, choice: &Choice, left: Duration) -> Observation<PathHops> {
    let at = env.elapsed();
    let outcome = match look(env, choice, left).await {
        Ok(hops) => Outcome::Seen(hops),
        Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    Observation {
        target: choice.target.clone(),
        address: ends(choice).map(|(primary, _)| primary),
        at_us: micros(at),
        took_us: micros(env.elapsed().saturating_sub(at)),
        outcome,
    }
}

async fn look(env: &Env, choice: &Choice, left: Duration) -> std::io::Result<PathHops> {
    let Some((primary, other)) = ends(choice) else {
        return Err(std::io::ErrorKind::AddrNotAvailable.into());
    };
    let to = other.unwrap_or(primary);
    let from = UdpPort::connected(to)?.local()?.ip();
    let patience = (choice.rtt + SILENT).min(left);
    let mut lanes = JoinSet::new();
    // The lane without a time to live opens nothing: its answer shows that there is nothing to open.
    for ttl in std::iter::once(None).chain((1..=DEEPEST).map(Some)) {
        if ttl.is_none() && other.is_none() {
            continue;
        }
        let port = UdpPort::unconnected(to.ip())?;
        let lane = Lane { ttl, port, opening: env.random(), change: env.random() };
        let primary = other.is_some().then_some(primary);
        let (env, rtt) = (env.clone(), choice.rtt);
        lanes.spawn(async move { lane.run(&env, to, primary, rtt, patience).await });
    }
    let mut hops = PathHops { to, from, hops: Vec::new(), open_anyway: false };
    while let Some(done) = lanes.join_next().await {
        let Ok((ttl, hop)) = done else { continue };
        match ttl {
            None => hops.open_anyway = hop.opened == Some(true),
            Some(_) => hops.hops.push(hop),
        }
    }
    hops.hops.sort_by_key(|hop| hop.ttl);
    Ok(hops)
}

impl Lane {
    async fn run(
        self,
        env: &Env,
        to: SocketAddr,
        primary: Option<SocketAddr>,
        rtt: Duration,
        patience: Duration,
    ) -> (Option<u8>, Hop) {
        let primary = primary.filter(|_| self.ttl.is_none_or(|ttl| ttl <= NATS));
        let ttl = self.ttl.unwrap_or(0);
        let mut hop = Hop { ttl, router: None, reached: false, opened: primary.map(|_| false) };
        if let Some(ttl) = self.ttl {
            let opening = Message::request(self.opening).encode();
            // What cannot be sent is silent, and told as such.
            let _ = self.port.send(&Transmit { ttl: Some(ttl), ..Transmit::new(to, opening) });
        }
        let end = env.elapsed() + patience;
        let pause = rtt + rtt / 4 + Duration::from_millis(20);
        for round in 1..=ASKED {
            if let Some(primary) = primary.filter(|_| hop.opened == Some(false)) {
                let change = Some(Change { ip: true, port: true });
                let ask = Message { change, ..Message::request(self.change) }.encode();
                let _ = self.port.send(&Transmit::new(primary, ask));
            }
            let until = if round == ASKED { end } else { end.min(env.elapsed() + pause) };
            while !self.complete(&hop) {
                let left = until.saturating_sub(env.elapsed());
                let Ok(Ok(arrival)) = tokio::time::timeout(left, self.port.receive()).await else { break };
                self.take(&arrival, to, &mut hop);
            }
        }
        (self.ttl, hop)
    }

    /// Nothing further can be learnt.
    fn complete(&self, hop: &Hop) -> bool {
        (self.ttl.is_none() || hop.router.is_some() || hop.reached) && hop.opened != Some(false)
    }

    fn take(&self, arrival: &Arrival, to: SocketAddr, hop: &mut Hop) {
        match arrival {
            Arrival::Error(error) if error.kind == IcmpKind::TimeExceeded => hop.router = error.offender,
            Arrival::Datagram(bytes, from) if *from == to => match Message::decode(bytes) {
                Ok(message) if message.id == self.opening => hop.reached = true,
                Ok(message) if message.id == self.change => hop.opened = hop.opened.map(|_| true),
                _ => {}
            },
            Arrival::Error(_) | Arrival::Datagram(..) => {}
        }
    }
}
