//! The table of causes, and their ranking.
