//! NTP (RFC 5905): from an exchange to a sample, from samples to one interval; asks no clock and opens no socket.

pub mod packet;
pub mod sample;
pub mod select;
