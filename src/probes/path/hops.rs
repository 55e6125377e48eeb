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
use crate::model::observation::Observation;
use crate::probes::nat::Choice;
use crate::probes::udp::{Arrival, UdpPort};
use crate::proto::stun::TransactionId;
use crate::proto::stun::message::{Change, Message};
use crate::proto::{IcmpKind, Transmit};

/// The farthest router that is looked for.
const DEEPEST: u8 = 8;
/// The farthest NAT that is looked for.
const NATS: u8 = 5;
/// How long a router or an answer that does not come is waited for, beyond the round trip.
const SILENT: Duration = Duration::from_millis(60);
/// Where the way back stays shut after the first try it is tried again, so often and so far apart: a lost packet is no NAT.
const AGAIN: u32 = 3;
const APART: Duration = Duration::from_millis(30);

/// One time to live: its own socket, ids and what came.
struct Lane {
    ttl: Option<u8>,
    port: UdpPort,
    opening: TransactionId,
    change: TransactionId,
}

/// Looks for routers and NATs on the way to the chosen server, for at most `left`.
pub async fn observe(env: &Env, choice: &Choice, left: Duration) -> Observation<PathHops> {
    let address = ends(choice).map(|(primary, _)| primary);
    choice.observed(env, address, look(env, choice, left)).await
}

async fn look(env: &Env, choice: &Choice, left: Duration) -> std::io::Result<PathHops> {
    let Some((primary, other)) = ends(choice) else {
        return Err(std::io::ErrorKind::AddrNotAvailable.into());
    };
    let to = other.unwrap_or(primary);
    let from = UdpPort::connected(to)?.local()?.ip();
    let end = env.elapsed() + left;
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
        lanes.spawn(async move { lane.run(&env, to, primary, rtt, end).await });
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
        end: Duration,
    ) -> (Option<u8>, Hop) {
        let primary = primary.filter(|_| self.ttl.is_none_or(|ttl| ttl <= NATS));
        let ttl = self.ttl.unwrap_or(0);
        let mut hop = Hop { ttl, router: None, reached: false, opened: primary.map(|_| false), asked: 0 };
        let answer = rtt + (rtt / 4).max(SILENT);
        for round in 0..=AGAIN {
            // One more packet is all that a router which says nothing is worth.
            if self.complete(&hop) || round > 1 && hop.opened != Some(false) {
                break;
            }
            self.send(to, primary.filter(|_| hop.opened == Some(false)), &mut hop);
            let wait = if (1..AGAIN).contains(&round) && hop.opened == Some(false) { APART } else { answer };
            let until = end.min(env.elapsed() + wait);
            while !self.complete(&hop) {
                let left = until.saturating_sub(env.elapsed());
                let Ok(Ok(arrival)) = tokio::time::timeout(left, self.port.receive()).await else { break };
                self.take(&arrival, to, &mut hop);
            }
        }
        (self.ttl, hop)
    }

    /// Opens the way back, and asks for an answer that comes by it. What cannot be sent is silent, and told as such.
    fn send(&self, to: SocketAddr, primary: Option<SocketAddr>, hop: &mut Hop) {
        if let Some(ttl) = self.ttl {
            let opening = Message::request(self.opening).encode();
            let _ = self.port.send(&Transmit { ttl: Some(ttl), ..Transmit::new(to, opening) });
        }
        if let Some(primary) = primary {
            let change = Some(Change { ip: true, port: true });
            let ask = Message { change, ..Message::request(self.change) }.encode();
            hop.asked += u32::from(self.port.send(&Transmit::new(primary, ask)).is_ok());
        }
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
