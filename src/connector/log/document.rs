//! Whether a log is one document of JSON over several lines. Pure.

/// Whether a text begins as JSON of several lines does: an object, or an array of objects or arrays.
pub(super) fn begins_document(line: &[u8]) -> bool {
    let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    match text {
        [b'{' | b'['] => true,
        [b'{', rest @ ..] => rest.trim_ascii_start().first() == Some(&b'"'),
        [b'[', rest @ ..] => {
            let rest = rest.trim_ascii_start();
            matches!(rest, [b'{', ..]) && rest[1..].trim_ascii_start().first().is_none_or(|b| *b == b'"')
        }
        _ => false,
    }
}
