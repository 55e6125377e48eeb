//! Strings from outside made fit to show, and figures in words; knows nothing of formats.

/// Drops control, bidirectional and zero-width characters and cuts to `max` characters (`...` marks the cut).
///
/// Newlines and tabs become spaces. What is left is safe on a terminal, in a log and in a table.
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    for c in text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }) {
        if !is_shown(c) {
            continue;
        }
        if count == max {
            out.truncate(out.char_indices().nth(max.saturating_sub(3)).map_or(out.len(), |(i, _)| i));
            out.push_str("...");
            return out.trim().to_owned();
        }
        out.push(c);
        count += 1;
    }
    out.trim().to_owned()
}

/// The same for bytes that claim to be UTF-8.
pub fn clean_bytes(bytes: &[u8], max: usize) -> String {
    let bounded = &bytes[..bytes.len().min(max.saturating_mul(8))];
    clean(&String::from_utf8_lossy(bounded), max)
}

/// Of a URL the scheme and the host, with its port: what follows may hold tokens, and what stands before `@` a password. Of one that
/// names no host nothing but that.
pub fn site(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("//") else { return "a path".to_owned() };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme = scheme.trim_end_matches(':');
    let scheme = if scheme.chars().all(plain) { scheme } else { "" };
    let authority =
        rest.split(['/', '?', '#', '\\', ' ', '"', '\'', '<', '>', ')', ',', ';']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let colon = if scheme.is_empty() { "" } else { ":" };
    format!("{scheme}{colon}//{host}")
}

/// A stranger's text in which of every URL the scheme and the host are left.
pub fn without_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//") {
        let begin =
            rest[..at].rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | ':')));
        let begin =
            begin.map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
        let end =
            rest[at + 2..].find([' ', '"', '\'', '<', '>', ')', ',', ';']).map_or(rest.len(), |n| at + 2 + n);
        out.push_str(&rest[..begin]);
        out.push_str(&site(&rest[begin..end]));
        rest = &rest[end..];
    }
    out + rest
}

/// Whether a character is safe to show: not a control, not bidirectional, not invisible.
pub fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether part of a text may be a secret: a JWT's beginning, or a long word of capitals, small letters and digits.
pub fn looks_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        let has = |class: fn(&u8) -> bool| word.bytes().any(|b| class(&b));
        let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
        word.starts_with("eyJ") || (word.len() >= 20 && mixed)
    })
}

/// Seconds with a sign and three decimals: `-7.003 s`; whole units where it is beyond a day.
pub fn signed_offset(ns: i64) -> String {
    let magnitude = ns.unsigned_abs();
    let sign = match (magnitude < 500_000, ns < 0) {
        // What rounds to nothing has no sign.
        (true, _) => "",
        (false, true) => "-",
        (false, false) => "+",
    };
    if magnitude >= 172_800 * 1_000_000_000 {
        format!("{sign}{}", span(magnitude / 1_000_000_000))
    } else {
        format!("{sign}{} s", seconds(magnitude))
    }
}

