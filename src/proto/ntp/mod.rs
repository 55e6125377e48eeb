//! NTP (RFC 5905): from an exchange to a sample, from samples to one interval.
