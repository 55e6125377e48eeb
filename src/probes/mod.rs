//! The only I/O: what to send, and what came back.

pub mod kernel_clock;
pub mod ntp;
