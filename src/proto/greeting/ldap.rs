//! LDAP: a StartTLS request, and its answer (RFC 4511 4.12, 4.14); any answer shows an LDAP server.

use super::reply::{Read, Reply};

/// `LDAPMessage` 1, `ExtendedRequest` of 1.3.6.1.4.1.1466.20037.
const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// `ExtendedResponse`.
const RESPONSE: u8 = 0x78;

pub(super) fn request(_host: &str) -> Vec<u8> {
    REQUEST.to_vec()
}

pub(super) fn read(bytes: &[u8]) -> Read {
    match message(bytes) {
        Ok(reply) => Read::Is(reply),
        Err(Short::Cut) => Read::More,
        Err(Short::Wrong) => Read::Not,
    }
}

enum Short {
    Cut,
    Wrong,
}

fn message(bytes: &[u8]) -> Result<Reply, Short> {
    let (tag, inside, _) = element(bytes)?;
    if tag != 0x30 {
        return Err(Short::Wrong);
    }
    // From here on all bytes are there: what is cut is wrong.
    let within = |bytes| element(bytes).map_err(|_| Short::Wrong);
    let (tag, id, rest) = within(inside)?;
    if tag != 2 || id.is_empty() || id.len() > 4 {
        return Err(Short::Wrong);
    }
    let (tag, response, _) = within(rest)?;
    if tag != RESPONSE {
        return Err(Short::Wrong);
    }
    let (tag, code, _) = within(response)?;
    let [code] = code else { return Err(Short::Wrong) };
    if tag != 10 {
        return Err(Short::Wrong);
    }
    Ok(Reply::of("ldap", result(*code)))
}

/// Result codes of RFC 4511 4.1.9 that StartTLS may come to.
fn result(code: u8) -> String {
    match code {
        0 => "offers StartTLS".to_owned(),
        1 => "StartTLS: operations error".to_owned(),
        2 => "knows no StartTLS".to_owned(),
        8 => "StartTLS: stronger authentication required".to_owned(),
        13 => "StartTLS: confidentiality required".to_owned(),
        52 => "StartTLS unavailable".to_owned(),
        53 => "unwilling to StartTLS".to_owned(),
        code => format!("StartTLS: result code {code}"),
    }
}

/// Tag, contents and what follows of one BER element with a definite length.
fn element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), Short> {
    let (&tag, rest) = bytes.split_first().ok_or(Short::Cut)?;
    if tag & 0x1f == 0x1f {
        return Err(Short::Wrong);
    }
    let (&first, rest) = rest.split_first().ok_or(Short::Cut)?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(..count).ok_or(Short::Cut)?;
            (digits.iter().fold(0, |n, b| n << 8 | usize::from(*b)), &rest[count..])
        }
        _ => return Err(Short::Wrong),
    };
    // An answer to StartTLS has some 14 bytes, with referrals and words some more.
    if length > 2048 {
        return Err(Short::Wrong);
    }
    let (inside, rest) = rest.split_at_checked(length).ok_or(Short::Cut)?;
    Ok((tag, inside, rest))
}
