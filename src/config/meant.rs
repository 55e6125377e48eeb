//! What the sources mean together: validated, and nothing left open that has a default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::facts;
use crate::model::{CheckId, Policy};

use super::choice::{Color, ExitCodes, FailOn, Family, Redact};
use super::controller::Controller;
use super::defaults;
use super::duration::parse_duration_within;
use super::endpoint::{HostPort, parse_resolver};
use super::error::ConfigError;
use super::format::{FormatSpec, formats};
use super::keep::Keep;
use super::merge::Sources;
use super::origin::{Named, Origin};
use super::resource::Resource;
use super::said::Said;
use super::source::Source;

/// What the caller knows: ids of checks, names of formats.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Ids of every check.
    pub checks: &'a [&'a str],
    /// Names of every format.
    pub formats: &'a [&'a str],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each an option of its own")]
pub struct Meant {
    /// The Controller; none where nobody named the network.
    pub controller: Option<Named<Controller>>,
    /// STUN servers.
    pub stun: Vec<Named<HostPort>>,
    /// Time servers, the host's own first.
    pub ntp: Vec<Named<HostPort>>,
    /// Resolvers in place of the host's configured ones; empty means those.
    pub dns: Vec<Named<SocketAddr>>,
    /// Relays.
    pub relay: Vec<Named<HostPort>>,
    /// Event services.
    pub service: Vec<Named<HostPort>>,
    /// What the Connector is to reach.
    pub resources: Vec<Named<Resource>>,
    /// Resources that are not asked again: what was seen of them a while ago has to do.
    pub known: Vec<facts::Resource>,
    /// This host's own resolver, where the lab stands in for it and for another that the Connector asks.
    pub inner_dns: Option<SocketAddr>,
    /// Who turned off what is asked where names fail; none where it is on.
    pub no_fallback: Option<String>,
    /// QUIC servers.
    pub quic: Vec<Named<HostPort>>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<Named<PathBuf>>,
    /// A certificate to trust beside these, in PEM; the lab's own, which lies in no file.
    pub ca_pem: Option<String>,
    /// Whether only cheap observations are made: no NAT's behaviour, hops, sizes or gateway; for `watch`.
    pub cheap: bool,
    /// Whether a public host may stand in for relays' ports: in the first try of a run that a person asked for.
    pub stand_in: bool,
    /// Time servers that asked to be left alone, as `HOST:PORT`: a further try leaves them out.
    pub left_alone: Vec<String>,
    /// Whether the gateway is asked for its public address.
    pub ask_gateway: bool,
    /// Whether to search how long UDP mappings live.
    pub lifetime: bool,
    /// Which checks are reported, and which findings are known and accepted.
    pub policy: Policy,
    /// The mildest outcome that makes the exit code 1.
    pub fail_on: FailOn,
    /// The scheme of exit codes.
    pub exit_codes: ExitCodes,
    /// The longest that one try may take.
    pub timeout: Duration,
    /// For how long to try again until no check fails; none means one try.
    pub wait: Option<Duration>,
    /// Which families to use.
    pub family: Family,
    /// What to write and where; exactly one goes to stdout.
    pub formats: Vec<FormatSpec>,
    /// What the report hides.
    pub redact: Redact,
    /// When to colour.
    pub color: Color,
    /// Columns of the human report on stdout.
    pub width: u16,
    /// Columns of the human report that is read elsewhere: in a file, or pasted.
    pub file_width: u16,
    /// How much more to say.
    pub verbose: u8,
    /// Whether to say the verdict and its causes alone.
    pub quiet: bool,
    /// What `watch` does beside checking.
    pub keep: Keep,
    /// Whether nobody gave relays (services), so that the vendor's stand in with the vendor's Controller.
    relay_open: bool,
    service_open: bool,
}

