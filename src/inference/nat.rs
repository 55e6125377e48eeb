//! What STUN shows of the NAT in front of this host, and as whom it appears. Pure.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::model::address::{is_global, is_private};
use crate::model::facts::{Facts, NatAsk, NatReply, NatSeries, StunAnswer};
use crate::model::observation::{FailureKind, Observation};
use crate::proto::stun::behaviour::judge::{filtering, mapping};
use crate::proto::stun::behaviour::{
    Ask, Filtering, Mapping, Observation as Asked, Observations, Path, Plan, Reply,
};
use crate::proto::stun::transaction::Strays;

/// A series, and what it shows of the NAT.
#[derive(Debug)]
pub struct Behaviour {
    /// The series in the words of the protocol's judge.
    pub seen: Observations,
    /// How it maps.
    pub mapping: Mapping,
    /// Whom it lets in.
    pub filtering: Filtering,
}

/// What is known of NATs on the way.
#[derive(Debug)]
pub struct Nat {
    /// The series, where it was finished.
    pub behaviour: Option<Behaviour>,
    /// The distinct addresses as which servers see this host, IPv4 first.
    pub public: Vec<IpAddr>,
    /// The gateway's outer address, where it is no public one: a second NAT for certain.
    pub outer: Option<IpAddr>,
    /// Answers that were changed on the way, or that contradict each other (RFC 5780 3.6), a line each.
    pub tampered: Vec<String>,
    /// A STUN server answered, and nobody changes answers.
    pub stun_works: bool,
    /// Global addresses as which servers see this host: beside them a private one of its own is not believed.
    seen_globally: bool,
}

impl Nat {
    pub(super) fn of(facts: &Facts) -> Self {
        let answered = facts.stun.iter().any(|o| o.seen().is_some() && o.address.is_some());
        let seen_globally = seen_globally(facts);
        let tampered = tampered(facts, seen_globally);
        let series = facts.nat.iter().find_map(Observation::seen).map(observations);
        Self {
            behaviour: series.map(|seen| Behaviour {
                mapping: mapping(&seen),
                filtering: filtering(&seen),
                seen,
            }),
            public: public(facts, seen_globally),
            outer: facts.gateway.iter().find_map(|o| o.seen()?.external).filter(|ip| is_private(*ip)),
            stun_works: answered && tampered.is_empty(),
            tampered,
            seen_globally,
        }
    }

    /// Whether a server's word on this host's address is believed.
    pub fn believes(&self, o: &Observation<StunAnswer>) -> bool {
        o.seen().is_some_and(|answer| believed(answer, o.address, self.seen_globally))
    }
}

/// Whether a server beyond this host's networks sees a global IPv4 address.
fn seen_globally(facts: &Facts) -> bool {
    let seen = facts.stun.iter().filter_map(|o| Some((o.address?, o.seen()?)));
    seen.filter(|(server, _)| is_global(server.ip()))
        .any(|(_, a)| a.mapped.is_ipv4() && is_global(a.mapped.ip()))
}

/// A server on the internet sees no private address of ours where others there see a global one.
fn believed(answer: &StunAnswer, server: Option<SocketAddr>, seen_globally: bool) -> bool {
    let far = server.is_some_and(|server| server.is_ipv4() && is_global(server.ip()));
    !(far && seen_globally && is_private(answer.mapped.ip()))
}

fn public(facts: &Facts, seen_globally: bool) -> Vec<IpAddr> {
    let seen = facts.stun.iter().filter_map(|o| Some((o.address, o.seen()?)));
    // What TCP connections show comes after: the Controller sees that.
    let seen = seen.chain(facts.stun_tcp.iter().filter_map(|o| Some((o.address, &o.seen()?.0))));
    let seen =
        seen.filter(|(server, answer)| believed(answer, *server, seen_globally)).map(|(_, answer)| answer);
    let mut ips = distinct(seen.map(|answer| answer.mapped.ip().to_canonical()));
    ips.sort_by_key(IpAddr::is_ipv6);
    ips
}

/// Each address once, in order.
pub fn distinct(ips: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for ip in ips {
        if !found.contains(&ip) {
            found.push(ip);
        }
    }
    found
}

fn tampered(facts: &Facts, seen_globally: bool) -> Vec<String> {
    // Shown where another server's word stands against it.
    let others = facts.stun.iter().any(|o| o.seen().is_some());
    let impossible = facts.stun.iter().filter(|_| others).filter_map(|o| {
        let failure = o.failure().filter(|f| f.kind == FailureKind::Implausible)?;
        Some(format!("{}: {}", o.target, failure.detail))
    });
    let seen = || facts.stun.iter().filter_map(|o| o.seen().map(|a| (o, &o.target, a)));
    let private = seen().filter(|(o, _, a)| !believed(a, o.address, seen_globally)).map(|(_, target, a)| {
        format!("{target}: {} as this host's address, a private one, where others see a global one", a.mapped)
    });
    let changed = seen().filter_map(|(_, target, a)| {
        match a.mapped_plain.filter(|plain| a.xor && *plain != a.mapped) {
            Some(plain) => {
                Some(format!("{target}: MAPPED-ADDRESS is {plain}, XOR-MAPPED-ADDRESS {}", a.mapped))
            }
            None if a.conflicts > 0 => {
                Some(format!("{target}: two answers to one request contradict each other"))
            }
            None => None,
        }
    });
    impossible.chain(private).chain(changed).collect()
}

/// The facts in the words of the protocol's judge.
fn observations(series: &NatSeries) -> Observations {
    let paths: Vec<Path> = series.paths.iter().map(|p| Path { to: p.to, from: p.from }).collect();
    let plan = match paths.as_slice() {
        [primary, other] if series.alternate => Plan::Alternate { primary: *primary, other: *other },
        _ => Plan::Several(paths),
    };
    let asked = series.asked.iter().map(|asked| Asked {
        socket: asked.socket,
        local: asked.local,
        to: asked.to,
        ask: match asked.ask {
            NatAsk::Plain => Ask::Plain,
            NatAsk::ChangePort => Ask::ChangePort,
            NatAsk::ChangeBoth => Ask::ChangeBoth,
        },
        sent: Duration::from_micros(asked.sent_us),
        reply: asked.reply.map(|reply| match reply {
            NatReply::Mapped { from, mapped, at_us } => {
                Reply::Mapped { from, mapped, at: Duration::from_micros(at_us) }
            }
            NatReply::Refused(code) => Reply::Refused(code),
        }),
    });
    Observations {
        plan,
        asked: asked.collect(),
        errors: Vec::new(),
        strays: Strays::default(),
        patience: Duration::from_micros(series.patience_us),
        ended: Duration::from_micros(series.ended_us),
    }
}
