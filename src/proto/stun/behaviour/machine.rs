//! When to ask what, so that a NAT's behaviour shows: sends and records, judges nothing.
//!
//! Rounds are 30 ms apart; CHANGE-REQUESTs go out halfway between them too, since their silence is what must be
//! told from loss. After three rounds answers are awaited; what is still open then is asked again, while the
//! budget lasts. Mapping and filtering run side by side, on sockets of their own: on a shared one the first would
//! open the filter that the second asks about (RFC 5780 4.1).

use std::net::SocketAddr;
use std::time::Duration;

use super::plan::{FILTER, MAP, Path, Plan, SOCKETS};
use super::seen::{Ask, Observation, Observations, Reply};
use crate::proto::stun::id::TransactionId;
use crate::proto::stun::message::{Change, Class, Message};
use crate::proto::stun::reach::is_plausible;
use crate::proto::stun::transaction::same_endpoint;
use crate::proto::{IcmpKind, Machine, Step, Transmit};

/// Half a round.
const TICK: Duration = Duration::from_millis(15);

/// Rounds begin on every second tick; three rounds are the least.
const TICKS_MIN: u32 = 5;

/// Eight rounds are the most.
const TICKS_MAX: u32 = 16;

/// Ticks added at once, before answers are awaited again.
const TICKS_MORE: u32 = 6;

/// Most destinations of [`Plan::Several`]; further ones are not asked.
pub const SEVERAL_MAX: usize = 5;

/// Most packets to another address than the primary one's before it has answered once: whoever names it may name a stranger.
const STRANGER_MAX: usize = 6;

/// Errors kept.
const ERRORS_MAX: usize = 64;

/// Why something is asked; with [`ROLES`] it says when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Change,
    Control,
    Map,
    Contention,
    /// CHANGE-REQUEST from a socket whose filter is open: its answer shows that the server can.
    Proof,
}

/// When a role's questions go out.
struct Rhythm {
    /// Not before this tick, so that what it builds on has left.
    first: u32,
    /// On every tick, not on whole rounds only.
    half_rounds: bool,
    /// At most so often in the first rounds, and so often each time that answers were awaited in vain.
    limits: [u32; 2],
}

impl Role {
    fn rhythm(self) -> Rhythm {
        let row = |first, half_rounds, limits| Rhythm { first, half_rounds, limits };
        match self {
            Self::Change => row(0, true, [u32::MAX; 2]),
            Self::Control => row(0, false, [3, 1]),
            Self::Map => row(0, false, [2, 2]),
            Self::Contention => row(0, false, [1, 1]),
            Self::Proof => row(2, false, [1, 2]),
        }
    }
}

#[derive(Debug)]
struct Question {
    role: Role,
    socket: usize,
    path: Path,
    ask: Ask,
    /// Sends since answers were last awaited.
    sends: u32,
}

/// Mapping and filtering of the NATs on the way to one server, or mapping alone by several.
#[derive(Debug)]
pub struct Behaviour {
    /// Most urgent first: that is the order in which a dwindling budget is spent.
    questions: Vec<Question>,
    ports: [u16; SOCKETS],
    ids: Vec<TransactionId>,
    used: usize,
    queue: Vec<usize>,
    tick: u32,
    ticks: u32,
    batch: usize,
    next_tick: Duration,
    last_send: Duration,
    rtt: Duration,
    seen: Observations,
    /// Something came since open questions were last counted.
    news: bool,
    done: bool,
}

impl Behaviour {
    /// Most packets that [`Plan::Alternate`] costs the server.
    pub const PACKETS: usize = 39;

    /// How many transaction ids a plan can use; with fewer, fewer packets are sent.
    pub fn ids(plan: &Plan) -> usize {
        match plan {
            Plan::Alternate { .. } => Self::PACKETS,
            // Per address at most 8 rounds of 3 sockets.
            Plan::Several(paths) => paths.len().min(SEVERAL_MAX) * 8 + 2 * 2 * 8,
        }
    }

    /// Begins at `start`. `ports` are those of the sockets, by index; `ids` are random and used for nothing else;
    /// `rtt` is the round trip to the first destination, measured before.
    pub fn new(
        mut plan: Plan,
        ports: [u16; SOCKETS],
        mut ids: Vec<TransactionId>,
        rtt: Duration,
        start: Duration,
    ) -> Self {
        if let Plan::Several(paths) = &mut plan {
            paths.truncate(SEVERAL_MAX);
        }
        ids.truncate(Self::ids(&plan));
        Self {
            questions: questions(&plan),
            ports,
            ids,
            used: 0,
            queue: Vec::new(),
            tick: 0,
            ticks: TICKS_MIN,
            batch: 0,
            next_tick: start,
            last_send: start,
            rtt,
            seen: Observations::new(plan, patience(rtt)),
            news: false,
            done: false,
        }
    }

    /// What was seen, up to `now`.
    pub fn observations(&self, now: Duration) -> Observations {
        Observations { ended: now.max(self.seen.ended), ..self.seen.clone() }
    }

