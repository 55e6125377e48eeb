//! Asks one NTP server: sntpc builds the requests and checks the answers, [`sample::judge`] checks them again; votes
//! on nothing.

mod client;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use self::client::Sent;
use super::micros;
use super::udp::{Arrival, IcmpError, UdpPort, kind_of_send};
use crate::env::Env;
use crate::model::facts::{NtpAnswer, NtpStanding};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::proto::ntp::SENDS;
use crate::proto::ntp::packet::Packet;
use crate::proto::ntp::sample::{self, Rejection, Sample};
use crate::proto::{IcmpKind, SILENCE};

/// Errors of the socket that end the questions: one may be a passing one, or forged.
const MAX_ERRORS: u32 = 2;

/// How to ask.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Ends sooner than the schedule would, if it is shorter; then silence proves nothing.
    pub timeout: Duration,
    /// Good answers wanted, 1 to 4: more only to narrow an interval. The one of the shortest round trip counts
    /// (RFC 5905 10).
    pub samples: u32,
    /// Between an answer and the next request; public servers want 2 s (iburst, RFC 5905 13).
    pub spacing: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), samples: 1, spacing: Duration::from_secs(2) }
    }
}

/// Asks `address`, which `target` names. Never fails and never blocks; ends within `plan.timeout`.
pub async fn ask(env: &Env, target: &str, address: SocketAddr, plan: Plan) -> Observation<NtpAnswer> {
    let began = env.elapsed();
    let mut asked = Asked::default();
    // The bound inside stands for itself; this one also covers what no schedule foresees.
    let outcome = match timeout(plan.timeout, asked.run(env, address, plan)).await {
        Ok(Some(failure)) if asked.best.is_none() => Outcome::Failed(asked.complete(failure)),
        _ => asked.outcome(plan),
    };
    Observation {
        target: target.to_owned(),
        address: Some(address),
        at_us: micros(began),
        took_us: micros(env.elapsed().saturating_sub(began)),
        outcome,
    }
}

/// What came of the questions so far.
#[derive(Default)]
struct Asked {
    sent: u32,
    strays: u32,
    errors: u32,
    last_error: Option<ProbeFailure>,
    best: Option<NtpAnswer>,
}

/// Why waiting ended.
enum Heard {
    Good,
    Bad { retry: bool },
    Silence,
    Error,
}

impl Asked {
    /// Asks until the plan is fulfilled; returns what made asking impossible.
    async fn run(&mut self, env: &Env, address: SocketAddr, plan: Plan) -> Option<ProbeFailure> {
        let socket = match UdpPort::connected(address) {
            Ok(socket) => socket,
            Err(error) => return Some(not_connected(&error)),
        };
        socket.stamp_arrivals();
        for round in 0..plan.samples.clamp(1, 4) {
            if round > 0 {
                tokio::time::sleep(plan.spacing).await;
            }
            if !self.round(env, &socket, address).await {
                break;
            }
        }
        None
    }

    /// One schedule: requests until one is answered. Says whether another round may follow.
    async fn round(&mut self, env: &Env, socket: &UdpPort, address: SocketAddr) -> bool {
        let mut open = Vec::new();
        for (i, at) in SENDS.iter().enumerate() {
            let until = SENDS.get(i + 1).copied().unwrap_or(SILENCE);
            match client::send(env, socket, address) {
                Ok(sent) => {
                    self.sent += 1;
                    open.push(sent);
                }
                Err(error) => {
                    let failure = ProbeFailure::from_io(Phase::Send, &error);
                    self.note(ProbeFailure { kind: failure_kind(kind_of_send(&error)), ..failure });
                }
            }
            let heard = timeout(until.saturating_sub(*at), self.hear(env, socket, address, &mut open)).await;
            match heard.unwrap_or(Heard::Silence) {
                Heard::Good => return true,
                Heard::Bad { retry: false } => return false,
                Heard::Error if self.errors >= MAX_ERRORS => return false,
                Heard::Bad { retry: true } | Heard::Error | Heard::Silence => {}
            }
        }
        false
    }

    fn note(&mut self, failure: ProbeFailure) {
        self.errors += 1;
        self.last_error = Some(failure);
    }

