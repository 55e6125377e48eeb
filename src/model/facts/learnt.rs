//! How an address was learnt, where not from this host's own resolvers.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an address was learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum By {
    /// By the name, from the resolvers of this host, or because the target was given as an address.
    #[default]
    Name,
    /// By a public resolver, asked by its address.
    FallbackResolver {
        /// Which.
        resolver: SocketAddr,
    },
    /// An address that its operator publishes, out of the built-in table.
    LiteralAddress,
}

/// An address that was not learnt from this host's resolvers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Learnt {
    /// The address.
    pub address: IpAddr,
    /// How it was learnt.
    pub how: By,
}

impl By {
    /// In words, for a line of evidence; none where nothing is special about it.
    pub fn words(self) -> Option<String> {
        match self {
            Self::Name => None,
            Self::FallbackResolver { resolver } => Some(format!("by {}", resolver.ip())),
            Self::LiteralAddress => Some("by its published address".to_owned()),
        }
    }
}
