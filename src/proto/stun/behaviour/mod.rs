//! NAT behaviour (RFC 5780, in the words of RFC 4787): what is asked and observed; `judge` says what it means.

pub mod judge;
pub mod machine;
pub mod outlook;
mod plan;
mod seen;

pub use judge::{Filtering, Mapping, Obstacle};
pub use machine::Behaviour;
pub use plan::{FILTER, MAP, Path, Plan, SOCKETS, usable_other};
pub use seen::{Ask, Observation, Observations, Reply};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
