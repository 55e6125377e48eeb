//! What a check found: a status, a symptom with its data, a sentence and its evidence.

use std::collections::BTreeMap;

use super::astray::Astray;
use super::check_id::CheckId;
pub use super::clock_error::ClockError;
use super::facts::Ports;
pub use super::forged::NtpTampered;
use super::lack::Lack;
pub use super::misfound::Misfound;
pub use super::missing::Missing;
use super::observation::FailureKind;
pub use super::quic::QuicBlock;
pub use super::resolver::{DeadResolver, ResolverTrouble, Slow, SlowResolver};
pub use super::status::Status;
pub use super::tls_cut::TlsCut;
pub use super::unreached::{Maker, Unreached};
use super::words::P2pExpect;

/// One finding of one check.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check's id.
    pub check: CheckId,
    /// The outcome.
    pub status: Status,
    /// What diagnosis matches on; none where all is said by the status.
    pub symptom: Option<Symptom>,
    /// Why there is no outcome, or not the whole of it.
    pub lacks: Option<Lack>,
    /// One sentence without a period: a fact with its number and its limit.
    pub summary: String,
    /// What was sent, what came back.
    pub evidence: Vec<String>,
    /// Named figures, base units in the name (`offset_s`).
    pub measurements: BTreeMap<String, f64>,
    /// How long the observations behind it took, microseconds.
    pub took_us: u64,
}

impl Finding {
    /// A finding with a sentence; builder methods add the rest.
    pub fn new(check: CheckId, status: Status, summary: impl Into<String>) -> Self {
        Self {
            check,
            status,
            symptom: None,
            lacks: None,
            summary: summary.into(),
            evidence: Vec::new(),
            measurements: BTreeMap::new(),
            took_us: 0,
        }
    }

    /// Adds what diagnosis matches on.
    #[must_use]
    pub fn symptom(mut self, symptom: Symptom) -> Self {
        self.symptom = Some(symptom);
        self
    }

    /// Says why there is no outcome, or not the whole of it.
    #[must_use]
    pub fn lacks(mut self, lack: Lack) -> Self {
        self.lacks = Some(lack);
        self
    }

    /// Adds a line of evidence.
    #[must_use]
    pub fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// Adds lines of evidence.
    #[must_use]
    pub fn evidence_all(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(lines);
        self
    }

