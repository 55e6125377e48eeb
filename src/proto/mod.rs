//! Protocols without I/O: bytes and times in, bytes and times out.

pub mod date;
pub mod ntp;
pub mod stun;
