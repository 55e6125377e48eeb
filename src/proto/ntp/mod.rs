//! NTP (RFC 5905): from an exchange to a sample, from samples to one interval; asks no clock and opens no socket.

pub mod packet;
pub mod sample;
pub mod select;

use std::time::Duration;

/// When requests leave while nothing has come back. As many as of any first contact, but not so close at the beginning: public servers ask for
/// restraint (RFC 8633), and within 300 ms one that lives has answered the first.
pub const SENDS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1100),
    Duration::from_millis(1500),
];
