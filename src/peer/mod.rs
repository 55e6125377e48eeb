//! Two hosts prove that they can speak directly: lines are made and read, holes punched, QUIC held over the pair that won.
//! Nothing listens longer than this runs, and nothing is sent but to STUN servers and to the addresses in the other line.

mod certificate;
pub mod gather;
mod measure;
mod punch;
mod reason;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use gather::{Families, Gathered, Server, Wish, gather};
pub use measure::Progress;

use self::measure::Measured;
use crate::env::Env;
use crate::model::peer::{PeerNats, PeerPair, PeerReason, PeerReport, PeerRtt, PeerThroughput};
use crate::probes::udp::UdpPort;
use crate::proto::peer::{Chosen, Keys, Line, Mapping, Origin, Pair, Punch, Settings, leads, search};

/// How long the last packets of a run that is interrupted are given.
const FAREWELL: Duration = Duration::from_millis(50);

/// How the other side is met.
#[derive(Debug)]
pub struct Terms<'a> {
    /// The other side's line.
    pub theirs: &'a Line,
    /// No longer than until then, since the run's start.
    pub until: Duration,
    /// How long to measure.
    pub measure_for: Duration,
    /// Live lines.
    pub progress: &'a Progress,
}

/// Punches, connects, measures; ends by itself, or early when `stop` resolves. The report is whole in either case.
pub async fn meet(
    env: &Env,
    gathered: &Gathered,
    terms: &Terms<'_>,
    stop: impl Future<Output = ()>,
) -> PeerReport {
    let theirs = terms.theirs;
    let start = env.elapsed();
    let (mut ports, sockets) = gathered.ports();
    let (remotes, _) = gathered.place.remotes(gathered.line.mapping, theirs);
    let search = search_targets(env, gathered, theirs, &mut ports, sockets[0]);
    let mut machine = Punch::new(Settings {
        leads: leads(&gathered.line, theirs).unwrap_or_default(),
        keys: Keys::of(&gathered.line, theirs),
        seed: env.random(),
        start,
        sockets,
        remotes,
        search,
    });
    let mut session = session::Session::default();
    let work = async {
        punch::punch(env, &ports, &mut machine, terms.until).await;
        let Some(chosen) = machine.chosen() else { return };
        session = over_quic(env, gathered, terms, &ports, &mut machine, chosen).await;
    };
    let interrupted = tokio::select! {
        () = work => false,
        () = stop => true,
    };
    if interrupted && machine.chosen().is_some() {
        // The other side is told that this is the end.
        tokio::time::sleep(FAREWELL).await;
    }
    let reason = match (machine.chosen(), &session) {
        (Some(_), session) if session.failed.is_some() => session.failed.clone(),
        (Some(_), session) if session.connected.is_some() => None,
        _ if interrupted => Some(PeerReason::Interrupted),
        (Some(_), _) => Some(PeerReason::QuicBlocked),
        (None, _) => Some(reason::reason(&reason::Seen {
            ours: &gathered.line,
            theirs,
            pairs: machine.pairs(),
            elsewhere: machine.elsewhere().first().copied(),
            moved: gathered.moved,
            searched: machine.searched().0,
            waited_s: env.elapsed().saturating_sub(start).as_secs(),
            line_age_s: theirs.age_s(env.wall_ns() / 1_000_000_000),
        })),
    };
    report(gathered, theirs, &machine, &session, reason.as_ref(), start)
}

async fn over_quic(
    env: &Env,
    gathered: &Gathered,
    terms: &Terms<'_>,
    ports: &[Arc<UdpPort>],
    machine: &mut Punch,
    chosen: Chosen,
) -> session::Session {
    let failed = || session::Session { failed: Some(PeerReason::QuicBlocked), ..session::Session::default() };
    let Some(socket) = ports.get(chosen.socket).and_then(|port| port.again().ok()) else { return failed() };
    let wish = session::Wish {
        identity: &gathered.identity,
        pinned: terms.theirs.certificate,
        leads: leads(&gathered.line, terms.theirs).unwrap_or_default(),
        remote: chosen.remote,
        rtt: chosen.rtt,
        measure_for: terms.measure_for,
        progress: terms.progress,
    };
    session::run(env, socket, machine, chosen.socket, &wish).await
}

