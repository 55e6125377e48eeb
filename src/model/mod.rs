//! Plain data and its orderings; no I/O.
