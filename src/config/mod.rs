//! What the user said, and what it means.
