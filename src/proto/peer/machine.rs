//! Two sides that hold each other's lines look for a pair of addresses that works (RFC 8445 6 and 7): what to send when,
//! what to believe, which pair to use. No sockets, no clock.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ring::hmac::{self, HMAC_SHA256};

use super::check::{Check, Keys};
use super::pair::{Origin, Remote, candidate_priority, pair_priority};
use super::pairs::{Chosen, Pair, Settings, Target};
use crate::proto::stun::TransactionId;
use crate::proto::{IcmpKind, Step, Transmit};

/// RFC 8445 14.2: the least time between two checks.
const PACE: Duration = Duration::from_millis(50);
/// RFC 8445 14.3: a pair is asked again after so long.
const AGAIN: Duration = Duration::from_millis(500);
/// After so long without the other side it is only waited for, at a rate that keeps the NAT's mapping.
const EAGER: Duration = Duration::from_secs(30);
const AGAIN_WAITING: Duration = Duration::from_secs(2);
/// A pair that works is used so long after it worked, for a better one to show; and a round trip.
const SETTLE: Duration = Duration::from_millis(100);
/// A nomination is repeated as often and as long, then another pair is taken.
const NOMINATE_AGAIN: Duration = Duration::from_millis(200);
const NOMINATE_FOR: Duration = Duration::from_secs(2);
/// The search of ports: begins after, pace (RFC 8445 14.2 allows no less), and round, within which NATs forget nothing.
const SEARCH_AFTER: Duration = Duration::from_millis(600);
const SEARCH_PACE: Duration = Duration::from_millis(5);
const SEARCH_ROUND: Duration = Duration::from_secs(20);
/// Most pairs, those that arriving checks make included.
const MOST_PAIRS: usize = 64;
/// Answers given in a second at most.
const MOST_ANSWERS: u32 = 400;
/// Requests remembered; older ones cannot be answered any more.
const MOST_OPEN: usize = 4096;
/// Addresses kept from which the other side came without its line naming them.
const MOST_ELSEWHERE: usize = 4;

#[derive(Debug)]
struct Open {
    socket: usize,
    to: SocketAddr,
    at: Duration,
    nominates: bool,
}

/// The machine of one side.
#[derive(Debug)]
pub struct Punch {
    leads: bool,
    keys: Keys,
    ids: hmac::Key,
    made: u64,
    start: Duration,
    /// Nothing is ever sent to any other address.
    allowed: Vec<IpAddr>,
    pairs: Vec<Pair>,
    triggered: VecDeque<usize>,
    outbox: VecDeque<Transmit>,
    open: BTreeMap<TransactionId, Open>,
    next_send: Duration,
    first_valid: Option<Duration>,
    nominated: Option<(usize, Duration, Duration)>,
    chosen: Option<Chosen>,
    search: Vec<Target>,
    searched: usize,
    next_search: Duration,
    answers: (Duration, u32),
    strangers: u64,
    elsewhere: Vec<SocketAddr>,
    last_heard: Option<Duration>,
}

impl Punch {
    /// Begins at `settings.start`.
    pub fn new(settings: Settings) -> Self {
        let Settings { leads, keys, seed, start, sockets, remotes, search } = settings;
        let mut allowed: Vec<IpAddr> = remotes.iter().map(|r| r.address.ip()).collect();
        allowed.extend(search.iter().map(|(_, to)| to.ip()));
        allowed.sort_unstable();
        allowed.dedup();
        let mut punch = Self {
            leads,
            keys,
            ids: hmac::Key::new(HMAC_SHA256, &seed),
            made: 0,
            start,
            allowed,
            pairs: Vec::new(),
            triggered: VecDeque::new(),
            outbox: VecDeque::new(),
            open: BTreeMap::new(),
            next_send: start,
            first_valid: None,
            nominated: None,
            chosen: None,
            search,
            searched: 0,
            next_search: start + SEARCH_AFTER,
            answers: (start, 0),
            strangers: 0,
            elsewhere: Vec::new(),
            last_heard: None,
        };
        for remote in remotes {
            if let Some(socket) = sockets[usize::from(remote.address.is_ipv6())] {
                punch.add(socket, remote, start);
            }
        }
        punch
    }

    /// Every pair tried, best first as they were given; later those that arriving checks made.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The pair that both sides use, once there is one.
    pub fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    /// Datagrams without a right signature.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    /// Where the other side came from without its line naming the address: never answered.
    pub fn elsewhere(&self) -> &[SocketAddr] {
        &self.elsewhere
    }

    /// When the other side was last heard.
    pub fn last_heard(&self) -> Option<Duration> {
        self.last_heard
    }

