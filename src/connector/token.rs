//! What a token's form tells, never its value: presence, whether it is a JWT (RFC 7519), and a JWT's two times.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::model::facts::{Token, TokenForm};

/// Longest part of a JWT that is decoded.
const MOST: usize = 16 * 1024;
/// A word shorter than this, with an example's parts in it, is an example.
const EXAMPLE: usize = 40;
/// Parts of examples' words, in lower case.
const EXAMPLES: &[&str] =
    &["your-", "your_", "changeme", "change-me", "replace", "_token", "token_", "-token", "token-"];

/// The claims that are looked at; serde passes over all others.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iat: Option<f64>,
    #[serde(default)]
    exp: Option<f64>,
}

/// Only so that a header is known to be an object.
#[derive(Deserialize)]
struct Header {}

/// Looks at a token's form.
pub(super) fn look(variable: &str, value: &str) -> Token {
    let value = value.trim();
    let form = |form| Token { variable: variable.to_owned(), form, issued_s: None, expires_s: None };
    if value.is_empty() {
        return form(TokenForm::Empty);
    }
    if is_example(value) {
        return form(TokenForm::Placeholder);
    }
    let mut parts = value.split('.');
    let (Some(header), Some(claims), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return form(TokenForm::Opaque);
    };
    if decoded::<Header>(header).is_none() {
        return form(TokenForm::Opaque);
    }
    let claims = decoded::<Claims>(claims);
    let seconds = |time: Option<f64>| time.filter(|t| t.is_finite() && t.abs() < 1e12).map(|t| t as i64);
    Token {
        issued_s: seconds(claims.as_ref().and_then(|c| c.iat)),
        expires_s: seconds(claims.as_ref().and_then(|c| c.exp)),
        ..form(TokenForm::Jwt)
    }
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
        format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"ES256","typ":"DAT"}"#), part(claims))
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
            ("<canary>".to_owned(), TokenForm::Placeholder, None, None),
            ("${CANARY}".to_owned(), TokenForm::Placeholder, None, None),
            ("your-access-token".to_owned(), TokenForm::Placeholder, None, None),
            ("eyJ...".to_owned(), TokenForm::Placeholder, None, None),
            ("XXXX".to_owned(), TokenForm::Placeholder, None, None),
        ] {
            let token = look("TWINGATE_ACCESS_TOKEN", &value);
            assert_eq!((token.form, token.issued_s, token.expires_s), (form, issued, expires), "{value}");
            assert!(!format!("{token:?}").contains("canary"));
        }
    }
}
