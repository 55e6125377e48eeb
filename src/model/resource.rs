//! What became of a Resource, judged: its row in the report.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Status;

/// One Resource of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceResult {
    /// How the user calls it: a name of its own, else `HOST:PORT`.
    pub name: String,
    /// The host as given.
    pub host: String,
    /// The port; 0 where the kind has none.
    pub port: u16,
    /// What it speaks.
    pub kind: String,
    /// The address that answered, else the first that was tried.
    pub address: Option<IpAddr>,
    /// Which resolver gave it: its address, or `/etc/hosts`; null where the Resource is given as an address.
    pub resolver: Option<String>,
    /// The source address towards it.
    pub source: Option<IpAddr>,
    /// The interface towards it.
    pub interface: Option<String>,
    /// How long the connection took (or the echo), milliseconds.
    pub connect_ms: Option<f64>,
    /// What it said first.
    pub reply: Option<String>,
    /// Its certificate, where it showed one.
    pub certificate: Option<ResourceCertificate>,
    /// The worst outcome of its checks; `skip` where it was not, or cannot be, tested.
    pub outcome: Status,
    /// One sentence.
    pub summary: String,
    /// The cause that explains a warn or fail.
    pub caused_by: Option<String>,
}

/// A Resource's certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceCertificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Days until it expires at the reference time; negative where it has.
    pub days_left: f64,
    /// Whether it is for the Resource's name; null where the Resource is given as an address.
    pub name_matches: Option<bool>,
    /// Whether this host's roots, or Mozilla's, trust it.
    pub trusted: bool,
}
