//! The conversation over a connection that stands: what is sent is the row's alone, what comes is bounded in bytes and time.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::round::{PER_ATTEMPT, Place, Round};
use crate::model::facts::{Greeting, ResourceKind, ResourceTried, SegmentTrial};
use crate::model::observation::{FailureKind, Outcome, Phase, ProbeFailure};
use crate::probes::udp::{Arrival, UdpPort};
use crate::probes::{PATIENCE, segments, tcp, tls};
use crate::proto::greeting::{Reading, dns_answer, dns_question, recognise};
use crate::proto::{IcmpKind, SENDS, SILENCE, Transmit};

/// A greeting that takes longer does not come.
const GREETING: Duration = Duration::from_secs(5);
/// Smaller segments are asked for when a handshake has been silent for so long.
const SMALLER_AFTER: Duration = Duration::from_millis(1500);
/// Sizes of IP packets that are then asked for, bytes.
const SMALLER: [u32; 3] = [576, 1200, 1400];
/// Bytes of a failed handshake that are looked at.
const OVERHEARD: usize = 1024;
/// Questions over UDP.
const QUESTIONS: usize = 4;

/// Sends `bytes` and reads what comes until it tells what it is.
pub(super) async fn said(round: &Round, stream: TcpStream, bytes: &[u8], place: &Place) -> Outcome<Greeting> {
    outcome(converse(round, stream, bytes, place.kind).await)
}

fn outcome<T>(result: Result<T, ProbeFailure>) -> Outcome<T> {
    result.map_or_else(Outcome::Failed, Outcome::Seen)
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    round: &Round,
    mut stream: S,
    bytes: &[u8],
    kind: ResourceKind,
) -> Result<Greeting, ProbeFailure> {
    let row = kind.row();
    let left = GREETING.min(round.left());
    let mut heard = Vec::new();
    let exchange = async {
        if !bytes.is_empty() {
            stream.write_all(bytes).await.map_err(|e| ProbeFailure::from_io(Phase::Request, &e))?;
            stream.flush().await.map_err(|e| ProbeFailure::from_io(Phase::Request, &e))?;
        }
        let mut chunk = [0; 2048];
        loop {
            let room = row.most.saturating_sub(heard.len()).min(chunk.len());
            let (count, failure) = match stream.read(&mut chunk[..room]).await {
                Ok(count) => (count, None),
                Err(error) => (0, Some(ProbeFailure::from_io(Phase::Response, &error))),
            };
            heard.extend_from_slice(&chunk[..count]);
            match row.read(&heard, count == 0) {
                Reading::Reply(reply) => return Ok(reply),
                Reading::Unknown(_) if heard.is_empty() => {
                    let closed =
                        ProbeFailure::new(Phase::Response, FailureKind::Closed, "closed without a byte");
                    return Err(failure.unwrap_or(closed));
                }
                Reading::Unknown(text) => return Err(unknown(&text)),
                Reading::More => {}
            }
        }
    };
    if let Ok(done) = tokio::time::timeout(left, exchange).await {
        return done;
    }
    // What came so far speaks, as if nothing more came.
    match row.read(&heard, true) {
        Reading::Reply(reply) => Ok(reply),
        Reading::Unknown(text) if !heard.is_empty() => Err(unknown(&text)),
        _ => {
            let mut silent = ProbeFailure::new(Phase::Response, FailureKind::Timeout, "no byte came");
            (silent.sent, silent.conclusive) = (segments(left), left >= GREETING.min(PATIENCE));
            Err(silent)
        }
    }
}

fn unknown(text: &str) -> ProbeFailure {
    let detail = if text.is_empty() { "bytes that are no text".to_owned() } else { text.to_owned() };
    ProbeFailure::new(Phase::Response, FailureKind::Malformed, detail)
}

