//! Integers of C, whose width is the processor's, at the width that facts have: widened before they are reckoned with.

/// A `long` or `time_t`, of 32 bits on armv7.
pub(super) fn i64_of(number: impl Into<i64>) -> i64 {
    number.into()
}

/// An `unsigned long` or `fsblkcnt_t`, of 32 bits on armv7.
pub(super) fn u64_of(number: impl Into<u64>) -> u64 {
    number.into()
}