    /// Which sockets are used.
    pub fn sockets(&self) -> Vec<usize> {
        (0..SOCKETS).filter(|socket| self.questions.iter().any(|q| q.socket == *socket)).collect()
    }

    /// Whether more of the same would still tell something.
    fn is_open(&self, question: &Question) -> bool {
        let seen = &self.seen;
        let Question { socket, path, ask, .. } = *question;
        if seen.answered(socket, path.to, ask) {
            return false;
        }
        let needless = match question.role {
            Role::Control | Role::Map => false,
            Role::Contention => self.is_dependent(),
            // An answer from anywhere to any CHANGE-REQUEST but the narrower one ends the matter.
            Role::Change => self.change_is_decided(path.to),
            Role::Proof => {
                self.change_is_decided(path.to)
                    || seen.answered(FILTER, path.to, Ask::ChangePort)
                    || self.is_dependent()
            }
        };
        !needless && seen.still_needed(socket, path.to, ask) > 0
    }

    /// Endpoint-independent filtering, or a server that cannot.
    fn change_is_decided(&self, primary: SocketAddr) -> bool {
        self.seen.answered(FILTER, primary, Ask::ChangeBoth)
            || self.seen.asked.iter().any(|o| {
                let ignored = o.mapped().is_some_and(|(from, _)| same_endpoint(from, primary));
                o.ask != Ask::Plain && (ignored || matches!(o.reply, Some(Reply::Refused(_))))
            })
    }

    /// Whether the first mapping socket has been seen under two addresses.
    fn is_dependent(&self) -> bool {
        let mut mapped = self.seen.asked.iter().filter(|o| o.socket == MAP[0] && o.ask == Ask::Plain);
        let first = mapped.find_map(Observation::mapped);
        first
            .is_some_and(|(_, first)| mapped.filter_map(Observation::mapped).any(|(_, other)| other != first))
    }

    /// Queues what is due on this tick.
    fn begin_tick(&mut self) {
        let due: Vec<usize> =
            (0..self.questions.len()).filter(|at| self.is_due(&self.questions[*at])).collect();
        for at in &due {
            self.questions[*at].sends += 1;
        }
        // The queue is a stack.
        self.queue = due.into_iter().rev().collect();
        self.tick += 1;
    }

    fn is_due(&self, question: &Question) -> bool {
        let rhythm = question.role.rhythm();
        let limit = rhythm.limits[self.batch.min(1)];
        // Controls ride along, answered or not.
        let wanted = question.role == Role::Control || self.is_open(question);
        let stranger = self.seen.asked_of_stranger(question.path.to.ip());
        if stranger.is_some_and(|packets| packets >= STRANGER_MAX) {
            return false;
        }
        let beat = rhythm.half_rounds || self.tick.is_multiple_of(2);
        wanted && beat && self.tick >= rhythm.first && question.sends < limit
    }

    /// Answers were awaited in vain: plans as many ticks as the open questions need, or ends.
    fn plan_more(&mut self) {
        let ticks = self.questions.iter().filter(|q| self.is_open(q)).map(|q| {
            let needed = self.seen.still_needed(q.socket, q.path.to, q.ask) as u32;
            if q.role == Role::Change { needed } else { needed.min(2) * 2 }
        });
        let more = ticks.max().unwrap_or_default().min(TICKS_MORE).min(TICKS_MAX.saturating_sub(self.tick));
        if more == 0 || self.used >= self.ids.len() {
            self.done = true;
            return;
        }
        // A batch begins with a whole round.
        self.tick = self.tick.next_multiple_of(2).min(TICKS_MAX - 1);
        self.ticks = self.tick + more;
        self.batch += 1;
        for question in &mut self.questions {
            question.sends = 0;
        }
    }

    fn send(&mut self, at: usize, now: Duration) -> Option<Transmit> {
        let (question, id) = (self.questions.get(at)?, *self.ids.get(self.used)?);
        let Question { socket, path, ask, .. } = *question;
        let change = match ask {
            Ask::Plain => None,
            Ask::ChangePort => Some(Change { ip: false, port: true }),
            Ask::ChangeBoth => Some(Change { ip: true, port: true }),
        };
        let local = SocketAddr::new(path.from, self.ports.get(socket).copied().unwrap_or_default());
        self.used += 1;
        self.last_send = now;
        self.seen.asked.push(Observation { socket, local, to: path.to, ask, sent: now, reply: None });
        let bytes = Message { change, ..Message::request(id) }.encode();
        Some(Transmit { socket, ..Transmit::new(path.to, bytes) })
    }

    /// Whether an answer to `asked` may come from `from`: a CHANGE-REQUEST may be answered from any of the
    /// server's four addresses, which of them is for the judge.
    fn may_answer(&self, asked: &Observation, from: SocketAddr) -> bool {
        match (&self.seen.plan, asked.ask) {
            (Plan::Alternate { primary, other }, Ask::ChangePort | Ask::ChangeBoth) => {
                [primary, other].iter().any(|p| p.to.port() == from.port())
                    && [primary, other].iter().any(|p| p.to.ip().to_canonical() == from.ip().to_canonical())
            }
            _ => same_endpoint(from, asked.to),
        }
    }
}