/// A TLS handshake, and inside it what the kind says, if anything.
pub(super) async fn tls(
    round: &Round,
    stream: TcpStream,
    inside: Option<Vec<u8>>,
    place: &Place,
    tried: &mut ResourceTried,
) {
    let shaken = handshake(round, stream, place);
    tokio::pin!(shaken);
    let late = tokio::time::timeout(SMALLER_AFTER, &mut shaken).await;
    let (shaken, trials) = if let Ok(shaken) = late {
        (shaken, Vec::new())
    } else {
        tokio::join!(shaken, smaller_segments(round, place))
    };
    tried.segments = trials;
    match shaken {
        Err(failure) => tried.greeting = Some(Outcome::Failed(failure)),
        Ok(Shaken::Other(reply)) => tried.greeting = Some(Outcome::Seen(reply)),
        Ok(Shaken::Stands(session, stream)) => {
            let reply = Greeting {
                protocol: "tls".to_owned(),
                version: Some(session.version.trim_start_matches("TLS ").to_owned()),
                says: session.version.clone(),
                ..Greeting::default()
            };
            tried.tls = Some(*session);
            tried.greeting = Some(match inside {
                None => Outcome::Seen(reply),
                Some(bytes) => outcome(converse(round, *stream, &bytes, place.kind).await),
            });
        }
    }
}

enum Shaken {
    Stands(Box<crate::model::facts::TlsSession>, Box<tokio_rustls::client::TlsStream<Overheard>>),
    /// It speaks something else, or TLS of another version.
    Other(Greeting),
}

async fn handshake(round: &Round, stream: TcpStream, place: &Place) -> Result<Shaken, ProbeFailure> {
    let mut roots = round.ground.roots.clone();
    let read = roots.wait_for(Option::is_some).await.ok().and_then(|r| r.clone());
    let Some(roots) = read else {
        return Err(ProbeFailure::new(Phase::Handshake, FailureKind::Io, "the roots could not be read"));
    };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let stream = Overheard { stream, heard: Arc::clone(&heard) };
    let left = GREETING.min(round.left());
    let alpn: &[&[u8]] = if place.kind == ResourceKind::Https { &[b"http/1.1"] } else { &[] };
    match tls::handshake_for(&round.ground.env, stream, &place.host, &roots, left, alpn).await {
        Ok((session, stream)) => Ok(Shaken::Stands(Box::new(session), Box::new(stream))),
        Err(failure) => {
            let heard = heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match recognise(&heard, true) {
                Some(reply) if reply.protocol != "tls" || reply.says == "alert: protocol version" => {
                    Ok(Shaken::Other(reply))
                }
                _ => Err(failure),
            }
        }
    }
}

/// The handshake again, with smaller segments asked for: what then passes shows what was swallowed.
async fn smaller_segments(round: &Round, place: &Place) -> Vec<SegmentTrial> {
    let mut trials = tokio::task::JoinSet::new();
    for size in SMALLER {
        let (round, place) = (round.clone(), place.clone());
        trials.spawn(async move {
            let left = Duration::from_secs(2).min(round.left());
            let _held = round.descriptors(PER_ATTEMPT).await;
            let shake = async {
                let stream = tcp::open_small(place.socket(), size).await.ok()?;
                handshake(&round, stream, &place).await.ok()
            };
            let answered =
                tokio::time::timeout(left, Box::pin(shake)).await.is_ok_and(|shaken| shaken.is_some());
            SegmentTrial { size, answered }
        });
    }
    let mut trials = trials.join_all().await;
    trials.sort_by_key(|trial| trial.size);
    trials
}

