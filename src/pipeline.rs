//! From a configuration to facts to a report.
