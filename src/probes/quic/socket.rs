//! A UDP socket that STUN has used, as QUIC's socket: sorts what arrives by its first byte (RFC 9443), and lets nobody
//! speak QUIC but the one it is meant for.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, ServerConfig, TokioRuntime, UdpPoller};
use tokio::io::Interest;
use tokio::sync::mpsc;

use crate::proto::peer::is_stun;

/// Datagrams that are not QUIC and wait for their reader; a flood beyond this is dropped.
const ASIDE: usize = 64;
/// The kernel's buffers, bytes.
const ROOM: usize = 2 << 20;

/// A datagram that is not QUIC's, and its source.
pub type Aside = (Vec<u8>, SocketAddr);

/// One socket for QUIC with one remote end.
#[derive(Debug)]
pub struct Demultiplexer {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    remote: SocketAddr,
    aside: mpsc::Sender<Aside>,
    foreign: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Demultiplexer {
    /// QUIC with `remote` alone over `socket`; STUN that comes goes aside.
    pub fn new(socket: UdpSocket, remote: SocketAddr) -> io::Result<(Arc<Self>, mpsc::Receiver<Aside>)> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        // Best effort, as far as the system allows: a fast path has more under way than the default holds.
        let _ = state.set_recv_buffer_size((&socket).into(), ROOM);
        let _ = state.set_send_buffer_size((&socket).into(), ROOM);
        let (aside, taken) = mpsc::channel(ASIDE);
        let io = tokio::net::UdpSocket::from_std(socket)?;
        let (foreign, received, sent) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Ok((Arc::new(Self { io, state, remote, aside, foreign, received, sent }), taken))
    }

    /// An endpoint over it, which accepts connections where `server` says how.
    pub fn endpoint(self: &Arc<Self>, server: Option<ServerConfig>) -> io::Result<Endpoint> {
        let mut config = EndpointConfig::default();
        // RFC 9443 3: the fixed bit is what tells QUIC from STUN.
        config.grease_quic_bit(false);
        let socket: Arc<dyn AsyncUdpSocket> = Arc::clone(self) as _;
        Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
    }

    /// Sends what is not QUIC; what cannot be sent at once is lost, as datagrams are.
    pub fn send_aside(&self, bytes: &[u8], to: SocketAddr) {
        let _ = self.io.try_send_to(bytes, to);
    }

    /// Datagrams that were neither STUN nor the remote end's.
    pub fn foreign(&self) -> u64 {
        self.foreign.load(Ordering::Relaxed)
    }

    /// Datagrams of QUIC that left this host.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Datagrams of the remote end.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    fn sort(&self, buffer: &[u8], meta: &mut RecvMeta) {
        let from = SocketAddr::new(meta.addr.ip().to_canonical(), meta.addr.port());
        let bytes = buffer.get(..meta.len).unwrap_or_default();
        if is_stun(bytes) {
            for datagram in bytes.chunks(meta.stride.max(1)) {
                let _ = self.aside.try_send((datagram.to_vec(), from));
            }
        } else if from == self.remote {
            self.received.fetch_add(meta.len.div_ceil(meta.stride.max(1)) as u64, Ordering::Relaxed);
            return;
        } else {
            self.foreign.fetch_add(1, Ordering::Relaxed);
        }
        meta.len = 0;
    }
}

impl AsyncUdpSocket for Demultiplexer {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { socket: self, waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        // `try_send` tells of errors; `send` keeps them to itself.
        self.io.try_io(Interest::WRITABLE, || self.state.try_send((&self.io).into(), transmit))?;
        let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
        self.sent.fetch_add(transmit.contents.len().div_ceil(size) as u64, Ordering::Relaxed);
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            // An error that an earlier datagram caused ends nothing: the next one is read.
            let read =
                self.io.try_io(Interest::READABLE, || self.state.recv((&self.io).into(), buffers, meta));
            if let Ok(count) = read {
                for (buffer, meta) in buffers.iter().zip(meta.iter_mut()).take(count) {
                    self.sort(buffer, meta);
                }
                return Poll::Ready(Ok(count));
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }
}

type Waiting = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Waits until the socket takes datagrams again.
struct Writable {
    socket: Arc<Demultiplexer>,
    waiting: Option<Waiting>,
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writable").finish_non_exhaustive()
    }
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = Arc::clone(&self.socket);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { socket.io.writable().await }));
        let ready = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(ready)
    }
}
