//! What was observed of the control plane: the Controller's connections, certificates and answers, relays, services.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::TcpConnected;
use super::path::SegmentTrial;
use crate::model::observation::Observation;

/// Everything observed of the control plane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Control {
    /// TCP connects to the Controller, one an address.
    pub tcp: Vec<Observation<ControllerTcp>>,
    /// TLS handshakes with the Controller, one an address that accepted.
    pub tls: Vec<Observation<TlsSession>>,
    /// Its answers to a request for `/`, one an address whose handshake ended.
    pub http: Vec<Observation<HttpAnswer>>,
    /// What port 80 of the same addresses answered, where the Controller did not show itself.
    pub plain: Vec<Observation<PlainAnswer>>,
    /// TCP connects to relays, over IPv4.
    pub relays: Vec<Observation<RelayTcp>>,
    /// One TCP connect each to a port of relays, and to 443 as its control, of a public host that listens on every port; only where no
    /// relay's own address is known.
    pub stand_in: Vec<Observation<StandInTcp>>,
    /// TCP connects to event services.
    pub services: Vec<Observation<ServiceTcp>>,
    /// How far away the makers of resets stand, one an address that refused.
    pub refusals: Vec<Observation<RefusalTrace>>,
    /// Handshakes that asked for smaller segments, where the usual one was not answered.
    pub segments: Vec<Observation<SegmentTrial>>,
    /// Handshakes of another kind, where the usual one was cut or not answered.
    pub tls_trials: Vec<Observation<TlsTrial>>,
    /// Dates of HTTP answers as a clock, one a host.
    pub dates: Vec<Observation<DateClock>>,
    /// The certificates that were trusted.
    pub trust: Trust,
}

/// A TCP connection to the Controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ControllerTcp(pub TcpConnected);

/// A TCP connection to a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RelayTcp(pub TcpConnected);

/// A TCP connection to the host that stands in for relays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StandInTcp(pub TcpConnected);

/// A TCP connection to an event service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ServiceTcp(pub TcpConnected);

/// Where certificates to trust came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Trust {
    /// Files and directories that gave certificates, with how many: `/etc/ssl/certs/ca-certificates.crt (142)`.
    pub sources: Vec<String>,
    /// How many roots the system has in all, `--ca-file` included.
    pub system_roots: u32,
    /// What could not be read, a line each.
    pub problems: Vec<String>,
}

/// A TLS handshake that ended; the certificates were captured whatever they are worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsSession {
    /// `TLS 1.3`.
    pub version: String,
    /// `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The protocol agreed on by ALPN; none where the server named none.
    pub alpn: Option<String>,
    /// From the connection to the end of the handshake, microseconds.
    pub handshake_us: u64,
    /// The name that was asked for.
    pub name: String,
    /// The certificates as sent, the server's own first; at most 10.
    pub chain: Vec<Certificate>,
    /// Whether the server's certificate is for `name`.
    pub name_matches: bool,
    /// `name` is the vendor's: public issuers, and those that the user vouches for, count alone.
    #[serde(default)]
    pub vendors: bool,
    /// What the system's roots (and `--ca-file`) make of it.
    pub system: ChainVerdict,
    /// What Mozilla's roots, compiled in, make of it.
    pub mozilla: ChainVerdict,
}

/// A TLS handshake of another kind than the usual one: under a name that no filter knows, or with TLS 1.2 alone. What passes tells what is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsTrial {
    /// It asked for `example.com` (RFC 6761), and not for the Controller.
    pub neutral: bool,
    /// It offered TLS 1.2 alone.
    pub only_1_2: bool,
    /// A session stood; under the neutral name, a TLS alert is an answer, too.
    pub answered: bool,
}

/// A certificate's face; every text is cleaned and cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Names and addresses it is for; at most 20.
    pub names: Vec<String>,
    /// Valid from, seconds since 1970.
    pub not_before_s: i64,
    /// Valid to, seconds since 1970.
    pub not_after_s: i64,
    /// It could not be read; why.
    pub problem: Option<String>,
}

