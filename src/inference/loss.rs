//! Whether silence means anything: on a lossy path a server that lives may seem dead. Pure.
//!
//! A silence counts where loss explains it once in a thousand times at most: `p^n <= 1/1000`, for `n` tries that lie apart in time and the
//! greatest loss `p` that the run's own series allows. Tries of several questions at the same instants count once: losses come in bursts.

use std::time::Duration;

use super::flows::fate_known;
use crate::model::facts::{DnsTransport, Facts, NatRequest, NatSeries};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, Phase, ProbeFailure};
use crate::proto::{SENDS, ntp};

/// How rarely loss may pass for a verdict.
const DOUBT: f64 = 1.0 / 1000.0;

/// The loss to reckon with where the run knows nothing of it: the 5 tries of a first contact are then just enough.
const UNKNOWN_LOSS: f64 = 0.25;

/// So many connections tell of a way of their own.
const ENOUGH_CONNECTIONS: usize = 3;

/// The standard score of a bound to reckon with: 95 of 100 times it holds.
const Z95: f64 = 1.96;

/// What a run knows of loss on its path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// Request-and-answer pairs of its series, and of first contacts that were answered.
    pub sent: usize,
    /// How many of these were lost.
    pub lost: usize,
    /// The greatest loss that the run allows, as a share: of these pairs, and of the search for NATs.
    bound: f64,
    /// The same of connections over TCP: a policer of UDP excuses no silence of theirs.
    tcp_bound: f64,
}

impl Loss {
    /// What the run shows: its series, its first contacts, which lie farther apart and so meet other bursts, and the search for NATs.
    pub(super) fn of(facts: &Facts) -> Self {
        let (sent, lost) = all_pairs(facts);
        let hops = facts.hops.iter().filter_map(Observation::seen).flat_map(|path| &path.hops);
        let hops = hops.filter(|hop| hop.opened == Some(true)).map(|hop| hop.asked as usize);
        let hops = hops.map(|asked| (asked, asked.saturating_sub(1)));
        let bound = greatest(hops.fold((sent, lost), |(sent, lost), more| (sent + more.0, lost + more.1)));
        // Where hardly any connection stood, what UDP shows is all that is known of the way.
        let connections = connections(facts);
        let tcp_bound = if connections.0 < ENOUGH_CONNECTIONS { bound } else { greatest(connections) };
        Self { sent, lost, bound, tcp_bound }
    }

    /// Whether so many tries, all in vain, are more than loss.
    pub fn improbable(&self, tries: u32) -> bool {
        improbable(self.bound, tries)
    }

    /// Whether a failure stands: somebody's word does, silence only where it was waited for in full and loss does not explain it.
    pub fn proven(&self, failure: &ProbeFailure) -> bool {
        failure.conclusive && (failure.kind != FailureKind::Timeout || self.is_silence(failure))
    }

    /// Whether a failure is a silence that loss does not explain, however long was waited.
    pub fn is_silence(&self, failure: &ProbeFailure) -> bool {
        if failure.kind != FailureKind::Timeout {
            return false;
        }
        // No verdict on the network rests on what was not sent. Facts of other phases need not say how often was tried.
        let counts = matches!(failure.phase, Phase::Socket | Phase::Send | Phase::Receive | Phase::Connect);
        let bound = if failure.phase == Phase::Connect { self.tcp_bound } else { self.bound };
        if failure.sent == 0 { !counts } else { improbable(bound, failure.sent) }
    }
}

/// The greatest loss that pairs and how many of them were lost allow.
fn greatest(pairs: (usize, usize)) -> f64 {
    match pairs {
        (0, _) => UNKNOWN_LOSS,
        // Nothing lost, however seldom it was tried, is no worse than nothing known.
        (sent, 0) => wilson(0, sent, Z95).1.min(UNKNOWN_LOSS),
        (sent, lost) => wilson(lost, sent, Z95).1,
    }
}

fn improbable(bound: f64, tries: u32) -> bool {
    bound.powi(i32::try_from(tries).unwrap_or(i32::MAX)) <= DOUBT
}

