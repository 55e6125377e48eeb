//! One question to one resolver over UDP, and over TCP where the answer was truncated or is late; never judges the answer.
//!
//! RFC 1035 4.1 (form), RFC 5452 9 (what must match before an answer is believed), RFC 7766 (TCP).

mod message;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use message::Record;
use message::{Reading, query, read};

use super::udp::{Arrival, IcmpError, UdpPort};
use super::{micros, since_us, tcp};
use crate::env::Env;
use crate::model::facts::{DnsAnswer, DnsTransport};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::proto::{IcmpKind, SENDS, SILENCE, Transmit};

/// When TCP is asked, too, while UDP is silent: behind a filter of UDP 53 it tells that the resolver lives.
const TCP_AFTER: Duration = Duration::from_millis(400);

/// How much is to be learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The first answer by any transport: a name is wanted.
    Answered,
    /// The same, both transports at once: nothing is known of the way there.
    Either,
    /// All of the wait for UDP, even if TCP has answered: the resolver is judged.
    Judged,
}

/// Asks `resolver` for `name`. Every well-formed answer is [`Outcome::Seen`], an error code included.
///
/// Datagrams from elsewhere, with another id or question, are counted and dropped; one that bears our id but
/// does not follow the protocol is dropped, too, and the failure is `Malformed` when nothing better comes.
/// Silence is conclusive when `timeout` left the full 2.2 s. Where TCP alone is answered, that is Seen, with what
/// stopped UDP in `over_udp`.
pub async fn ask(
    env: &Env,
    resolver: SocketAddr,
    name: &str,
    record: Record,
    timeout: Duration,
    until: Until,
) -> Observation<DnsAnswer> {
    let start = env.elapsed();
    let question = Asked { env, resolver, name, record, start, end: start + timeout, until };
    let outcome = match question.exchange().await {
        Ok(answer) => Outcome::Seen(answer),
        Err(failure) => Outcome::Failed(failure),
    };
    Observation {
        target: resolver.to_string(),
        address: Some(resolver),
        at_us: micros(start),
        took_us: since_us(env, start),
        outcome,
    }
}

struct Asked<'a> {
    env: &'a Env,
    resolver: SocketAddr,
    name: &'a str,
    record: Record,
    start: Duration,
    end: Duration,
    until: Until,
}

/// What has been sent and dropped so far.
#[derive(Default)]
struct Sent {
    /// Id and time of each question.
    ids: Vec<(u16, Duration)>,
    strays: u32,
    malformed: bool,
    /// An ICMP error that did not end the wait: a router's may be wrong about a resolver that answers.
    icmp: Option<IcmpError>,
}

