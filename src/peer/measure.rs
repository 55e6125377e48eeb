//! Measures a connection between two hosts: round trips on the idle path, then one stream each way. Both sides run the same
//! steps; the leader sets the pace.
//!
//! Control stream (the leader opens it): each side sends its wish (version, milliseconds); the shorter one counts. Then,
//! after each stream, who received it says how many bytes in how many microseconds.

use std::time::Duration;

use quinn::{Connection, ConnectionError, RecvStream, SendDatagramError, SendStream, VarInt};

use crate::env::Env;

/// Of the measurement's time: for round trips, and for each way.
const IDLE_SHARE: f64 = 0.3;
const WAY_SHARE: f64 = 0.35;
const PING_EVERY: Duration = Duration::from_millis(20);
/// A datagram that has not come back by then is lost.
const PING_LOST: Duration = Duration::from_secs(1);
/// A step may take so much longer than its time before the other side counts as silent.
const GRACE: Duration = Duration::from_secs(5);
const MOST_PINGS: usize = 4096;
const CHUNK: usize = 64 * 1024;
const VERSION: u8 = 1;
const PING: u8 = 0;
const ECHO: u8 = 1;
const OVER: VarInt = VarInt::from_u32(0);

/// Tells a terminal what is seen; says nothing where there is none.
#[derive(Debug)]
pub struct Progress(pub fn(&str));

impl Progress {
    /// The handshake is done.
    pub(super) fn connected(&self, rtt: Duration) {
        (self.0)(&format!("connected by QUIC, round trip {:.1} ms", rtt.as_secs_f64() * 1e3));
    }

    fn way(&self, name: &str, bps: Option<f64>) {
        if let Some(bps) = bps {
            (self.0)(&format!("{name} {:.1} Mbit/s", bps / 1e6));
        }
    }
}

/// What was measured; what is missing was not reached.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Every step was taken.
    pub(super) whole: bool,
    /// Round trips in the order sent, milliseconds.
    pub(super) rtts_ms: Vec<f64>,
    pub(super) loss: Option<f64>,
    pub(super) up_bps: Option<f64>,
    pub(super) down_bps: Option<f64>,
}

/// Measures for as long as the one that wants less of it.
pub(super) async fn measure(
    env: &Env,
    connection: &Connection,
    leads: bool,
    wanted: Duration,
    progress: &Progress,
) -> Measured {
    let mut measured = Measured::default();
    if let Some(()) = steps(env, connection, leads, wanted, progress, &mut measured).await {
        measured.whole = true;
    }
    measured
}

async fn steps(
    env: &Env,
    connection: &Connection,
    leads: bool,
    wanted: Duration,
    progress: &Progress,
    measured: &mut Measured,
) -> Option<()> {
    let (mut send, mut receive) = within(GRACE, async {
        if leads { connection.open_bi().await.ok() } else { connection.accept_bi().await.ok() }
    })
    .await?;
    let span = within(GRACE, agree(&mut send, &mut receive, wanted)).await?;
    pings(env, connection, span.mul_f64(IDLE_SHARE), measured).await?;
    let way = span.mul_f64(WAY_SHARE);
    for up in [leads, !leads] {
        let bps = if up {
            transmit(env, connection, way).await?;
            within(GRACE, read_result(&mut receive)).await?
        } else {
            let (bytes, took) = within(way + GRACE, take(env, connection)).await?;
            within(GRACE, write_result(&mut send, bytes, took)).await?;
            rate(bytes, took)
        };
        progress.way(if up { "up" } else { "down" }, bps);
        *(if up { &mut measured.up_bps } else { &mut measured.down_bps }) = bps;
    }
    // Nobody hangs up before the other has all it needs.
    let _ = send.finish();
    within(GRACE, async {
        let ended = receive.read(&mut [0; 1]).await;
        matches!(ended, Ok(None)).then_some(())
    })
    .await
    .or_else(|| closed_in_order(connection))?;
    within(GRACE, async {
        let _ = send.stopped().await;
        Some(())
    })
    .await
}

fn closed_in_order(connection: &Connection) -> Option<()> {
    matches!(connection.close_reason(), Some(ConnectionError::ApplicationClosed(_))).then_some(())
}

async fn within<T>(limit: Duration, work: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(limit, work).await.ok().flatten()
}

/// Both say how long they want to measure; the shorter time counts.
async fn agree(send: &mut SendStream, receive: &mut RecvStream, wanted: Duration) -> Option<Duration> {
    let ours = u32::try_from(wanted.as_millis()).unwrap_or(u32::MAX);
    let [a, b, c, d] = ours.to_be_bytes();
    send.write_all(&[VERSION, a, b, c, d]).await.ok()?;
    let mut theirs = [0; 5];
    receive.read_exact(&mut theirs).await.ok()?;
    let [version, a, b, c, d] = theirs;
    (version == VERSION).then(|| Duration::from_millis(ours.min(u32::from_be_bytes([a, b, c, d])).into()))
}

