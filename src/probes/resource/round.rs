//! What the probes of one run over all Resources share: time left, descriptors, and what is wanted of an address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, watch};

use super::names::Resolvers;
use crate::config;
use crate::env::Env;
use crate::model::facts::ResourceKind;
use crate::probes::board::Board;
use crate::probes::tcp;
use crate::probes::tls::roots::Roots;

/// Descriptors that all Resources together may hold; the usual limit of a process is 1024.
pub(super) const DESCRIPTORS: usize = 480;
/// Descriptors of one connection attempt: the socket, its queue of errors, a handle for its state.
pub(super) const PER_ATTEMPT: usize = 3;
/// Everything ends so long before the deadline, so that it is kept.
const MARGIN: Duration = Duration::from_millis(150);

/// What the probes of all Resources share.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Time, chance, environment.
    pub env: Env,
    /// Where observations go.
    pub board: Board,
    /// Whom the Connector asks for names.
    pub resolvers: Arc<Resolvers>,
    /// The certificates to judge by.
    pub roots: watch::Receiver<Option<Arc<Roots>>>,
    /// Which families are used.
    pub family: config::Family,
    /// When the run ends.
    pub end: Duration,
}

impl Ground {
    /// What a run has at hand.
    pub fn new(
        env: &Env,
        board: &Board,
        resolvers: Resolvers,
        roots: &watch::Receiver<Option<Arc<Roots>>>,
        family: config::Family,
        end: Duration,
    ) -> Self {
        let (env, board, roots) = (env.clone(), board.clone(), roots.clone());
        Self { env, board, resolvers: Arc::new(resolvers), roots, family, end }
    }
}

/// One run over all Resources.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) ground: Ground,
    descriptors: Arc<Semaphore>,
    /// Connections that are tried side by side for each address.
    pub(super) attempts: usize,
    /// Refusals and silences that were looked into so far.
    pub(super) traces: Arc<AtomicUsize>,
}

impl Round {
    /// A round over so many Resources. Few can afford the full schedule of SYNs; of many each has its own socket, and the
    /// kernel repeats its SYN.
    pub(super) fn over(ground: Ground, resources: usize) -> Self {
        let attempts = (DESCRIPTORS / PER_ATTEMPT / resources.max(1)).clamp(1, tcp::MAX_ATTEMPTS);
        let descriptors = Arc::new(Semaphore::new(DESCRIPTORS));
        Self { ground, descriptors, attempts, traces: Arc::default() }
    }

    pub(super) fn left(&self) -> Duration {
        self.ground.end.saturating_sub(self.ground.env.elapsed()).saturating_sub(MARGIN)
    }

    /// As many descriptors, given back when the permit is dropped; waits for them.
    pub(super) async fn descriptors(&self, count: usize) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let count = u32::try_from(count.min(DESCRIPTORS)).unwrap_or(1);
        Arc::clone(&self.descriptors).acquire_many_owned(count).await.ok()
    }
}

/// One address, and what is wanted of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: IpAddr,
    /// Taken by the first address that is greeted, where one greeting is all that is allowed.
    pub(super) once: Option<Arc<OnceCell<()>>>,
    /// The host as named.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) kind: ResourceKind,
}

impl Place {
    pub(super) fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}
