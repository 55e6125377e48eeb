//! Opens this side's sockets, learns from STUN servers how the world sees them, and keeps it so while the other side's line is
//! awaited.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::certificate::Identity;
use crate::env::Env;
use crate::model::facts::{Host, TargetRole};
use crate::probes::drive::drive;
use crate::probes::resolve::{Resolvers, Wanted, resolve};
use crate::probes::udp::UdpPort;
use crate::proto::SILENCE;
use crate::proto::peer::line::is_a_hosts;
use crate::proto::peer::{Candidate, Kind, Line, Mapping, Place};
use crate::proto::stun::{Discovery, Schedule, Transaction};

/// Names are given this long.
const RESOLVE: Duration = Duration::from_secs(3);
/// Once two servers have answered, the others are given this long.
const OTHERS: Duration = Duration::from_millis(150);
/// RFC 8445 11 asks for 15 s at least between keepalives; NATs are known that forget after 20 s.
const KEEP: Duration = Duration::from_secs(10);
/// An answer to a keepalive is awaited for so long.
const KEEP_WAIT: Duration = Duration::from_secs(2);
/// Addresses of servers that go into the line.
const MOST_MAPPED: usize = 3;

/// A STUN server to ask.
#[derive(Clone, Debug)]
pub struct Server {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Who named it.
    pub origin: String,
}

/// Which families are used.
#[derive(Clone, Copy, Debug)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

/// One socket and how it is seen.
#[derive(Debug)]
struct Side {
    port: Arc<UdpPort>,
    /// Servers that answered, and what they saw.
    seen: Vec<(SocketAddr, SocketAddr)>,
    asked: usize,
}

/// This side, ready to hand out its line.
#[derive(Debug)]
pub struct Gathered {
    pub(super) identity: Identity,
    pub(super) place: Place,
    sides: [Option<Side>; 2],
    /// The line, as the other side will read it.
    pub line: Line,
    /// The same as text.
    pub text: String,
    /// What was in the line and is so no more: was, is.
    pub(super) moved: Option<(SocketAddr, SocketAddr)>,
    /// When the line was made, since the run's start.
    pub made: Duration,
}

/// Who is asked and what is said.
#[derive(Debug)]
pub struct Wish<'a> {
    /// STUN servers.
    pub servers: Vec<Server>,
    /// Who resolves their names.
    pub resolvers: Resolvers,
    /// Which families are used.
    pub families: Families,
    /// Whether a search of ports is offered.
    pub hard: bool,
    /// The other side's line, where it is there already.
    pub answers: Option<&'a Line>,
}

/// Opens sockets, asks the servers, makes the line. An error only where not even a socket can be had.
pub async fn gather(env: &Env, host: &Host, wish: &Wish<'_>) -> io::Result<Gathered> {
    let identity = Identity::new()?;
    let own = own_addresses(host);
    let mut sides = [None, None];
    let mut problem = None;
    for (side, (allowed, any)) in sides
        .iter_mut()
        .zip([(wish.families.v4, IpAddr::from([0; 4])), (wish.families.v6, IpAddr::from([0_u16; 8]))])
    {
        if allowed && own.iter().any(|(ip, _)| ip.is_ipv4() == any.is_ipv4()) {
            match UdpPort::unconnected(any) {
                Ok(port) => *side = Some(Side { port: Arc::new(port), seen: Vec::new(), asked: 0 }),
                Err(error) => problem = Some(error),
            }
        }
    }
    if sides.iter().all(Option::is_none) {
        return Err(
            problem.unwrap_or_else(|| io::Error::other("this host has no address of the family asked for"))
        );
    }
    let addresses = addresses(env, wish).await;
    let [v4, v6] = &mut sides;
    tokio::join!(ask(env, v4, &addresses, false), ask(env, v6, &addresses, true));
    let (candidates, mapping) = candidates(&sides, &own, &addresses)?;
    let made_s = u32::try_from(env.wall_ns() / 1_000_000_000).unwrap_or_default();
    let line = Line {
        made_s,
        certificate: identity.hash(),
        mapping,
        hard: wish.hard,
        answers: wish.answers.map(Line::tag),
        candidates,
    };
    let (text, line) = line.write();
    let mapped = sides.iter().flatten().flat_map(|s| s.seen.iter().map(|(_, mapped)| mapped.ip()));
    let place = Place { mapped: mapped.collect(), networks: own };
    Ok(Gathered { identity, place, sides, line, text, moved: None, made: env.elapsed() })
}

