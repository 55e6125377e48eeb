//! Which Controller is meant: a network's name or a URL, and what follows from either.

use super::defaults::{HTTPS_PORT, VENDOR_DOMAIN};
use super::endpoint::{Host, parse_port};
use super::error::quoted;

/// A Controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its host; a name stands without a trailing dot.
    pub host: Host,
    /// Its port; 443 unless the URL says otherwise.
    pub port: u16,
    /// The network's name, where it is given or the vendor's host name shows it.
    pub network: Option<String>,
    /// Whether it is the vendor's, so that the vendor's relays and services are its own.
    pub vendor: bool,
}

impl Controller {
    /// `https://host`, with the port where it is not 443.
    pub fn url(&self) -> String {
        let host = match &self.host {
            Host::Ip(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
            host => host.to_string(),
        };
        match self.port {
            HTTPS_PORT => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// From a network's name, a single DNS label. A URL or a host's name says what to write instead.
    pub fn of_network(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_lowercase();
        let label = (1..=63).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if label {
            let host = Host::Name(format!("{name}.{VENDOR_DOMAIN}"));
            return Ok(Self { host, port: HTTPS_PORT, network: Some(name), vendor: true });
        }
        let kind = if name.contains("://") { "a URL" } else { "a host's name" };
        let url = if name.contains("://") { name.clone() } else { format!("https://{name}") };
        Err(match Self::of_url(&url) {
            // The vendor's own name or URL: its network is meant.
            Ok(Self { network: Some(network), .. }) => return Self::of_network(&network),
            Ok(other) => format!(
                "{} is {kind}, not a network's name; write --controller {}",
                quoted(text),
                other.url()
            ),
            Err(_) => format!(
                "{} is not a network's name: letters, digits and hyphens, as in https://NAME.{VENDOR_DOMAIN}",
                quoted(text)
            ),
        })
    }

    /// From a URL: `https://`, a host, perhaps a port, and nothing behind it but a slash.
    pub fn of_url(text: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("{} {what}", quoted(text)));
        let Some((scheme, rest)) = text.split_once("://") else {
            return problem("is not a URL; write https://HOST");
        };
        if !scheme.eq_ignore_ascii_case("https") {
            return problem("is not https; a Controller is asked over TLS alone");
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#', '\\']) {
            return problem("has something behind its host; write https://HOST");
        }
        if authority.contains('@') {
            // Not quoted: it may hold a password.
            return Err("the URL has a user before its host; write https://HOST".to_owned());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => match parse_port(port) {
                Some(port) => (host, port),
                None => return problem("has a port that is not a number from 1 to 65535"),
            },
            _ => (authority, HTTPS_PORT),
        };
        let host = match host.strip_prefix('[').map(|h| h.strip_suffix(']')) {
            None if host.contains(':') => {
                return problem("has IPv6 without brackets; write https://[ADDRESS]");
            }
            None => match Host::parse(host)? {
                Host::Name(name) => Host::Name(name.strip_suffix('.').unwrap_or(&name).to_owned()),
                ip @ Host::Ip(_) => ip,
            },
            Some(inner) => match inner.and_then(|ip| ip.parse::<std::net::Ipv6Addr>().ok()) {
                Some(ip) => Host::parse(&ip.to_string())?,
                None => return problem("has no IPv6 address between its brackets"),
            },
        };
        let (network, vendor) = vendors(&host);
        Ok(Self { host, port, network, vendor })
    }
}

/// `NAME.twingate.com` and its regional form `NAME.REGION.twingate.com`.
fn vendors(host: &Host) -> (Option<String>, bool) {
    let Host::Name(name) = host else { return (None, false) };
    let Some(below) = name.strip_suffix(VENDOR_DOMAIN).and_then(|b| b.strip_suffix('.')) else {
        return (None, false);
    };
    let mut labels = below.split('.');
    match (labels.next(), labels.next(), labels.next()) {
        (Some(network), _, None) => (Some(network.to_owned()), true),
        _ => (None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_label_below_the_vendors_domain() {
        let acme = Controller::of_network("Acme-1").unwrap();
        assert_eq!(acme.url(), "https://acme-1.twingate.com");
        assert_eq!((acme.network.as_deref(), acme.vendor), (Some("acme-1"), true));
    }

    #[test]
    fn urls_are_read_as_written() {
        for (text, url, network, vendor) in [
            ("https://acme.twingate.com", "https://acme.twingate.com", Some("acme"), true),
            ("HTTPS://Acme.us1.Twingate.com./", "https://acme.us1.twingate.com", Some("acme"), true),
            ("https://a.b.c.twingate.com", "https://a.b.c.twingate.com", None, false),
            ("https://nottwingate.com", "https://nottwingate.com", None, false),
            ("https://twingate.com", "https://twingate.com", None, false),
            ("https://127.0.0.1:8443", "https://127.0.0.1:8443", None, false),
            ("https://[::1]:8443/", "https://[::1]:8443", None, false),
            ("https://[::1]", "https://[::1]", None, false),
        ] {
            let got = Controller::of_url(text).unwrap();
            assert_eq!((got.url().as_str(), got.network.as_deref(), got.vendor), (url, network, vendor));
        }
    }

    #[test]
    fn the_vendors_own_name_or_url_names_its_network() {
        for text in [
            "https://acme.twingate.com",
            "acme.twingate.com",
            "Acme.us1.twingate.com",
            "https://acme.twingate.com/",
        ] {
            let got = Controller::of_network(text).unwrap();
            assert_eq!(
                (got.url().as_str(), got.network.as_deref()),
                ("https://acme.twingate.com", Some("acme")),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_controller_says_what_to_write() {
        for (text, part) in [
            ("acme.twingate.com", "write https://HOST"),
            ("http://acme.twingate.com", "not https"),
            ("https://", "names no host"),
            ("https://acme.twingate.com/x", "behind its host"),
            ("https://acme.twingate.com?x", "behind its host"),
            ("https://u:secret@acme.twingate.com", "has a user"),
            ("https://acme.twingate.com:", "has a port"),
            ("https://acme.twingate.com:99999", "has a port"),
            ("https://::1", "without brackets"),
            ("https://[x]", "between its brackets"),
            ("https://[::1", "between its brackets"),
            ("https://a b", "not a host's name"),
            ("https://a..", "not a host's name"),
        ] {
            let problem = Controller::of_url(text).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("secret"), "{text}: {problem}");
        }
        for (text, part) in [
            ("https://doors.example", "write --controller https://doors.example"),
            ("ac me", "letters, digits and hyphens"),
            ("-acme", "letters, digits and hyphens"),
            ("ac_me", "write --controller"),
            ("", "letters, digits and hyphens"),
        ] {
            let problem = Controller::of_network(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
