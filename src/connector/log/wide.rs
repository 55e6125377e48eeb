//! UTF-16, which PowerShell makes of `docker logs tg > file`, with its mark or without: brought back to UTF-8.

/// Bytes that tell, where no mark does.
const TELLING: usize = 4;

/// What the first bytes of a log tell of its letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Width {
    /// Too few bytes have come.
    #[default]
    Unknown,
    /// These have come, and tell nothing yet.
    Few(Vec<u8>),
    /// A byte a letter, or UTF-8, as everywhere.
    Bytes,
    /// Two, the low one first or last; the one that waits for its other half, and the first of a pair of surrogates.
    Wide { low_first: bool, half: Option<u8>, high: Option<u16> },
}

const LOW_FIRST: [u8; 2] = [0xff, 0xfe];
const HIGH_FIRST: [u8; 2] = [0xfe, 0xff];

impl Width {
    /// The bytes of the log in `bytes`, wherever these are cut; none where they are to be taken as they are.
    pub(super) fn narrow(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Bytes => None,
            Self::Wide { .. } => Some(self.pairs(bytes)),
            Self::Few(few) => {
                let all = [few.as_slice(), bytes].concat();
                Some(self.begin(&all))
            }
            Self::Unknown => Some(self.begin(bytes)),
        }
    }

    /// What is left when no more comes: too few bytes to tell are taken as they are.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match std::mem::replace(self, Self::Bytes) {
            Self::Few(few) => few,
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, bytes: &[u8]) -> Vec<u8> {
        let wide = |low_first| Self::Wide { low_first, half: None, high: None };
        let (width, skipped) = match *bytes {
            [] => return Vec::new(),
            [a, b, ..] if [a, b] == LOW_FIRST || [a, b] == HIGH_FIRST => (wide(a == LOW_FIRST[0]), 2),
            // Without a mark: what is Latin in the first letters has noughts beside it.
            [a, 0, b, 0, ..] if a != 0 && b != 0 => (wide(true), 0),
            [0, a, 0, b, ..] if a != 0 && b != 0 => (wide(false), 0),
            _ if bytes.len() < TELLING
                && bytes.iter().all(|b| matches!(b, 0 | 0xff | 0xfe) || b.is_ascii()) =>
            {
                *self = Self::Few(bytes.to_vec());
                return Vec::new();
            }
            _ => (Self::Bytes, 0),
        };
        *self = width;
        match self {
            Self::Wide { .. } => self.pairs(&bytes[skipped..]),
            _ => bytes.to_vec(),
        }
    }

    fn pairs(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Self::Wide { low_first, half, high } = self else { return Vec::new() };
        let mut narrow = Vec::with_capacity(bytes.len() / 2 + 4);
        for byte in bytes {
            let Some(first) = half.take() else {
                *half = Some(*byte);
                continue;
            };
            let unit = u16::from_le_bytes(if *low_first { [first, *byte] } else { [*byte, first] });
            let units = [high.take().unwrap_or(unit), unit];
            let paired = units[0] != unit || (0xd800..0xdc00).contains(&units[0]);
            if (0xd800..0xdc00).contains(&unit) {
                *high = Some(unit);
                continue;
            }
            let units = if paired { &units[..] } else { &units[1..] };
            for letter in char::decode_utf16(units.iter().copied()) {
                let mut utf8 = [0; 4];
                narrow.extend_from_slice(letter.unwrap_or('?').encode_utf8(&mut utf8).as_bytes());
            }
        }
        narrow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parts: &[&[u8]]) -> Vec<u8> {
        let mut width = Width::default();
        let mut got: Vec<u8> =
            parts.iter().flat_map(|part| width.narrow(part).unwrap_or_else(|| part.to_vec())).collect();
        got.extend(width.finish());
        got
    }

    #[test]
    fn both_orders_are_read_wherever_they_are_cut_and_bytes_stay_bytes() {
        for (bytes, text) in [
            (&b"\xff\xfe[\0E\0]\0\r\0\n\0\xe9\0"[..], "[E]\r\n\u{e9}".as_bytes()),
            (b"\xfe\xff\0[\0E\0]\0\n\x67\x08", "[E]\n\u{6708}".as_bytes()),
            (b"[\0E\0]\0\n\0", b"[E]\n"),
            (b"\0[\0E\0]\0\n", b"[E]\n"),
            (b"[\0E\0\x3d\xd8\x00\xde", "[E\u{1f600}".as_bytes()),
            (b"[E]\n\xff\xfe", b"[E]\n\xff\xfe"),
            (b"\xff[E]", b"\xff[E]"),
            (b"\xff", b"\xff"),
            (b"\xff\xfe", b""),
            (b"\xff\xfea", b""),
            (b"a\0b", b"a\0b"),
            (b"ab", b"ab"),
            (b"", b""),
        ] {
            assert_eq!(all(&[bytes]), text, "{bytes:?}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(all(&single), text, "{bytes:?}");
        }
    }
}