/// What a set of roots makes of a chain, whatever the time is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainVerdict {
    /// Whether it leads to one of the roots at any time at all.
    pub trusted: bool,
    /// When it does, seconds since 1970, ends included; ascending.
    pub windows: Vec<(i64, i64)>,
    /// Why it never does.
    pub problem: Option<ChainProblem>,
    /// One of its certificates names one of the roots as its issuer.
    #[serde(default)]
    pub issuer_known: bool,
}

/// Why a chain leads to none of the roots, at no time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChainProblem {
    /// Nobody that is known signed it.
    #[serde(rename = "unknown issuer")]
    UnknownIssuer,
    /// A signature is wrong.
    #[serde(rename = "bad signature")]
    BadSignature,
    /// Its purpose is another.
    #[serde(rename = "not meant for servers")]
    NotForServers,
    /// The server sent none.
    #[serde(rename = "no certificate was sent")]
    NoCertificate,
    /// What the server sent cannot be read.
    #[serde(rename = "not a certificate")]
    Unreadable,
    /// There is none to compare it with.
    #[serde(rename = "no roots to judge by")]
    NoRoots,
    /// Its certificates are never valid together.
    #[serde(rename = "is valid at no time")]
    NeverValid,
    /// Another reason, in the library's words, cleaned.
    #[serde(untagged)]
    Other(String),
}

impl ChainProblem {
    /// The reason in words.
    pub fn words(&self) -> &str {
        match self {
            Self::UnknownIssuer => "unknown issuer",
            Self::BadSignature => "bad signature",
            Self::NotForServers => "not meant for servers",
            Self::NoCertificate => "no certificate was sent",
            Self::Unreadable => "not a certificate",
            Self::NoRoots => "no roots to judge by",
            Self::NeverValid => "is valid at no time",
            Self::Other(words) => words,
        }
    }
}

impl ChainVerdict {
    /// Whether the chain holds at this time, nanoseconds since 1970.
    pub fn holds_at(&self, wall_ns: i64) -> bool {
        let second = wall_ns.div_euclid(1_000_000_000);
        self.windows.iter().any(|(from, to)| (*from..=*to).contains(&second))
    }
}

/// The head of an HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpAnswer {
    /// Status code.
    pub status: u16,
    /// The method that was asked with: `HEAD`, or `GET` where that failed.
    pub method: String,
    /// From the request to the first byte of the answer, microseconds.
    pub first_byte_us: u64,
    /// Date, as sent, cleaned.
    pub date: Option<String>,
    /// Server, cleaned.
    pub server: Option<String>,
    /// Location, cleaned.
    pub location: Option<String>,
    /// Age, seconds: an answer out of a cache.
    pub age_s: Option<u64>,
}

/// An answer to the same request in plain text, on port 80.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PlainAnswer(pub HttpAnswer);

impl HttpAnswer {
    /// The host that a redirect leads to, in lower case; none where it is no redirect, or stays on the same host.
    pub fn redirect_host(&self) -> Option<String> {
        if !(300..400).contains(&self.status) {
            return None;
        }
        let (scheme, rest) = self.location.as_deref()?.split_once("//")?;
        if !matches!(scheme.to_ascii_lowercase().as_str(), "http:" | "https:" | "") {
            return None;
        }
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        (!host.is_empty()).then(|| host.trim_end_matches('.').to_ascii_lowercase())
    }
}

/// Whether a host belongs to the same site as the Controller: the same name, or one below the same domain.
///
/// A tenant is sent to its regional name: `acme.example.net` to `acme.us1.example.net`.
pub fn same_site(host: &str, controller: &str) -> bool {
    fn domain(name: &str) -> &str {
        // The last two labels: a public suffix of two labels makes this too generous, never too strict.
        let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at).collect();
        match dots.as_slice() {
            [.., second, _] => &name[second + 1..],
            _ => name,
        }
    }
    let controller = controller.trim_end_matches('.').to_ascii_lowercase();
    host == controller
        || (controller.parse::<std::net::IpAddr>().is_err() && domain(host) == domain(&controller))
}

/// What the Dates of one host say of this host's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DateClock {
    /// This host minus the server, the least that fits, nanoseconds; negative = this host is in the past.
    pub least_ns: i64,
    /// The most that fits, nanoseconds.
    pub most_ns: i64,
    /// Answers behind it.
    pub answers: u32,
    /// Why it is no witness, where it is none: a redirect elsewhere, a cached answer, Dates that contradict each other.
    pub refused: Option<String>,
}