    /// Ports searched so far, of how many.
    pub fn searched(&self) -> (usize, usize) {
        (self.searched.min(self.search.len()), self.search.len())
    }

    /// A datagram came.
    pub fn handle(&mut self, socket: usize, bytes: &[u8], from: SocketAddr, now: Duration) {
        let Some(check) = Check::decode(bytes, &self.keys) else {
            self.strangers += 1;
            return;
        };
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        self.last_heard = Some(now);
        match check {
            Check::Request { id, nominate, .. } => self.request(socket, id, nominate, from, now),
            Check::Success { id, seen } => self.success(socket, id, seen, from, now),
        }
    }

    /// The network, or this host, refused what was sent to `to`.
    pub fn handle_error(&mut self, socket: usize, to: SocketAddr, error: IcmpKind) {
        if let Some(i) = self.find(socket, to) {
            self.pairs[i].error = Some(error);
        }
    }

    fn request(&mut self, socket: usize, id: TransactionId, nominate: bool, from: SocketAddr, now: Duration) {
        if !self.allowed.contains(&from.ip()) {
            if !self.elsewhere.contains(&from) && self.elsewhere.len() < MOST_ELSEWHERE {
                self.elsewhere.push(from);
            }
            return;
        }
        if !self.may_answer(now) {
            return;
        }
        let known = self.find(socket, from).or_else(|| {
            (self.pairs.len() < MOST_PAIRS).then(|| {
                self.add(socket, Remote { origin: Origin::PeerReflexive, address: from, rank: 0 }, now)
            })
        });
        let Some(i) = known else { return };
        let answer = Check::Success { id, seen: from }.encode(&self.keys);
        self.outbox.push_back(Transmit { socket, ..Transmit::new(from, answer) });
        let pair = &mut self.pairs[i];
        pair.heard += 1;
        if nominate && !self.leads {
            self.chosen = Some(Chosen { socket, remote: from, rtt: pair.rtt });
        } else if pair.answered == 0 && self.chosen.is_none() && !self.triggered.contains(&i) {
            // RFC 8445 7.3.1.4: what came through one way may come through the other way now.
            self.triggered.push_back(i);
        }
    }

    fn success(
        &mut self,
        socket: usize,
        id: TransactionId,
        seen: SocketAddr,
        from: SocketAddr,
        now: Duration,
    ) {
        // RFC 8445 7.2.5.2.1: from where it was asked, at the socket that asked; each answer counts once.
        let Some(open) = self.open.get(&id).filter(|o| o.socket == socket && o.to == from) else {
            self.strangers += 1;
            return;
        };
        let (rtt, nominates) = (now.saturating_sub(open.at), open.nominates);
        self.open.remove(&id);
        let found = self.find(socket, from);
        let i = match found {
            Some(i) => i,
            None if self.pairs.len() < MOST_PAIRS => {
                self.add(socket, Remote { origin: Origin::PeerReflexive, address: from, rank: 0 }, now)
            }
            None => return,
        };
        let pair = &mut self.pairs[i];
        pair.answered += 1;
        pair.seen = Some(seen);
        pair.rtt = Some(pair.rtt.map_or(rtt, |least| least.min(rtt)));
        let rtt = pair.rtt;
        self.first_valid.get_or_insert(now);
        if nominates && self.leads && self.chosen.is_none() {
            self.chosen = Some(Chosen { socket, remote: from, rtt });
        }
    }

