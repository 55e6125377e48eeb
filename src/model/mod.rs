//! Plain data and its orderings; no I/O, no clocks, no judgement.

pub mod address;
pub mod allow;
pub mod astray;
pub mod cause_code;
pub mod check;
pub mod check_id;
mod clock_error;
pub mod facts;
pub mod finding;
pub mod history;
pub mod invocation;
pub mod lack;
pub mod observation;
pub mod peer;
pub mod policy;
pub mod proof;
pub mod quic;
pub mod report;
pub mod resolver;
pub mod resource;
mod spelling;
pub mod status;
pub mod text;
pub mod trouble;
pub mod unreached;
pub mod verdict;
pub mod witness;
pub mod words;

pub use cause_code::CauseCode;
pub use check_id::CheckId;
pub use facts::Facts;
pub use finding::{Finding, Status, Symptom};
pub use observation::{FailureKind, NotRun, Observation, Outcome, Phase, ProbeFailure};
pub use policy::Policy;
pub use report::{Report, Severity};
pub use verdict::Verdict;