impl Asked<'_> {
    /// Over UDP, and beside it over TCP once UDP is late.
    async fn exchange(&self) -> Result<DnsAnswer, ProbeFailure> {
        let udp = self.over_udp();
        let late = async {
            if self.until != Until::Either {
                tokio::time::sleep(TCP_AFTER).await;
            }
            self.over_tcp().await
        };
        tokio::pin!(udp, late);
        let answer = tokio::select! {
            biased;
            said = &mut udp => return said,
            answer = &mut late => answer,
        };
        let failure = match (&answer, self.until) {
            // Nobody waited for UDP: that says nothing of it.
            (Ok(_), Until::Answered | Until::Either) => self.silent(&Sent::default()),
            _ => match udp.await {
                Ok(said) => return Ok(said),
                Err(failure) => failure,
            },
        };
        answer.map_or(Err(failure.clone()), |answer| Ok(DnsAnswer { over_udp: Some(failure), ..answer }))
    }

    async fn over_udp(&self) -> Result<DnsAnswer, ProbeFailure> {
        let fail = |phase| move |e: std::io::Error| ProbeFailure::from_io(phase, &e);
        let socket = UdpPort::connected(self.resolver).map_err(fail(Phase::Socket))?;
        let mut sent = Sent::default();
        let silence = self.end.min(self.start + SILENCE);
        loop {
            let now = self.env.elapsed();
            if now >= silence {
                return Err(self.silent(&sent));
            }
            let due = SENDS.get(sent.ids.len()).map(|after| self.start + *after);
            if due.is_some_and(|due| now >= due) {
                let id = u16::from_be_bytes(self.env.random());
                let query = query(id, self.name, self.record)?;
                sent.ids.push((id, now));
                let query = Transmit::new(self.resolver, query);
                socket.send(&query).map_err(|e| Self::refused(Phase::Send, &e, &sent))?;
                continue;
            }
            let until = due.map_or(silence, |due| due.min(silence));
            let received = tokio::time::timeout(until.saturating_sub(now), socket.receive()).await;
            let Ok(received) = received else { continue };
            let bytes = match received.map_err(|e| Self::refused(Phase::Receive, &e, &sent))? {
                Arrival::Datagram(bytes, _) => bytes,
                Arrival::Error(icmp) => {
                    sent.icmp = sent.icmp.or(Some(icmp));
                    // The resolver's own word, or this host's, ends it; a router's does not.
                    let final_word = match icmp.kind {
                        IcmpKind::PortUnreachable => icmp.offender.is_none_or(|ip| ip == self.resolver.ip()),
                        kind => kind == IcmpKind::Denied,
                    };
                    if final_word {
                        return Err(self.silent(&sent));
                    }
                    continue;
                }
            };
            let arrived = self.env.elapsed();
            let ids: Vec<u16> = sent.ids.iter().map(|(id, _)| *id).collect();
            match read(&bytes, &ids, self.name, self.record) {
                Reading::Stray => sent.strays += 1,
                Reading::Malformed => (sent.strays, sent.malformed) = (sent.strays + 1, true),
                Reading::Truncated => return self.after_truncation(&sent).await,
                Reading::Answer { id, rcode, addresses } => {
                    let at = sent.ids.iter().find(|(i, _)| *i == id).map_or(now, |(_, at)| *at);
                    return Ok(self.answer(
                        rcode,
                        addresses,
                        arrived.saturating_sub(at),
                        DnsTransport::Udp,
                        &sent,
                    ));
                }
            }
        }
    }

    /// The same question over TCP (RFC 7766 5).
    async fn over_tcp(&self) -> Result<DnsAnswer, ProbeFailure> {
        let begun = self.env.elapsed();
        let left = self.end.saturating_sub(begun);
        let id = u16::from_be_bytes(self.env.random());
        let query = query(id, self.name, self.record)?;
        let target = self.resolver.to_string();
        let (connected, stream) = tcp::connect_and_keep(self.env, &target, self.resolver, left).await;
        let refused = || connected.failure().cloned().unwrap_or_else(|| self.silent(&Sent::default()));
        let mut stream = stream.ok_or_else(refused)?;
        let exchange = async {
            // Length and question in one segment (RFC 7766 8).
            let mut framed = (query.len() as u16).to_be_bytes().to_vec();
            framed.extend_from_slice(&query);
            stream.write_all(&framed).await.map_err(|e| (Phase::Request, e))?;
            let length = stream.read_u16().await.map_err(|e| (Phase::Response, e))?;
            let mut message = vec![0; usize::from(length)];
            stream.read_exact(&mut message).await.map_err(|e| (Phase::Response, e))?;
            Ok(message)
        };
        let failed = |phase, kind, detail: &str| ProbeFailure::new(phase, kind, detail);
        let left = self.end.saturating_sub(self.env.elapsed()).min(SILENCE);
        match tokio::time::timeout(left, exchange).await {
            Err(_) => Err(ProbeFailure {
                sent: 1,
                conclusive: left >= SILENCE,
                ..failed(Phase::Response, FailureKind::Timeout, "no answer over TCP")
            }),
            Ok(Err((phase, e))) => Err(failed(phase, FailureKind::of_io(&e), &e.to_string())),
            Ok(Ok(message)) => match read(&message, &[id], self.name, self.record) {
                Reading::Answer { rcode, addresses, .. } => {
                    let rtt = self.env.elapsed().saturating_sub(begun);
                    Ok(self.answer(rcode, addresses, rtt, DnsTransport::Tcp, &Sent::default()))
                }
                _ => Err(failed(Phase::Response, FailureKind::Malformed, "not an answer to the question")),
            },
        }
    }

    /// The question over TCP after a truncated answer.
    async fn after_truncation(&self, sent: &Sent) -> Result<DnsAnswer, ProbeFailure> {
        let asked = sent.ids.len() as u32;
        match self.over_tcp().await {
            Ok(answer) => Ok(DnsAnswer { sent: asked + 1, strays: sent.strays, ..answer }),
            Err(failure) => Err(ProbeFailure {
                sent: failure.sent.max(1) + asked,
                strays: sent.strays,
                detail: format!("truncated over UDP, then TCP: {}", failure.detail),
                ..failure
            }),
        }
    }

    fn answer(
        &self,
        rcode: u16,
        addresses: Vec<IpAddr>,
        rtt: Duration,
        transport: DnsTransport,
        sent: &Sent,
    ) -> DnsAnswer {
        DnsAnswer {
            name: self.name.to_owned(),
            record: self.record,
            rcode,
            addresses,
            rtt_us: micros(rtt),
            transport,
            over_udp: None,
            sent: sent.ids.len() as u32 + u32::from(transport == DnsTransport::Tcp),
            strays: sent.strays,
        }
    }

    fn silent(&self, sent: &Sent) -> ProbeFailure {
        let mut failure = if sent.malformed {
            ProbeFailure::new(
                Phase::Receive,
                FailureKind::Malformed,
                "an answer that does not follow RFC 1035",
            )
        } else if sent.strays > 0 {
            ProbeFailure::new(Phase::Receive, FailureKind::Malformed, "answers to no question of ours")
        } else if let Some(icmp) = sent.icmp {
            let kind = match icmp.kind {
                IcmpKind::PortUnreachable => FailureKind::Refused,
                IcmpKind::Denied => FailureKind::Denied,
                _ => FailureKind::Unreachable,
            };
            let detail = format!("ICMP type {} code {}", icmp.code >> 8, icmp.code & 0xff);
            ProbeFailure {
                offender: icmp.offender,
                code: Some(icmp.code),
                ..ProbeFailure::new(Phase::Receive, kind, detail)
            }
        } else {
            ProbeFailure::new(Phase::Receive, FailureKind::Timeout, "no answer")
        };
        (failure.sent, failure.strays) = (sent.ids.len() as u32, sent.strays);
        failure.conclusive = matches!(failure.kind, FailureKind::Refused | FailureKind::Denied)
            || self.end >= self.start + SILENCE;
        failure
    }

    fn refused(phase: Phase, error: &std::io::Error, sent: &Sent) -> ProbeFailure {
        let mut failure = ProbeFailure::from_io(phase, error);
        (failure.sent, failure.strays) = (sent.ids.len() as u32, sent.strays);
        failure
    }
}