/// What a search of ports sends to; the sockets that it takes are added to `ports`.
fn search_targets(
    env: &Env,
    gathered: &Gathered,
    theirs: &Line,
    ports: &mut Vec<Arc<UdpPort>>,
    v4: Option<usize>,
) -> Vec<(usize, SocketAddr)> {
    let Some(socket) = v4 else { return Vec::new() };
    match search::part(&gathered.line, theirs) {
        Some(search::Part::Guess) => search::guesses(theirs, socket, env.random()),
        Some(search::Part::Open) => {
            let first = ports.len();
            // As many as this process may open.
            let opened = (0..search::MOST_SOCKETS).map_while(|_| UdpPort::unconnected([0; 4].into()).ok());
            ports.extend(opened.map(Arc::new));
            search::openings(theirs, first, ports.len() - first)
        }
        None => Vec::new(),
    }
}

fn report(
    gathered: &Gathered,
    theirs: &Line,
    machine: &Punch,
    session: &session::Session,
    reason: Option<&PeerReason>,
    start: Duration,
) -> PeerReport {
    let chosen = machine.chosen();
    let is_chosen =
        |pair: &&Pair| chosen.is_some_and(|c| c.remote == pair.remote.address && c.socket == pair.socket);
    let Measured { rtts_ms, loss, up_bps, down_bps, .. } = &session.measured;
    let firewall_request = match reason {
        Some(reason) if reason.wants_firewall() => firewall_request(theirs),
        _ => Vec::new(),
    };
    PeerReport {
        proven: reason.is_none(),
        advice: reason.map(PeerReason::advice).unwrap_or_default(),
        reason_code: reason.map(PeerReason::code),
        reason: reason.map(PeerReason::sentence),
        firewall_request,
        pair: machine.pairs().iter().find(is_chosen).map(pair),
        rtt_ms: spread(rtts_ms),
        loss: *loss,
        throughput_bps: PeerThroughput { up: *up_bps, down: *down_bps },
        mtu: session.mtu,
        connected_ms: session.connected.map(|at| at.saturating_sub(start).as_secs_f64() * 1e3),
        nat: PeerNats { ours: mapping(gathered.line.mapping), theirs: mapping(theirs.mapping) },
        pairs: machine.pairs().iter().map(pair).collect(),
        strangers: machine.strangers() + session.foreign,
    }
}

/// What to ask a network team for, in the words of the firewall requests of a report.
fn firewall_request(theirs: &Line) -> Vec<String> {
    let to =
        theirs.candidates.iter().map(|c| c.address.ip()).find(|ip| crate::proto::peer::pair::is_global(*ip));
    let local = to.and_then(|ip| gather::local_to(SocketAddr::new(ip, 443)));
    let from = local.map_or_else(|| "this host".to_owned(), |ip| ip.to_string());
    vec![
        format!("UDP  {from}  ->  any:1-65535   peer-to-peer, QUIC; outbound, stateful"),
        format!("UDP  {from}  ->  any:3478,19302   STUN; outbound, stateful"),
    ]
}

fn mapping(mapping: Mapping) -> &'static str {
    match mapping {
        Mapping::Unknown => "unknown",
        Mapping::NoNat => "no-nat",
        Mapping::Independent => "endpoint-independent",
        Mapping::Dependent => "endpoint-dependent",
        Mapping::Silent => "no-stun-answer",
    }
}

fn pair(pair: &Pair) -> PeerPair {
    PeerPair {
        local: gather::local_to(pair.remote.address),
        seen_as: pair.seen,
        remote: pair.remote.address,
        kind: match pair.remote.origin {
            Origin::Host => "host",
            Origin::PeerReflexive => "peer-reflexive",
            Origin::ServerReflexive => "server-reflexive",
            Origin::Predicted => "predicted",
        },
        sent: pair.sent,
        answered: pair.answered,
        heard: pair.heard,
        rtt_ms: pair.rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
        error: pair.error.map(|error| format!("{error:?}")),
    }
}

/// Least, median, 95 of a hundred, and the mean step from one to the next.
fn spread(rtts_ms: &[f64]) -> Option<PeerRtt> {
    let mut sorted = rtts_ms.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at =
        |share: f64| sorted.get(((sorted.len().saturating_sub(1)) as f64 * share).round() as usize).copied();
    let steps: Vec<f64> = rtts_ms.windows(2).map(|two| (two[1] - two[0]).abs()).collect();
    let jitter = if steps.is_empty() { 0.0 } else { steps.iter().sum::<f64>() / steps.len() as f64 };
    Some(PeerRtt { min: *sorted.first()?, median: at(0.5)?, p95: at(0.95)?, jitter })
}
