//! Who is asked about a NAT's behaviour, and from which sockets.

use std::net::{IpAddr, SocketAddr};

use crate::proto::stun::reach::reach;

/// The socket that only ever speaks to the server's primary address; it must be fresh, on a random port.
pub const FILTER: usize = 0;

/// Sockets that speak to every address, fresh too. More than one, so that a NAT that keeps ports while it can
/// is caught when it cannot.
pub const MAP: [usize; 3] = [1, 2, 3];

/// Sockets in all: [`FILTER`] and [`MAP`].
pub const SOCKETS: usize = 4;

/// A destination, and the local address that datagrams to it leave from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where to.
    pub to: SocketAddr,
    /// The true local address of the route there, never the unspecified one.
    pub from: IpAddr,
}

/// Who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A server with RFC 5780: its address, and its OTHER-ADDRESS as accepted by [`usable_other`].
    Alternate {
        /// Address and port asked.
        primary: Path,
        /// The other address with the other port.
        other: Path,
    },
    /// Servers without: mapping can be told from several addresses, filtering cannot.
    Several(Vec<Path>),
}

impl Plan {
    /// Where the mapping sockets send to: the primary address first.
    pub fn destinations(&self) -> Vec<Path> {
        match self {
            Self::Alternate { primary, other } => {
                let other_ip = SocketAddr::new(other.to.ip(), primary.to.port());
                vec![*primary, Path { to: other_ip, from: other.from }, *other]
            }
            Self::Several(paths) => paths.clone(),
        }
    }
}

/// Whether OTHER-ADDRESS, as claimed by the server at `primary`, may be asked: another address and another port
/// of the same family, and not one nearer to us than the server itself, where nobody of its making listens.
pub fn usable_other(primary: SocketAddr, other: SocketAddr) -> bool {
    let differs = primary.ip() != other.ip() && primary.port() != other.port() && other.port() != 0;
    let family = primary.is_ipv4() == other.is_ipv4();
    differs && family && reach(other.ip()).is_some_and(|o| reach(primary.ip()).is_some_and(|p| o >= p))
}
