//! What a token's form tells, never its value: presence, whether it is a JWT (RFC 7519), and a JWT's two times.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::facts::{Token, TokenFlaw, TokenForm};

/// Longest part of a JWT that is decoded.
const MOST: usize = 16 * 1024;
/// A word shorter than this, with an example's parts in it, is an example.
const EXAMPLE: usize = 40;
/// Parts of examples' words, in lower case.
const EXAMPLES: &[&str] =
    &["your-", "your_", "changeme", "change-me", "replace", "_token", "token_", "-token", "token-"];

/// Fewer letters of a signature are a word that somebody made up in its place, not what is left of one.
const MADE_UP: usize = 20;

/// Letters of base64 that a signature has, by its algorithm (RFC 7518 3.1).
const SIGNATURES: &[(&str, usize)] = &[("ES256", 86), ("EdDSA", 86), ("HS256", 43), ("RS256", 342)];

/// The claims that are looked at; serde passes over all others.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    exp: Option<f64>,
    #[serde(default)]
    aud: Option<Audience>,
}

/// One name, or several (RFC 7519 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
    Other(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
struct Header {
    #[serde(default)]
    alg: Option<String>,
}

/// Looks at a token's form; beside it the networks that a JWT says it is for.
pub(super) fn look(variable: &str, raw: &str) -> (Token, Vec<String>) {
    let mut flaws = around(raw);
    let value = inner(raw);
    let form = |form| Token {
        variable: variable.to_owned(),
        form,
        issued_s: None,
        expires_s: None,
        flaws: Vec::new(),
    };
    if value.is_empty() {
        return (form(TokenForm::Empty), Vec::new());
    }
    // An example's words are no token: nothing is wrong with their form.
    if is_example(value) && !flaws.contains(&TokenFlaw::NameInside) {
        return (form(TokenForm::Placeholder), Vec::new());
    }
    flaws.extend(within(value));
    let opaque = |flaws| (Token { flaws, ..form(TokenForm::Opaque) }, Vec::new());
    let parts: Vec<&str> = value.split('.').collect();
    let Some(header) = decoded::<Header>(parts[0]) else { return opaque(flaws) };
    let claims = parts.get(1).and_then(|claims| decoded::<Claims>(claims));
    if flaws.is_empty() && is_cut(&header, claims.is_some(), &parts) {
        flaws.push(TokenFlaw::Cut);
    }
    if parts.len() != 3 {
        return opaque(flaws);
    }
    let seconds = |time: Option<f64>| time.filter(|t| t.is_finite() && t.abs() < 1e12).map(|t| t as i64);
    let token = Token {
        issued_s: seconds(claims.as_ref().and_then(|c| c.iat)),
        expires_s: seconds(claims.as_ref().and_then(|c| c.exp)),
        flaws,
        ..form(TokenForm::Jwt)
    };
    let audience = match claims.and_then(|claims| claims.aud) {
        Some(Audience::One(one)) => vec![one],
        Some(Audience::Several(several)) => several,
        Some(Audience::Other(_)) | None => Vec::new(),
    };
    (token, audience)
}

/// A JWT that ends too early: a part is missing, or its signature is shorter than its algorithm makes it.
fn is_cut(header: &Header, claims: bool, parts: &[&str]) -> bool {
    let whole = |alg: &str| SIGNATURES.iter().find(|(own, _)| *own == alg).map_or(1, |(_, len)| *len);
    let signature = parts.get(2).map_or(0, |signature| signature.trim_end_matches('=').len());
    let least = header.alg.as_deref().map_or(1, whole);
    !claims
        || parts.len() < 3
        || signature == 0
        || (parts.len() == 3 && (MADE_UP..least).contains(&signature))
}

/// What stands around a value and became part of it.
fn around(raw: &str) -> Vec<TokenFlaw> {
    let ends = |c: char| raw.ends_with(c);
    let quoted = raw.trim().starts_with(['"', '\'']) || raw.trim().ends_with(['"', '\'']);
    let bare = raw.trim().trim_matches(['"', '\'']).trim();
    let bearer = bare.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("bearer "));
    [
        (ends('\n'), TokenFlaw::Newline),
        (ends('\r') || raw.ends_with("\r\n"), TokenFlaw::CarriageReturn),
        (raw.starts_with([' ', '\t', '\n', '\r']) || raw.ends_with([' ', '\t']), TokenFlaw::Blanks),
        (quoted && !bare.is_empty(), TokenFlaw::Quotes),
        (bearer, TokenFlaw::Bearer),
        (bare.contains("TWINGATE_"), TokenFlaw::NameInside),
    ]
    .into_iter()
    .filter(|(is, _)| *is && !raw.trim().is_empty())
    .map(|(_, flaw)| flaw)
    .collect()
}

/// The value itself, without what stands around it.
fn inner(raw: &str) -> &str {
    let bare = raw.trim().trim_matches(['"', '\'']).trim();
    bare.get(7..).filter(|_| bare[..7].eq_ignore_ascii_case("bearer ")).map_or(bare, str::trim)
}

