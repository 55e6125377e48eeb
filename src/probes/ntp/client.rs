//! sntpc as a client whose socket and clock are ours; waits for nothing.
//!
//! sntpc hides T1 to T4, ends at the first foreign datagram, accepts T2 = 0 and T3 < T2 and has no timeout. So it gets a
//! socket that only hands over bytes at hand, and what it accepts is judged again.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use sntpc::{NtpContext, NtpTimestampGenerator, NtpUdpSocket, SendRequestResult};

use super::super::udp::UdpPort;
use crate::env::Env;
use crate::proto::Transmit;
use crate::proto::ntp::packet::{Packet, Timestamp};
use crate::proto::ntp::sample::{self, Exchange, Rejection, Sample};

/// A request on its way.
#[derive(Debug)]
pub(super) struct Sent {
    /// The transmit timestamp as it left; an answer repeats it.
    pub(super) origin: Timestamp,
    t1_wall_ns: i64,
    t1: Duration,
    request: SendRequestResult,
}

impl Sent {
    /// The exchange that an answer received now completes, and whether the kernel's stamp served for T4.
    pub(super) fn exchange(&self, env: &Env, stamp_ns: Option<i64>) -> (Exchange, bool) {
        let (now, now_wall_ns) = (env.elapsed(), env.wall_ns());
        let elapsed_ns = i64::try_from(now.saturating_sub(self.t1).as_nanos()).unwrap_or(i64::MAX);
        // A stamp from before the request left, or from the future, tells of a clock that was set since.
        let waited_ns = stamp_ns
            .and_then(|stamp| env.wall_of_realtime_ns(stamp))
            .map(|t4_wall_ns| now_wall_ns.saturating_sub(t4_wall_ns))
            .filter(|waited_ns| (0..=elapsed_ns).contains(waited_ns));
        let behind_ns = waited_ns.unwrap_or(0);
        let exchange = Exchange {
            origin: self.origin,
            t1_wall_ns: self.t1_wall_ns,
            t4_wall_ns: now_wall_ns.saturating_sub(behind_ns),
            elapsed_ns: elapsed_ns - behind_ns,
        };
        (exchange, waited_ns.is_some())
    }
}

/// Sends a fresh request; T1 is read just before the system call.
pub(super) fn send(env: &Env, socket: &UdpPort, peer: SocketAddr) -> io::Result<Sent> {
    let wire = Outbound { env, socket, left: Cell::new(None), error: RefCell::new(None) };
    let clock = Stamp { read: &|| env.wall_ns(), wall_ns: 0 };
    let sent = at_once(sntpc::sntp_send_request(peer, &wire, NtpContext { timestamp_gen: clock }));
    match (sent, wire.left.get()) {
        (Some(Ok(request)), Some((origin, t1, t1_wall_ns))) => Ok(Sent { origin, t1_wall_ns, t1, request }),
        _ => Err(wire.error.take().unwrap_or_else(|| io::Error::other("sntpc did not send"))),
    }
}

/// What sntpc and [`sample::judge`] both accept. Where they differ, the stricter one is right.
pub(super) fn check(
    sent: &Sent,
    exchange: &Exchange,
    peer: SocketAddr,
    bytes: &[u8],
) -> Result<Sample, Rejection> {
    let sample = sample::judge(bytes, exchange)?;
    match process(sent, exchange, peer, bytes) {
        Ok(_) => Ok(sample),
        Err(error) => Err(Rejection::RefusedByClient(format!("{error:?}"))),
    }
}

/// sntpc's own view of an answer.
pub(super) fn process(
    sent: &Sent,
    exchange: &Exchange,
    peer: SocketAddr,
    bytes: &[u8],
) -> sntpc::Result<sntpc::NtpResult> {
    let clock = Stamp { read: &|| exchange.t4_wall_ns, wall_ns: 0 };
    let context = NtpContext { timestamp_gen: clock };
    at_once(sntpc::sntp_process_response(peer, &Inbound { bytes, peer }, context, sent.request))
        .unwrap_or(Err(sntpc::Error::Network))
}

/// The output of a future that waits for nothing.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A clock for sntpc that is read when it says so.
#[derive(Clone, Copy)]
struct Stamp<'a> {
    read: &'a dyn Fn() -> i64,
    wall_ns: i64,
}

impl NtpTimestampGenerator for Stamp<'_> {
    fn init(&mut self) {
        self.wall_ns = (self.read)();
    }

    fn timestamp_sec(&self) -> u64 {
        let seconds = self.wall_ns.div_euclid(1_000_000_000);
        // Before 1970: the same second an era later has the same bits on the wire, and is not negative.
        u64::try_from(seconds).unwrap_or(seconds.rem_euclid(1 << 32) as u64)
    }

    fn timestamp_subsec_micros(&self) -> u32 {
        (self.wall_ns.rem_euclid(1_000_000_000) / 1000) as u32
    }
}

/// Sends and notes when.
struct Outbound<'a> {
    env: &'a Env,
    socket: &'a UdpPort,
    left: Cell<Option<(Timestamp, Duration, i64)>>,
    error: RefCell<Option<io::Error>>,
}

impl NtpUdpSocket for Outbound<'_> {
    async fn send_to(&self, bytes: &[u8], peer: SocketAddr) -> sntpc::Result<usize> {
        let origin = Packet::parse(bytes).unwrap_or_default().transmit;
        let datagram = Transmit::new(peer, bytes.to_vec());
        let left = (origin, self.env.elapsed(), self.env.wall_ns());
        match self.socket.send(&datagram) {
            Ok(()) => {
                self.left.set(Some(left));
                Ok(bytes.len())
            }
            Err(error) => {
                self.error.replace(Some(error));
                Err(sntpc::Error::Network)
            }
        }
    }

    async fn recv_from(&self, _: &mut [u8]) -> sntpc::Result<(usize, SocketAddr)> {
        Err(sntpc::Error::Network)
    }
}

/// Hands over the bytes at hand. Their sender is the peer: the socket is connected.
struct Inbound<'a> {
    bytes: &'a [u8],
    peer: SocketAddr,
}

impl NtpUdpSocket for Inbound<'_> {
    async fn send_to(&self, _: &[u8], _: SocketAddr) -> sntpc::Result<usize> {
        Err(sntpc::Error::Network)
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> sntpc::Result<(usize, SocketAddr)> {
        let length = buffer.len().min(self.bytes.len());
        buffer[..length].copy_from_slice(&self.bytes[..length]);
        Ok((length, self.peer))
    }
}
