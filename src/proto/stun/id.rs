//! What ties an answer to its request.

/// The 96 random bits that tie an answer to its request.
pub type TransactionId = [u8; 12];
