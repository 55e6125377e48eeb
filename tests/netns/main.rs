//! The doctor in real networks: kernel NATs, firewalls and other people's servers, in network namespaces.
//!
//! Every test builds its own little internet (`support`), needs root and the Debian packages that `.ci/run`
//! installs, and leaves nothing behind: the namespaces live as long as the test process holds them open.
#![allow(unreachable_pub, reason = "a test crate has no outside")]

mod blocked;
mod connections;
mod connector;
mod control;
mod details;
mod diagnosis;
mod exhaustion;
mod fallback;
mod filters;
mod harness;
mod hung;
mod lookups;
mod loss;
mod nat;
mod odd;
mod odd_table;
mod pairs;
mod path;
mod peer;
mod quic;
mod resource;
mod routes;
mod single;
mod support;
mod trust;
mod verdict;
mod verify;
mod watch;
