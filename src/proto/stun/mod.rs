//! STUN (RFC 8489) and NAT behaviour (RFC 5780).

mod attribute;
pub mod behaviour;
pub mod discovery;
pub mod message;
pub mod transaction;

pub use discovery::Discovery;
pub use message::{Class, Message, TransactionId};
pub use transaction::{Answer, Failure, Outcome, Schedule, Strays, Transaction};