impl Machine for Behaviour {
    fn handle(&mut self, bytes: &[u8], from: SocketAddr, now: Duration) {
        let message = match Message::decode(bytes) {
            Ok(message) if self.seen.strays.is_response(&message) => message,
            Ok(_) => return,
            Err(error) => return self.seen.strays.count(error),
        };
        // The n-th id belongs to the n-th request.
        let at = self.ids.iter().take(self.used).position(|id| *id == message.id);
        let Some(asked) = at.and_then(|at| self.seen.asked.get(at)).copied() else {
            self.seen.strays.id += 1;
            return;
        };
        if !self.may_answer(&asked, from) {
            self.seen.strays.source += 1;
            return;
        }
        let mapped = message.xor_mapped.or(message.mapped).filter(|mapped| is_plausible(*mapped, asked.to));
        let reply = match (message.class, mapped) {
            (Class::Success, Some(mapped)) if message.unknown_required.is_empty() => {
                Reply::Mapped { from, mapped, at: now }
            }
            (Class::Success, _) => Reply::Refused(0),
            _ => Reply::Refused(message.error.map_or(0, |error| error.code)),
        };
        match (asked.reply, reply) {
            (None, reply) => {
                if let Some(asked) = at.and_then(|at| self.seen.asked.get_mut(at)) {
                    asked.reply = Some(reply);
                    self.news = true;
                }
                // An alternate address may be farther away than the primary one.
                self.rtt = self.rtt.max(now.saturating_sub(asked.sent));
                self.seen.patience = patience(self.rtt);
            }
            (Some(Reply::Mapped { mapped: a, .. }), Reply::Mapped { mapped: b, .. }) if a == b => {
                self.seen.strays.duplicate += 1;
            }
            (Some(Reply::Refused(a)), Reply::Refused(b)) if a == b => self.seen.strays.duplicate += 1,
            _ => self.seen.strays.conflict += 1,
        }
    }

    fn handle_error(&mut self, to: SocketAddr, error: IcmpKind, _now: Duration) {
        if self.seen.errors.len() < ERRORS_MAX && self.seen.asked.iter().any(|o| same_endpoint(o.to, to)) {
            self.seen.errors.push((to, error));
            self.news = true;
        }
    }

    fn handle_unsent(&mut self, to: SocketAddr, error: IcmpKind, now: Duration) {
        // What did not leave is no request: neither lost nor silent.
        if self.seen.asked.pop_if(|last| same_endpoint(last.to, to)).is_some() {
            self.used -= 1;
        }
        self.handle_error(to, error, now);
    }

    fn poll(&mut self, now: Duration) -> Step {
        self.seen.ended = self.seen.ended.max(now);
        loop {
            if self.done {
                return Step::Done;
            }
            if let Some(at) = self.queue.pop() {
                match self.send(at, now) {
                    Some(transmit) => return Step::Transmit(transmit),
                    None => self.queue.clear(),
                }
            } else if std::mem::take(&mut self.news) {
                self.done = !self.questions.iter().any(|q| self.is_open(q));
            } else if self.tick < self.ticks {
                if now < self.next_tick {
                    return Step::Wait(self.next_tick);
                }
                self.begin_tick();
                self.next_tick = now + TICK;
            } else {
                let until = self.last_send + self.seen.patience;
                if now < until {
                    return Step::Wait(until);
                }
                self.plan_more();
                self.next_tick = now;
            }
        }
    }
}

/// How long an answer is awaited.
fn patience(rtt: Duration) -> Duration {
    rtt + (rtt / 4).max(Duration::from_millis(60))
}

/// Everything that a plan asks, most urgent first.
fn questions(plan: &Plan) -> Vec<Question> {
    let ask = |role, socket, path, ask| Question { role, socket, path, ask, sends: 0 };
    let bare = |role, socket| move |path: &Path| ask(role, socket, *path, Ask::Plain);
    let destinations = plan.destinations();
    let mut list: Vec<Question> = destinations.iter().map(bare(Role::Map, MAP[0])).collect();
    if let Plan::Alternate { primary, .. } = plan {
        list.push(ask(Role::Control, FILTER, *primary, Ask::Plain));
        list.push(ask(Role::Change, FILTER, *primary, Ask::ChangeBoth));
        list.push(ask(Role::Change, FILTER, *primary, Ask::ChangePort));
        list.push(ask(Role::Proof, MAP[0], *primary, Ask::ChangeBoth));
    }
    // Two addresses are enough to see that a mapping differs: the first, and the last that is another host's.
    let first = destinations.first();
    let far = destinations.iter().rev().find(|path| first.is_some_and(|first| first.to.ip() != path.to.ip()));
    for socket in [MAP[1], MAP[2]] {
        list.extend(first.into_iter().chain(far).map(bare(Role::Contention, socket)));
    }
    list
}
