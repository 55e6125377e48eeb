//! A network's name or the Controller's URL as a configuration gives it; pure, keeps nothing that may be a secret.

use crate::model::facts::SettingsFault;
use crate::model::text;

/// Networks lie below it.
const DOMAIN: &str = ".twingate.com";
/// Whether a host is the vendor's own.
pub fn of_vendor(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(DOMAIN) || host == DOMAIN.trim_start_matches('.')
}

/// The longest name of a host, DNS; and the longest part of one that is taken for a name and not for a token.
const MOST: usize = 253;
const LABEL: usize = 40;

/// What a value names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) network: Option<String>,
    pub(super) url: Option<String>,
    pub(super) fault: Option<SettingsFault>,
}

/// Reads the value of a variable that wants a network's name. Empty is not set.
pub(super) fn of_name(variable: &str, value: &str) -> Named {
    let variable = variable.to_owned();
    let value = value.trim();
    if value.is_empty() {
        return Named::default();
    }
    if let Some(network) = label(value) {
        return Named { network: Some(network), ..Named::default() };
    }
    match host(value.split_once("://").map_or(value, |(_, rest)| rest)) {
        Some((url, Some(network))) if !value.to_ascii_lowercase().starts_with("http://") => Named {
            network: Some(network),
            url: Some(url),
            // The name with its domain is what people copy from the console, and means the same.
            fault: value.contains("://").then_some(SettingsFault::UrlForName { variable }),
        },
        _ => Named { fault: Some(SettingsFault::NotANetwork { variable }), ..Named::default() },
    }
}

/// Reads the value of a variable that wants a URL. Empty is not set.
pub(super) fn of_url(variable: &str, value: &str) -> Named {
    let variable = variable.to_owned();
    let value = value.trim();
    if value.is_empty() {
        return Named::default();
    }
    let (scheme, rest) = value.split_once("://").map_or((None, value), |(scheme, rest)| (Some(scheme), rest));
    match (scheme, host(rest)) {
        (Some(scheme), Some((url, network))) if scheme.eq_ignore_ascii_case("https") => {
            Named { network, url: Some(url), fault: None }
        }
        (None, Some((url, network @ Some(_)))) => {
            Named { network, url: Some(url), fault: Some(SettingsFault::NoScheme { variable }) }
        }
        _ => Named { fault: Some(SettingsFault::NotAUrl { variable }), ..Named::default() },
    }
}

/// A single DNS label in lower case; none of what may be a secret in the wrong place.
fn label(value: &str) -> Option<String> {
    let fits = (1..=LABEL).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-');
    (fits && !text::looks_secret(value)).then(|| value.to_ascii_lowercase())
}

/// `https://host[:port]`, and the network's name where the host is the vendor's.
fn host(text: &str) -> Option<(String, Option<String>)> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok().filter(|p| *p > 0)?)),
        None => (text, None),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > MOST || !name.contains('.') {
        return None;
    }
    let labels: Option<Vec<String>> = name.split('.').map(label).collect();
    let name = labels?.join(".");
    let below = name.strip_suffix(DOMAIN);
    let network = below.filter(|b| b.matches('.').count() <= 1).and_then(|b| b.split('.').next());
    let port = port.filter(|p| *p != 443).map(|p| format!(":{p}")).unwrap_or_default();
    Some((format!("https://{name}{port}"), network.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(named: &Named) -> (Option<&str>, Option<&str>) {
        (named.network.as_deref(), named.url.as_deref())
    }

    #[test]
    fn a_name_is_read_in_either_form() {
        for (value, network, url, fault) in [
            ("acme", Some("acme"), None, false),
            (" Acme-1\r", Some("acme-1"), None, false),
            ("https://acme.twingate.com", Some("acme"), Some("https://acme.twingate.com"), true),
            ("acme.us1.twingate.com", Some("acme"), Some("https://acme.us1.twingate.com"), false),
            ("acme.twingate.com", Some("acme"), Some("https://acme.twingate.com"), false),
            ("", None, None, false),
            ("ac me", None, None, true),
            ("http://acme.twingate.com", None, None, true),
            ("acme.example", None, None, true),
            ("eyJhbGciOiJFUzI1NiJ9", None, None, true),
            ("Ab1Ab1Ab1Ab1Ab1Ab1Ab1", None, None, true),
        ] {
            let named = of_name("N", value);
            assert_eq!((said(&named), named.fault.is_some()), ((network, url), fault), "{value}");
        }
    }

    #[test]
    fn a_url_is_https_and_a_host() {
        for (value, network, url, fault) in [
            ("https://acme.twingate.com/", Some("acme"), Some("https://acme.twingate.com"), false),
            ("HTTPS://doors.example:8443", None, Some("https://doors.example:8443"), false),
            ("https://a.b.c.twingate.com:443", None, Some("https://a.b.c.twingate.com"), false),
            ("acme.twingate.com", Some("acme"), Some("https://acme.twingate.com"), true),
            ("acme", None, None, true),
            ("http://acme.twingate.com", None, None, true),
            ("https://user:hunter2@acme.twingate.com", None, None, true),
            ("https://acme.twingate.com/path?eyJ", None, None, true),
            ("https://acme.twingate.com:0", None, None, true),
            ("https://", None, None, true),
        ] {
            let named = of_url("U", value);
            assert_eq!((said(&named), named.fault.is_some()), ((network, url), fault), "{value}");
        }
    }
}
