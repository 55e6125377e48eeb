//! The command line: the only layer that knows all the others.

pub mod args;
pub mod exit;
