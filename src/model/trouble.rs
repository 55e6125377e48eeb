//! What is wrong with a Resource, as data: what is to be fixed, and what proves it.

use std::net::IpAddr;

use super::cause_code::CauseCode;
use super::check_id::CheckId;
use super::facts::ResourceKind;

/// What is wrong with one Resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceTrouble {
    /// How the user calls it.
    pub name: String,
    /// The host as given.
    pub host: String,
    /// `HOST:PORT`.
    pub place: String,
    /// What it speaks.
    pub kind: ResourceKind,
    /// The check that it fails.
    pub check: CheckId,
    /// It fails; else it is a warning.
    pub fails: bool,
    /// What.
    pub what: Trouble,
    /// The same in a sentence that begins with the Resource.
    pub words: String,
    /// The proof, a line each.
    pub lines: Vec<String>,
}

/// What stops a Resource, by what is to be fixed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The Connector's resolvers give no address.
    Unresolved {
        /// Whose resolvers these are: `TWINGATE_DNS`, `/etc/resolv.conf`.
        by: String,
        /// This host's own resolver that knows the name, with its addresses.
        known_to: Option<(String, Vec<IpAddr>)>,
        /// No resolver answered at all.
        nobody: bool,
    },
    /// The Connector's resolvers lead elsewhere than this host's own: the public answer of a split horizon.
    Elsewhere {
        /// Whose resolvers these are.
        by: String,
        /// Where they lead.
        addresses: Vec<IpAddr>,
        /// Where this host's own resolver leads.
        own: Vec<IpAddr>,
    },
    /// Refused.
    Refused(Refuser),
    /// This host has no way to it.
    NoRoute {
        /// Every address is one of IPv6.
        ipv6: bool,
    },
    /// This host's own filter lets nothing out, or rejects.
    Denied,
    /// A bridge of containers on this host covers its network.
    Covered {
        /// The bridge.
        interface: String,
    },
    /// Another VPN's tunnel carries the way to it, and nothing comes back.
    Tunnelled {
        /// The tunnel.
        interface: String,
    },
    /// Silence, or somebody's word that it cannot be reached.
    Unreachable {
        /// On this link, and it did not answer ARP or neighbour discovery.
        no_neighbour: bool,
    },
    /// It connects, and says nothing.
    Mute {
        /// The kind was guessed by the port.
        guessed: bool,
    },
    /// Its handshake stalls, and passes with small segments.
    Hole {
        /// The largest size that passes, bytes of IP.
        size: u32,
    },
    /// Its certificate.
    Certificate(CertificateFault),
    /// Something else answers.
    Wrong,
}

/// Who refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// The Resource's own host.
    Itself,
    /// Something on the way; its address where it is known.
    Nearer(Option<IpAddr>),
    /// The Resource's server, by its own protocol.
    Protocol,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateFault {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYet,
    /// It is for another name.
    Name,
    /// Neither this host's roots nor Mozilla's trust its issuer.
    Issuer,
    /// It is broken, or too large.
    Broken,
}

impl Trouble {
    /// The code of the cause that is to be fixed.
    pub fn code(&self) -> CauseCode {
        match self {
            Self::Unresolved { .. } | Self::Elsewhere { .. } => CauseCode::ResourceUnresolved,
            Self::Refused(_) => CauseCode::ResourceRefused,
            Self::NoRoute { .. } | Self::Unreachable { .. } => CauseCode::ResourceUnreachable,
            Self::Denied => CauseCode::LocalFirewall,
            Self::Covered { .. } => CauseCode::RouteBroken,
            Self::Tunnelled { .. } => CauseCode::TunnelOwnsRoute,
            Self::Mute { .. } => CauseCode::ResourceMute,
            Self::Hole { .. } => CauseCode::PathMtuBlackhole,
            Self::Certificate(_) => CauseCode::ResourceCertificate,
            Self::Wrong => CauseCode::ResourceWrongProtocol,
        }
    }
}
