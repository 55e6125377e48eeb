//! Whether answers come from elsewhere than asked: a connected socket never hears them, and the kernel calls its port closed.

use std::net::SocketAddr;
use std::time::Duration;

use super::observation;
use crate::env::Env;
use crate::model::facts::StunAnywhere;
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::probes::udp::{Arrival, UdpPort};
use crate::proto::Transmit;
use crate::proto::stun::message::Message;
use crate::proto::stun::transaction::same_endpoint;

/// When requests are sent; and when an answer is no longer waited for.
const SENDS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(300), Duration::from_millis(700)];
const SILENCE: Duration = Duration::from_millis(1500);

/// Asks `server` from a socket that takes answers from anybody. Seen is an answer to our own request from another endpoint.
pub async fn anywhere(
    env: &Env,
    target: &str,
    server: SocketAddr,
    left: Duration,
) -> Observation<StunAnywhere> {
    let at = env.elapsed();
    let outcome = match UdpPort::unconnected(server.ip()) {
        Ok(port) => ask(env, &port, server, left.min(SILENCE)).await,
        Err(error) => Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    observation(env, target, server, at, outcome)
}

async fn ask(env: &Env, port: &UdpPort, server: SocketAddr, left: Duration) -> Outcome<StunAnywhere> {
    let start = env.elapsed();
    let mut ids = Vec::new();
    let failed = |kind, detail, sent| {
        Outcome::Failed(ProbeFailure { sent, ..ProbeFailure::new(Phase::Receive, kind, detail) })
    };
    loop {
        let now = env.elapsed().saturating_sub(start);
        let sent = ids.len() as u32;
        if now >= left {
            return failed(FailureKind::Timeout, "no answer from anywhere", sent);
        }
        let due = SENDS.get(ids.len()).copied();
        if due.is_some_and(|due| now >= due) {
            let request = Message::request(env.random());
            ids.push(request.id);
            if let Err(error) = port.send(&Transmit::new(server, request.encode())) {
                return Outcome::Failed(ProbeFailure { sent, ..ProbeFailure::from_io(Phase::Send, &error) });
            }
            continue;
        }
        let wait = due.map_or(left, |due| due.min(left)).saturating_sub(now);
        let Ok(Ok(arrival)) = tokio::time::timeout(wait, port.receive()).await else { continue };
        let Arrival::Datagram(bytes, from) = arrival else { continue };
        if Message::decode(&bytes).is_ok_and(|message| ids.contains(&message.id)) {
            return if same_endpoint(from, server) {
                failed(FailureKind::NotFound, "the server itself answers", sent)
            } else {
                Outcome::Seen(StunAnywhere { from, sent })
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    #[tokio::test]
    async fn an_answer_from_another_port_is_told_and_one_from_the_server_is_none() {
        for elsewhere in [true, false] {
            let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = server.local_addr().unwrap();
            tokio::spawn(async move {
                let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                let mut bytes = [0; 100];
                let (length, from) = server.recv_from(&mut bytes).await.unwrap();
                // Somebody else's answer does not count.
                other.send_to(&Message::success([9; 12], from).encode(), from).await.unwrap();
                let answer = Message::success(Message::decode(&bytes[..length]).unwrap().id, from).encode();
                let by = if elsewhere { &other } else { &server };
                by.send_to(&answer, from).await.unwrap();
            });
            let seen = anywhere(&Env::system(), "a", address, Duration::from_secs(3)).await;
            match seen.outcome {
                Outcome::Seen(StunAnywhere { from, sent }) => {
                    assert!(elsewhere && from != address && from.ip() == address.ip() && sent == 1);
                }
                Outcome::Failed(failure) => assert!(!elsewhere && failure.kind == FailureKind::NotFound),
                Outcome::NotRun(why) => panic!("{why:?}"),
            }
        }
    }
}
