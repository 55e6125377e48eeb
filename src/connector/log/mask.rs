//! What of a line may be shown: known words and small numbers. Everything else is left out before a line is kept anywhere.
//!
//! It goes by a list of what may be shown, not by what secrets look like: a token of an unknown form is not in the list.

use super::vocabulary::knows;
use crate::model::text::clean_bytes;

/// Bytes of a line that are looked at for its sample.
const WINDOW: usize = 512;
/// Characters of a sample.
const SHOWN: usize = 160;
/// What stands for a thing that is not shown.
const HIDDEN: &str = "[masked]";
/// What follows one of these in quotes or behind `=`, known word or not, is not shown.
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
];
/// What follows one of these is not shown at all, whatever stands between.
const SECRETS: &[&str] = &[
    "secret",
    "password",
    "passwd",
    "bearer",
    "authorization",
    "jwt",
    "cookie",
    "credential",
    "credentials",
];
/// What is called so by a name in quotes or behind `=` has a name of its own, whatever words it is made of.
const NAMED: &[&str] = &[
    "resource", "network", "user", "username", "device", "host", "hostname", "name", "group", "email",
    "account", "tenant", "client", "address", "path", "file", "alias", "label", "domain", "subject",
];
/// Labels of the vendor's own hosts; another one is a network's name.
const OWN_LABELS: &[&str] =
    &["twingate", "com", "stun", "relay", "relays", "analytics", "api", "status", "www", "us1", "us2", "eu1"];
/// An address behind one of these is a server's, and worth showing.
const SERVERS: &[&str] = &["relay", "nameserver", "to"];

/// A line's words from byte `from` on, with everything masked that is none.
pub(super) fn sample(line: &[u8], from: usize) -> String {
    shown(line, from, false)
}

/// The same with every number as `N` and no address at all: what lines of one kind have in common.
pub(super) fn shape(line: &[u8], from: usize) -> String {
    shown(line, from, true)
}

fn shown(line: &[u8], from: usize, shape: bool) -> String {
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
    clean_bytes(masked(&text, shape).as_bytes(), SHOWN)
}

/// Characters of which tokens, addresses and names are made.
fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-+/=.:@~%$#&*!?\\".contains(&byte)
}

fn masked(text: &str, shape: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let (mut armed, mut server, mut secret) = (false, false, false);
    while !rest.is_empty() {
        let start = rest.find(is_run_char).unwrap_or(rest.len());
        let (between, tail) = rest.split_at(start);
        out.push_str(between);
        let end = tail.find(|c| !is_run_char(c)).unwrap_or(tail.len());
        let (run, tail) = tail.split_at(end);
        rest = tail;
        // Signs alone hide nothing, and do not end what gave a secret away.
        if !run.contains(|c: char| !c.is_ascii() || c.is_ascii_alphanumeric()) {
            out.push_str(run);
            continue;
        }
        let quoted = between.contains(['"', '=', '\'']) || between.trim() == ":";
        if secret || armed && quoted {
            out.push_str(HIDDEN);
        } else {
            show(run, shape, server, &mut out);
        }
        secret = begins_secret(run) || secret && is_scheme(run);
        armed = gives_away(run) || names_something(run);
        let bare = run.trim_end_matches([':', '.', ',']).to_ascii_lowercase();
        server = SERVERS.contains(&bare.as_str());
    }
    out
}

fn is_run_char(c: char) -> bool {
    !c.is_ascii() || is_run(c as u8)
}

/// `Basic` and `Bearer` stand between what gives a secret away and the secret.
fn is_scheme(run: &str) -> bool {
    matches!(run.trim_matches(':').to_ascii_lowercase().as_str(), "basic" | "bearer" | "token" | "is")
}

fn begins_secret(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    let end = lower.trim_end_matches([':', '=']);
    SECRETS.iter().any(|word| end.ends_with(word))
}

fn names_something(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    let end = lower.trim_end_matches([':', '=']);
    NAMED
        .iter()
        .any(|word| end == *word || end.ends_with(&format!("_{word}")) || end.ends_with(&format!(".{word}")))
}

fn gives_away(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    let end = lower.trim_end_matches([':', '=']);
    GIVEAWAYS.iter().any(|word| end.ends_with(word))
}

