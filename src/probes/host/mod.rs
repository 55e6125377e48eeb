//! What the host says of itself: /proc, /sys, a few files and a few questions to the kernel; sends nothing.
//!
//! Everything is best effort: without /proc, without rights, on a read-only root there is less, never an error.

mod container;
mod counters;
mod discover;
mod fib;
pub(in crate::probes) mod files;
mod firewall;
pub(in crate::probes) mod inside;
mod interfaces;
mod kernel;
mod kinds;
mod linux;
mod look;
mod manager;
mod netlink;
mod os;
pub(in crate::probes) mod processes;
pub(in crate::probes) mod reading;
mod resolvers;
mod resources;
mod room;
mod routes;
pub(in crate::probes) mod services;
mod time_daemon;
mod time_sources;
pub(in crate::probes) mod tree;
mod unseen;
mod virt;
pub(in crate::probes) mod way;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::Path;

pub use counters::{Counted, counted};
pub use look::{look, look_here};
pub use room::{Snapshot, snapshot};
pub use routes::answers_on_link;

use crate::env::Env;
use crate::model::facts::Routing;

/// How the kernel would send to each of these addresses: a few microseconds each, nothing is sent.
pub fn routing(env: &Env, addresses: &[IpAddr]) -> Routing {
    let unread = |why: String| Routing { error: Some(why), ..Routing::default() };
    if env.root() != Path::new("/") {
        return unread("netlink: not asked below another root".to_owned());
    }
    match netlink::Socket::open() {
        Ok(socket) => fib::routing(&socket, addresses),
        Err(error) => unread(format!("netlink: {}", error.desc())),
    }
}
