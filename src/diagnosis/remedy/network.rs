//! What the network team must let pass: a table that they can be sent.

use std::fmt::Write as _;

use crate::model::facts::Host;
use crate::model::report::Remedy;

/// One row of a request to the network team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow<'a> {
    /// `UDP` or `TCP`.
    pub protocol: &'static str,
    /// `host:ports`.
    pub destination: &'a str,
    /// What it is for.
    pub purpose: &'static str,
}

/// How a request begins.
const REQUEST: &str = "Ask the network team to allow, outbound and stateful:";

/// Whether a remedy is a request to the network team.
pub(super) fn is_request(remedy: &Remedy) -> bool {
    remedy.action.starts_with(REQUEST)
}

/// A table that the network team can be sent; a line a rule.
pub fn ask_network_team(host: &Host, rows: &[Allow<'_>]) -> Remedy {
    let source = source_address(host);
    let width = rows.iter().map(|r| r.destination.len()).max().unwrap_or(0);
    let mut text = REQUEST.to_owned();
    for row in rows {
        let Allow { protocol, destination, purpose } = row;
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{protocol}  {source}  ->  {destination:width$}  {purpose}");
    }
    Remedy::advice(text)
}

/// The address that this host sends from: the first of the default route's interface.
fn source_address(host: &Host) -> String {
    let route = host.default_routes.iter().find(|r| !r.ipv6).or(host.default_routes.first());
    host.interfaces
        .iter()
        .filter(|i| route.is_none_or(|r| r.interface == i.name))
        .flat_map(|i| &i.addresses)
        .find(|a| a.ip.is_ipv4() && !a.ip.is_loopback())
        .map_or_else(|| "this host".to_owned(), |a| a.ip.to_string())
}
