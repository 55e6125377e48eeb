//! `watch`: the checks again and again, and what is kept of them. Observes only through `pipeline`, never by a probe.
//!
//! A *run* is one process. What it keeps falls into *sessions*: stretches of unbroken watching on one clock, so that
//! every gap (a kill, a suspended host, a paused process) stands between two sessions and nowhere else.

pub mod history;
pub mod latest;
mod metrics;
pub mod record;
pub mod serve;
pub mod store;
