//! The only I/O: what to send, and what came back.

pub mod board;
pub mod drive;
pub mod kernel_clock;
pub mod ntp;
pub mod stun;
pub mod udp;