    fn may_answer(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.answers.0) >= Duration::from_secs(1) {
            self.answers = (now, 0);
        }
        self.answers.1 += 1;
        self.answers.1 <= MOST_ANSWERS
    }

    fn find(&self, socket: usize, remote: SocketAddr) -> Option<usize> {
        self.pairs.iter().position(|p| p.socket == socket && p.remote.address == remote)
    }

    fn add(&mut self, socket: usize, remote: Remote, now: Duration) -> usize {
        // Our end is the socket itself: RFC 8445 6.1.2.4 puts the base in a reflexive candidate's place.
        let own = candidate_priority(&Remote { origin: Origin::Host, rank: 0, ..remote });
        let theirs = candidate_priority(&remote);
        let (g, d) = if self.leads { (own, theirs) } else { (theirs, own) };
        self.pairs.push(Pair {
            socket,
            remote,
            priority: pair_priority(g, d),
            sent: 0,
            answered: 0,
            heard: 0,
            seen: None,
            rtt: None,
            error: None,
            next: now,
            failed: false,
        });
        self.pairs.len() - 1
    }

    /// What to do next. `Done` once a pair is chosen; datagrams may still be handed over, and are answered.
    pub fn poll(&mut self, now: Duration) -> Step {
        if let Some(answer) = self.outbox.pop_front() {
            return Step::Transmit(answer);
        }
        if self.chosen.is_some() {
            return Step::Done;
        }
        if let Some(nomination) = self.nominate(now) {
            return Step::Transmit(nomination);
        }
        let mut until = now + AGAIN_WAITING;
        if now >= self.next_send {
            if let Some(i) = self.due(now) {
                self.next_send = now + PACE;
                return Step::Transmit(self.check_pair(i, now));
            }
            until = self.pairs.iter().map(|p| p.next).min().unwrap_or(until).min(until);
        } else {
            until = until.min(self.next_send);
        }
        if let Some(target) = self.next_target(now) {
            return Step::Transmit(self.check(target, false, now));
        }
        if !self.search.is_empty() {
            until = until.min(self.next_search);
        }
        if self.leads && self.first_valid.is_some() {
            until = until.min(now + NOMINATE_AGAIN / 4);
        }
        Step::Wait(until.max(now + Duration::from_millis(1)))
    }

    /// The pair whose turn it is: one that just came through the other way, else the best of those that are due.
    fn due(&mut self, now: Duration) -> Option<usize> {
        if let Some(i) = self.triggered.pop_front() {
            return Some(i);
        }
        let due = self.pairs.iter().enumerate().filter(|(_, p)| p.next <= now);
        due.min_by_key(|(_, p)| (p.next, std::cmp::Reverse(p.priority))).map(|(i, _)| i)
    }

    fn check_pair(&mut self, i: usize, now: Duration) -> Transmit {
        let again = if now.saturating_sub(self.start) < EAGER { AGAIN } else { AGAIN_WAITING };
        // RFC 8445 14.3: never faster than a round over all pairs.
        let again = again.max(PACE * self.pairs.len() as u32);
        let pair = &mut self.pairs[i];
        pair.sent += 1;
        pair.next = now + again;
        let target = (pair.socket, pair.remote.address);
        self.check(target, false, now)
    }

    fn next_target(&mut self, now: Duration) -> Option<Target> {
        if now < self.next_search || self.first_valid.is_some() {
            return None;
        }
        let target = *self.search.get(self.searched % self.search.len().max(1))?;
        self.searched += 1;
        let round = self.searched.is_multiple_of(self.search.len());
        let spent = SEARCH_PACE * self.search.len() as u32;
        self.next_search = now + if round { SEARCH_ROUND.saturating_sub(spent) } else { SEARCH_PACE };
        Some(target)
    }

    fn check(&mut self, (socket, to): Target, nominates: bool, now: Duration) -> Transmit {
        self.made += 1;
        let mut id = [0; 12];
        id.copy_from_slice(&hmac::sign(&self.ids, &self.made.to_be_bytes()).as_ref()[..12]);
        if self.open.len() >= MOST_OPEN {
            let oldest = self.open.iter().min_by_key(|(_, open)| open.at).map(|(id, _)| *id);
            oldest.map(|id| self.open.remove(&id));
        }
        self.open.insert(id, Open { socket, to, at: now, nominates });
        let origin = Remote { origin: Origin::PeerReflexive, address: to, rank: 0 };
        let priority = candidate_priority(&origin);
        let check = Check::Request { id, priority, nominate: nominates };
        Transmit { socket, ..Transmit::new(to, check.encode(&self.keys)) }
    }

    /// RFC 8445 8.1.1: the leader says which pair is used, once the best that may still come has had its time.
    fn nominate(&mut self, now: Duration) -> Option<Transmit> {
        let since = self.first_valid.filter(|_| self.leads)?;
        if let Some((i, begun, next)) = self.nominated {
            if now >= begun + NOMINATE_FOR {
                self.pairs[i].failed = true;
                self.nominated = None;
            } else if now < next {
                return None;
            } else {
                self.nominated = Some((i, begun, now + NOMINATE_AGAIN));
                let target = (self.pairs[i].socket, self.pairs[i].remote.address);
                return Some(self.check(target, true, now));
            }
        }
        let best = |pairs: &[Pair], valid: bool| {
            let open = pairs.iter().enumerate().filter(|(_, p)| !p.failed && (p.answered > 0 || !valid));
            open.max_by_key(|(_, p)| p.priority).map(|(i, p)| (i, p.rtt))
        };
        let (i, rtt) = best(&self.pairs, true)?;
        let settled = now >= since + SETTLE + rtt.unwrap_or_default();
        if !settled && best(&self.pairs, false).is_some_and(|(top, _)| top != i) {
            return None;
        }
        self.nominated = Some((i, now, now + NOMINATE_AGAIN));
        let target = (self.pairs[i].socket, self.pairs[i].remote.address);
        Some(self.check(target, true, now))
    }
}

#[cfg(test)]
#[path = "machine/tests.rs"]
mod tests;
