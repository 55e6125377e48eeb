//! A name that a lookup leads to an address that is not its own: data.

use std::net::IpAddr;

use super::check_id::CheckId;

/// Where a name was led, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfound {
    /// The name.
    pub name: String,
    /// The name that has these addresses: below a search domain, or one that cannot exist.
    pub as_name: String,
    /// Who says so, `address:port`.
    pub resolver: String,
    /// The addresses to which it was led.
    pub addresses: Vec<IpAddr>,
    /// The name's own addresses, as far as they are known.
    pub right: Vec<IpAddr>,
    /// Checks beside the Controller's whose servers are led there, too.
    pub checks: Vec<CheckId>,
}
