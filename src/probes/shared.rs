//! What every task of a run shares; does nothing by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::board::Board;
use super::fallback::Fallback;
use super::resolve::Resolvers;
use super::{control, nat, tls};
use crate::config::Family;
use crate::env::Env;
use crate::model::observation::{NotRun, Observation, Outcome};

/// What every task of a run shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) env: Env,
    pub(super) board: Board,
    pub(super) resolvers: Arc<Resolvers>,
    /// Whom to ask where these give nothing.
    pub(super) fallback: Fallback,
    pub(super) family: Family,
    /// Whether only cheap observations are made.
    pub(super) cheap: bool,
    pub(super) roots: watch::Receiver<Option<Arc<tls::roots::Roots>>>,
    /// Set when a time server has given the time: then nobody else needs to be asked for it.
    pub(super) time_known: watch::Sender<bool>,
    /// Set when a time server tells a time that is far from this host's: then others are asked for it, too.
    pub(super) time_doubted: watch::Sender<bool>,
    /// The round trip of the first STUN answer: from then on QUIC is worth a question.
    pub(super) stun_rtt: watch::Sender<Option<Duration>>,
    /// STUN servers that answered, for whoever needs one more.
    pub(super) answered_too: Arc<Mutex<Vec<nat::Answered>>>,
    pub(super) end: Duration,
    /// STUN servers that answered, for the questions that follow.
    pub(super) answered: mpsc::UnboundedSender<nat::Answered>,
}

impl Shared {
    pub(super) fn plane(&self) -> control::Plane {
        control::Plane {
            env: self.env.clone(),
            board: self.board.clone(),
            roots: self.roots.clone(),
            time_known: self.time_known.subscribe(),
            time_doubted: self.time_doubted.subscribe(),
            end: self.end,
        }
    }

    pub(super) fn left(&self) -> Duration {
        self.end.saturating_sub(self.env.elapsed())
    }

    pub(super) fn cut(&self, target: &str, address: SocketAddr) -> Observation<()> {
        Observation {
            target: target.to_owned(),
            address: Some(address),
            at_us: self.env.elapsed().as_micros() as u64,
            took_us: 0,
            outcome: Outcome::NotRun(NotRun::Deadline),
        }
    }
}