/// Sends datagrams and answers the other side's, for so long.
async fn pings(env: &Env, connection: &Connection, span: Duration, measured: &mut Measured) -> Option<()> {
    let start = env.elapsed();
    let mut sent: Vec<Duration> = Vec::new();
    let mut rtts: Vec<Option<Duration>> = Vec::new();
    let mut end = start + span + PING_LOST;
    loop {
        let now = env.elapsed();
        let due = start + PING_EVERY * sent.len() as u32;
        let sending = now < start + span && sent.len() < MOST_PINGS;
        if sending && now >= due {
            let mut ping = vec![PING];
            ping.extend((sent.len() as u32).to_be_bytes());
            match connection.send_datagram(ping.into()) {
                Ok(()) => {
                    sent.push(now);
                    rtts.push(None);
                }
                Err(SendDatagramError::ConnectionLost(_)) => break,
                Err(_) => return Some(()),
            }
            continue;
        }
        if !sending && rtts.iter().all(Option::is_some) {
            // The other side's last ones are still to be answered.
            end = end.min(start + span + PING_EVERY * 3);
        }
        if now >= end {
            break;
        }
        let until = if sending { due } else { end };
        let Ok(arrived) = tokio::time::timeout(until.saturating_sub(now), connection.read_datagram()).await
        else {
            continue;
        };
        let Ok(datagram) = arrived else { break };
        match (datagram.first(), datagram.get(1..5).and_then(|n| <[u8; 4]>::try_from(n).ok())) {
            (Some(&PING), Some(number)) => {
                let _ = connection.send_datagram([&[ECHO][..], &number].concat().into());
            }
            (Some(&ECHO), Some(number)) => {
                let number = u32::from_be_bytes(number) as usize;
                if let (Some(rtt @ None), Some(at)) = (rtts.get_mut(number), sent.get(number)) {
                    *rtt = Some(env.elapsed().saturating_sub(*at));
                }
            }
            _ => {}
        }
    }
    let lost = rtts.iter().filter(|rtt| rtt.is_none()).count();
    measured.loss = (!rtts.is_empty()).then(|| lost as f64 / rtts.len() as f64);
    measured.rtts_ms = rtts.iter().flatten().map(|rtt| rtt.as_secs_f64() * 1e3).collect();
    connection.close_reason().is_none().then_some(())
}

/// Sends as fast as it goes, for so long.
async fn transmit(env: &Env, connection: &Connection, span: Duration) -> Option<()> {
    let mut stream = within(GRACE, async { connection.open_uni().await.ok() }).await?;
    let chunk = vec![0x5A; CHUNK];
    let end = env.elapsed() + span;
    while env.elapsed() < end {
        let left = end.saturating_sub(env.elapsed());
        match tokio::time::timeout(left, stream.write_all(&chunk)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return None,
            Err(_) => break,
        }
    }
    // What is still under way is not waited for: the receiver counts what it has.
    stream.reset(OVER).ok()
}

/// Bytes of the other side's stream, and from the first to the last of them.
async fn take(env: &Env, connection: &Connection) -> Option<(u64, Duration)> {
    let mut stream = connection.accept_uni().await.ok()?;
    let (mut bytes, mut first, mut last) = (0_u64, None, env.elapsed());
    while let Ok(Some(chunk)) = stream.read_chunk(usize::MAX, true).await {
        last = env.elapsed();
        first.get_or_insert(last);
        bytes += chunk.bytes.len() as u64;
    }
    connection.close_reason().is_none().then_some((bytes, last.saturating_sub(first.unwrap_or(last))))
}

fn rate(bytes: u64, took: Duration) -> Option<f64> {
    (took >= Duration::from_millis(10)).then(|| bytes as f64 * 8.0 / took.as_secs_f64())
}

async fn write_result(send: &mut SendStream, bytes: u64, took: Duration) -> Option<()> {
    let micros = took.as_micros() as u64;
    send.write_all(&[bytes.to_be_bytes(), micros.to_be_bytes()].concat()).await.ok()
}

async fn read_result(receive: &mut RecvStream) -> Option<Option<f64>> {
    let mut result = [0; 16];
    receive.read_exact(&mut result).await.ok()?;
    let (&bytes, rest) = result.split_first_chunk::<8>()?;
    let (&micros, _) = rest.split_first_chunk::<8>()?;
    Some(rate(u64::from_be_bytes(bytes), Duration::from_micros(u64::from_be_bytes(micros))))
}
