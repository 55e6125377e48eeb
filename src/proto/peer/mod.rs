//! Peer-to-peer between two hosts without a server between them: lines, signed checks, and the search for a pair of
//! addresses that works (RFC 8445). No I/O.

mod base58;
pub mod check;
pub mod line;
pub mod machine;
pub mod pair;
pub mod pairs;
pub mod search;

pub use check::{Check, Keys, is_stun, leads};
pub use line::{Candidate, Kind, Line, LineError, Mapping};
pub use machine::Punch;
pub use pair::{Origin, Place, Remote};
pub use pairs::{Chosen, Pair, Settings};
