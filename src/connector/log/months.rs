//! Names of months as syslog and journald write them, in the languages that hosts are set to.

/// Letters of a name at most, as bytes.
const MOST: usize = 12;

/// Short names by month; what is no ASCII is `?`, so that every encoding of it, broken ones too, is the same.
const NAMES: [&[&str]; 12] = [
    &[
        "jan", "janv", "ene", "gen", "sty", "?nv", "?ca", "oca", "led", "tammi", "ian", "jaan", "januar",
        "january", "januari", "janvier", "enero", "gennaio", "janeiro",
    ],
    &[
        "feb", "f?vr", "fev", "f?v", "lut", "?ub", "?no", "helmi", "febr", "february", "februar", "februari",
        "febrero", "febbraio",
    ],
    &[
        "mar", "m?r", "mrz", "mars", "mrt", "m?rz", "maart", "b?e", "maalis", "marts", "march", "marzo",
        "mars", "mart",
    ],
    &["apr", "avr", "avril", "abr", "kwi", "nis", "dub", "april", "huhti", "aprile", "abril"],
    &["may", "mai", "mag", "mei", "maj", "m?j", "kv?", "touko", "maio", "mayo", "maggio"],
    &["jun", "juin", "giu", "cze", "haz", "?er", "kes?", "juni", "june", "junio", "giugno", "junho", "j?n"],
    &[
        "jul", "juil", "lug", "lip", "tem", "?ec", "hein?", "juli", "july", "julio", "luglio", "julho",
        "juillet", "j?l",
    ],
    &["aug", "ao?t", "aout", "ago", "sie", "a?u", "srp", "elo", "august", "augustus", "agosto", "augusti"],
    &[
        "sep",
        "sept",
        "set",
        "wrz",
        "eyl",
        "z?",
        "syys",
        "september",
        "septembre",
        "settembre",
        "setembro",
        "septiembre",
    ],
    &[
        "oct", "okt", "ott", "out", "pa?", "eki", "loka", "oktober", "october", "octobre", "octubre",
        "ottobre", "outubro",
    ],
    &["nov", "lis", "kas", "marras", "november", "novembre", "noviembre", "novembro"],
    &[
        "dec",
        "dez",
        "d?c",
        "dic",
        "gru",
        "des",
        "ara",
        "pro",
        "joulu",
        "december",
        "dezember",
        "d?cembre",
        "diciembre",
        "dicembre",
        "dezembro",
    ],
];

/// Names in alphabets that ASCII has nothing of, as they stand (UTF-8): Russian, Ukrainian, Greek.
const OWN: [&[&str]; 12] = [
    &["янв", "січ"],
    &["фев", "лют"],
    &["мар", "бер"],
    &["апр", "кві"],
    &["мая", "май", "тра"],
    &["июн", "чер"],
    &["июл", "лип"],
    &["авг", "сер"],
    &["сен", "вер"],
    &["окт", "жов"],
    &["ноя", "лис"],
    &["дек", "гру"],
];

/// The month whose name `text` begins with, and the bytes that it takes, a full stop included.
pub(super) fn begins(text: &[u8]) -> Option<(i64, usize)> {
    // In English, which is most of them, without looking any further.
    let quick = match text.get(..4)? {
        b"Jan " => 1,
        b"Feb " => 2,
        b"Mar " => 3,
        b"Apr " => 4,
        b"May " => 5,
        b"Jun " => 6,
        b"Jul " => 7,
        b"Aug " => 8,
        b"Sep " => 9,
        b"Oct " => 10,
        b"Nov " => 11,
        b"Dec " => 12,
        _ => 0,
    };
    if quick > 0 {
        return Some((quick, 3));
    }
    let length = text
        .iter()
        .take(MOST + 1)
        .take_while(|b| b.is_ascii_alphabetic() || !b.is_ascii() || **b == b'?')
        .count();
    if !(2..=MOST).contains(&length) {
        return None;
    }
    let whole = length + usize::from(text.get(length) == Some(&b'.'));
    // A day follows, or in `24/Nov/2026` a year.
    if !text.get(whole).is_some_and(|b| matches!(b, b' ' | b'/' | b'-')) {
        return None;
    }
    let own = std::str::from_utf8(&text[..length]).ok();
    let by_own = own.and_then(|own| OWN.iter().position(|names| names.contains(&own)));
    let mut folded = [0; MOST];
    let mut n = 0;
    for b in &text[..length] {
        let letter = if b.is_ascii_alphabetic() { b.to_ascii_lowercase() } else { b'?' };
        // A letter of two or three bytes is one.
        if letter == b'?' && n > 0 && folded[n - 1] == b'?' {
            continue;
        }
        folded[n] = letter;
        n += 1;
    }
    let by_fold = || {
        let folded = &folded[..n];
        NAMES.iter().position(|names| names.iter().any(|name| name.as_bytes() == folded))
    };
    let month = by_own.or_else(by_fold)?;
    Some((month as i64 + 1, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_known_in_many_languages_and_encodings() {
        for (text, month) in [
            ("Nov 24", 11),
            ("nov. 24", 11),
            ("déc. 24", 12),
            ("d\u{fffd}c. 24", 12),
            ("d?c. 24", 12),
            ("Mär 4", 3),
            ("Dez 24", 12),
            ("Okt  4", 10),
            ("févr. 4", 2),
            ("août 4", 8),
            ("dic 24", 12),
            ("ene 4", 1),
            ("gen 4", 1),
            ("mag 4", 5),
            ("out 4", 10),
            ("paź 4", 10),
            ("wrz 4", 9),
            ("sty 4", 1),
            ("gru 24", 12),
            ("mrt 4", 3),
            ("mei 4", 5),
            ("дек 24", 12),
        ] {
            assert_eq!(begins(text.as_bytes()).map(|(month, _)| month), Some(month), "{text}");
        }
        assert_eq!(begins(b"d\xe9c. 24").map(|(month, _)| month), Some(12), "Latin-1");
        for text in ["Tue 2026", "host x", "", "N", "the 4", "error 4"] {
            assert!(begins(text.as_bytes()).is_none(), "{text}");
        }
    }
}
