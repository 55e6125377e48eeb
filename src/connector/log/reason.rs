//! Why a request of the Connector's failed, by the code or the words at the end of its line.
//!
//! A code is the Controller's own word: where there is one, the Controller was reached.

use memchr::memmem;

use crate::model::facts::Signature as S;

/// What stands before a reason, and what a reason that is not known means.
pub(super) const REQUESTS: &[(&str, Option<S>)] = &[
    ("failed to get SD", Some(S::ControllerFailed)),
    ("failed to get an access token", Some(S::ControllerFailed)),
    ("failed to refresh", Some(S::ControllerFailed)),
    ("failed to authenticate", Some(S::ControllerFailed)),
    ("failed to connect to controller", Some(S::ControllerFailed)),
    ("failed to connect to the controller", Some(S::ControllerFailed)),
    ("heartbeat failed", Some(S::ControllerFailed)),
    ("failed to send heartbeat", Some(S::ControllerFailed)),
    ("heartbeat response: ", None),
    ("handle_response: ", None),
    ("Failed to preconnect a relay listener", Some(S::RelayUnreached)),
];

/// Codes of HTTP.
const CODES: &[(std::ops::RangeInclusive<u16>, S)] = &[
    (401..=401, S::TokensRefused),
    (403..=403, S::TokensRefused),
    (404..=404, S::NetworkUnknown),
    (407..=407, S::ProxyInTheWay),
    (410..=410, S::TokensGone),
    (426..=426, S::VersionRefused),
    (429..=429, S::RateLimited),
    (400..=499, S::ControllerRefused),
    (500..=599, S::ControllerError),
];

/// Words of libcurl, OpenSSL, rustls, hyper, the C library and proxies, in small letters; the first that is found decides.
const WORDS: &[(&str, S)] = &[
    ("resolve proxy", S::ProxyInTheWay),
    ("proxy", S::ProxyInTheWay),
    ("connect tunnel failed", S::ProxyInTheWay),
    ("not yet valid", S::CertificateDates),
    ("notvalidyet", S::CertificateDates),
    ("not valid yet", S::CertificateDates),
    ("certificate has expired", S::CertificateDates),
    ("certificate is expired", S::CertificateDates),
    ("certificate expired", S::CertificateDates),
    ("certificate: expired", S::CertificateDates),
    ("certificate", S::CertificateRefused),
    ("self-signed", S::CertificateRefused),
    ("self signed", S::CertificateRefused),
    ("unknown ca", S::CertificateRefused),
    ("unknownissuer", S::CertificateRefused),
    ("unknown issuer", S::CertificateRefused),
    ("resolve host", S::HostUnresolved),
    ("resolving host", S::HostUnresolved),
    ("could not resolve", S::HostUnresolved),
    ("couldn't resolve", S::HostUnresolved),
    ("name resolution", S::HostUnresolved),
    ("name or service not known", S::HostUnresolved),
    ("name does not resolve", S::HostUnresolved),
    ("nodename nor servname", S::HostUnresolved),
    ("no such host", S::HostUnresolved),
    ("host not found", S::HostUnresolved),
    ("lookup address", S::HostUnresolved),
    ("getaddrinfo", S::HostUnresolved),
    ("nxdomain", S::HostUnresolved),
    ("servfail", S::HostUnresolved),
    ("dns error", S::HostUnresolved),
    ("dns lookup", S::HostUnresolved),
    ("nameserver", S::HostUnresolved),
    ("upgrade required", S::VersionRefused),
    ("unsupported version", S::VersionRefused),
    ("version is not supported", S::VersionRefused),
    ("version not supported", S::VersionRefused),
    ("minimum version", S::VersionRefused),
    ("too old", S::VersionRefused),
    ("outdated", S::VersionRefused),
    ("too many requests", S::RateLimited),
    ("rate limit", S::RateLimited),
    ("invalid token", S::InvalidToken),
    ("unauthorized", S::TokensRefused),
    ("forbidden", S::TokensRefused),
    ("gone", S::TokensGone),
    ("internal server error", S::ControllerError),
    ("bad gateway", S::ControllerError),
    ("service unavailable", S::ControllerError),
    ("gateway timeout", S::ControllerError),
    ("gateway time-out", S::ControllerError),
    ("too many open files", S::FdExhausted),
];

