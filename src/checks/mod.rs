//! The table of checks: pure functions from facts to findings.
