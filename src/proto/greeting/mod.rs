//! What a Resource's server says first, a row a kind: its ports, the bytes that are sent (never a credential), the reader of what comes.
//!
//! Readers are pure and bounded: they see all bytes so far and say what they show, or that more is needed.

mod dns;
pub mod echo;
mod http;
mod ldap;
mod line;
mod mysql;
mod postgresql;
mod rdp;
mod recognise;
mod reply;
mod rows;
mod smb;
mod ssh;
#[cfg(test)]
mod tests;

pub use dns::{answer as dns_answer, question as dns_question};
pub use recognise::recognise;
pub use reply::{Reading, Reply};
pub use rows::{Kind, Opening, ROWS};
