//! What of a line may be shown: words. Whatever might be a secret is left out before a line is kept anywhere.
//!
//! It goes by what words look like, not by what tokens look like: a token of an unknown form is not a word.

use crate::model::text::clean_bytes;

/// Bytes of a line that are looked at for its sample.
const WINDOW: usize = 512;
/// Characters of a sample.
const SHOWN: usize = 160;
/// What stands for a thing that is not shown.
const HIDDEN: &str = "[masked]";
/// What follows one of these, whatever it looks like, is not shown.
const GIVEAWAYS: &[&str] = &[
    "token",
    "secret",
    "password",
    "passwd",
    "bearer",
    "authorization",
    "key",
    "jwt",
    "cookie",
    "credential",
    "signature",
];

/// A line's words from byte `from` on, with everything masked that is none.
pub(super) fn sample(line: &[u8], from: usize) -> String {
    let mut from = from.min(line.len());
    // Never begin in the middle of a run: its head might have given it away.
    if from > 0 && is_run(line[from - 1]) {
        from += line[from..].iter().position(|b| !is_run(*b)).unwrap_or(line.len() - from);
    }
    let mut end = line.len().min(from + WINDOW);
    // Nor end in one that goes on.
    if end < line.len() && is_run(line[end]) {
        end = line[from..end].iter().rposition(|b| !is_run(*b)).map_or(from, |at| from + at + 1);
    }
    let text = clean_bytes(&line[from..end], WINDOW);
    clean_bytes(masked(&text).as_bytes(), SHOWN)
}

/// Characters of which tokens, addresses and names are made.
fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-+/=.:@~%$#&*!?".contains(&byte)
}

fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut armed = false;
    while !rest.is_empty() {
        let start = rest.find(|c: char| is_run_char(c)).unwrap_or(rest.len());
        let (between, tail) = rest.split_at(start);
        out.push_str(between);
        let end = tail.find(|c: char| !is_run_char(c)).unwrap_or(tail.len());
        let (run, tail) = tail.split_at(end);
        rest = tail;
        // Signs alone hide nothing, and do not end what gave a secret away.
        if !run.contains(|c: char| !c.is_ascii() || c.is_ascii_alphanumeric()) {
            out.push_str(run);
            continue;
        }
        let quoted = between.contains(['"', '=']) || between.trim() == ":";
        let hidden = (armed && (quoted || !is_plain_word(run))) || !is_harmless(run);
        out.push_str(if hidden { HIDDEN } else { run });
        // `"refresh_token":"…"`, `Authorization: Bearer …`: what comes next is not to be trusted.
        armed = gives_away(run);
    }
    out
}

fn is_run_char(c: char) -> bool {
    !c.is_ascii() || is_run(c as u8)
}

fn gives_away(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    let end = lower.trim_end_matches([':', '=']);
    GIVEAWAYS.iter().any(|word| end.ends_with(word))
}

/// Letters alone, as in a sentence.
fn is_plain_word(run: &str) -> bool {
    run.len() <= 14 && is_wordlike(run.trim_end_matches(['.', ':', ',', '!', '?']))
}

/// A run all of whose pieces look like words, small numbers or addresses; `KEY=value` is none.
fn is_harmless(run: &str) -> bool {
    if run.contains(['=', '@', '%', '$', '~', '+', '&']) || !run.is_ascii() {
        return false;
    }
    let core = run.trim_matches([':', '.', '/', '!', '?', '*', '#', '-', '_']);
    // A name of that many letters is a word; a longer one of mixed letters is not.
    let mixed = core.bytes().any(|b| b.is_ascii_uppercase()) && core.bytes().any(|b| b.is_ascii_lowercase());
    if core.len() > 48 && mixed || core.len() > 96 || core.contains("eyJ") {
        return false;
    }
    core.parse::<std::net::IpAddr>().is_ok()
        || core.parse::<std::net::SocketAddr>().is_ok()
        || core
            .split(['_', '-', '/', '.', ':', '#', '*', '!', '?'])
            .all(|piece| is_small(piece) || is_wordlike(piece))
}

