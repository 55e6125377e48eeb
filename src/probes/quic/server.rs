//! A QUIC server that is asked. Data.

use std::net::SocketAddr;
use std::time::Duration;

use crate::probes::board::Order;

/// A server at one of its addresses.
#[derive(Clone, Debug)]
pub struct Server {
    /// `host:port` as named.
    pub name: String,
    /// The host alone.
    pub host: String,
    /// Where it is asked.
    pub address: SocketAddr,
    /// Its place in the report.
    pub order: Order,
    /// The round trip that STUN saw, for the first try's patience.
    pub rtt: Duration,
    /// Whether full-size datagrams are tried, too: not where nothing on the way has a size.
    pub full_size: bool,
}
