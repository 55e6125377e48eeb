//! The one place where observations are gathered, and where it shows what is still awaited; judges nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::udp;
use crate::model::facts::{
    ConnectorLog, ControllerTcp, DateClock, DnsAnswer, DnsBeside, Facts, FallbackDns, FallbackTcp,
    GatewayWord, HttpAnswer, MappingLifetime, NatSeries, NtpAnswer, PathHops, PathMtu, PlainAnswer,
    QuicControl, QuicSession, QuicVariant, QuicVersions, RefusalTrace, RelayTcp, ResourceSeen, SecondOpinion,
    SegmentTrial, ServiceTcp, StandInTcp, StunAnswer, StunAnywhere, StunOverTcp, Target, TcpConnected,
    TlsSession, TlsTrial,
};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome};

/// A kind of observation that has a place among the facts.
pub trait Recorded: Clone + Send + Sized + 'static {
    /// What is awaited, for people.
    const LABEL: &'static str;
    /// Puts it where it belongs.
    fn record(observation: Observation<Self>, facts: &mut Facts);
}

/// One row a kind: type, label, place among the facts.
macro_rules! recorded {
    ($($kind:ty, $label:literal, $($place:ident).+;)+) => {
        $(impl Recorded for $kind {
            const LABEL: &'static str = $label;
            fn record(observation: Observation<Self>, facts: &mut Facts) {
                facts.$($place).+.push(observation);
            }
        })+
    };
}

recorded! {
    NtpAnswer, "time servers", ntp;
    StunAnswer, "STUN servers", stun;
    SecondOpinion, "STUN, second opinion", stun_second;
    StunOverTcp, "STUN over TCP", stun_tcp;
    StunAnywhere, "STUN, from elsewhere", stun_anywhere;
    NatSeries, "NAT behaviour", nat;
    MappingLifetime, "how long mappings live (minutes)", lifetime;
    PathHops, "hops", hops;
    GatewayWord, "gateway", gateway;
    PathMtu, "packet sizes", mtu;
    DnsAnswer, "resolvers", dns;
    DnsBeside, "resolvers, another name", dns_beside;
    TcpConnected, "TCP control", tcp_controls;
    ControllerTcp, "Controller, TCP", control.tcp;
    TlsSession, "Controller, TLS", control.tls;
    HttpAnswer, "Controller, HTTP", control.http;
    PlainAnswer, "port 80", control.plain;
    RelayTcp, "relays", control.relays;
    ServiceTcp, "services", control.services;
    StandInTcp, "relays' ports elsewhere", control.stand_in;
    RefusalTrace, "who refuses", control.refusals;
    SegmentTrial, "small segments", control.segments;
    TlsTrial, "another TLS handshake", control.tls_trials;
    DateClock, "Date", control.dates;
    FallbackTcp, "TCP to public resolvers", fallback.tcp;
    FallbackDns, "public resolvers", fallback.dns;
    QuicSession, "QUIC", quic.handshakes;
    QuicVersions, "QUIC versions", quic.versions;
    QuicControl, "QUIC's TCP control", quic.controls;
    QuicVariant, "QUIC, another shape", quic.variants;
}

/// There is one log, not a list of them.
impl Recorded for ConnectorLog {
    const LABEL: &'static str = "the Connector's log";

    fn record(observation: Observation<Self>, facts: &mut Facts) {
        facts.connector_log = Some(observation);
    }
}

type Keep = Box<dyn FnOnce(&mut Facts) + Send>;
type Never = Box<dyn FnOnce(NotRun, &mut Facts) + Send>;

#[derive(Default)]
struct Inner {
    /// Position in the plan to what was seen there: the report's order does not depend on who answered first.
    kept: Vec<(Order, Keep)>,
    /// Ticket to what is awaited, and what to keep if it never comes.
    awaited: BTreeMap<u64, (&'static str, Order, Never)>,
    tickets: u64,
}

/// Place in the plan: the target's position, then the address's.
pub type Order = (usize, usize);

/// Where probes report; clones share it.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Board").field(&self.awaited()).finish()
    }
}