impl Meant {
    /// Joins what the sources said, the strongest first; the first that says a thing decides it.
    ///
    /// The error is the first fault found, with its place.
    pub fn of(sources: &[Source], known: Known<'_>) -> Result<Self, ConfigError> {
        let all = Sources(sources);
        let server = |port| move |text: &str| HostPort::parse(text, port);
        let stun_server = |text: &str| HostPort::parse(without_scheme(text), Some(defaults::STUN_PORT));
        let stun = all.list("stun", |s| s.stun.as_ref(), stun_server)?;
        let ntp = all.list("ntp", |s| s.ntp.as_ref(), server(Some(defaults::NTP_PORT)))?;
        let dns = all.list("dns", |s| s.dns.as_ref(), |text| parse_resolver(text, defaults::DNS_PORT))?;
        let relay = all.list("relay", |s| s.relay.as_ref(), server(None))?;
        let service = all.list("service", |s| s.service.as_ref(), server(None))?;
        let quic = all.list("quic", |s| s.quic.as_ref(), server(Some(defaults::HTTPS_PORT)))?;
        let timeout = |text: &str| parse_duration_within(text, defaults::TIMEOUT_RANGE);
        let wait = |text: &str| parse_duration_within(text, defaults::WAIT_RANGE);
        let (verbose, quiet) = all.loudness()?;
        let lifetime = all.first(|s| s.lifetime).is_some_and(|(_, on)| on);
        let longest = if lifetime { defaults::TIMEOUT_LIFETIME } else { defaults::TIMEOUT };
        let off = all.first(|s| s.no_fallback).filter(|(_, off)| *off);
        let meant = Self {
            no_fallback: off.map(|(source, _)| source.origin("no-fallback", "").to_string()),
            stand_in: false,
            left_alone: Vec::new(),
            controller: all.controller()?,
            stun: stun.unwrap_or_else(|| built_in(defaults::STUN, defaults::STUN_PORT)),
            ntp: ntp.unwrap_or_else(|| built_in(defaults::NTP, defaults::NTP_PORT)),
            quic: quic.unwrap_or_else(|| built_in(defaults::QUIC, defaults::HTTPS_PORT)),
            dns: dns.unwrap_or_default(),
            relay_open: relay.is_none(),
            service_open: service.is_none(),
            relay: relay.unwrap_or_default(),
            service: service.unwrap_or_default(),
            resources: all.resources()?,
            known: Vec::new(),
            inner_dns: None,
            ca_file: all.path("ca-file", |s| s.ca_file.as_ref())?,
            ca_pem: None,
            cheap: false,
            lifetime,
            ask_gateway: all.first(|s| s.ask_gateway).is_some_and(|(_, on)| on),
            policy: all.policy(known.checks)?,
            fail_on: all.choice("fail-on", |s| s.fail_on.as_deref())?,
            exit_codes: all.choice("exit-codes", |s| s.exit_codes.as_deref())?,
            timeout: all.text("timeout", |s| s.timeout.as_deref(), timeout)?.unwrap_or(longest),
            wait: all.text("wait", |s| s.wait.as_deref(), wait)?,
            family: all.family()?,
            formats: formats(&all, known.formats)?,
            redact: all.choice("redact", |s| s.redact.as_deref())?,
            color: all.choice("color", |s| s.color.as_deref())?,
            width: all.width()?,
            file_width: all.width()?,
            verbose,
            quiet,
            keep: Keep::of(&all)?,
        };
        Ok(meant.without_unselected().with_vendors())
    }

    /// Servers and Resources that nothing but checks that are not selected would look at are not contacted.
    fn without_unselected(mut self) -> Self {
        let selected = |ids: &[CheckId]| ids.iter().any(|id| self.policy.selects(id.as_str()));
        let quic = selected(&[CheckId::QuicHandshake]);
        let resources = selected(&[CheckId::ResourceDns, CheckId::ResourceTcp, CheckId::ResourceReply]);
        self.quic.retain(|_| quic);
        self.resources.retain(|_| resources);
        self
    }

