//! Asks a STUN server for our mapped address, over UDP and TCP, and another implementation for a second opinion.

pub mod anywhere;
pub mod tcp;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crate::env::Env;
use crate::model::facts::{SecondOpinion, StunAnswer};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::model::text::{clean, without_urls};
use crate::probes::aside::foreign;
use crate::probes::drive::drive;
use crate::probes::udp::{IcmpError, UdpPort};
use crate::proto::IcmpKind;
use crate::proto::stun::transaction::{self, Failure, Schedule, Transaction};

/// After this long without an answer another implementation is asked, too.
pub const SECOND_OPINION_AFTER: Duration = Duration::from_millis(250);
/// It gets this long beside two round trips where ours was answered: time for one repeated request.
pub const SECOND_OPINION_AGAIN: Duration = Duration::from_millis(500);

/// One Binding transaction with `server`, for at most `left`.
pub async fn binding(env: &Env, target: &str, server: SocketAddr, left: Duration) -> Observation<StunAnswer> {
    let at = env.elapsed();
    let outcome = match UdpPort::connected(server) {
        Ok(port) => ask(env, server, Arc::new(port), left).await,
        Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    observation(env, target, server, at, outcome)
}

async fn ask(env: &Env, server: SocketAddr, port: Arc<UdpPort>, left: Duration) -> Outcome<StunAnswer> {
    let local = match port.local() {
        Ok(local) => local,
        Err(error) => return Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    let ids = std::array::from_fn(|_| env.random());
    let mut machine = Transaction::new(server, ids, env.elapsed(), Schedule::within(left));
    let errors = drive(&mut machine, &[port], env).await;
    read(&machine.outcome(), local, &errors)
}

/// The machine's outcome in the words of the model.
fn read(outcome: &transaction::Outcome, local: SocketAddr, errors: &[IcmpError]) -> Outcome<StunAnswer> {
    let strays = outcome.strays.total();
    match &outcome.result {
        Ok(answer) => Outcome::Seen(StunAnswer {
            local,
            mapped: answer.mapped,
            mapped_plain: answer.mapped_plain,
            xor: answer.xor,
            rtt_us: answer.rtt.as_micros() as u64,
            sent: outcome.sent,
            strays,
            conflicts: outcome.strays.conflict,
            response_origin: answer.response_origin,
            other_address: answer.other_address,
            software: answer.software.as_deref().map(|s| clean(&without_urls(s), 80)),
        }),
        Err(failure) => {
            let (phase, kind, detail) = sort(failure);
            let said = errors.iter().rev().find(|e| e.offender.is_some()).or(errors.last());
            let code = match failure {
                Failure::Rejected { code, .. } => Some(*code),
                _ => said.map(|e| e.code),
            };
            Outcome::Failed(ProbeFailure {
                offender: said.and_then(|e| e.offender),
                code,
                sent: outcome.sent,
                strays,
                conclusive: outcome.conclusive,
                ..ProbeFailure::new(phase, kind, detail)
            })
        }
    }
}

fn sort(failure: &Failure) -> (Phase, FailureKind, String) {
    use FailureKind as K;
    let (phase, kind, detail) = match failure {
        Failure::Timeout => (Phase::Receive, K::Timeout, String::new()),
        Failure::Icmp(IcmpKind::Denied) => (Phase::Send, K::Denied, String::new()),
        Failure::Icmp(IcmpKind::PortUnreachable) => (Phase::Receive, K::Refused, String::new()),
        Failure::Icmp(IcmpKind::NoPort) => (Phase::Send, K::NoPort, "no local port".to_owned()),
        Failure::Icmp(IcmpKind::NoBuffers) => (Phase::Send, K::NoBuffers, "no buffers".to_owned()),
        Failure::Icmp(kind) => (Phase::Receive, K::Unreachable, format!("{kind:?}")),
        Failure::Rejected { reason, .. } => (Phase::Response, K::Rejected, clean(&without_urls(reason), 80)),
        Failure::UnknownRequired(types) => {
            (Phase::Response, K::Malformed, format!("required attributes of unknown types {types:04x?}"))
        }
        Failure::NoAddress => (Phase::Response, K::Malformed, "no mapped address".to_owned()),
        Failure::Impossible(mapped) => {
            (Phase::Response, K::Implausible, format!("{mapped} as this host's address, which cannot be"))
        }
        Failure::Unasked => (Phase::Response, K::Malformed, "messages that answer nothing".to_owned()),
        Failure::Malformed(why) => (Phase::Response, K::Malformed, format!("{why:?}")),
    };
    (phase, kind, clean(&detail, 120))
}

/// Another implementation (`stunclient`) on a fresh connected socket.
///
/// It blocks, so it has a thread of its own, which nobody waits for beyond `left`; where it panics (it has no entropy, or
/// cannot read an answer) it has no opinion, and that is no bug of this program.
pub async fn second_opinion(
    env: &Env,
    target: &str,
    server: SocketAddr,
    left: Duration,
) -> Observation<SecondOpinion> {
    let at = env.elapsed();
    let outcome = match tokio::time::timeout(left, foreign(move || ask_stunclient(server, left))).await {
        Ok(Err(why)) => Outcome::Failed(why.failure(Phase::Socket)),
        Ok(Ok(Ok(mapped))) => Outcome::Seen(SecondOpinion { reachable: mapped.is_some(), mapped }),
        Ok(Ok(Err(error))) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
        Err(_) => Outcome::Seen(SecondOpinion::default()),
    };
    observation(env, target, server, at, outcome)
}

fn ask_stunclient(server: SocketAddr, left: Duration) -> std::io::Result<Option<IpAddr>> {
    let any: SocketAddr = if server.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    if socket.connect(server).is_err() {
        return Ok(None);
    }
    let mut client = stunclient::StunClient::new(server);
    // Both must be above zero: at zero the crate panics (protocols.md A8).
    client.set_timeout(left.max(Duration::from_millis(1))).set_retry_interval(Duration::from_millis(400));
    Ok(client.query_external_address(&socket).ok().map(|mapped| mapped.ip().to_canonical()))
}

pub(in crate::probes) fn observation<T>(
    env: &Env,
    target: &str,
    server: SocketAddr,
    at: Duration,
    outcome: Outcome<T>,
) -> Observation<T> {
    Observation {
        target: target.to_owned(),
        address: Some(server),
        at_us: at.as_micros() as u64,
        took_us: env.elapsed().saturating_sub(at).as_micros() as u64,
        outcome,
    }
}