    /// Adds a figure; one that is not finite is left out, since JSON cannot say it.
    #[must_use]
    pub fn measure(mut self, name: &str, value: f64) -> Self {
        if value.is_finite() {
            self.measurements.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds how long the observations took, microseconds.
    #[must_use]
    pub fn took(mut self, us: u64) -> Self {
        self.took_us = us;
        self
    }
}

/// What is wrong, as data: what diagnosis matches on. A closed list.
#[derive(Clone, Debug, PartialEq)]
pub enum Symptom {
    /// Something is wrong with a named Resource.
    Resource(Box<super::trouble::ResourceTrouble>),
    /// Skipped, since the check named here did not pass.
    Needs(CheckId),
    /// No up interface has an address beyond loopback and link-local.
    NoAddress,
    /// No default route of either family.
    NoDefaultRoute,
    /// This host's own routing leads nowhere, or to the wrong place.
    Astray(Astray),
    /// IPv6 alone has an address and a route.
    NoIpv4,
    /// A local network lies in the Clients' range; interface and network.
    AddressOverlap(Vec<String>),
    /// The clock is beyond the limit for certain.
    ClockOff(ClockError),
    /// The clock is between the warning and the limit.
    ClockNearLimit(ClockError),
    /// The interval straddles a limit, or nobody answered.
    ClockUndecided,
    /// No NTP server answered at all.
    NtpSilent,
    /// Time servers agree on a time that Dates over TLS contradict.
    NtpTampered(NtpTampered),
    /// Servers that disagree with the majority, named.
    NtpFalsetickers(Vec<String>),
    /// No majority of servers agrees.
    NtpNoMajority,
    /// Nothing keeps this clock.
    ClockUnkept {
        /// A time daemon that is installed or running without effect.
        daemon: Option<String>,
    },
    /// QUIC does not pass where it should.
    QuicBlocked(QuicBlock),
    /// The mapping changes with the destination.
    NatDependent {
        /// How, in RFC 4787's words.
        how: String,
        /// What is to be expected with it and with the filtering that was seen.
        expect: P2pExpect,
    },
    /// UDP mappings end before a usual keepalive holds them; how long one lives.
    MappingsShort(String),
    /// No resolver serves names.
    ResolversDead(Vec<DeadResolver>),
    /// Some resolvers do not serve names while others do.
    ResolverDead(Vec<DeadResolver>),
    /// The first resolver serves names, and only after a while.
    ResolverSlow(SlowResolver),
    /// A search domain leads the Controller's name astray.
    SearchDomain(Misfound),
    /// The Controller's name does not exist, and a resolver invents an address for it.
    ControllerNameInvented(Misfound),
    /// Resolvers answer that the Controller's name does not exist.
    ControllerNameUnknown {
        /// The name.
        name: String,
    },
    /// Some resolvers say that the name does not exist, others know it.
    ControllerNameDiffers {
        /// The name.
        name: String,
        /// Those that say so.
        resolvers: Vec<String>,
        /// getaddrinfo, and with it the Connector, believes them.
        decides: bool,
    },
    /// Resolvers that know other names fail for the Controller's.
    ControllerNameFails {
        /// The name.
        name: String,
    },
    /// The Controller's name leads to addresses that are not global.
    ControllerHijacked {
        /// The name.
        name: String,
        /// Those addresses.
        addresses: Vec<std::net::IpAddr>,
        /// The resolvers that say so; none where only getaddrinfo does.
        by: Vec<String>,
    },
    /// /etc/hosts leads the Controller's name elsewhere than the resolvers do.
    ControllerHostsFile {
        /// The name.
        name: String,
        /// The file's addresses.
        file: Vec<std::net::IpAddr>,
        /// The resolvers' addresses.
        resolvers: Vec<std::net::IpAddr>,
    },
    /// This system's own lookup fails for the Controller's name, which its resolvers know.
    SystemLookupFails {
        /// The name.
        name: String,
        /// What the lookup says.
        kind: FailureKind,
        /// The resolvers' addresses.
        resolvers: Vec<std::net::IpAddr>,
    },
    /// The Controller's name has addresses of IPv6 alone, and this host has no way for those.
    ControllerNoIpv4 {
        /// The name.
        name: String,
    },
    /// Packets go missing by a pattern that is no chance.
    Missing(Missing),
    /// The loss of pairs is shown to be too much.
    PacketLoss {
        /// Pairs that were awaited.
        sent: usize,
        /// Pairs without an answer.
        lost: usize,
    },
    /// Different destinations see different public addresses, or a different one over TCP than over UDP.
    SeveralPublicAddresses {
        /// Them.
        addresses: Vec<std::net::IpAddr>,
        /// Whether this host itself leaves by different local addresses: its own routing.
        routed: bool,
        /// Those that differ are seen over different transports.
        by_transport: bool,
        /// Who saw which address, over what, a line each.
        seen: Vec<String>,
    },
    /// More than one NAT stands in a row, or may.
    NatLayers {
        /// Private routers that show it, or the gateway's outer address.
        routers: Vec<std::net::IpAddr>,
        /// The outer one is a carrier's (RFC 6598).
        carrier: bool,
        /// The gateway itself said so.
        certain: bool,
    },
    /// Larger packets vanish on the way without an ICMP error.
    MtuHole {
        /// A size that passes wherever it was tried, bytes of IP.
        size: u32,
        /// On the way out: the smallest size that vanishes.
        outbound: Option<u32>,
        /// On the way in: the largest size that passes.
        inbound: Option<u32>,
        /// What was answered and what was not, a line each.
        lines: Vec<String>,
    },
    /// No STUN server told our mapped address.
    StunUnavailable,
    /// Some STUN servers are of no use while others are.
    StunServersDown {
        /// Those that did not answer, named.
        silent: Vec<String>,
        /// Those that answered and said nothing usable, a line each.
        wrong: Vec<String>,
    },
    /// STUN answers that were changed or forged on the way, a line each.
    StunTampered(Vec<String>),
    /// No address of the Controller takes a connection.
    ControllerUnreached(Unreached),
    /// It takes connections, and no TLS session comes to stand.
    TlsBroken(FailureKind),
    /// The same, and handshakes of another kind tell what is cut.
    TlsCut(TlsCut),
    /// No known issuer stands behind the certificate; its issuer's name.
    TlsUntrusted(String),
    /// A known issuer stands behind the certificate, and it does not hold for what it is used for; why.
    TlsUnfit(String),
    /// This system's own store alone trusts the issuer of a certificate for the vendor's name; its name.
    TlsTrustedHere(String),
    /// The certificate is good, but for these names.
    TlsWrongName(Vec<String>),
    /// The certificate is not valid at reference time.
    TlsOutOfDate {
        /// It was valid once; else it is not valid yet.
        expired: bool,
        /// The date that is passed, or not reached yet, seconds since 1970.
        date_s: i64,
        /// Somebody else's clock says so, not this host's alone.
        reference_known: bool,
    },
    /// The certificate holds at reference time, and not by this host's clock: the clock breaks the Connector's TLS.
    ClockBreaksTls,
    /// The Controller answers with an error of its own, 500 or above.
    ControllerError(u16),
    /// It speaks TLS, and gives no answer.
    HttpBroken(FailureKind),
    /// The Controller's Date is off the reference by this many nanoseconds at least; negative = in the past.
    ControllerClock(i64),
    /// No relay takes a connection on its high ports, or none at all.
    RelaysUnreached {
        /// Each that failed.
        failed: Vec<Unreached>,
        /// Relays, or the Controller, take connections on 443.
        https_passes: bool,
        /// Relays take connections on their high ports.
        high_passes: bool,
    },
    /// Event services that take no connection.
    ServicesUnreached(Vec<Unreached>),
    /// It is installed but not running; how that shows.
    ConnectorStopped(Vec<String>),
    /// What is wrong with its configuration.
    ConnectorMisconfigured {
        /// What keeps it from working at all.
        broken: Vec<String>,
        /// What is wrong besides.
        flaws: Vec<String>,
        /// A file of it can be read by every user.
        readable_by_all: bool,
    },
    /// Its container or unit starts and dies again and again, by its runtime's own files; how that shows.
    ConnectorRestarting(Vec<String>),
    /// Its tokens cannot work; why, a sentence each.
    TokensUnfit(Vec<String>),
    /// One pair of tokens in two places of this host: which two, a line each; whether both run now, or one of them will.
    TokensShared(Vec<String>, bool),
    /// Its view of the network is another than this run's; how.
    OtherNetwork(Vec<String>),
    /// Open files near the limit, or at it.
    OpenFiles {
        /// The process.
        pid: u32,
        /// Open now.
        used: u64,
        /// The soft limit.
        limit: u64,
        /// Not one more client can be served.
        exhausted: bool,
    },
    /// No local port, or no buffer, was left to send with.
    PortsGone {
        /// The local ports at their fullest.
        ports: Option<Ports>,
        /// Tries that could not be made for want of a port.
        tries: usize,
        /// Tries that could not be made for want of buffers.
        buffers: usize,
    },
    /// The kernel's table of tracked connections is full.
    ConntrackFull {
        /// Entries.
        count: u64,
        /// How many there may be.
        max: u64,
    },
    /// No connection of the Connector's stands, although this host reaches what it needs.
    ConnectorUnconnected {
        /// The process.
        pid: u32,
        /// For how long it has been running, microseconds.
        age_us: Option<u64>,
    },
    /// At the host that stands in for relays, 443 takes connections and a relay's port does not.
    StandInUnreached(Unreached),
    /// Memory or disk is gone, a line each.
    HostExhausted(Vec<String>),
    /// The Connector's log shows a failure that is not over.
    LogTrouble(LogTrouble),
    /// By its tokens' times of issue the clock was right.
    LogClockRight,
}

/// A failure that the Connector's log shows, and that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTrouble {
    /// Which.
    pub signature: super::facts::Signature,
    /// What it shows, with its figures.
    pub told: String,
    /// The line that began it, masked.
    pub line: String,
    /// What the check made of it.
    pub status: Status,
    /// The very thing that fails there works in this run.
    pub works_here: bool,
    /// Which of the log's Connectors, counted from 1.
    pub connector: usize,
    /// Its lines bear times that are years off: the host's clock was never set.
    pub far_off: bool,
}
