//! Resources of the embedded internet: one that is well, and beside it one that is broken as the scenario says.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;

use super::certs::Authority;
use super::dns::{self, Zone};
use super::fault::Conduct;
use super::sockets::{self, FIRST, SECOND};
use super::tasks::Tasks;
use super::web::{self, Web};
use crate::env::Env;

const WIKI: &str = "wiki.corp.test";
const DATABASE: &str = "db.corp.test";
const BASTION: &str = "bastion.corp.test";
const INTRANET: &str = "intranet.corp.test";
const GIT: &str = "git.corp.test";

/// What is wrong with the second Resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// There are no Resources.
    None,
    /// Nothing listens at its port.
    Refuses,
    /// It takes connections and says nothing.
    Mute,
    /// Only the host's own resolver knows its name; the Connector asks another.
    InnerName,
    /// Its certificate has expired.
    Expired,
}

impl Resource {
    /// What stands there, in words; none where nothing does.
    pub(super) fn words(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Refuses => Some("the wiki answers; the database's port is closed"),
            Self::Mute => Some("the wiki answers; the bastion takes connections and says nothing"),
            Self::InnerName => Some("the wiki answers; the inner resolver alone knows git"),
            Self::Expired => Some("the wiki answers; the intranet's certificate has expired"),
        }
    }
}

/// What was started.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// As `--resource` takes them.
    pub(super) named: Vec<String>,
    /// The host's own resolver, where the Connector asks another.
    pub(super) inner_dns: Option<SocketAddr>,
}

/// Starts them and adds their names to the zone.
pub(super) fn start(
    resource: Resource,
    authority: &Authority,
    ahead_ns: i64,
    env: &Env,
    zone: &mut Zone,
    tasks: &mut Tasks,
) -> io::Result<Started> {
    if resource == Resource::None {
        return Ok(Started::default());
    }
    let mut started = Started::default();
    let mut name = |zone: &mut Zone, label: &str, host: &str, at: SocketAddr, kind: &str| {
        zone.insert(host.to_owned(), vec![at.ip()]);
        started.named.push(format!("{label}={host}:{}/{kind}", at.port()));
    };
    let https = |web: Web, host: &str, tasks: &mut Tasks| {
        web::https(web, host, authority, FIRST, ahead_ns, env, tasks)
    };
    name(zone, "Wiki", WIKI, https(Web::Honest, WIKI, tasks)?, "https");
    match resource {
        Resource::None => {}
        Resource::Refuses => name(zone, "Database", DATABASE, closed(FIRST, tasks)?, "postgresql"),
        Resource::Mute => name(zone, "Bastion", BASTION, mute(FIRST, tasks)?, "ssh"),
        Resource::Expired => name(zone, "Intranet", INTRANET, https(Web::Expired, INTRANET, tasks)?, "https"),
        Resource::InnerName => {
            let mut inner = zone.clone();
            name(&mut inner, "Git", GIT, https(Web::Honest, GIT, tasks)?, "https");
            started.inner_dns = Some(dns::start(Conduct::Honest, inner, SECOND, tasks)?);
        }
    }
    Ok(started)
}

fn closed(ip: IpAddr, tasks: &mut Tasks) -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((ip, 0).into())?;
    let address = socket.local_addr()?;
    tasks.keep(socket);
    Ok(address)
}

fn mute(ip: IpAddr, tasks: &mut Tasks) -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((ip, 0).into())?;
    let address = socket.local_addr()?;
    sockets::accept(socket, &Conduct::<()>::Honest, tasks, |mut stream, _| async move {
        stream.read_u8().await.map(|_| ())
    })?;
    Ok(address)
}
