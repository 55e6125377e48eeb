//! `watch`: the checks again and again, and what is kept of them. Observes only through `pipeline`, never by a probe.
//!
//! A *run* is one process. What it keeps falls into *sessions*: stretches of unbroken watching on one clock, so that
//! every gap (a kill, a suspended host, a paused process) stands between two sessions and nowhere else.

pub mod change;
pub mod history;
mod keeper;
pub mod latest;
mod look;
mod metrics;
pub mod notify;
pub mod place;
pub mod record;
mod resources;
mod run;
pub mod schedule;
mod seen;
pub mod serve;
pub mod store;
mod take;
pub mod timeline;
pub mod told;
mod words;

pub use run::{Watch, run};
