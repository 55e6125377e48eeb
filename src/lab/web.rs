//! The Controller, an event service and relays of the embedded internet: TCP, TLS and just enough of HTTP/1.1.
//! Written apart from `probes`, which ask: what a client gets wrong is not got wrong here, too.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use rustls::crypto::ring;
use rustls::{ServerConfig, version};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::certs::{Authority, Identity};
use super::fault::Conduct;
use super::sockets;
use super::tasks::Tasks;
use crate::env::{Env, NoTime};

/// The Controller's name.
pub(super) const CONTROLLER: &str = "controller.lab.test";
/// The event service's name.
pub(super) const EVENTS: &str = "events.lab.test";
/// Where the portal sends everybody.
const PORTAL: &str = "login.portal.test";
/// The ports of relays (contract.md).
const RELAY_PORTS: std::ops::RangeInclusive<u16> = 30_000..=31_000;
/// A head beyond this is not read on.
const MAX_HEAD: u64 = 8192;

/// What stands where the Controller, a service or a relay should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Web {
    /// The very server.
    Honest,
    /// Nobody listens: connections are refused.
    Closed,
    /// Packets are dropped: connections are never answered.
    Dropped,
    /// The very server, which answers with this status.
    Status(u16),
    /// Another authority's certificate for the same name.
    Intercepted,
    /// The very server, whose certificate has expired.
    Expired,
    /// A portal with a certificate of its own that sends everybody to its login page.
    Portal,
}

/// How the Controller's name resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// To the Controller.
    Right,
    /// It does not exist.
    Unknown,
    /// To 0.0.0.0.
    Sinkhole,
}

/// The servers of one web.
pub(super) struct Served {
    pub(super) controller: SocketAddr,
    pub(super) service: SocketAddr,
    pub(super) relays: Vec<SocketAddr>,
    /// Who signs them.
    pub(super) authority: Authority,
}

/// Starts them; their clocks and certificates are `ahead_ns` ahead of this machine's.
pub(super) fn start(
    [controller, service, relays]: [Web; 3],
    ips: [IpAddr; 2],
    ahead_ns: i64,
    env: &Env,
    tasks: &mut Tasks,
) -> io::Result<Served> {
    let now_ns = env.wall_ns().saturating_add(ahead_ns);
    let authority = Authority::new("connector-doctor lab CA", now_ns)?;
    let [first, second] = ips;
    let controller = https(controller, CONTROLLER, &authority, first, ahead_ns, env, tasks)?;
    let service = https(service, EVENTS, &authority, first, ahead_ns, env, tasks)?;
    let mut listen_relay = |ip: IpAddr| -> io::Result<SocketAddr> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        // Another lab on this machine may hold some of them.
        for port in RELAY_PORTS {
            match listen(relays, ip, port, tasks, |mut stream, _| async move {
                stream.read_u8().await.map(|_| ())
            }) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                done => return done,
            }
        }
        Err(last)
    };
    let relays = vec![listen_relay(first)?, listen_relay(second)?];
    Ok(Served { controller, service, relays, authority })
}

/// A web server of this name; its clock and certificate are `ahead_ns` ahead of this machine's.
pub(super) fn https(
    web: Web,
    name: &str,
    authority: &Authority,
    ip: IpAddr,
    ahead_ns: i64,
    env: &Env,
    tasks: &mut Tasks,
) -> io::Result<SocketAddr> {
    let now_ns = env.wall_ns().saturating_add(ahead_ns);
    let identity = match web {
        Web::Intercepted => {
            Authority::new("Lab TLS Inspection CA", now_ns)?.leaf(&[name], now_ns, (-30, 60))?
        }
        Web::Portal => authority.leaf(&[PORTAL], now_ns, (-30, 60))?,
        Web::Expired => authority.leaf(&[name], now_ns, (-29, -2))?,
        _ => authority.leaf(&[name], now_ns, (-30, 60))?,
    };
    let acceptor = acceptor(identity)?;
    let env = env.clone();
    listen(web, ip, 0, tasks, move |stream, _| {
        let (acceptor, env) = (acceptor.clone(), env.clone());
        async move { converse(acceptor.accept(prompt(stream)?).await?, web, &env, ahead_ns).await }
    })
}

fn listen<C>(
    web: Web,
    ip: IpAddr,
    port: u16,
    tasks: &mut Tasks,
    converse: impl Fn(TcpStream, SocketAddr) -> C + Send + 'static,
) -> io::Result<SocketAddr>
where
    C: Future<Output = io::Result<()>> + Send + 'static,
{
    let socket = TcpSocket::new_v4()?;
    socket.bind((ip, port).into())?;
    let address = socket.local_addr()?;
    match web {
        Web::Closed => tasks.keep(socket),
        Web::Dropped => {
            // A full queue of one: Linux drops every further SYN, as a firewall does.
            let listener = socket.listen(0)?;
            tasks.keep((std::net::TcpStream::connect(address)?, listener));
        }
        _ => sockets::accept(socket, &Conduct::<()>::Honest, tasks, converse)?,
    }
    Ok(address)
}

pub(super) fn acceptor(identity: Identity) -> io::Result<TlsAcceptor> {
    let config = ServerConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(NoTime))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A stream whose small answers do not wait for acknowledgements.
fn prompt(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true).map(|()| stream)
}

/// Answers every request over the connection, whatever it asks for; bodies are not expected.
async fn converse(
    stream: tokio_rustls::server::TlsStream<TcpStream>,
    web: Web,
    env: &Env,
    ahead_ns: i64,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let room = MAX_HEAD.saturating_sub(head.len() as u64);
            if (&mut stream).take(room).read_line(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let (status, more) = match web {
            Web::Portal => (302, format!("Location: http://{PORTAL}/login\r\n")),
            Web::Status(status) => (status, String::new()),
            _ => (200, String::new()),
        };
        let date = http_date(env.wall_ns().saturating_add(ahead_ns))?;
        let answer = format!(
            "HTTP/1.1 {status} Lab\r\nDate: {date}\r\nServer: connector-doctor lab\r\nContent-Length: 0\r\n{more}\r\n"
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
    }
}

/// The time as the header Date says it (RFC 9110 5.6.7).
fn http_date(wall_ns: i64) -> io::Result<String> {
    let time =
        Timestamp::from_nanosecond(wall_ns.div_euclid(1_000_000_000).saturating_mul(1_000_000_000).into());
    let time = time.map_err(io::Error::other)?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).map_err(io::Error::other)
}

/// Nine years: for hosts that woke up in the past.
pub(super) const YEARS_NS: i64 = 3_288 * 86_400 * 1_000_000_000;