/// Connections that stood, and how many of them needed more than one try.
fn connections(facts: &Facts) -> (usize, usize) {
    /// A second try leaves so much later than the first, microseconds; less is this host's own delay.
    const AGAIN_US: u64 = 250_000;
    fn of<'a, T>(all: &'a [Observation<T>], us: impl Fn(&T) -> u64 + 'a) -> impl Iterator<Item = bool> + 'a {
        all.iter().filter_map(move |o| Some(o.took_us >= us(o.seen()?).saturating_add(AGAIN_US)))
    }
    let control = &facts.control;
    let stood = of(&control.tcp, |t| t.0.connect_us)
        .chain(of(&control.relays, |t| t.0.connect_us))
        .chain(of(&control.services, |t| t.0.connect_us))
        .chain(of(&facts.tcp_controls, |t| t.connect_us))
        .chain(of(&facts.fallback.tcp, |t| t.0.connect_us));
    stood.fold((0, 0), |(sent, lost), again| (sent + 1 + usize::from(again), lost + usize::from(again)))
}

fn all_pairs(facts: &Facts) -> (usize, usize) {
    let series = facts.nat.iter().filter_map(Observation::seen).map(pairs);
    let stun = facts.stun.iter().filter_map(|o| Some((o, o.seen()?)));
    let stun = stun.map(|(o, a)| tries(&SENDS, o.took_us, a.rtt_us, a.sent));
    let dns = facts
        .dns
        .iter()
        .filter_map(|o| Some((o, o.seen()?)))
        .filter(|(_, a)| a.transport == DnsTransport::Udp);
    let dns = dns.map(|(o, a)| tries(&SENDS, o.took_us, a.rtt_us, a.sent));
    let ntp = facts.ntp.iter().filter_map(|o| Some((o, o.seen()?)));
    let ntp = ntp.map(|(o, a)| tries(&ntp::SENDS, o.took_us, a.delay_ns.unsigned_abs() / 1000, a.sent));
    let all = series.chain(stun).chain(dns).chain(ntp);
    all.fold((0, 0), |(sent, lost), more| (sent + more.0, lost + more.1))
}

/// How many tries of a first contact that was answered are known to have been answered or lost, and how many were lost.
fn tries(sends: &[Duration], took_us: u64, rtt_us: u64, sent: u32) -> (usize, usize) {
    let awaited = rtt_us.saturating_add((rtt_us / 4).max(60_000));
    let lost = sends
        .iter()
        .take(sent as usize)
        .filter(|at| awaited.saturating_add(at.as_micros() as u64) <= took_us)
        .count();
    (lost + 1, lost)
}

/// Plain requests that were awaited long enough, and how many of them stayed unanswered. A destination that never
/// answered is dead, not lossy; so is a socket of which not one request of several was answered there, while another's was: a NAT
/// that has no port left maps no new flow, and loses nothing of those that it has.
pub fn pairs(series: &NatSeries) -> (usize, usize) {
    const SEVERAL: usize = 3;
    let answered = |to, socket: Option<usize>| {
        let of_it = series.asked.iter().filter(|a| a.to == to && socket.is_none_or(|s| a.socket == s));
        (of_it.clone().count(), of_it.filter(|a| a.reply.is_some()).count())
    };
    let alive = |a: &NatRequest| {
        let (asked, heard) = answered(a.to, Some(a.socket));
        answered(a.to, None).1 > 0 && (heard > 0 || asked < SEVERAL)
    };
    let known = series.asked.iter().filter(|a| fate_known(series, a) && alive(a));
    known.fold((0, 0), |(sent, lost), a| (sent + 1, lost + usize::from(a.reply.is_none())))
}

