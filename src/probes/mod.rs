//! The only I/O: what to send, and what came back.

pub mod aside;
mod asked;
pub mod board;
mod connector;
pub mod control;
pub mod dns;
pub mod drive;
mod fallback;
pub mod host;
pub mod http;
pub mod kernel_clock;
mod last;
mod lifetime;
mod names;
pub mod nat;
pub mod ntp;
pub mod path;
mod pick;
pub mod quic;
pub mod resolve;
pub mod resource;
pub mod run;
mod servers;
mod shared;
mod stand_in;
pub mod stun;
pub mod tcp;
pub mod tls;
pub mod udp;
mod width;

pub(crate) use connector::journal;
pub(crate) use connector::metrics;
pub(crate) use connector::own_log;

use std::time::Duration;

use crate::env::Env;

/// Silence of a connection that stands means something from here on.
const PATIENCE: Duration = Duration::from_secs(4);

/// How often the kernel has sent a segment that stays unacknowledged for so long: at once, after 0.2 s, and after twice as long each time
/// (RFC 6298 5.5; Linux' least RTO).
fn segments(silence: Duration) -> u32 {
    let rounds = silence.as_secs_f64() / 0.2 + 1.0;
    1 + rounds.log2() as u32
}

/// Microseconds since `start`, a time of this run.
fn since_us(env: &Env, start: Duration) -> u64 {
    micros(env.elapsed().saturating_sub(start))
}

/// Whole microseconds, as facts keep them.
fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
