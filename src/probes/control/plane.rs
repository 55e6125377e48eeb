//! What the parts of the control plane share: time, the board, the roots, and how a peer is observed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::env::Env;
use crate::model::facts::TcpConnected;
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, Phase, ProbeFailure};
use crate::probes::board::{Board, Order, Recorded};
use crate::probes::tls::roots::Roots;
use crate::probes::{micros, since_us, tcp};

/// A handshake, or an answer, that takes longer does not come.
const STEP: Duration = Duration::from_secs(5);
/// Everything ends so long before the deadline, so that it is kept.
const MARGIN: Duration = Duration::from_millis(80);

/// What all parts share.
#[derive(Clone, Debug)]
pub struct Plane {
    /// Time, chance, environment.
    pub env: Env,
    /// Where observations go.
    pub board: Board,
    /// The certificates to judge by; they are read while names are resolved.
    pub roots: watch::Receiver<Option<Arc<Roots>>>,
    /// Whether a time server has given the time.
    pub time_known: watch::Receiver<bool>,
    /// Whether one told a time that is far from this host's.
    pub time_doubted: watch::Receiver<bool>,
    /// When the run ends.
    pub end: Duration,
}

/// A server by its name and one of its addresses.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// `host:port` as named.
    pub(super) name: String,
    /// The host alone.
    pub(super) host: String,
    pub(super) address: SocketAddr,
    pub(super) order: Order,
}

impl Plane {
    pub(super) fn left(&self) -> Duration {
        self.end.saturating_sub(self.env.elapsed()).saturating_sub(MARGIN)
    }

    pub(super) fn step(&self) -> Duration {
        STEP.min(self.left())
    }

    /// The roots, as soon as they are read; none if that fails.
    pub(super) async fn roots(&self) -> Option<Arc<Roots>> {
        let mut roots = self.roots.clone();
        let read = roots.wait_for(Option::is_some).await.ok()?;
        read.clone()
    }

    /// Runs `work` and keeps what it observes under the peer's name; what else it gave is handed back.
    pub(super) async fn observe<T, K>(
        &self,
        peer: &Peer,
        work: impl Future<Output = (Result<T, ProbeFailure>, Option<K>)>,
    ) -> Option<K>
    where
        T: Recorded,
    {
        let begun = self.env.elapsed();
        let blank = |outcome| Observation {
            target: peer.name.clone(),
            address: Some(peer.address),
            at_us: micros(begun),
            took_us: 0,
            outcome,
        };
        // Boxed: a handshake's state is large, and lies in every future that awaits it.
        let work = Box::pin(work);
        let mut kept = None;
        let cut = blank(Outcome::NotRun(NotRun::Deadline));
        let observed = async {
            let (result, extra) = work.await;
            kept = extra;
            let outcome = match result {
                Ok(value) => Outcome::Seen(value),
                Err(failure) => Outcome::Failed(failure),
            };
            Observation {
                target: peer.name.clone(),
                address: Some(peer.address),
                at_us: micros(begun),
                took_us: since_us(&self.env, begun),
                outcome,
            }
        };
        self.board.observe(peer.order, cut, observed).await;
        kept
    }

    /// Connects; keeps the connection as `wrap` makes it, and hands on the stream or the failure.
    pub(super) async fn connect<T: Recorded>(
        &self,
        peer: &Peer,
        wrap: fn(TcpConnected) -> T,
    ) -> Result<TcpStream, ProbeFailure> {
        let work = async {
            let (observed, stream) =
                tcp::connect_and_keep(&self.env, &peer.name, peer.address, self.left()).await;
            let failure = observed.failure().cloned();
            if let (Outcome::Seen(connected), Some(stream)) = (observed.outcome, stream) {
                return (Ok(wrap(connected)), Some(Ok(stream)));
            }
            let failure = failure.unwrap_or_else(nothing);
            (Err(failure.clone()), Some(Err(failure)))
        };
        self.observe(peer, work).await.unwrap_or_else(|| Err(nothing()))
    }
}

/// Nothing came of it, and nothing said why.
pub(super) fn nothing() -> ProbeFailure {
    ProbeFailure::new(Phase::Connect, FailureKind::Io, "no outcome")
}