/// The vendor's hosts that are not the Controller, and its event service's: what they refuse is another matter.
const OTHER_HOSTS: &[&str] =
    &["//analytics.", "//binaries.", "//relays", "//stun", "pubnub", "pndsn", "//sst.", "//support."];

/// What the line `text` shows, of which a request's name is found at byte `at`; none where it shows no failure.
pub(super) fn reason(text: &[u8], request: &str, default: Option<S>) -> Option<S> {
    let at = memmem::find(text, request.as_bytes())?;
    let tail = &text[at + request.len()..];
    let tail = &tail[..tail.len().min(600)];
    if request == "Failed to preconnect a relay listener" {
        // Of relays only what stands before the way to them is a cause of its own.
        return by_words(tail)
            .filter(|s| matches!(s, S::HostUnresolved | S::CertificateDates | S::FdExhausted))
            .or(default);
    }
    let other = OTHER_HOSTS.iter().any(|host| memmem::find(tail, host.as_bytes()).is_some());
    if other {
        return None;
    }
    if let Some(code) = code(tail) {
        return CODES.iter().find(|(range, _)| range.contains(&code)).map(|(_, signature)| *signature);
    }
    let failed = default.is_some()
        || [&b"fail"[..], b"error", b"refused", b"timed out", b"Timeout"]
            .iter()
            .any(|word| memmem::find(tail, word).is_some());
    if !failed {
        return None;
    }
    by_words(tail).or(default).or(Some(S::ControllerFailed))
}

fn by_words(tail: &[u8]) -> Option<S> {
    let lower = tail.to_ascii_lowercase();
    // A host's name is no reason: `https://proxy.example/` and `gone.example` are passed over.
    let bare = without_urls(&lower);
    WORDS
        .iter()
        .find(|(word, _)| memmem::find(&bare, word.as_bytes()).is_some())
        .map(|(_, signature)| *signature)
}

fn without_urls(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memmem::find(rest, b"://") {
        out.extend_from_slice(&rest[..at]);
        let after = &rest[at + 3..];
        let end = after
            .iter()
            .position(|b| matches!(b, b' ' | b'"' | b'\'' | b')' | b']' | b','))
            .unwrap_or(after.len());
        rest = &after[end..];
    }
    out.extend_from_slice(rest);
    out
}