    /// Fills what nobody said with what this host is configured with: `connector` gives the network or the
    /// Controller, the resolvers and the relays in use, `time` the sources of its time daemon (`HOST` or `HOST:PORT`).
    ///
    /// What cannot be read there is left out: to say so is the work of a check, not a reason not to start.
    #[must_use]
    pub fn with_host(mut self, connector: Said, time: &[String]) -> Self {
        let connector = [Source::host_connector(connector)];
        let host = Sources(&connector);
        if self.controller.is_none() {
            self.controller = host.controller().ok().flatten();
        }
        if self.dns.is_empty() {
            let dns = host.list("dns", |s| s.dns.as_ref(), |t| parse_resolver(t, defaults::DNS_PORT));
            self.dns = dns.ok().flatten().unwrap_or_default();
        }
        if !self.ntp.is_empty() && self.ntp.iter().all(|named| named.origin == Origin::Default) {
            let mut ntp: Vec<Named<HostPort>> = Vec::new();
            let own = time.iter().filter_map(|t| HostPort::parse(t, Some(defaults::NTP_PORT)).ok());
            let own = own.map(|at| Named { at, origin: Origin::HostTime });
            // What the host's daemon lists is asked first, but it may not crowd the public ones out.
            for named in own.take(defaults::MAX_SERVERS / 2).chain(self.ntp) {
                if !ntp.iter().any(|n| n.at == named.at) {
                    ntp.push(named);
                }
            }
            self.ntp = ntp;
        }
        let open = self.relay_open;
        let mut meant = self.with_vendors();
        // Relays in use are asked beside the vendor's names: of these nothing says which of their ports are open.
        let in_use = host.list("relay", |s| s.relay.as_ref(), |t| HostPort::parse(t, None)).ok().flatten();
        for named in in_use.unwrap_or_default().into_iter().filter(|_| open) {
            if !meant.relay.iter().any(|n| n.at == named.at) {
                meant.relay.push(named);
            }
        }
        meant
    }

    /// The vendor's relays and services where nobody gave any and the Controller is the vendor's.
    fn with_vendors(mut self) -> Self {
        if self.controller.as_ref().is_some_and(|named| named.at.vendor) {
            if self.relay_open {
                self.relay = built_in(defaults::VENDOR_RELAYS, defaults::HTTPS_PORT);
            }
            if self.service_open {
                self.service = built_in(defaults::VENDOR_SERVICES, defaults::HTTPS_PORT);
            }
        }
        self
    }

    /// Who turned off what is asked where names fail: `--no-fallback`, or resolvers that somebody named.
    pub fn fallback_off(&self) -> Option<String> {
        let named = self.dns.iter().find(|named| named.origin.is_said());
        self.no_fallback.clone().or_else(|| named.map(|named| named.origin.to_string()))
    }

    /// Whether nobody named relays, so that relays in use, the log's, or a stand-in may be asked.
    pub fn relays_open(&self) -> bool {
        self.relay_open
    }

    /// The pause between the tries of `--wait`: longer where a public server nobody named is asked.
    pub fn pause(&self) -> Duration {
        let named = self.stun.iter().chain(&self.ntp).all(|named| named.origin.is_said());
        if named { defaults::WAIT_NAMED } else { defaults::WAIT_PUBLIC }
    }
}

/// A STUN URI (RFC 7064 3.1) without its scheme; `stun:3478` is a host of that name.
fn without_scheme(text: &str) -> &str {
    let rest = text.strip_prefix("stun:").filter(|rest| !rest.bytes().all(|b| b.is_ascii_digit()));
    rest.map_or(text, |rest| rest.split('?').next().unwrap_or(rest))
}

/// Rows of the built-in table.
fn built_in(rows: &[&str], port: u16) -> Vec<Named<HostPort>> {
    let parsed = rows.iter().filter_map(|row| HostPort::parse(row, Some(port)).ok());
    parsed.map(|at| Named { at, origin: Origin::Default }).collect()
}
