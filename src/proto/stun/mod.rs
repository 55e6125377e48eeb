//! STUN (RFC 8489) and NAT behaviour (RFC 5780).

mod attribute;
pub mod behaviour;
pub mod discovery;
mod id;
pub mod message;
mod reach;
pub mod transaction;

pub use discovery::Discovery;
pub use id::TransactionId;
pub use message::{Class, Message};
pub use reach::is_plausible;
pub use transaction::{Answer, Failure, Outcome, Schedule, Strays, Transaction};