/// The Wilson score interval of a share for a standard score `z` (E. B. Wilson, 1927).
pub fn wilson(hits: usize, n: usize, z: f64) -> (f64, f64) {
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// What was not tried because this host had no descriptor, memory or thread left, in words.
pub fn nothing_left<T>(observations: &[Observation<T>]) -> Option<String> {
    observations.iter().find_map(|o| match &o.outcome {
        Outcome::NotRun(NotRun::NoPort(_)) => Some("this host had no local port left to try with".to_owned()),
        Outcome::NotRun(not) => {
            not.own_want().map(|why| format!("this host had nothing left to try with: {why}"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::model::facts::{NatAsk, NatReply, NatRequest, StunAnswer};
    use crate::model::observation::Phase;

    /// A run of which `lost` of `sent` pairs were lost.
    fn run(sent: usize, lost: usize) -> Facts {
        let to: SocketAddr = ([203, 0, 113, 20], 3478).into();
        let local: SocketAddr = ([10, 0, 0, 5], 40_000).into();
        let mapped = NatReply::Mapped { from: to, mapped: local, at_us: 10_000 };
        let asked = (0..sent)
            .map(|i| NatRequest {
                socket: 1,
                local,
                to,
                ask: NatAsk::Plain,
                sent_us: 0,
                reply: (i >= lost).then_some(mapped),
            })
            .collect();
        let series = NatSeries {
            paths: Vec::new(),
            alternate: false,
            asked,
            patience_us: 60_000,
            ended_us: 1_000_000,
            strays: 0,
        };
        let observation = Observation {
            target: "stun.test:3478".to_owned(),
            address: Some(to),
            at_us: 0,
            took_us: 1_000_000,
            outcome: Outcome::Seen(series),
        };
        Facts { nat: vec![observation], ..Facts::default() }
    }

    #[test]
    fn a_first_contacts_silence_counts_unless_the_run_shows_loss() {
        assert!(Loss::of(&Facts::default()).improbable(5) && !Loss::of(&Facts::default()).improbable(4));
        // Pairs, lost of them, and the least number of tries whose silence counts.
        for (sent, lost, tries) in
            [(36, 0, 3), (21, 0, 4), (10, 0, 5), (36, 2, 5), (36, 4, 6), (36, 10, 9), (36, 18, 17)]
        {
            let loss = Loss::of(&run(sent, lost));
            let least = (1..100).find(|n| loss.improbable(*n));
            assert_eq!(least, Some(tries), "{lost} of {sent}: {loss:?}");
        }
    }

    #[test]
    fn loss_of_udp_excuses_no_silence_of_tcp() {
        use crate::model::facts::{RelayTcp, TcpConnected};
        let mut facts = run(36, 18);
        let silence = |phase| ProbeFailure {
            sent: 9,
            conclusive: true,
            ..ProbeFailure::new(phase, FailureKind::Timeout, "")
        };
        // Where no connection stood, it does.
        assert!(!Loss::of(&facts).proven(&silence(Phase::Connect)));
        let stood = |took_us| Observation {
            target: "relay.test:443".to_owned(),
            address: None,
            at_us: 0,
            took_us,
            outcome: Outcome::Seen(RelayTcp(TcpConnected {
                local: ([10, 0, 0, 5], 40_000).into(),
                connect_us: 9_000,
            })),
        };
        facts.control.relays = vec![stood(9_000), stood(9_000)];
        assert!(!Loss::of(&facts).proven(&silence(Phase::Connect)), "two are too few");
        facts.control.relays.push(stood(9_000));
        assert!(Loss::of(&facts).proven(&silence(Phase::Connect)));
        assert!(!Loss::of(&facts).proven(&silence(Phase::Receive)));
        // Connections that needed a second try show loss of their own.
        facts.control.relays = vec![stood(309_000), stood(309_000)];
        assert!(!Loss::of(&facts).proven(&silence(Phase::Connect)));
    }

    #[test]
    fn only_silence_is_doubted() {
        let loss = Loss::of(&run(36, 10));
        let failure = |kind, sent, conclusive| ProbeFailure {
            sent,
            conclusive,
            ..ProbeFailure::new(Phase::Receive, kind, "")
        };
        for (kind, sent, conclusive, expected) in [
            (FailureKind::Timeout, 5, true, false),
            (FailureKind::Timeout, 9, true, true),
            (FailureKind::Timeout, 9, false, false),
            (FailureKind::Timeout, 0, true, false),
            (FailureKind::Refused, 1, true, true),
        ] {
            assert_eq!(loss.proven(&failure(kind, sent, conclusive)), expected, "{kind:?} {sent}");
        }
    }

    /// A first contact of which the try at this place was answered.
    fn contact(answered: usize) -> Observation<StunAnswer> {
        const RTT_US: u64 = 10_000;
        let address: SocketAddr = ([203, 0, 113, 20], 3478).into();
        let took_us = SENDS[answered].as_micros() as u64 + RTT_US;
        let sent = SENDS.iter().filter(|at| at.as_micros() as u64 <= took_us).count() as u32;
        let answer = StunAnswer {
            local: address,
            mapped: address,
            mapped_plain: None,
            xor: true,
            rtt_us: RTT_US,
            sent,
            strays: 0,
            conflicts: 0,
            response_origin: None,
            other_address: None,
            software: None,
        };
        Observation {
            target: String::new(),
            address: Some(address),
            at_us: 0,
            took_us,
            outcome: Outcome::Seen(answer),
        }
    }

    #[test]
    fn first_contacts_tell_of_loss_too() {
        assert_eq!((tries(&SENDS, 10_000, 10_000, 1), tries(&SENDS, 1_510_000, 10_000, 5)), ((1, 0), (5, 4)));
        let mut facts = run(12, 0);
        facts.stun = vec![contact(4), contact(3), contact(4)];
        assert!(!Loss::of(&facts).improbable(5), "{:?}", Loss::of(&facts));
    }

    /// The chance that a resolver that lives is called dead while STUN servers answer, by loss of single packets and in bursts: a simulation,
    /// its randomness fixed.
    #[test]
    fn a_living_server_is_hardly_ever_called_dead() {
        const RUNS: u32 = 20_000;
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut chance = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        for (loss, burst_ms) in [(0.1, 1), (0.28, 1), (0.1, 150), (0.28, 50), (0.28, 150)] {
            let (mut silent, mut dead) = (0, 0);
            for _ in 0..RUNS {
                // Gilbert's model, a state a millisecond; a burst of one is a packet of its own.
                let leave = 1.0 / f64::from(burst_ms);
                let mut bad = chance() < loss;
                let lost: Vec<bool> = (0..1700)
                    .map(|_| {
                        let stay = if bad { 1.0 - leave } else { leave * loss / (1.0 - loss) };
                        let now = bad;
                        bad = chance() < if burst_ms == 1 { loss } else { stay };
                        now
                    })
                    .collect();
                let at = |i: usize, after: usize| SENDS[i].as_millis() as usize + after;
                if !(0..5).all(|i| lost[at(i, 0)]) {
                    continue;
                }
                silent += 1;
                // The STUN servers are asked a little later; then twelve pairs in each of three rounds, 30 ms apart.
                let firsts: Vec<usize> =
                    [15, 16, 25].iter().filter_map(|after| (0..5).find(|i| !lost[at(*i, *after)])).collect();
                let Some(first) = firsts.iter().min() else { continue };
                let pairs = (0..36).filter(|i| lost[at(*first, 25) + i / 12 * 30 + i % 12]).count();
                let mut facts = run(36, pairs);
                facts.stun = firsts.iter().map(|i| contact(*i)).collect();
                dead += u32::from(Loss::of(&facts).improbable(5));
            }
            let what = format!(
                "{loss} lost in bursts of {burst_ms} ms: {silent} of {RUNS} silent, {dead} called dead"
            );
            assert!(dead <= RUNS / 1000, "{what}");
        }
    }

    #[test]
    fn the_interval_is_wilsons() {
        for (hits, n, low, high) in
            [(0, 20, 0.0, 0.161), (1, 20, 0.009, 0.236), (6, 20, 0.145, 0.519), (5, 100, 0.022, 0.112)]
        {
            let (a, b) = wilson(hits, n, Z95);
            assert!((a - low).abs() < 0.001 && (b - high).abs() < 0.001, "{hits} of {n}: {a} to {b}");
        }
    }
}
