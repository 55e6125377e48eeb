//! Bytes small and in letters: deflated (RFC 1950) against a dictionary of what reports say, in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What reports say again and again. Never changed: old pastes are read with it. What is new since then costs a few letters more.
const WORDS: &[u8] = include_bytes!("dictionary.txt");
/// Grown by this much at a time, so that a bomb is noticed.
const STEP: usize = 64 << 10;

/// Why bytes do not unpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoilt {
    /// No base64, or not what was packed.
    Bytes,
    /// More than asked for.
    Large,
    /// Packed against another dictionary: by another version.
    Dictionary,
}

/// Bytes to letters.
pub(super) fn pack(bytes: &[u8]) -> String {
    let mut packer = Compress::new(Compression::best(), true);
    let mut out = Vec::with_capacity(bytes.len() + 1024);
    // Memory is enough and the dictionary is ours; if either failed, the sum of what is read back would tell.
    let _ = packer.set_dictionary(WORDS);
    let _ = packer.compress_vec(bytes, &mut out, FlushCompress::Finish);
    STANDARD.encode(out)
}

/// Letters to bytes, `most` of them.
pub(super) fn unpack(coded: &str, most: usize) -> Result<Vec<u8>, Spoilt> {
    let packed = STANDARD.decode(coded).map_err(|_| Spoilt::Bytes)?;
    let (mut unpacker, mut out) = (Decompress::new(true), Vec::new());
    loop {
        let taken = usize::try_from(unpacker.total_in()).unwrap_or(usize::MAX);
        let rest = packed.get(taken..).unwrap_or_default();
        out.reserve(STEP);
        let before = (taken, out.len());
        match unpacker.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return Ok(out),
            Ok(_) => {}
            Err(error) if error.needs_dictionary().is_some() => {
                unpacker.set_dictionary(WORDS).map_err(|_| Spoilt::Dictionary)?;
                continue;
            }
            Err(_) => return Err(Spoilt::Bytes),
        }
        let stuck = before == (usize::try_from(unpacker.total_in()).unwrap_or(usize::MAX), out.len());
        if out.len() > most {
            return Err(Spoilt::Large);
        }
        if stuck {
            return Err(Spoilt::Bytes);
        }
    }
}
