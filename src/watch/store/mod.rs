//! The store: one `SQLite` file, and the only place that speaks SQL.
//!
//! Written by one `watch` at a time, read by anybody meanwhile (WAL). docs/store.md describes it.

mod error;
mod open;
mod read;
mod schema;
mod standing;
mod thin;
mod write;

pub use error::StoreError;
pub use read::{Reader, Resolution};
pub use schema::APPLICATION_ID;
pub use standing::Standing;
pub use thin::Retention;
pub use write::Writer;

#[cfg(test)]
mod tests;