/// What this host had nothing left for tells nothing of its target: it was not tried.
fn tried<T>(mut observation: Observation<T>) -> Observation<T> {
    let Outcome::Failed(failure) = &mut observation.outcome else { return observation };
    // Without an address of its own in that family a host says the same as without a port.
    if failure.kind == FailureKind::NoPort && observation.address.is_some_and(udp::no_source_address) {
        failure.kind = FailureKind::Unreachable;
    }
    let why = failure.detail.clone();
    observation.outcome = Outcome::NotRun(match failure.kind {
        FailureKind::Exhausted => NotRun::Exhausted(why),
        FailureKind::NoPort => NotRun::NoPort(why),
        FailureKind::NoBuffers => NotRun::NoBuffers(why),
        _ => return observation,
    });
    observation
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves whole observations: each is pushed at once.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is still awaited: each label with how often it is.
    pub fn awaited(&self) -> Vec<(&'static str, usize)> {
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (label, ..) in self.lock().awaited.values() {
            *counts.entry(label).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    /// Keeps a resolved name.
    pub fn target(&self, order: Order, target: Target) {
        self.lock().kept.push((order, Box::new(move |facts| facts.targets.push(target))));
    }

    /// Keeps an observation that was made on the way to another one.
    pub fn keep<T: Recorded>(&self, order: Order, observation: Observation<T>) {
        let mut observation = tried(observation);
        name_own_route(&mut observation);
        self.lock().kept.push((order, Box::new(move |facts| T::record(observation, facts))));
    }

    /// Awaits what is seen of the n-th Resource; should the run end first, it stays as it was listed, not run.
    pub fn await_resource(&self, number: usize) -> u64 {
        let mut inner = self.lock();
        inner.tickets += 1;
        let ticket = inner.tickets;
        let never = Box::new(move |why, facts: &mut Facts| {
            if let Some(resource) = facts.resources.get_mut(number) {
                resource.seen = Outcome::NotRun(why);
            }
        });
        inner.awaited.insert(ticket, ("Resources", (usize::MAX, number), never));
        ticket
    }

    /// Keeps what was seen of the n-th Resource.
    pub fn resource(&self, ticket: u64, number: usize, seen: ResourceSeen) {
        let mut inner = self.lock();
        inner.awaited.remove(&ticket);
        let keep = move |facts: &mut Facts| {
            if let Some(resource) = facts.resources.get_mut(number) {
                resource.seen = Outcome::Seen(seen);
            }
        };
        inner.kept.push(((usize::MAX, number), Box::new(keep)));
    }

    /// Awaits an observation and keeps it; should the run end first, `cut` is kept with the reason.
    pub async fn observe<T: Recorded>(
        &self,
        order: Order,
        cut: Observation<()>,
        work: impl Future<Output = Observation<T>>,
    ) -> Observation<T> {
        let ticket = Ticket(self, {
            let mut inner = self.lock();
            inner.tickets += 1;
            let ticket = inner.tickets;
            let never = Box::new(move |why, facts: &mut Facts| {
                T::record(Observation { outcome: Outcome::NotRun(why), ..blank(cut) }, facts);
            });
            inner.awaited.insert(ticket, (T::LABEL, order, never));
            ticket
        });
        let mut observation = tried(work.await);
        name_own_route(&mut observation);
        drop(ticket);
        let kept = observation.clone();
        self.lock().kept.push((order, Box::new(move |facts| T::record(kept, facts))));
        observation
    }

    /// Everything observed, in the order of the plan; what is still awaited was not run, because of `why`.
    pub fn finish(&self, why: &NotRun, facts: &mut Facts) {
        let Inner { mut kept, awaited, .. } = std::mem::take(&mut *self.lock());
        for (_, order, never) in awaited.into_values() {
            let why = why.clone();
            kept.push((order, Box::new(move |facts| never(why, facts))));
        }
        kept.sort_by_key(|(order, _)| *order);
        for (_, keep) in kept {
            keep(facts);
        }
    }
}

/// A place among what is awaited. Whoever gives the waiting up, as of no use any more, leaves nothing; at the run's end all that is still
/// awaited has been taken before.
struct Ticket<'a>(&'a Board, u64);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.lock().awaited.remove(&self.1);
    }
}

/// What failed here without anybody's word is asked of this host's own routing.
fn name_own_route<T>(observation: &mut Observation<T>) {
    use FailureKind::{Denied, Io, Unreachable};
    let (Some(address), Outcome::Failed(failure)) = (observation.address, &mut observation.outcome) else {
        return;
    };
    let ours = failure.offender.is_none() && matches!(failure.kind, Denied | Io | Unreachable);
    if ours && udp::own_route_refuses(address) {
        (failure.kind, failure.conclusive) = (FailureKind::NoRoute, true);
    }
}

fn blank<T>(cut: Observation<()>) -> Observation<T> {
    let Observation { target, address, at_us, took_us, .. } = cut;
    Observation { target, address, at_us, took_us, outcome: Outcome::NotRun(NotRun::NotAsked) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_cut_is_kept_with_its_reason_in_the_order_of_the_plan() {
        let board = Board::default();
        let cut = |target: &str| Observation {
            target: target.to_owned(),
            address: None,
            at_us: 7,
            took_us: 0,
            outcome: Outcome::Seen(()),
        };
        let seen = Observation {
            outcome: Outcome::Seen(SecondOpinion { reachable: true, mapped: None }),
            ..blank(cut("b"))
        };
        board.observe((1, 0), cut("b"), std::future::ready(seen)).await;
        let mut stuck = Box::pin(board.observe::<SecondOpinion>((0, 0), cut("a"), std::future::pending()));
        let given_up = board.observe::<SecondOpinion>((0, 0), cut("c"), std::future::pending());
        for ended in [
            tokio::time::timeout(std::time::Duration::ZERO, &mut stuck).await,
            tokio::time::timeout(std::time::Duration::ZERO, given_up).await,
        ] {
            assert!(ended.is_err());
        }
        assert_eq!(board.awaited(), [("STUN, second opinion", 1)]);
        let mut facts = Facts::default();
        board.finish(&NotRun::Interrupted, &mut facts);
        let got: Vec<_> = facts.stun_second.iter().map(|o| (o.target.as_str(), o.seen().is_some())).collect();
        assert_eq!(got, [("a", false), ("b", true)]);
        assert_eq!(facts.stun_second[0].outcome, Outcome::NotRun(NotRun::Interrupted));
    }
}
