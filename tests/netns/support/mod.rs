//! What the tests are built of: nodes, networks, servers, and the doctor run inside them.

pub mod control;
mod doctor;
mod gate;
pub mod lan;
mod net;
mod node;
pub mod public;
pub mod quic;
mod servers;
pub mod sites;
pub mod web;
mod wire;
mod world;

pub use doctor::Run;
pub use gate::{now, tell, variable};
pub use lan::{FAR, LAN, Lan, listen};
pub use net::{Builder, Nat, Net};
pub use node::Node;
pub use servers::{chronyd, coturn, dnsmasq};
pub use web::{Site, authority, certificate, nginx};
pub use wire::Wire;
pub use world::{World, both};
