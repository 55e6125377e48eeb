//! How far a clock is off, with its bound. Data only.

/// A clock error with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockError {
    /// Host minus reference, nanoseconds; negative = the host is in the past.
    pub offset_ns: i64,
    /// The offset is off by at most this, nanoseconds.
    pub error_ns: u64,
    /// How many sources agree.
    pub agreeing: usize,
    /// How many sources answered usably.
    pub answered: usize,
    /// How many of these are Dates of HTTP answers.
    pub dates: usize,
}