/// An HTTP code of failure: behind `code`, `HTTP`, `status`, a URL or a quote, or in front of its own words.
fn code(tail: &[u8]) -> Option<u16> {
    let figure = |at: usize| tail.get(at).is_some_and(u8::is_ascii_digit);
    (0..tail.len().saturating_sub(2)).find_map(|at| {
        if !matches!(tail[at], b'1'..=b'5') || !figure(at + 1) || !figure(at + 2) || figure(at + 3) {
            return None;
        }
        let before = &tail[..at];
        let stands_alone = before.last().is_none_or(|b| matches!(b, b' ' | b'(' | b':' | b'=' | b'"' | b'['))
            && tail
                .get(at + 3)
                .is_none_or(|b| matches!(b, b' ' | b')' | b',' | b'"' | b'.' | b';' | b']' | b'\\' | b'\r'));
        if !stands_alone {
            return None;
        }
        let before = before.to_ascii_lowercase();
        let before = before.trim_ascii_end();
        let led = [
            "code",
            "code:",
            "code=",
            "http",
            "http/1.1",
            "http/2",
            "http/1.0",
            "status",
            "status:",
            "status=",
            "response:",
            "error:",
            "returned",
            ":",
            "\"",
            "(",
        ]
        .iter()
        .any(|word| before.ends_with(word.as_bytes()))
            || before.is_empty();
        // `110 (Connection timed out)` is a number of the system's.
        let n = tail[at..at + 3].iter().fold(0_u16, |n, b| n * 10 + u16::from(b - b'0'));
        (led && (200..600).contains(&n)).then_some(n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<S> {
        REQUESTS.iter().find_map(|(request, default)| {
            memmem::find(text.as_bytes(), request.as_bytes())?;
            Some(reason(text.as_bytes(), request, *default))
        })?
    }

    #[test]
    fn a_reason_is_read_to_the_end_of_the_line() {
        for (text, signature) in [
            ("failed to get SD: Gone, code 410", Some(S::TokensGone)),
            ("failed to get SD: Invalid token, err code 1", Some(S::InvalidToken)),
            ("failed to get an access token: Invalid token", Some(S::InvalidToken)),
            ("failed to get SD: Unauthorized, code 401", Some(S::TokensRefused)),
            ("failed to get SD: Forbidden", Some(S::TokensRefused)),
            ("failed to get SD: Not Found, code 404", Some(S::NetworkUnknown)),
            ("failed to get SD: Received HTTP code 407 from proxy after CONNECT", Some(S::ProxyInTheWay)),
            ("failed to get SD: Could not resolve proxy: squid.example", Some(S::ProxyInTheWay)),
            ("failed to get SD: Upgrade Required, code 426", Some(S::VersionRefused)),
            ("failed to get SD: connector version is too old", Some(S::VersionRefused)),
            ("failed to get SD: Too Many Requests, code 429", Some(S::RateLimited)),
            ("failed to get SD: Service Unavailable, code 503", Some(S::ControllerError)),
            ("failed to get an access token: Bad Gateway", Some(S::ControllerError)),
            ("failed to get SD: Bad Request, code 400", Some(S::ControllerRefused)),
            ("failed to get SD: Couldn't resolve host name", Some(S::HostUnresolved)),
            ("failed to get SD: Temporary failure in name resolution", Some(S::HostUnresolved)),
            ("failed to get SD: dns error: failed to lookup address information", Some(S::HostUnresolved)),
            (
                "failed to get SD: SSL certificate problem: self signed certificate in certificate chain",
                Some(S::CertificateRefused),
            ),
            ("failed to get SD: invalid peer certificate: UnknownIssuer", Some(S::CertificateRefused)),
            (
                "failed to get SD: SSL certificate problem: certificate is not yet valid",
                Some(S::CertificateDates),
            ),
            ("failed to get SD: SSL certificate problem: certificate has expired", Some(S::CertificateDates)),
            ("failed to get SD: Timeout was reached", Some(S::ControllerFailed)),
            ("failed to get SD: Couldn't connect to server", Some(S::ControllerFailed)),
            ("failed to get SD: Connection refused (os error 111)", Some(S::ControllerFailed)),
            (
                "handle_response: POST \"https://acme.twingate.com/api/v4/connector/refresh\" 401 Unauthorized",
                Some(S::TokensRefused),
            ),
            ("handle_response: POST \"https://acme.twingate.com/api/v4/connector/refresh\" 200 OK", None),
            (
                "handle_response: POST \"https://acme.twingate.com/x\" 503 Service Unavailable",
                Some(S::ControllerError),
            ),
            ("handle_response: POST \"https://acme.twingate.com/x\" 410 Gone", Some(S::TokensGone)),
            (
                "handle_response: GET \"https://acme.twingate.com/sd\" failed: SSL certificate problem: certificate is not yet valid",
                Some(S::CertificateDates),
            ),
            ("handle_response: POST \"https://analytics.twingate.com/v1/track\" 403 Forbidden", None),
            ("heartbeat response: 200", None),
            ("heartbeat response: 503", Some(S::ControllerError)),
            (
                "Failed to preconnect a relay listener \"ice://any\": 110 (Connection timed out)",
                Some(S::RelayUnreached),
            ),
            (
                "Failed to preconnect a relay listener \"ice://any\": Could not resolve host",
                Some(S::HostUnresolved),
            ),
        ] {
            assert_eq!(of(text), signature, "{text}");
        }
    }
}
