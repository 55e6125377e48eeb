//! How an essential check's outcome was proven: how who answered was found, and from which network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One way in which an outcome was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// How.
    pub how: ProvenBy,
    /// In which network namespace.
    pub network: ProofNetwork,
}

/// How who answered was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenBy {
    /// By its name, from the resolvers of this host.
    Name,
    /// By its name, from a public resolver that was asked by address.
    FallbackResolver,
    /// By an address: one that was given, or that its operator publishes.
    LiteralAddress,
    /// A connection of the Connector's own stands.
    OwnSocket,
}

/// Whose network namespace it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProofNetwork {
    /// This run's.
    Run,
    /// The Connector's, which is another than this run's.
    Connector,
}

impl Proof {
    /// In words: `name`, `a connection of the Connector's own, in its own network`.
    pub fn words(self) -> String {
        let how = match self.how {
            ProvenBy::Name => "name",
            ProvenBy::FallbackResolver => "a public resolver's word",
            ProvenBy::LiteralAddress => "address",
            ProvenBy::OwnSocket => "a connection of the Connector's own",
        };
        match self.network {
            ProofNetwork::Run => how.to_owned(),
            ProofNetwork::Connector => format!("{how}, in its own network"),
        }
    }
}
