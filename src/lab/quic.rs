//! QUIC servers of the embedded internet, with TLS over TCP on the same ports; they shake hands and say nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use rustls::crypto::ring;
use rustls::{ServerConfig, version};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;

use super::certs::{Authority, Identity};
use super::fault::Conduct;
use super::{Tasks, sockets, web};

/// The name in the certificates.
const NAME: &str = "quic.lab.test";
/// A port that is free for UDP may be taken for TCP this often.
const TRIES: usize = 64;

/// What stands where a QUIC server should; TLS over TCP is answered in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quic {
    /// The very server.
    Honest,
    /// What is sent to it by UDP is dropped.
    Dropped,
    /// It does not speak QUIC: its kernel says that nothing listens.
    Absent,
}

/// Starts one server at each address.
pub(super) fn start(
    quic: Quic,
    ips: [IpAddr; 2],
    now_ns: i64,
    tasks: &mut Tasks,
) -> io::Result<Vec<SocketAddr>> {
    let authority = Authority::new("connector-doctor lab CA", now_ns)?;
    ips.into_iter().map(|ip| one(quic, ip, authority.leaf(&[NAME], now_ns, (-30, 60))?, tasks)).collect()
}

fn one(quic: Quic, ip: IpAddr, identity: Identity, tasks: &mut Tasks) -> io::Result<SocketAddr> {
    let (udp, tcp) = ports(ip)?;
    let address = udp.local_addr()?;
    let over_tcp = web::acceptor(Identity { chain: identity.chain.clone(), key: identity.key.clone_key() })?;
    sockets::accept(tcp, &Conduct::<()>::Honest, tasks, move |stream, _| {
        let acceptor = over_tcp.clone();
        async move { acceptor.accept(stream).await?.read_u8().await.map(|_| ()) }
    })?;
    match quic {
        Quic::Honest => {
            let endpoint = Endpoint::new(
                EndpointConfig::default(),
                Some(config(identity)?),
                udp,
                Arc::new(TokioRuntime),
            )?;
            tasks.spawn(async move {
                while let Some(incoming) = endpoint.accept().await {
                    tokio::spawn(async move {
                        if let Ok(connection) = incoming.await {
                            connection.closed().await;
                        }
                    });
                }
            });
        }
        Quic::Dropped => tasks.keep(udp),
        Quic::Absent => {
            // Connected to itself it holds its port, and the kernel answers all others with port unreachable.
            udp.connect(address)?;
            tasks.keep(udp);
        }
    }
    Ok(address)
}

/// One port for both protocols.
fn ports(ip: IpAddr) -> io::Result<(std::net::UdpSocket, TcpSocket)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let udp = std::net::UdpSocket::bind((ip, 0))?;
        udp.set_nonblocking(true)?;
        let tcp = TcpSocket::new_v4()?;
        match tcp.bind(udp.local_addr()?) {
            Ok(()) => return Ok((udp, tcp)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn config(identity: Identity) -> io::Result<quinn::ServerConfig> {
    let mut config =
        ServerConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(crate::env::NoTime))
            .with_protocol_versions(&[&version::TLS13])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h3".to_vec()];
    let config = QuicServerConfig::try_from(config).map_err(io::Error::other)?;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(config)))
}