impl Gathered {
    /// The sockets, and which of them reaches IPv4 and which IPv6.
    pub(super) fn ports(&self) -> (Vec<Arc<UdpPort>>, [Option<usize>; 2]) {
        let mut ports = Vec::new();
        let index = self.sides.each_ref().map(|side| {
            let port = &side.as_ref()?.port;
            ports.push(Arc::clone(port));
            Some(ports.len() - 1)
        });
        (ports, index)
    }

    /// Keeps the mappings alive, and notices when they change; goes on until dropped.
    pub async fn keep(&mut self, env: &Env) {
        loop {
            tokio::time::sleep(KEEP).await;
            let [v4, v6] = &mut self.sides;
            let (first, second) = tokio::join!(refresh(env, v4), refresh(env, v6));
            self.moved = first.or(second).or(self.moved);
        }
    }
}

/// Asks the servers that answered before once more; says what was seen and is so no more.
async fn refresh(env: &Env, side: &mut Option<Side>) -> Option<(SocketAddr, SocketAddr)> {
    let side = side.as_mut()?;
    let mut discovery = Discovery::default();
    for (server, _) in &side.seen {
        let ids = std::array::from_fn(|_| env.random());
        discovery.add(Transaction::new(*server, ids, env.elapsed(), Schedule::FULL));
    }
    let ports = [Arc::clone(&side.port)];
    let _ = tokio::time::timeout(KEEP_WAIT, drive(&mut discovery, &ports, env)).await;
    let mut moved = None;
    for ((_, was), outcome) in side.seen.iter().zip(discovery.outcomes()) {
        if let Some(answer) = outcome.result.ok().filter(|answer| answer.mapped != *was) {
            moved = Some((*was, answer.mapped));
        }
    }
    moved
}

/// The servers' addresses, in the order of the servers.
async fn addresses(env: &Env, wish: &Wish<'_>) -> Vec<SocketAddr> {
    let mut tasks = Vec::new();
    for server in &wish.servers {
        let wanted = Wanted {
            role: TargetRole::Stun,
            host: server.host.clone(),
            port: server.port,
            origin: server.origin.clone(),
        };
        let (env, resolvers) = (env.clone(), wish.resolvers.clone());
        tasks.push(tokio::spawn(async move { resolve(&env, wanted, &resolvers, RESOLVE).await.target }));
    }
    let mut found = Vec::new();
    for task in tasks {
        let Ok(target) = task.await else { continue };
        for v6 in [false, true] {
            let ip = target.addresses.iter().find(|ip| ip.is_ipv6() == v6);
            found.extend(ip.map(|ip| SocketAddr::new(*ip, target.port)));
        }
    }
    found
}

/// Asks all servers of one family from one socket; ends early once two have answered.
async fn ask(env: &Env, side: &mut Option<Side>, addresses: &[SocketAddr], v6: bool) {
    let Some(side) = side else { return };
    let mut discovery = Discovery::default();
    let servers: Vec<SocketAddr> = addresses.iter().copied().filter(|a| a.is_ipv6() == v6).collect();
    for server in &servers {
        let ids = std::array::from_fn(|_| env.random());
        discovery.add(Transaction::new(*server, ids, env.elapsed(), Schedule::FULL));
    }
    side.asked = servers.len();
    let (ports, end) = ([Arc::clone(&side.port)], env.elapsed() + SILENCE);
    let mut enough = None;
    while side.asked > 0 && env.elapsed() < end && enough.is_none_or(|at| env.elapsed() < at) {
        let ended = tokio::time::timeout(OTHERS / 5, drive(&mut discovery, &ports, env)).await.is_ok();
        let answered = discovery.outcomes().iter().filter(|o| o.result.is_ok()).count();
        if ended || answered == side.asked {
            break;
        }
        if answered >= 2 {
            enough = enough.or(Some(env.elapsed() + OTHERS));
        }
    }
    let seen = |server: &SocketAddr, outcome: crate::proto::stun::Outcome| {
        Some((*server, outcome.result.ok()?.mapped))
    };
    side.seen = servers.iter().zip(discovery.outcomes()).filter_map(|(server, o)| seen(server, o)).collect();
}

