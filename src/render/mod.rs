//! One report in many formats; writers only.
