//! What was asked and what came back: plain data that a file can hold.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::plan::Plan;
use crate::proto::IcmpKind;
use crate::proto::stun::transaction::{Strays, same_endpoint};

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A plain Binding request.
    Plain,
    /// Answer from your other port.
    ChangePort,
    /// Answer from your other address and other port.
    ChangeBoth,
}

/// What came back with the request's transaction id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A success response.
    Mapped {
        /// From where.
        from: SocketAddr,
        /// Our address as the server saw it.
        mapped: SocketAddr,
        /// Since the run's start.
        at: Duration,
    },
    /// An error response with this code, or a success that must not be processed (code 0).
    Refused(u16),
}

/// One request and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// `FILTER` or one of `MAP`.
    pub socket: usize,
    /// The true local address it left from.
    pub local: SocketAddr,
    /// Its destination.
    pub to: SocketAddr,
    /// What was asked.
    pub ask: Ask,
    /// Since the run's start.
    pub sent: Duration,
    /// None if nothing came.
    pub reply: Option<Reply>,
}

impl Observation {
    /// The mapped address and its sender, if there was a success.
    pub fn mapped(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self.reply {
            Some(Reply::Mapped { from, mapped, .. }) => Some((from, mapped)),
            _ => None,
        }
    }
}

/// All that was seen: plain data that a file can hold and `judge` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observations {
    /// Who was asked.
    pub plan: Plan,
    /// In the order sent.
    pub asked: Vec<Observation>,
    /// What the network or this host refused.
    pub errors: Vec<(SocketAddr, IcmpKind)>,
    /// What was not believed.
    pub strays: Strays,
    /// How long an answer was awaited before it counts as lost.
    pub patience: Duration,
    /// When watching ended, since the run's start.
    pub ended: Duration,
}

/// A silence counts when it comes from loss in one of so many cases at most.
const DOUBT: f64 = 1.0 / 1000.0;

/// So many refusals by a destination that never answered, and it is not asked again.
const REFUSALS: usize = 3;

impl Observations {
    pub(super) fn new(plan: Plan, patience: Duration) -> Self {
        Self {
            plan,
            asked: Vec::new(),
            errors: Vec::new(),
            strays: Strays::default(),
            patience,
            ended: Duration::ZERO,
        }
    }

    /// The requests of one kind from one socket to one destination.
    pub fn of(&self, socket: usize, to: SocketAddr, ask: Ask) -> impl Iterator<Item = &Observation> {
        self.asked.iter().filter(move |o| o.socket == socket && o.to == to && o.ask == ask)
    }

    /// Whether any of those was answered.
    pub fn answered(&self, socket: usize, to: SocketAddr, ask: Ask) -> bool {
        self.of(socket, to, ask).any(|o| o.reply.is_some())
    }

    /// Share of plain requests without an answer. Two of each outcome are added (Agresti and Coull), so that a
    /// short run without loss is not taken for a path without loss. Destinations that never answered do not count.
    pub fn loss(&self) -> f64 {
        let mut alive: Vec<SocketAddr> =
            self.asked.iter().filter(|o| o.mapped().is_some()).map(|o| o.to).collect();
        alive.sort_unstable();
        alive.dedup();
        let plain =
            self.asked.iter().filter(|o| o.ask == Ask::Plain && self.is_known(o) && alive.contains(&o.to));
        let (asked, lost) =
            plain.fold((0u32, 0u32), |(asked, lost), o| (asked + 1, lost + u32::from(o.reply.is_none())));
        f64::from(lost + 2) / f64::from(asked + 4)
    }

    /// Whether the silence of a destination to such requests counts: `p^n <= 1/1000` for the loss `p` seen and
    /// the `n` requests that were awaited long enough.
    pub fn is_silent(&self, socket: usize, to: SocketAddr, ask: Ask) -> bool {
        self.still_needed(socket, to, ask) == 0 && !self.answered(socket, to, ask)
    }

    /// How many packets went to an address that a server named, and that has not answered yet; none for any other.
    pub(super) fn asked_of_stranger(&self, ip: IpAddr) -> Option<usize> {
        let Plan::Alternate { primary, .. } = &self.plan else { return None };
        let own = primary.to.ip() == ip || self.answers_at(ip);
        (!own).then(|| self.asked.iter().filter(|o| o.to.ip() == ip).count())
    }

    /// Whether anything at an address answered a plain request.
    fn answers_at(&self, ip: IpAddr) -> bool {
        self.asked.iter().any(|o| o.to.ip() == ip && o.ask == Ask::Plain && o.reply.is_some())
    }

    /// How many more unanswered requests would make the silence count.
    pub(super) fn still_needed(&self, socket: usize, to: SocketAddr, ask: Ask) -> usize {
        let refused = self.errors.iter().filter(|(from, _)| same_endpoint(*from, to)).count() >= REFUSALS;
        if refused && !self.asked.iter().any(|o| o.to == to && o.reply.is_some()) {
            return 0;
        }
        // Of an address that answers nothing, every silence counts: it is not asked often.
        let stranger = ask == Ask::Plain && self.asked_of_stranger(to.ip()).is_some();
        let awaited = self
            .asked
            .iter()
            .filter(|o| {
                o.ask == ask && if stranger { o.to.ip() == to.ip() } else { o.socket == socket && o.to == to }
            })
            .filter(|o| self.is_known(o))
            .count();
        if awaited == 0 {
            // Saves the estimate while nothing can be overdue.
            return usize::MAX;
        }
        let needed = (DOUBT.ln() / self.loss().ln()).ceil() as usize;
        needed.saturating_sub(awaited)
    }

    /// Answered, or awaited long enough.
    pub(super) fn is_known(&self, o: &Observation) -> bool {
        o.reply.is_some() || o.sent + self.patience <= self.ended
    }
}