/// Own addresses with their prefixes; loopback only where there is no other.
fn own_addresses(host: &Host) -> Vec<(IpAddr, u8)> {
    let up = host.interfaces.iter().filter(|i| i.up);
    let all: Vec<(IpAddr, u8)> = up.flat_map(|i| i.addresses.iter().map(|a| (a.ip, a.prefix))).collect();
    let outward = |(ip, _): &(IpAddr, u8)| !ip.is_loopback() && is_a_hosts(SocketAddr::new(*ip, 1));
    let some: Vec<_> = all.iter().copied().filter(outward).collect();
    if some.is_empty() { all.into_iter().filter(|(ip, _)| ip.is_loopback()).collect() } else { some }
}

/// The local address of the route to a destination; nothing is sent.
pub(super) fn local_to(to: SocketAddr) -> Option<IpAddr> {
    UdpPort::connected(to).and_then(|port| port.local()).ok().map(|local| local.ip())
}

/// Candidates, those that are used for the way out first, and what the NAT does.
fn candidates(
    sides: &[Option<Side>; 2],
    own: &[(IpAddr, u8)],
    servers: &[SocketAddr],
) -> io::Result<(Vec<Candidate>, Mapping)> {
    let mut hosts: Vec<IpAddr> = servers.iter().filter_map(|server| local_to(*server)).collect();
    hosts.extend(own.iter().map(|(ip, _)| *ip));
    let mut list: Vec<Candidate> = Vec::new();
    let mut add = |kind, address: SocketAddr| {
        if is_a_hosts(address) && list.iter().all(|c: &Candidate| c.address != address) {
            list.push(Candidate { kind, address });
        }
    };
    let mut mapping = Mapping::Unknown;
    for (side, v6) in sides.iter().zip([false, true]) {
        let Some(side) = side else { continue };
        let port = side.port.local()?.port();
        let of_family = || hosts.iter().filter(|ip| ip.is_ipv6() == v6);
        if let Some(ip) = of_family().next() {
            add(Kind::Host, SocketAddr::new(*ip, port));
        }
        for (_, mapped) in side.seen.iter().take(MOST_MAPPED) {
            add(Kind::ServerReflexive, *mapped);
        }
        // IPv4's NAT is the one that matters; without IPv4 the firewall before IPv6.
        if !v6 || sides[0].is_none() {
            mapping = judge(side, own);
        }
    }
    // The others behind those that matter most: the first to be left out where the line is full.
    for (side, v6) in sides.iter().zip([false, true]) {
        let Some(side) = side else { continue };
        let port = side.port.local()?.port();
        for ip in hosts.iter().filter(|ip| ip.is_ipv6() == v6) {
            add(Kind::Host, SocketAddr::new(*ip, port));
        }
    }
    Ok((list, mapping))
}

fn judge(side: &Side, own: &[(IpAddr, u8)]) -> Mapping {
    let mut servers: Vec<IpAddr> = side.seen.iter().map(|(server, _)| server.ip()).collect();
    servers.sort_unstable();
    servers.dedup();
    let Some((_, first)) = side.seen.first() else {
        return if side.asked > 0 { Mapping::Silent } else { Mapping::Unknown };
    };
    if side.seen.iter().any(|(_, mapped)| mapped != first) {
        return Mapping::Dependent;
    }
    let port = side.port.local().map(|local| local.port()).unwrap_or_default();
    if own.iter().any(|(ip, _)| *ip == first.ip()) && port == first.port() {
        return Mapping::NoNat;
    }
    if servers.len() > 1 { Mapping::Independent } else { Mapping::Unknown }
}