/// Unsigned nanoseconds as seconds with three decimals, without the unit.
pub fn seconds(ns: u64) -> String {
    let ms = (ns + 500_000) / 1_000_000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The two largest units of a span of seconds: `3 d 4 h`, `12 min 5 s`.
pub fn span(seconds: u64) -> String {
    const UNITS: [(u64, &str); 5] = [(31_557_600, "y"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        return "0 s".to_owned();
    };
    let (size, unit) = UNITS[first];
    let head = format!("{} {unit}", seconds / size);
    match UNITS.get(first + 1).map(|(next, unit)| (seconds % size / next, unit)) {
        Some((rest, unit)) if rest > 0 => format!("{head} {rest} {unit}"),
        _ => head,
    }
}

/// Microseconds as people read them: `0.4 ms`, `12 ms`, `1.2 s`.
pub fn millis(us: u64) -> String {
    match us {
        0..100 => "under 0.1 ms".to_owned(),
        100..10_000 => format!("{}.{} ms", us / 1000, us % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", us / 1000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// Bytes as people read them, in units of 1024: `512 B`, `2.1 GB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(u32, &str); 4] = [(40, "TB"), (30, "GB"), (20, "MB"), (10, "kB")];
    match UNITS.iter().find(|(shift, _)| n >> shift > 0) {
        Some((shift, unit)) if n >> shift < 10 => {
            format!("{}.{} {unit}", n >> shift, ((n & ((1 << shift) - 1)) * 10) >> shift)
        }
        Some((shift, unit)) => format!("{} {unit}", n >> shift),
        None => format!("{n} B"),
    }
}

/// `A`, `A and B`, `A, B and C`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// `1 server`, `3 servers`: a count with its noun.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {}", plural(n, noun))
}

/// The noun alone, as `n` of it are called.
pub fn plural(n: usize, noun: &str) -> String {
    if n == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_never_pass() {
        assert_eq!(clean("\u{1b}]0;pwned\u{7}\u{1b}[2Jok\u{202e}gpj", 40), "]0;pwned[2Jokgpj");
        assert_eq!(clean("a\nb\tc\0", 40), "a b c");
        assert_eq!(clean("abcdefghij", 8), "abcde...");
        assert_eq!(clean("abcdefgh", 8), "abcdefgh");
        assert_eq!(clean_bytes(&[0xff, b'x', 0x9b], 5), "\u{fffd}x\u{fffd}");
    }

    #[test]
    fn of_a_url_nothing_but_its_site_is_left() {
        for (url, kept) in [
            ("https://portal.example/login?mac=52:54:00:ca:4a:1a&token=x", "https://portal.example"),
            ("http://user:hunter2@portal.example:8080/a", "http://portal.example:8080"),
            ("//portal.example/ssid/Guest", "//portal.example"),
            ("/login?token=x", "a path"),
            ("https://u@p@h/x", "https://h"),
            ("javascript:alert(1)//x", "//x"),
            ("https://h\\@evil/x", "https://h"),
            ("", "a path"),
        ] {
            assert_eq!(site(url), kept, "{url}");
        }
        for (text, kept) in [
            (
                "coturn 4.6 (see https://u:pw@h.example/t?k=v, or http://i/)",
                "coturn 4.6 (see https://h.example, or http://i)",
            ),
            ("CN=x, OU=\"https://h/secret\"", "CN=x, OU=\"https://h\""),
            ("no URL / at all", "no URL / at all"),
            ("\u{e9}https://h/x", "\u{e9}https://h"),
        ] {
            assert_eq!(without_urls(text), kept, "{text}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_known_by_its_look() {
        for secret in ["eyJhbGciOi", "https://u:Ab1Ab1Ab1Ab1Ab1Ab1Ab1@x", "x=eyJ"] {
            assert!(looks_secret(secret), "{secret}");
        }
        for plain in
            ["acme", "https://acme.us1.twingate.com:8443", "connector-doctor-lab-0123456789", "Conn-AMS-1"]
        {
            assert!(!looks_secret(plain), "{plain}");
        }
    }

    #[test]
    fn figures_read_as_people_write_them() {
        assert_eq!(signed_offset(-7_003_400_000), "-7.003 s");
        assert_eq!([signed_offset(0), signed_offset(-400_000)], ["0.000 s", "0.000 s"]);
        assert_eq!(signed_offset(-600_000), "-0.001 s");
        assert_eq!([millis(40), millis(100)], ["under 0.1 ms", "0.1 ms"]);
        assert_eq!(signed_offset(-284_000_000_000_000_000), "-8 y 365 d");
        assert_eq!(span(273_600), "3 d 4 h");
        assert_eq!(span(59), "59 s");
        assert_eq!(millis(412), "0.4 ms");
        assert_eq!(millis(12_400), "12 ms");
        assert_eq!(count(1, "server"), "1 server");
        assert_eq!([bytes(0), bytes(2_254_857_830), bytes(64 << 20)], ["0 B", "2.0 GB", "64 MB"]);
        assert_eq!(bytes(u64::MAX), "16777215 TB");
    }
}
