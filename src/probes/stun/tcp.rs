//! The mapped address as a server sees it over TCP (RFC 8489 6.2.2): the Controller is reached by TCP, and that need not leave as UDP does.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::observation;
use crate::env::Env;
use crate::model::facts::{StunAnswer, StunOverTcp, TcpConnected};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::model::text::{clean, without_urls};
use crate::probes::{micros, tcp};
use crate::proto::stun::message::{HEADER, Message};
use crate::proto::stun::transaction::{Failure, read_response};

/// A longer answer is no answer to a bare request.
const MOST: usize = 2048;
/// A server that took the connection answers within this, or does not speak STUN over TCP.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Connects to `server` and asks over the connection; both are told, the connection by itself, since it shows that TCP gets out.
pub async fn over_tcp(
    env: &Env,
    target: &str,
    server: SocketAddr,
    left: Duration,
) -> (Observation<TcpConnected>, Observation<StunOverTcp>) {
    let at = env.elapsed();
    let (connected, stream) = tcp::connect_and_keep(env, target, server, left).await;
    let outcome = match (stream, &connected.outcome) {
        (Some(stream), Outcome::Seen(c)) => ask(env, stream, c.local, server, at + left).await,
        (_, Outcome::Failed(failure)) => Outcome::Failed(failure.clone()),
        _ => Outcome::Failed(ProbeFailure::new(Phase::Connect, FailureKind::Io, "no connection")),
    };
    (connected, observation(env, target, server, at, outcome))
}

async fn ask(
    env: &Env,
    mut stream: TcpStream,
    local: SocketAddr,
    server: SocketAddr,
    end: Duration,
) -> Outcome<StunOverTcp> {
    let fail = |phase, kind, detail: &str| ProbeFailure { sent: 1, ..ProbeFailure::new(phase, kind, detail) };
    let begun = env.elapsed();
    let request = Message::request(env.random());
    let exchange = async {
        let io = |phase| move |e: std::io::Error| fail(phase, FailureKind::of_io(&e), &e.to_string());
        stream.write_all(&request.encode()).await.map_err(io(Phase::Request))?;
        // A stream has no datagrams: the header says how much belongs to the message (RFC 8489 6.2.2).
        let mut bytes = vec![0; HEADER];
        stream.read_exact(&mut bytes).await.map_err(io(Phase::Response))?;
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        if length > MOST {
            return Err(fail(Phase::Response, FailureKind::TooLarge, "longer than any answer"));
        }
        bytes.resize(HEADER + length, 0);
        stream.read_exact(&mut bytes[HEADER..]).await.map_err(io(Phase::Response))?;
        Ok(bytes)
    };
    let patience = PATIENCE.min(end.saturating_sub(begun));
    let bytes = match tokio::time::timeout(patience, exchange).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(failure)) => return Outcome::Failed(failure),
        Err(_) => {
            let silent = fail(Phase::Response, FailureKind::Timeout, "no answer over TCP");
            return Outcome::Failed(ProbeFailure { conclusive: patience >= PATIENCE, ..silent });
        }
    };
    let rtt_us = micros(env.elapsed().saturating_sub(begun));
    let message = Message::decode(&bytes).ok().filter(|message| message.id == request.id);
    match message.as_ref().map(|message| read_response(message, server)) {
        Some(Ok(answer)) => Outcome::Seen(StunOverTcp(StunAnswer {
            local,
            mapped: answer.mapped,
            mapped_plain: answer.mapped_plain,
            xor: answer.xor,
            rtt_us,
            sent: 1,
            strays: 0,
            conflicts: 0,
            response_origin: answer.response_origin,
            other_address: answer.other_address,
            software: answer.software.as_deref().map(|s| clean(&without_urls(s), 80)),
        })),
        Some(Err(Failure::Impossible(_))) => {
            Outcome::Failed(fail(Phase::Response, FailureKind::Implausible, "an address that cannot be"))
        }
        Some(Err(_)) => Outcome::Failed(fail(Phase::Response, FailureKind::Rejected, "no mapped address")),
        None => {
            Outcome::Failed(fail(Phase::Response, FailureKind::Malformed, "not an answer to the request"))
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const LONG: Duration = Duration::from_secs(3);

    /// A server that answers a request as `answer` makes it of the request's bytes and of where it came from.
    async fn server(answer: fn(&[u8], SocketAddr) -> Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, from) = listener.accept().await.unwrap();
            let mut request = [0; HEADER];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(&answer(&request, from)).await.unwrap();
            // Held open: an end of the stream would be an answer of its own.
            let _ = stream.read(&mut [0; 1]).await;
        });
        address
    }

    fn success(request: &[u8], from: SocketAddr) -> Vec<u8> {
        Message::success(Message::decode(request).unwrap().id, from).encode()
    }

    #[tokio::test]
    async fn an_answer_over_tcp_shows_the_connections_own_address() {
        let address = server(success).await;
        let (connected, answer) = over_tcp(&Env::system(), "a", address, LONG).await;
        assert_eq!(answer.seen().unwrap().0.mapped, connected.seen().unwrap().local);
    }

    #[tokio::test]
    async fn whatever_else_comes_is_data_and_never_an_address() {
        for (answer, kind) in [
            (
                (|_, _| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()) as fn(&[u8], SocketAddr) -> Vec<u8>,
                FailureKind::TooLarge,
            ),
            (|_, from| Message::success([9; 12], from).encode(), FailureKind::Malformed),
            (
                |request, _| Message::refusal(Message::decode(request).unwrap().id, 400, "no").encode(),
                FailureKind::Rejected,
            ),
        ] {
            let address = server(answer).await;
            let (connected, answer) = over_tcp(&Env::system(), "a", address, LONG).await;
            assert!(connected.seen().is_some());
            assert_eq!(answer.failure().unwrap().kind, kind);
        }
    }

    #[tokio::test]
    async fn a_server_without_tcp_refuses_both() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let (connected, answer) = over_tcp(&Env::system(), "a", closed, LONG).await;
        assert_eq!(connected.failure().unwrap().kind, FailureKind::Refused);
        assert_eq!(answer.failure().unwrap().kind, FailureKind::Refused);
    }
}
