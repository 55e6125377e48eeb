//! Where this host's resolvers give nothing, or lie: public resolvers, asked by address, and TCP 443 to two of them; judges nothing.
//!
//! It begins on silence or on a lie, never before, and is left as soon as a configured resolver serves after all: a healthy run waits for
//! none of it. Asked are the vendor's and the built-in defaults' names, and no other.

pub(super) mod names;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::board::Board;
use super::{dns, micros, tcp};
use crate::config::Meant;
use crate::config::last_known::{HTTPS, PUBLIC_RESOLVERS};
use crate::env::Env;
use crate::model::facts::{DnsAnswer, FallbackBegan, FallbackDns, FallbackReason, FallbackTcp, Host};
use crate::model::observation::{Observation, Outcome};

/// So long configured resolvers may be silent.
const SILENCE: Duration = Duration::from_millis(300);
/// So much later than that a name's own failure still waits for the beginning.
const MARGIN: Duration = Duration::from_millis(50);
/// RFC 1035 4.1.1.
const NO_ERROR: u16 = 0;
const NAME_ERROR: u16 = 3;

/// What became of one configured resolver's questions so far.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    asked: usize,
    ended: usize,
}

/// What is known of public resolvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Living {
    /// None has answered yet.
    Awaited,
    /// The first that answered.
    One(SocketAddr),
    /// Not one does.
    None,
}

/// Whether it began, and who answers. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    env: Env,
    board: Board,
    /// Who turned it off.
    off: Option<String>,
    /// The public resolvers and the addresses for TCP that this host has a way to.
    resolvers: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    /// Whether there is a way to addresses of IPv4, and of IPv6.
    ways: [bool; 2],
    /// What every public resolver is asked.
    question: String,
    end: Duration,
    began: watch::Sender<Option<FallbackBegan>>,
    living: watch::Sender<Living>,
    /// Whether a configured resolver serves.
    serves: watch::Sender<bool>,
    heard: Arc<Mutex<BTreeMap<SocketAddr, Heard>>>,
    /// This host had no port or descriptor left to ask with.
    own_want: Arc<AtomicBool>,
}

impl Fallback {
    pub(super) fn new(
        env: &Env,
        board: &Board,
        meant: &Meant,
        host: &Host,
        question: String,
        end: Duration,
    ) -> Self {
        let routed = |v6: bool| host.default_routes.iter().any(|route| route.ipv6 == v6);
        // Where no route could be read nothing speaks against IPv4.
        let ways = [routed(false) || !routed(true), routed(true)];
        let way = |ip: &IpAddr| meant.family.allows(*ip) && ways[usize::from(ip.is_ipv6())];
        let at = |addresses: &[IpAddr], port| -> Vec<SocketAddr> {
            addresses.iter().filter(|ip| way(ip)).map(|ip| SocketAddr::new(*ip, port)).collect()
        };
        Self {
            env: env.clone(),
            board: board.clone(),
            off: meant.fallback_off(),
            resolvers: at(PUBLIC_RESOLVERS, 53),
            https: at(HTTPS, 443),
            question,
            ways,
            end,
            began: watch::Sender::new(None),
            living: watch::Sender::new(Living::Awaited),
            serves: watch::Sender::new(false),
            heard: Arc::default(),
            own_want: Arc::default(),
        }
    }

    /// Who turned it off.
    pub(super) fn off(&self) -> Option<String> {
        self.off.clone()
    }

    /// When and why it began, if it did.
    pub(super) fn began(&self) -> Option<FallbackBegan> {
        self.began.borrow().clone()
    }

    /// Whether this host has a way to an address at all.
    pub(super) fn has_way(&self, ip: IpAddr) -> bool {
        self.ways[usize::from(ip.is_ipv6())]
    }

    /// Whether what was begun is still of use: no configured resolver serves.
    pub(super) fn needed(&self) -> bool {
        self.began.borrow().is_some() && !*self.serves.borrow()
    }

    /// Begins, unless it has begun or is off.
    fn begin(&self, why: FallbackReason) {
        if self.off.is_some() || self.own_want.load(Ordering::Relaxed) {
            return;
        }
        let at_us = micros(self.env.elapsed());
        self.began.send_if_modified(|began| {
            let first = began.is_none();
            if first {
                *began = Some(FallbackBegan { at_us, why });
            }
            first
        });
    }

