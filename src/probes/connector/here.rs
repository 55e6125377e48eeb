//! This run itself, which a Connector's view is compared with.

use std::time::Duration;

use crate::model::facts::{Container, Resolver};

/// What this run is, for comparison.
#[derive(Debug)]
pub(in crate::probes) struct Here<'a> {
    /// Since boot; none where no clock tells.
    pub(in crate::probes) since_boot: Option<Duration>,
    /// The container this run is in.
    pub(in crate::probes) container: Option<&'a Container>,
    /// The resolvers this run asks.
    pub(in crate::probes) resolvers: &'a [Resolver],
    /// The user that this run is.
    pub(in crate::probes) uid: Option<u32>,
}