    /// Waits for an answer to any open request; drops and counts everything else.
    async fn hear(
        &mut self,
        env: &Env,
        socket: &UdpPort,
        address: SocketAddr,
        open: &mut Vec<Sent>,
    ) -> Heard {
        loop {
            // Two errors in a row are enough; until then the wait for the next send goes on.
            if self.errors >= MAX_ERRORS {
                return Heard::Error;
            }
            let (bytes, stamp_ns) = match socket.receive_stamped().await {
                Ok((Arrival::Datagram(bytes, _), stamp_ns)) => (bytes, stamp_ns),
                Ok((Arrival::Error(error), _)) => {
                    self.note(returned(error));
                    continue;
                }
                Err(error) => {
                    self.note(ProbeFailure::from_io(Phase::Receive, &error));
                    continue;
                }
            };
            let packet = Packet::parse(&bytes);
            let matching =
                packet.and_then(|p| Some((p, open.iter().position(|sent| sent.origin == p.origin)?)));
            let Some((packet, i)) = matching else {
                self.strays += 1;
                continue;
            };
            let (exchange, kernel_stamp) = open[i].exchange(env, stamp_ns);
            let judged = client::check(&open[i], &exchange, address, &bytes);
            if judged.as_ref().is_err_and(Rejection::is_stray) {
                self.strays += 1;
                continue;
            }
            // An answer repeated later is a stray (RFC 5905 8: replay).
            open.swap_remove(i);
            let sample = sample::measure(&packet, &exchange);
            self.keep(answer(&sample, judged.as_ref().err(), kernel_stamp));
            return match judged {
                Ok(_) => Heard::Good,
                // The host's clock was being set: the next exchange may be whole.
                Err(Rejection::ClockStepped(_) | Rejection::NegativeDelay(_)) => Heard::Bad { retry: true },
                Err(_) => Heard::Bad { retry: false },
            };
        }
    }

    /// Usable beats unusable; among the usable the shortest round trip.
    fn keep(&mut self, answer: NtpAnswer) {
        let rank = |a: &NtpAnswer| (a.standing != NtpStanding::Usable, a.delay_ns);
        if self.best.as_ref().is_none_or(|best| rank(&answer) < rank(best)) {
            self.best = Some(answer);
        }
    }

    fn outcome(self, plan: Plan) -> Outcome<NtpAnswer> {
        if let Some(mut best) = self.best {
            (best.sent, best.strays) = (self.sent, self.strays);
            return Outcome::Seen(best);
        }
        let failure = self.last_error.clone().unwrap_or_else(|| {
            if self.strays > 0 {
                let detail = "datagrams that answer nothing: another mode, or another request's";
                return ProbeFailure::new(Phase::Response, FailureKind::Malformed, detail);
            }
            let waited = plan.timeout.min(SILENCE).as_secs_f64();
            let detail = format!("no answer in {waited:.1} s");
            ProbeFailure {
                conclusive: plan.timeout >= SILENCE,
                ..ProbeFailure::new(Phase::Receive, FailureKind::Timeout, detail)
            }
        });
        Outcome::Failed(self.complete(failure))
    }

    fn complete(&self, failure: ProbeFailure) -> ProbeFailure {
        ProbeFailure { sent: self.sent, strays: self.strays, ..failure }
    }
}

/// An ICMP error in the words of the model.
fn returned(error: IcmpError) -> ProbeFailure {
    let failure = ProbeFailure::new(Phase::Receive, failure_kind(error.kind), "");
    ProbeFailure { offender: error.offender, code: Some(error.code), ..failure }
}

fn failure_kind(kind: IcmpKind) -> FailureKind {
    match kind {
        IcmpKind::PortUnreachable => FailureKind::Refused,
        IcmpKind::Denied => FailureKind::Denied,
        IcmpKind::TooBig(_) | IcmpKind::Other => FailureKind::Io,
        IcmpKind::NoPort => FailureKind::NoPort,
        IcmpKind::NoBuffers => FailureKind::NoBuffers,
        IcmpKind::HostUnreachable
        | IcmpKind::NetUnreachable
        | IcmpKind::Prohibited
        | IcmpKind::TimeExceeded => FailureKind::Unreachable,
    }
}

/// Connecting UDP looks for a route and no more; Linux says EINVAL of a blackhole route.
fn not_connected(error: &std::io::Error) -> ProbeFailure {
    let failure = ProbeFailure::from_io(Phase::Socket, error);
    let blackhole = error.raw_os_error() == Some(libc::EINVAL);
    ProbeFailure { kind: if blackhole { FailureKind::Unreachable } else { failure.kind }, ..failure }
}

fn answer(sample: &Sample, rejection: Option<&Rejection>, kernel_stamp: bool) -> NtpAnswer {
    NtpAnswer {
        local_minus_ref_ns: sample.local_minus_ref_ns,
        delay_ns: sample.delay_ns,
        error_ns: sample.error_bound_ns.unsigned_abs(),
        stratum: sample.stratum,
        leap: sample.leap,
        reference: sample.refid.clone(),
        root_delay_ns: sample.root_delay_ns.unsigned_abs(),
        root_dispersion_ns: sample.root_dispersion_ns.unsigned_abs(),
        standing: match rejection {
            None => NtpStanding::Usable,
            Some(Rejection::Unsynchronised { .. }) => NtpStanding::Unsynchronised,
            Some(Rejection::KissOfDeath(code)) => NtpStanding::KissOfDeath(code.clone()),
            Some(other) => NtpStanding::Implausible(other.to_string()),
        },
        sent: 0,
        strays: 0,
        kernel_stamp,
    }
}

#[cfg(test)]
mod tests;