    /// Waits until it has begun; for ever where it never does.
    pub(super) async fn has_begun(&self) {
        let mut began = self.began.subscribe();
        if began.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it has begun by the time at which silence counts.
    async fn begins(&self) -> bool {
        let wait = (SILENCE + MARGIN).saturating_sub(self.env.elapsed());
        self.off.is_none() && tokio::time::timeout(wait, self.has_begun()).await.is_ok()
    }

    /// A question is put to a configured resolver.
    pub(super) fn asking(&self, resolver: SocketAddr) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).entry(resolver).or_default().asked += 1;
    }

    /// What came of it.
    pub(super) fn heard(&self, resolver: SocketAddr, answer: &Observation<DnsAnswer>) {
        if let Outcome::NotRun(why) = &answer.outcome
            && why.own_want().is_some()
        {
            // Nobody was asked: that is this host's want, not the resolvers'.
            self.own_want.store(true, Ordering::Relaxed);
        }
        if answer.seen().is_some_and(useful) {
            self.serves.send_replace(true);
        }
        let all_ended = {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.entry(resolver).or_default().ended += 1;
            heard.values().all(|h| h.ended >= h.asked)
        };
        if all_ended && !*self.serves.borrow() {
            self.begin(FallbackReason::ServesNothing);
        }
    }

    /// Watches over the beginning, and asks what needs no name once it comes. Its end is waited for only where it is needed.
    pub(super) async fn oversee(self) {
        if self.off.is_some() {
            return;
        }
        if self.heard.lock().unwrap_or_else(PoisonError::into_inner).is_empty() && !*self.serves.borrow() {
            self.begin(FallbackReason::ServesNothing);
        }
        let wait = SILENCE.saturating_sub(self.env.elapsed());
        if tokio::time::timeout(wait, self.has_begun()).await.is_err() && !*self.serves.borrow() {
            self.begin(FallbackReason::Silent);
        }
        self.has_begun().await;
        tokio::join!(self.ask_resolvers(), self.connect());
    }

    /// One question to every public resolver; the first that answers is asked for names.
    async fn ask_resolvers(&self) {
        let mut asked = JoinSet::new();
        for (i, resolver) in self.resolvers.iter().copied().enumerate() {
            let own = self.clone();
            asked.spawn(async move {
                let left = own.end.saturating_sub(own.env.elapsed());
                let answer =
                    dns::ask(&own.env, resolver, &own.question, dns::Record::A, left, dns::Until::Either)
                        .await;
                if answer.seen().is_some_and(|a| matches!(a.rcode, NO_ERROR | NAME_ERROR)) {
                    own.learn(Living::One(resolver));
                }
                own.board.keep((0, i), answer.map(FallbackDns));
            });
        }
        while asked.join_next().await.is_some() {}
        self.learn(Living::None);
    }

    /// The first word on public resolvers stands.
    fn learn(&self, living: Living) {
        self.living.send_if_modified(|known| {
            let first = *known == Living::Awaited;
            if first {
                *known = living;
            }
            first
        });
    }

    /// TCP 443: whether anything gets out at all.
    async fn connect(&self) {
        let mut tried = JoinSet::new();
        for (i, address) in self.https.iter().copied().enumerate() {
            let own = self.clone();
            tried.spawn(async move {
                let left = own.end.saturating_sub(own.env.elapsed());
                let seen = tcp::connect(&own.env, &address.to_string(), address, left).await;
                own.board.keep((0, i), seen.map(FallbackTcp));
            });
        }
        while tried.join_next().await.is_some() {}
    }

    /// The public resolver that answers, as soon as one does; none where none does.
    async fn living(&self) -> Option<SocketAddr> {
        self.has_begun().await;
        let mut living = self.living.subscribe();
        match living.wait_for(|living| *living != Living::Awaited).await.as_deref() {
            Ok(Living::One(resolver)) => Some(*resolver),
            _ => None,
        }
    }
}

/// An answer that serves, the way programs ask: names, or that there is none.
fn useful(answer: &DnsAnswer) -> bool {
    matches!(answer.rcode, NO_ERROR | NAME_ERROR) && answer.over_udp.is_none()
}