/// What no token has within it.
fn within(value: &str) -> Vec<TokenFlaw> {
    // Base64 may begin with a slash, too; it is longer, or has no second one.
    let path = value.starts_with('/') && value.matches('/').count() >= 2 && value.len() < 64;
    if path || value.starts_with("file:") {
        return vec![TokenFlaw::Path];
    }
    let mut flaws = Vec::new();
    let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=' | '~'));
    if value.contains(odd) && !value.contains("TWINGATE_") {
        flaws.push(TokenFlaw::Inside);
    }
    // `eyJ` in base64 once more; any other text decodes to rubbish, which has no such beginning.
    if value.starts_with("ZXlK") {
        flaws.push(TokenFlaw::EncodedTwice);
    }
    flaws
}

fn decoded<T: for<'a> Deserialize<'a>>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part.get(..part.len().min(MOST))?.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// `<paste it here>`, `${TOKEN}`, `your-access-token`, `...`: what documentation writes in a token's place.
fn is_example(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.contains(['<', '>', ' ', '\t', '{', '$', '*', '\u{2026}'])
        || value.contains("...")
        || value.len() < EXAMPLE && EXAMPLES.iter().any(|part| lower.contains(part))
        || value.chars().all(|c| matches!(c, 'x' | 'X'))
        || lower == "token"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"ES256","typ":"DAT"}"#), part(claims), "s".repeat(86))
    }

    #[test]
    fn forms_are_told_apart_and_no_value_is_kept() {
        let canary = r#"{"iat":1795066000,"exp":1795069600.5,"sub":"canary","nid":7}"#;
        for (value, form, issued, expires) in [
            (jwt(canary), TokenForm::Jwt, Some(1_795_066_000), Some(1_795_069_600)),
            (jwt(r#"{"iat":1e300}"#), TokenForm::Jwt, None, None),
            (jwt(r#"{"iat":"canary"}"#), TokenForm::Jwt, None, None),
            (jwt("[]canary"), TokenForm::Jwt, None, None),
            ("eyJ.canary.x".to_owned(), TokenForm::Opaque, None, None),
            ("canaryUcvV1kZ_w-1t9Qx".to_owned(), TokenForm::Opaque, None, None),
            (" \r".to_owned(), TokenForm::Empty, None, None),
            ("\"\"".to_owned(), TokenForm::Empty, None, None),
            ("<canary>".to_owned(), TokenForm::Placeholder, None, None),
            ("${CANARY}".to_owned(), TokenForm::Placeholder, None, None),
            ("your-access-token".to_owned(), TokenForm::Placeholder, None, None),
            ("eyJ...".to_owned(), TokenForm::Placeholder, None, None),
            ("XXXX".to_owned(), TokenForm::Placeholder, None, None),
        ] {
            let (token, _) = look("TWINGATE_ACCESS_TOKEN", &value);
            assert_eq!((token.form, token.issued_s, token.expires_s), (form, issued, expires), "{value}");
            assert!(!format!("{token:?}").contains("canary"));
        }
    }

    #[test]
    fn each_flaw_is_named() {
        use TokenFlaw::{
            Bearer, Blanks, CarriageReturn, Cut, EncodedTwice, Inside, NameInside, Newline, Path, Quotes,
        };
        let whole = jwt(r#"{"aud":"acme"}"#);
        let cut = &whole[..whole.len() - 9];
        let without = whole.rsplit_once('.').map(|(head, _)| head).unwrap();
        let twice = base64::engine::general_purpose::STANDARD.encode(&whole);
        for (value, flaws) in [
            (whole.clone(), &[][..]),
            ("canaryUcvV1kZ_w-1t9Qx==".to_owned(), &[]),
            (format!("{whole}\n"), &[Newline]),
            (format!("{whole}\r"), &[CarriageReturn]),
            (format!(" {whole}"), &[Blanks]),
            (format!("\"{whole}\""), &[Quotes]),
            (format!("Bearer {whole}"), &[Bearer]),
            (format!("TWINGATE_ACCESS_TOKEN={whole}"), &[NameInside]),
            (format!("{whole}TWINGATE_REFRESH_TOKEN=canary"), &[NameInside]),
            (format!("{}\n{}", &whole[..60], &whole[60..]), &[Inside]),
            (twice, &[EncodedTwice]),
            (cut.to_owned(), &[Cut]),
            (without.to_owned(), &[Cut]),
            (whole[..80].to_owned(), &[Cut]),
            (format!("{without}."), &[Cut]),
            (format!("{without}.c2lnbmF0dXJl"), &[]),
            ("/run/secrets/twingate_access".to_owned(), &[Path]),
        ] {
            let (token, _) = look("TWINGATE_ACCESS_TOKEN", &value);
            assert_eq!(token.flaws, flaws, "{value}");
        }
        assert_eq!(look("T", &whole).1, ["acme"]);
        assert_eq!(look("T", &jwt(r#"{"aud":["acme","b"]}"#)).1, ["acme", "b"]);
        assert!(look("T", &jwt(r#"{"aud":7}"#)).1.is_empty());
    }
}
