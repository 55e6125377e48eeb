//! A hash of messages: quick, and the same always.

/// Of a message, eight bytes at a time; never nought.
pub(super) fn hash(text: &[u8]) -> u64 {
    let mut hash: u64 = text.len() as u64 ^ 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(29);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x94D0_49BB_1331_11EB);
    }
    hash ^ (hash >> 31) | 1
}