/// A number of at most ten figures, perhaps with its unit (`10s`), or a short label such as `v2`, `us1`, `h2`.
fn is_small(piece: &str) -> bool {
    let figures = piece.bytes().filter(u8::is_ascii_digit).count();
    let letters = piece.bytes().filter(u8::is_ascii_lowercase).count();
    let begins = |of: fn(&u8) -> bool| piece.bytes().take_while(of).count();
    let number = figures <= 10 && letters <= 2 && begins(u8::is_ascii_digit) == figures;
    let label = letters <= 8 && figures <= 3 && begins(u8::is_ascii_lowercase) == letters;
    figures + letters == piece.len() && (number || label)
}

/// Letters of one case, perhaps behind a capital, or some such words joined (`AccessDenied`).
fn is_wordlike(piece: &str) -> bool {
    if piece.len() > 24 || !piece.bytes().all(|b| b.is_ascii_alphabetic()) {
        return false;
    }
    let lower = piece.bytes().filter(u8::is_ascii_lowercase).count();
    if lower == piece.len() || lower == 0 {
        return true;
    }
    // Capitals begin words of three letters or more.
    let capitals = piece.len() - lower;
    piece.as_bytes()[0].is_ascii_uppercase()
        && piece.split_inclusive(|c: char| c.is_ascii_lowercase()).filter(|part| part.len() > 1).count()
            == capitals
        && piece.len() >= capitals * 3
        && !has_short_hump(piece)
}

fn has_short_hump(piece: &str) -> bool {
    let mut since = 0;
    for (i, b) in piece.bytes().enumerate() {
        if b.is_ascii_uppercase() {
            if i > 0 && since < 3 {
                return true;
            }
            since = 0;
        }
        since += 1;
    }
    since < 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_of_the_vendors_stay_readable() {
        for line in [
            "[ERROR] [controller] failed to get SD: Gone, code 410",
            "[ERROR] [connector] failed to get an access token: Invalid token",
            "Failed to preconnect a relay listener \"ice://any\": 110 (Connection timed out)",
            "listen::maintain_relay_connectivity: relay 203.0.113.9:30010 is not available, disconnect",
            "Too many open files (os error 24)",
            "pbcc_parse_subscribe_v2_response - AccessDenied",
            "[msg] Nameserver 172.20.0.10:53 has failed: request timed out.",
            "[WARN] [stun] request to stun.us1.twingate.com:3478 failed",
            "https://analytics.twingate.com/v1/track",
        ] {
            assert_eq!(sample(line.as_bytes(), 0), line);
        }
    }

    #[test]
    fn whatever_might_be_a_secret_is_not_shown() {
        for secret in [
            "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3OTU1Mjk1MzN9.c2lnbmF0dXJl",
            "dGhpcyBpcyBhIHJlZnJlc2ggdG9rZW4gMTIz",
            "1f2e3d4c5b6a79880a1b2c3d4e5f60718293a4b5",
            "A7xK9-qLm2_Zp4Rt8Wv1",
            "550e8400-e29b-41d4-a716-446655440000",
            "xoxb123456789012",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ] {
            for line in [
                format!("[ERROR] got {secret} and stopped"),
                format!("https://acme.twingate.com/x?refresh_token={secret}&y=1"),
                format!("https://user:{secret}@acme.twingate.com/"),
                format!("{{\"refresh_token\":\"{secret}\",\"a\":1}}"),
                format!("TWINGATE_REFRESH_TOKEN={secret}"),
                format!("Authorization: Bearer {secret}"),
                secret.to_owned(),
                format!("{}{secret}", "x ".repeat(250)),
            ] {
                for from in [0, 3, line.len() / 2] {
                    let shown = sample(line.as_bytes(), from);
                    let leaks = secret
                        .as_bytes()
                        .windows(8)
                        .any(|part| memchr::memmem::find(shown.as_bytes(), part).is_some());
                    assert!(!leaks, "{line}: {shown}");
                }
            }
        }
        // A word in the place of a secret is one, too.
        assert_eq!(sample(b"{\"password\":\"hunter\"}", 0), "{\"password\":\"[masked]\"}");
        assert_eq!(sample(b"TWINGATE_ACCESS_TOKEN=hunter", 0), "[masked]");
        assert_eq!(sample(b"Authorization: Bearer hunter2", 0), "Authorization: Bearer [masked]");
    }

    #[test]
    fn what_a_terminal_obeys_is_gone() {
        assert_eq!(sample(b"\x1b[31m[ERROR]\x1b[0m x\x07", 0), "[31m[ERROR][0m x");
        assert_eq!(sample(b"", 9), "");
    }
}
