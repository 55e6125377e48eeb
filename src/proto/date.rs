//! HTTP dates as a clock (RFC 9110 6.6.1).
