//! Watches how long a UDP mapping lives (RFC 5780 4.6): sockets in parallel, each silent for a time of its own; judges nothing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

use super::micros;
use super::nat::Choice;
use super::udp::{Arrival, UdpPort};
use crate::env::Env;
use crate::model::facts::{Fate, LifetimeBy, MappingLifetime, Rung};
use crate::model::observation::Observation;
use crate::proto::Transmit;
use crate::proto::stun::TransactionId;
use crate::proto::stun::message::{Class, Message};

/// The shortest silence.
const FIRST: Duration = Duration::from_secs(5);
/// The longest silence; RFC 4787 REQ-5 wants two minutes at least and recommends five.
const LAST: Duration = Duration::from_mins(5);
/// From one silence to the next: what is between two of them is known to a tenth.
const STEP: f64 = 1.1;
/// Exchanges that make a mapping one in use, a second apart: kernels keep such a one longer (Linux: after two seconds).
const USES: usize = 3;
/// So many mappings gone in a row, none alive beyond, end the search.
const ENOUGH: usize = 3;
/// How often a question is asked before its silence counts.
const TRIES: u32 = 3;
/// The longest that the whole search takes.
const LONGEST: Duration = Duration::from_secs(310);

/// Searches against the chosen servers, for at most `left`.
pub(super) async fn observe(env: &Env, choice: &Choice, left: Duration) -> Observation<MappingLifetime> {
    let end = env.elapsed() + left.min(LONGEST);
    let servers: Vec<SocketAddr> = choice.plan.destinations().iter().map(|path| path.to).collect();
    choice.observed(env, servers.first().copied(), search(env, &servers, choice.rtt, end)).await
}

async fn search(
    env: &Env,
    servers: &[SocketAddr],
    rtt: Duration,
    end: Duration,
) -> std::io::Result<MappingLifetime> {
    let mut asker = None;
    for &server in servers {
        let one = Asker { env: env.clone(), server, patience: patience(rtt), by: LifetimeBy::ResponsePort };
        match one.answers_elsewhere().await? {
            Some(true) => {
                asker = Some(one);
                break;
            }
            Some(false) => asker = asker.or(Some(Asker { by: LifetimeBy::SameAddress, ..one })),
            None => {}
        }
    }
    let Some(asker) = asker else { return Err(std::io::ErrorKind::AddrNotAvailable.into()) };
    let (fresh, used) = tokio::join!(ladder(&asker, false, end), ladder(&asker, true, end));
    Ok(MappingLifetime { by: asker.by, rungs: fresh.into_iter().chain(used).collect() })
}

fn patience(rtt: Duration) -> Duration {
    (rtt * 2).clamp(Duration::from_millis(200), Duration::from_secs(1))
}

/// One kind of use: all silences at the same time, until enough of them were too long.
async fn ladder(asker: &Asker, used: bool, end: Duration) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    let mut all = JoinSet::new();
    for silence in silences() {
        let asker = asker.clone();
        all.spawn(async move { asker.rung(used, silence, end).await });
    }
    while let Some(rung) = all.join_next().await {
        rungs.extend(rung.ok().flatten());
        let alive = rungs.iter().filter(|r| r.fate == Fate::Alive).map(|r| r.silent_ms).max();
        let beyond = |r: &&Rung| r.fate == Fate::Gone && Some(r.silent_ms) > alive;
        if rungs.iter().filter(beyond).count() >= ENOUGH {
            break;
        }
    }
    rungs.sort_by_key(|rung| rung.silent_ms);
    rungs
}

/// From the shortest to the longest silence, each a tenth longer.
fn silences() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST), |last| Some(last.mul_f64(STEP))).take_while(|silence| *silence <= LAST)
}

/// Who asks which server, and how an answer is told.
#[derive(Clone)]
struct Asker {
    env: Env,
    server: SocketAddr,
    patience: Duration,
    by: LifetimeBy,
}

impl Asker {
    /// Whether the server answers to another socket's port at all; none where it does not answer.
    async fn answers_elsewhere(&self) -> std::io::Result<Option<bool>> {
        let port = UdpPort::connected(self.server)?;
        let Some(mapped) = self.exchange(&port).await else { return Ok(None) };
        Ok(Some(self.stands(&port, mapped).await))
    }

    async fn rung(&self, used: bool, silence: Duration, end: Duration) -> Option<Rung> {
        let port = UdpPort::connected(self.server).ok()?;
        let mut mapped = self.exchange(&port).await?;
        let rounds = if used { USES } else { 0 };
        for _ in 0..rounds {
            tokio::time::sleep(Duration::from_secs(1)).await;
            mapped = self.exchange(&port).await?;
        }
        let quiet = self.env.elapsed();
        if quiet + silence + self.patience * (TRIES * 2) > end {
            return None;
        }
        tokio::time::sleep(silence).await;
        let silent_ms = micros(self.env.elapsed().saturating_sub(quiet)) / 1000;
        let stood = self.by == LifetimeBy::ResponsePort && self.stands(&port, mapped).await;
        let fate = if stood {
            Fate::Alive
        } else {
            // The control: a server that is gone would look like a mapping that is.
            match self.exchange(&port).await {
                None => Fate::Untold,
                Some(now) if self.by == LifetimeBy::SameAddress && now == mapped => Fate::Alive,
                Some(_) => Fate::Gone,
            }
        };
        Some(Rung { used, silent_ms, fate })
    }

    /// One question and its answer; asked again while none comes.
    async fn exchange(&self, port: &UdpPort) -> Option<SocketAddr> {
        for _ in 0..TRIES {
            let id = self.env.random();
            // A packet that this host refused is asked again like one that was lost.
            let _ = port.send(&Transmit::new(self.server, Message::request(id).encode()));
            if let Some(answer) = self.answer(port, id).await {
                return answer.xor_mapped.or(answer.mapped);
            }
        }
        None
    }

    /// Whether an answer that another socket asks for arrives here, at the mapped port.
    async fn stands(&self, port: &UdpPort, mapped: SocketAddr) -> bool {
        let Ok(other) = UdpPort::connected(self.server) else { return false };
        for _ in 0..TRIES {
            let id = self.env.random();
            let request = Message { response_port: Some(mapped.port()), ..Message::request(id) };
            let _ = other.send(&Transmit::new(self.server, request.encode()));
            if self.answer(port, id).await.is_some() {
                return true;
            }
        }
        false
    }

    /// The success with this id, as long as patience lasts.
    async fn answer(&self, port: &UdpPort, id: TransactionId) -> Option<Message> {
        let until = self.env.elapsed() + self.patience;
        loop {
            let left = until.saturating_sub(self.env.elapsed());
            let arrival = tokio::time::timeout(left, port.receive()).await.ok()?.ok()?;
            let Arrival::Datagram(bytes, _) = arrival else { continue };
            let message = Message::decode(&bytes).ok().filter(|m| m.id == id && m.class == Class::Success);
            if message.is_some() {
                return message;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_silence_is_a_tenth_longer_than_the_last() {
        let all: Vec<f64> = silences().map(|silence| silence.as_secs_f64()).collect();
        assert_eq!(all.first(), Some(&5.0));
        assert!(all.last().is_some_and(|last| (270.0..=300.0).contains(last)), "{all:?}");
        assert!(all.windows(2).all(|pair| pair[1] / pair[0] < 1.101));
    }
}