/// The question over a connection that stands (RFC 7766 8: length and question in one segment).
pub(super) async fn dns_over_tcp(round: &Round, mut stream: TcpStream) -> Outcome<Greeting> {
    let id = u16::from_be_bytes(round.ground.env.random());
    let question = dns_question(id);
    let exchange = async {
        let mut framed = (question.len() as u16).to_be_bytes().to_vec();
        framed.extend_from_slice(&question);
        stream.write_all(&framed).await.map_err(|e| ProbeFailure::from_io(Phase::Request, &e))?;
        let failed = |e: std::io::Error| ProbeFailure::from_io(Phase::Response, &e);
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.map_err(failed)?;
        let most = ResourceKind::Dns.row().most;
        let length = usize::from(u16::from_be_bytes(head));
        if length > most {
            // A name server's least answer is short: this is another protocol's text.
            return Err(unknown(&String::from_utf8_lossy(
                &head.map(|b| if b.is_ascii_graphic() { b } else { b'.' }),
            )));
        }
        let mut message = vec![0; length];
        stream.read_exact(&mut message).await.map_err(failed)?;
        dns_answer(&message, id).ok_or_else(|| unknown("not an answer to the question"))
    };
    let left = GREETING.min(round.left());
    if let Ok(done) = tokio::time::timeout(left, exchange).await {
        return outcome(done);
    }
    let mut silent = ProbeFailure::new(Phase::Response, FailureKind::Timeout, "no answer over TCP");
    (silent.sent, silent.conclusive) = (segments(left), left >= PATIENCE);
    Outcome::Failed(silent)
}

/// The question over UDP, repeated as a first contact is.
pub(super) async fn dns_over_udp(round: &Round, server: SocketAddr) -> Outcome<Greeting> {
    outcome(ask_over_udp(round, server).await)
}

async fn ask_over_udp(round: &Round, server: SocketAddr) -> Result<Greeting, ProbeFailure> {
    let env = &round.ground.env;
    let port = UdpPort::connected(server).map_err(|e| ProbeFailure::from_io(Phase::Socket, &e))?;
    let (begun, left) = (env.elapsed(), SILENCE.min(round.left()));
    let id = u16::from_be_bytes(env.random());
    let mut sent = 0;
    loop {
        let elapsed = env.elapsed().saturating_sub(begun);
        if elapsed >= left {
            let mut silent = ProbeFailure::new(Phase::Receive, FailureKind::Timeout, "no answer over UDP");
            (silent.sent, silent.conclusive) = (sent as u32, left >= SILENCE);
            return Err(silent);
        }
        let due = SENDS.get(sent).copied().filter(|_| sent < QUESTIONS);
        if due.is_some_and(|due| elapsed >= due) {
            sent += 1;
            let question = Transmit::new(server, dns_question(id));
            port.send(&question).map_err(|e| ProbeFailure::from_io(Phase::Send, &e))?;
            continue;
        }
        let until = due.unwrap_or(left).min(left).saturating_sub(elapsed);
        match tokio::time::timeout(until, port.receive()).await {
            Err(_) => {}
            Ok(Err(error)) => return Err(ProbeFailure::from_io(Phase::Receive, &error)),
            Ok(Ok(Arrival::Datagram(bytes, _))) => {
                if let Some(reply) = dns_answer(&bytes, id) {
                    return Ok(reply);
                }
            }
            Ok(Ok(Arrival::Error(icmp))) => {
                let kind = match icmp.kind {
                    IcmpKind::PortUnreachable => FailureKind::Refused,
                    IcmpKind::Denied => FailureKind::Denied,
                    _ => FailureKind::Unreachable,
                };
                let detail = format!("ICMP type {} code {}", icmp.code >> 8, icmp.code & 0xff);
                let failure = ProbeFailure::new(Phase::Receive, kind, detail);
                return Err(ProbeFailure {
                    offender: icmp.offender,
                    code: Some(icmp.code),
                    sent: sent as u32,
                    ..failure
                });
            }
        }
    }
}

/// A connection whose first received bytes are kept: they tell what speaks there where it is not TLS.
pub(super) struct Overheard {
    stream: TcpStream,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Overheard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let mut heard = this.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        let room = OVERHEARD.saturating_sub(heard.len()).min(fresh.len());
        heard.extend_from_slice(&fresh[..room]);
        polled
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
