//! Single parts of what may stand before a message in a line, each with the bytes that it takes.

/// Bytes of a mark.
pub(super) const MARK: usize = 80;
/// Levels in other writers' words.
const WORDS: [&str; 14] = [
    "ERROR", "WARNING", "WARN", "INFO", "DEBUG", "FATAL", "ERR", "NOTICE", "TRACE", "error", "info",
    "warning", "debug", "warn",
];

/// Bytes of an escape sequence.
pub(super) fn colour(text: &[u8]) -> usize {
    if text.get(1) != Some(&b'[') {
        return 1;
    }
    text.iter().skip(2).position(u8::is_ascii_alphabetic).map_or(text.len(), |n| n + 3)
}

pub(super) fn lost_colour(text: &[u8]) -> Option<usize> {
    let figures = text.iter().skip(1).take(8).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    (figures > 0 && text.get(figures + 1) == Some(&b'm')).then_some(figures + 2)
}

/// `[ERROR]`: the level that the Connector's own lines begin with.
pub(super) fn level(text: &[u8]) -> Option<&[u8]> {
    let word = text.strip_prefix(b"[")?;
    let letters = word.iter().take(9).take_while(|b| b.is_ascii_uppercase()).count();
    ((3..=8).contains(&letters) && word.get(letters) == Some(&b']')).then(|| &word[..letters])
}

/// `<34>`, and the version that RFC 5424 puts behind it.
pub(super) fn priority(rest: &[u8]) -> Option<usize> {
    let figures = rest.iter().skip(1).take(4).take_while(|b| b.is_ascii_digit()).count();
    if !(1..=3).contains(&figures) || rest.get(figures + 1) != Some(&b'>') {
        return None;
    }
    let version = rest[figures + 2..].starts_with(b"1 ");
    Some(figures + 2 + if version { 2 } else { 0 })
}

/// `stdout F `, as containerd and CRI-O write it.
pub(super) fn stream(rest: &[u8]) -> Option<usize> {
    let name = [&b"stdout"[..], b"stderr"].into_iter().find(|name| rest.starts_with(name))?;
    match &rest[name.len()..] {
        [b' ', b'F' | b'P', b' ', ..] => Some(name.len() + 3),
        [b' ' | b':' | b'\t', ..] => Some(name.len() + 1),
        _ => None,
    }
}

/// `connector-a-1  | `, as compose and `docker service logs` write it.
pub(super) fn barred(rest: &[u8]) -> Option<(&[u8], usize)> {
    let window = &rest[..rest.len().min(MARK)];
    let bar = memchr::memchr(b'|', window)?;
    let name = window[..bar].trim_ascii_end();
    let name = &name[..memchr::memchr(0x1b, name).unwrap_or(name.len())];
    let plain = !name.is_empty() && name.iter().all(|b| is_name(*b));
    plain.then_some((name, bar + 1))
}

pub(super) fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@' | b':' | b'(' | b')' | b'#')
}

pub(super) fn is_program(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'@' | b'(' | b')' | b'+')
}

/// `[123]`, its number and its bytes.
pub(super) fn process(after: &[u8]) -> (Option<u32>, usize) {
    if after.first() != Some(&b'[') {
        return (None, 0);
    }
    let figures = after.iter().skip(1).take(11).take_while(|b| b.is_ascii_digit()).count();
    if !(1..=10).contains(&figures) || after.get(figures + 1) != Some(&b']') {
        return (None, 0);
    }
    let n = after[1..=figures].iter().fold(0_u64, |n, b| n * 10 + u64::from(b - b'0'));
    (u32::try_from(n).ok(), figures + 2)
}

/// Levels as other writers put them: `ERROR:`, `level=error`, `err`; before the Connector's own.
pub(super) fn word_level(rest: &[u8]) -> Option<usize> {
    let length = rest.iter().take(32).take_while(|b| !matches!(b, b' ' | b'\t')).count();
    let word = &rest[..length];
    let word = word.strip_prefix(b"level=").unwrap_or(word);
    is_level_word(word.strip_suffix(b":").unwrap_or(word)).then_some(length)
}

pub(super) fn is_level_word(word: &[u8]) -> bool {
    WORDS.iter().any(|level| level.as_bytes() == word)
}
