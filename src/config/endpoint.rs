//! Hosts and ports as people write them; names are not looked up here.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::error::quoted;

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A host's name in ASCII, lower case; a trailing dot is kept (it keeps the search list out).
    Name(String),
    /// An address; one of IPv4 mapped into IPv6 is the IPv4 one.
    Ip(IpAddr),
}

/// A host and a port from 1 to 65535.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(ip) => write!(f, "{ip}"),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Host {
    /// A name (RFC 1123 2.1, RFC 952; an underscore is tolerated) or a unicast address, without brackets.
    ///
    /// The error says what is wrong with it, quoting it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return unicast(ip).map(Self::Ip);
        }
        name(text).map(Self::Name)
    }
}

impl HostPort {
    /// `host`, `host:port`, `ipv4:port`, `[ipv6]:port` or a bare IPv6 address.
    ///
    /// Without `default` the port must be given. The error says what is wrong, quoting the text.
    pub fn parse(text: &str, default: Option<u16>) -> Result<Self, String> {
        if text.contains("://") {
            return Err(format!("{} is a URL; write HOST:PORT", quoted(text)));
        }
        let (host, port) = split(text)?;
        let port = match port {
            Some(port) => parse_port(port).ok_or_else(|| bad_port(text))?,
            None => default.ok_or_else(|| format!("{} lacks a port; write HOST:PORT", quoted(text)))?,
        };
        Ok(Self { host: Host::parse(host)?, port })
    }
}

/// A resolver: an address, with a port if it is not 53. A link-local one takes its zone as a number,
/// `[fe80::1%2]:53`.
pub fn parse_resolver(text: &str, default: u16) -> Result<SocketAddr, String> {
    if let Ok(address @ SocketAddr::V6(v6)) = text.parse::<SocketAddr>() {
        return match (v6.port(), unicast((*v6.ip()).into())) {
            (0, _) => Err(bad_port(text)),
            (_, Err(problem)) => Err(problem),
            (port, Ok(ip @ IpAddr::V4(_))) => Ok(SocketAddr::new(ip, port)),
            (_, Ok(IpAddr::V6(_))) => Ok(address),
        };
    }
    match HostPort::parse(text, Some(default))? {
        HostPort { host: Host::Ip(ip), port } => Ok(SocketAddr::new(ip, port)),
        HostPort { host: Host::Name(_), .. } => {
            Err(format!("{} is not an address; a resolver is given as IP or IP:PORT", quoted(text)))
        }
    }
}

/// Splits the port off, without judging either part.
fn split(text: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = text.strip_prefix('[') {
        let (ip, after) =
            rest.split_once(']').ok_or_else(|| format!("{} lacks its closing bracket", quoted(text)))?;
        if ip.parse::<Ipv6Addr>().is_err() {
            return Err(format!("{} has no IPv6 address between its brackets", quoted(text)));
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((ip, Some(port))),
            None if after.is_empty() => Ok((ip, None)),
            None => Err(format!("{} has something other than :PORT after its bracket", quoted(text))),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => {
            Err(format!("{} has several colons; IPv6 with a port is written [ADDRESS]:PORT", quoted(text)))
        }
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

/// Digits only, 1 to 65535.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port > 0)
}

fn bad_port(text: &str) -> String {
    format!("the port of {} is not a number from 1 to 65535", quoted(text))
}

fn unicast(ip: IpAddr) -> Result<IpAddr, String> {
    let ip = ip.to_canonical();
    let broadcast = matches!(ip, IpAddr::V4(v4) if v4.is_broadcast());
    if ip.is_unspecified() || ip.is_multicast() || broadcast {
        return Err(format!("{ip} is not the address of one host"));
    }
    Ok(ip)
}

fn name(text: &str) -> Result<String, String> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    let problem = if bare.is_empty() {
        "names no host"
    } else if !bare.is_ascii() {
        "is not in ASCII; write an international name in its xn-- form"
    } else if bare.len() > 253 {
        "is longer than 253 characters"
    } else if !bare.split('.').all(is_label) {
        "is not a host's name or address"
    } else if bare.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        // No top-level domain is a number: this was to be an IPv4 address.
        "is not an IPv4 address"
    } else {
        return Ok(text.to_ascii_lowercase());
    };
    Err(format!("{} {problem}", quoted(text)))
}

/// One label of a host's name: 1 to 63 letters, digits, hyphens (inside) and, tolerated, underscores.
pub(super) fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_read_as_written() {
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        for (text, default, expected) in [
            ("stun.example.net", Some(3478), "stun.example.net:3478"),
            ("STUN.Example.net:19302", Some(3478), "stun.example.net:19302"),
            ("coturn:1", None, "coturn:1"),
            ("_stun.example.net.:65535", None, "_stun.example.net.:65535"),
            ("192.0.2.1", Some(123), "192.0.2.1:123"),
            ("192.0.2.1:124", Some(123), "192.0.2.1:124"),
            ("2001:db8::1", Some(123), "[2001:db8::1]:123"),
            ("[2001:db8::1]", Some(123), "[2001:db8::1]:123"),
            ("[2001:db8::1]:5", None, "[2001:db8::1]:5"),
            ("::ffff:192.0.2.1", Some(123), "192.0.2.1:123"),
            ("1.pool.ntp.org", Some(123), "1.pool.ntp.org:123"),
            (long.as_str(), Some(1), &format!("{long}:1")),
        ] {
            assert_eq!(HostPort::parse(text, default).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_host_and_a_port_is_said() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(62));
        for (text, part) in [
            ("", "names no host"),
            (":3478", "names no host"),
            (".", "names no host"),
            ("host:", "port"),
            ("host:0", "port"),
            ("host:65536", "port"),
            ("host:+5", "port"),
            ("host:http", "port"),
            ("a..b", "not a host's name"),
            ("-a.example", "not a host's name"),
            ("a b", "not a host's name"),
            ("user@host", "not a host's name"),
            ("a,b", "not a host's name"),
            (&long, "not a host's name"),
            (&longer, "253"),
            ("münchen.example", "xn--"),
            ("256.1.1.1", "not an IPv4 address"),
            ("10.0.0", "not an IPv4 address"),
            ("1:2:3", "several colons"),
            ("[::1", "closing bracket"),
            ("[host]:1", "between its brackets"),
            ("[::1]x", "after its bracket"),
            ("stun://host", "is a URL"),
            ("0.0.0.0", "not the address of one host"),
            ("[ff02::1]:1", "not the address of one host"),
            ("255.255.255.255", "not the address of one host"),
        ] {
            let problem = HostPort::parse(text, Some(1)).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
        assert!(HostPort::parse("host", None).unwrap_err().contains("lacks a port"));
    }

    #[test]
    fn resolvers_are_addresses() {
        for (text, expected) in [
            ("10.0.0.53", "10.0.0.53:53"),
            ("10.0.0.53:5353", "10.0.0.53:5353"),
            ("::1", "[::1]:53"),
            ("[::1]:54", "[::1]:54"),
            ("[fe80::1%2]:53", "[fe80::1%2]:53"),
            ("[::ffff:10.0.0.1]:53", "10.0.0.1:53"),
        ] {
            assert_eq!(parse_resolver(text, 53).unwrap().to_string(), expected);
        }
        for text in ["dns.example", "0.0.0.0", "[::]:53", "[::1]:0", "10.0.0.53:0", "fe80::1%eth0"] {
            assert!(parse_resolver(text, 53).is_err(), "{text}");
        }
    }
}
