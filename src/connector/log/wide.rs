//! UTF-16, which PowerShell makes of `docker logs tg > file`: brought back to bytes. What a log's words are made of is ASCII.

/// What the first bytes of a log tell of its form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Nothing has come, or one byte of what may be a byte order mark.
    #[default]
    Unknown,
    Half(u8),
    /// A byte a letter, as everywhere.
    Bytes,
    /// Two, the low one first or last, and the one that waits for its other half.
    Wide {
        low_first: bool,
        half: Option<u8>,
    },
}

const LOW_FIRST: [u8; 2] = [0xff, 0xfe];
const HIGH_FIRST: [u8; 2] = [0xfe, 0xff];

impl Form {
    /// The bytes of the log in `bytes`, wherever these are cut; none where they are to be taken as they are.
    pub(super) fn narrow(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        match *self {
            Self::Bytes => None,
            Self::Wide { .. } => Some(self.pairs(bytes)),
            Self::Half(first) => Some(self.begin(&[&[first], bytes].concat())),
            Self::Unknown => Some(self.begin(bytes)),
        }
    }

    /// What is left when no more comes: half a mark is no mark.
    pub(super) fn finish(self) -> Option<u8> {
        if let Self::Half(first) = self { Some(first) } else { None }
    }

    fn begin(&mut self, bytes: &[u8]) -> Vec<u8> {
        *self = match *bytes {
            [] => Self::Unknown,
            [first @ (0xff | 0xfe)] => Self::Half(first),
            [a, b, ..] if [a, b] == LOW_FIRST || [a, b] == HIGH_FIRST => {
                Self::Wide { low_first: a == LOW_FIRST[0], half: None }
            }
            _ => Self::Bytes,
        };
        match *self {
            Self::Wide { .. } => self.pairs(&bytes[2..]),
            Self::Bytes => bytes.to_vec(),
            _ => Vec::new(),
        }
    }

    fn pairs(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Self::Wide { low_first, half } = self else { return Vec::new() };
        let mut narrow = Vec::with_capacity(bytes.len() / 2 + 1);
        for byte in bytes {
            let Some(first) = half.take() else {
                *half = Some(*byte);
                continue;
            };
            let (low, high) = if *low_first { (first, *byte) } else { (*byte, first) };
            // What is no ASCII takes no part in any word; not a line's end either.
            narrow.push(if high == 0 && low.is_ascii() { low } else { b'?' });
        }
        narrow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parts: &[&[u8]]) -> Vec<u8> {
        let mut form = Form::default();
        let mut got: Vec<u8> =
            parts.iter().flat_map(|part| form.narrow(part).unwrap_or_else(|| part.to_vec())).collect();
        got.extend(form.finish());
        got
    }

    #[test]
    fn both_orders_are_read_wherever_they_are_cut_and_bytes_stay_bytes() {
        for (bytes, text) in [
            (&b"\xff\xfe[\0E\0]\0\r\0\n\0\x0d\x01"[..], &b"[E]\r\n?"[..]),
            (b"\xfe\xff\0[\0E\0]\0\n\x01\x0d", b"[E]\n?"),
            (b"[E]\n\xff\xfe", b"[E]\n\xff\xfe"),
            (b"\xff[E]", b"\xff[E]"),
            (b"\xff", b"\xff"),
            (b"\xff\xfe", b""),
            (b"\xff\xfea", b""),
            (b"", b""),
        ] {
            assert_eq!(all(&[bytes]), text, "{bytes:?}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(all(&single), text, "{bytes:?}");
        }
    }
}
