//! The way out: its hops, its gateway's word, and the sizes that pass; judges nothing.

pub mod gateway;
pub mod hops;
pub mod mtu;

use std::net::SocketAddr;

use super::nat::Choice;
use crate::proto::stun::behaviour::Plan;

/// The server that is asked, and its other address where it has one.
fn ends(choice: &Choice) -> Option<(SocketAddr, Option<SocketAddr>)> {
    match &choice.plan {
        Plan::Alternate { primary, other } => Some((primary.to, Some(other.to))),
        Plan::Several(paths) => paths.first().map(|path| (path.to, None)),
    }
}