/// One run: as it is where all of it may be shown, a URL as far as it may be.
fn show(run: &str, shape: bool, server: bool, out: &mut String) {
    let core = run.trim_matches([':', '.', '/', '!', '?', '*', '#', '-', '_']);
    let address = core.parse::<std::net::IpAddr>().is_ok() || core.parse::<std::net::SocketAddr>().is_ok();
    if address {
        return out.push_str(if server && !shape { run } else { HIDDEN });
    }
    let url = run.contains("://") && !run.contains(['@', '=', '%', '~']);
    // `stun.us1.twingate.com:3478`: the vendor's own hosts, as far as their words are known.
    let vendor = core.contains(".twingate.com") && !run.contains(['@', '=', '%', '~']);
    if (url || vendor) && run.len() <= 120 {
        let run = run.split('?').next().unwrap_or_default();
        let begin = run.find("://").map_or(0, |at| at + 3);
        let host = begin + run[begin..].find(['/', ':']).unwrap_or(run.len() - begin);
        let mut at = 0;
        for piece in run.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            // Of a host the vendor's own labels alone; of anybody else's URL nothing but its scheme.
            let of_host = (begin..host).contains(&at);
            let shown = match piece_of(word, shape) {
                Some(word) if !of_host && (vendor || at < begin) || word.is_empty() => Some(word),
                Some(word) if of_host && vendor && OWN_LABELS.contains(&word.as_str()) => Some(word),
                // The address of no host, as the vendor's programs write it.
                Some(word) if of_host && word == "any" => Some(word),
                _ => None,
            };
            match shown {
                Some(word) => out.push_str(&word),
                None => out.push_str(HIDDEN),
            }
            out.push_str(&piece[word.len()..]);
            at += piece.len();
        }
        return;
    }
    let pieces = |run: &str| -> Option<String> {
        if !run.is_ascii() || run.len() > 96 || run.contains(['=', '@', '%', '$', '~', '+', '&']) {
            return None;
        }
        // A path, a domain's user, a network, a MAC address of figures alone (0011.2233.4455), a telephone number.
        let figures = run
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| w.starts_with(|c: char| c.is_ascii_digit()));
        let path = run.starts_with('/') && run.len() > 1 || run.matches('/').count() > 1;
        if path || run.contains('\\') || figures.count() > 2 {
            return None;
        }
        let mut shown = String::new();
        for piece in run.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            shown.push_str(&piece_of(word, shape)?);
            shown.push_str(&piece[word.len()..]);
        }
        Some(shown)
    };
    out.push_str(pieces(run).as_deref().unwrap_or(HIDDEN));
}

/// A word that may be shown, or a number of at most five figures, perhaps with its unit.
fn piece_of(word: &str, shape: bool) -> Option<String> {
    if word.is_empty() || knows(word) {
        return Some(word.to_owned());
    }
    let figures = word.bytes().take_while(u8::is_ascii_digit).count();
    let unit = &word[figures..];
    let small =
        (1..=5).contains(&figures) && matches!(unit, "" | "s" | "ms" | "m" | "h" | "min" | "B" | "kB" | "MB");
    small.then(|| if shape { format!("N{unit}") } else { word.to_owned() })
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
        let line =
            b"handle_response: POST \"https://acme.twingate.com/api/v4/connector/refresh\" 401 Unauthorized";
        let shown = "handle_response: POST \"https://[masked].twingate.com/api/v4/connector/refresh\" 401 Unauthorized";
        assert_eq!(sample(line, 0), shown);
        assert_eq!(
            shape(b"[ERROR] hydra: nobody wrote 203.0.113.9, code 17", 0),
            "[ERROR] [masked] nobody wrote [masked], code N"
        );
    }

    #[test]
    fn words_that_are_known_hide_where_they_are_a_secret_or_a_name() {
        for (line, hidden) in [
            ("password admin wrong", "admin"),
            ("password: 12345 rejected", "12345"),
            ("password is access", "access"),
            ("Authorization: Bearer open", "open"),
            ("secret=database", "database"),
            ("client_secret = 4711", "4711"),
            ("token=access", "access"),
            ("resource \"Mail Server Database\" failed", "mail server"),
            ("user=admin logged in", "admin"),
            ("device name: \"office\"", "office"),
            ("login of SYSTEM\\admin failed", "admin"),
            ("neighbor 0011.2233.4455 lost", "2233"),
            ("neighbor 00:11:22:33:44:55 lost", "22"),
            ("no route to 10.20.0.0/16", "20"),
            ("cannot read /home/admin/data", "admin"),
            ("cannot read data/user/admin", "admin"),
            ("POST https://connector.twingate.com/api failed", "connector.twingate"),
            ("GET https://database.example/admin/data", "database"),
            ("GET https://database.example/admin/data", "admin"),
            ("call 0172-12345-678", "12345"),
        ] {
            let shown = sample(line.as_bytes(), 0).to_lowercase();
            assert!(!shown.contains(hidden), "{line}: {shown}");
        }
    }

    #[test]
    fn whatever_might_be_a_secret_a_name_or_an_address_is_not_shown() {
        for secret in [
            "eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3OTU1Mjk1MzN9.c2lnbmF0dXJl",
            "dGhpcyBpcyBhIHJlZnJlc2ggdG9rZW4gMTIz",
            "1f2e3d4c5b6a79880a1b2c3d4e5f60718293a4b5",
            "A7xK9-qLm2_Zp4Rt8Wv1",
            "550e8400-e29b-41d4-a716-446655440000",
            "xoxb123456789012",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "hunter",
            "db.internal",
            "alice@example.com",
            "198.51.100.7",
            "correcthorsebattery",
        ] {
            for line in [
                format!("[ERROR] got {secret} and stopped"),
                format!("https://acme.twingate.com/x?refresh_token={secret}&y=1"),
                format!("https://user:{secret}@acme.twingate.com/"),
                format!("{{\"refresh_token\":\"{secret}\",\"a\":1}}"),
                format!("TWINGATE_REFRESH_TOKEN={secret}"),
                format!("Authorization: Bearer {secret}"),
                format!("password: {secret}"),
                format!("{}{secret}", "x".repeat(500)),
            ] {
                for from in 0..line.len().min(40) {
                    let shown = sample(line.as_bytes(), from);
                    assert!(!shown.contains(&secret[..6]), "{line} from {from}: {shown}");
                }
            }
        }
    }
}
