//! What is known of a Connector: its places on a host, its configuration, its log.

pub mod log;
