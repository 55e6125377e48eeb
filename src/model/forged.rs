//! Time servers that agree on a time which Dates over TLS contradict: data.

/// Time servers that agree on a time, and Dates that contradict it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpTampered {
    /// Host minus time servers, nanoseconds.
    pub by_servers_ns: i64,
    /// Host minus Dates, nanoseconds.
    pub by_dates_ns: i64,
    /// Time servers that agree.
    pub servers: usize,
    /// Hosts whose Dates agree.
    pub hosts: usize,
    /// This host's clock follows the time servers, and not the Dates.
    pub follows: bool,
}
