//! The only I/O: what to send, and what came back.