/// Where the maker of resets stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusalTrace {
    /// The TTL with which the reset arrived; none where no reset came any more.
    pub reset_ttl: Option<u8>,
    /// The least TTL of a SYN that was answered by a reset.
    pub syn_ttl: Option<u8>,
    /// A SYN that cannot leave this host is reset, too: by its own packet filter; none where it could not be told.
    #[serde(default)]
    pub by_host: Option<bool>,
}

impl RefusalTrace {
    /// Routers that the reset passed on its way here, from the nearest initial TTL above it (64, 128 or 255).
    pub fn reset_hops(&self) -> Option<u8> {
        self.reset_ttl.map(|ttl| match ttl {
            0..=64 => 64 - ttl,
            65..=128 => 128 - ttl,
            _ => 255 - ttl,
        })
    }

    /// Whether a router on the way made the reset: it needed a SYN that goes further than its reset came.
    pub fn by_router(&self) -> Option<bool> {
        let (syn, reset) = (self.syn_ttl?, self.reset_hops()?);
        Some(u16::from(reset) + 1 < u16::from(syn))
    }
}

/// `host:port` of an observation's peer, for people.
pub fn peer<T>(o: &Observation<T>) -> String {
    let address = o.address.as_ref().map(SocketAddr::to_string);
    match address {
        Some(address) if address != o.target => format!("{} ({address})", o.target),
        _ => o.target.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirects_host_is_read_off_whatever_a_server_sends() {
        let to = |location: &str| {
            HttpAnswer { status: 302, location: Some(location.to_owned()), ..HttpAnswer::default() }
                .redirect_host()
        };
        for (location, host) in [
            ("https://Portal.Example/login?x", Some("portal.example")),
            ("http://10.0.0.1:8080", Some("10.0.0.1")),
            ("//cdn.example./x", Some("cdn.example")),
            ("https://user:pw@evil.example:1/", Some("evil.example")),
            ("http://[fd00::1]:80/", Some("fd00::1")),
            ("/login", None),
            ("", None),
            ("https://", None),
            ("javascript://x", None),
        ] {
            assert_eq!(to(location).as_deref(), host, "{location}");
        }
        assert_eq!(
            HttpAnswer { status: 200, location: Some("https://x/".into()), ..HttpAnswer::default() }
                .redirect_host(),
            None
        );
    }

    #[test]
    fn a_chains_problem_is_the_word_that_format_1_0_wrote() {
        for words in [
            "unknown issuer",
            "bad signature",
            "not meant for servers",
            "no certificate was sent",
            "not a certificate",
            "no roots to judge by",
            "is valid at no time",
            "another reason",
        ] {
            let problem: ChainProblem = serde_json::from_value(words.into()).unwrap();
            assert_eq!((problem.words(), serde_json::to_value(&problem).unwrap()), (words, words.into()));
            assert_eq!(matches!(problem, ChainProblem::Other(_)), words == "another reason");
        }
    }

    #[test]
    fn a_regional_name_is_the_same_site_and_a_portal_is_not() {
        assert!(same_site("acme.us1.example.net", "acme.example.net"));
        assert!(same_site("www.example.net", "acme.example.net."));
        assert!(!same_site("portal.example", "acme.example.net"));
        assert!(!same_site("10.0.0.1", "10.0.0.2") && same_site("10.0.0.1", "10.0.0.1"));
        assert!(!same_site("notexample.net", "acme.example.net"));
    }

    #[test]
    fn a_resets_maker_is_a_router_when_the_syn_had_to_go_further() {
        for (reset_ttl, syn_ttl, router) in [
            (62, 3, false),
            (64, 2, true),
            (63, 3, true),
            (64, 1, false),
            (253, 3, false),
            (127, 2, false),
            (255, 9, true),
        ] {
            let trace =
                RefusalTrace { reset_ttl: Some(reset_ttl), syn_ttl: Some(syn_ttl), by_host: Some(false) };
            assert_eq!(trace.by_router(), Some(router), "{trace:?}");
        }
        assert_eq!(RefusalTrace::default().by_router(), None);
    }
}
