//! Plain data and its orderings; no I/O, no clocks, no judgement.

pub mod address;
pub mod facts;
pub mod finding;
pub mod history;
pub mod observation;
pub mod policy;
pub mod report;
pub mod resolver;
pub mod text;
pub mod witness;

pub use facts::Facts;
pub use finding::{Finding, Status, Symptom};
pub use observation::{FailureKind, NotRun, Observation, Outcome, Phase, ProbeFailure};
pub use policy::Policy;
pub use report::{Report, Severity, Verdict};
