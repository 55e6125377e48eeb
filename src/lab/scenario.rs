//! What the embedded internet can be like: a table. No scenario touches anything beyond its own sockets.

use super::fault::{Conduct, DnsFault, StunFault};
use super::ntp::NtpServer;
use super::quic::Quic;
use super::resource::Resource;
use super::stun::{HONEST, Second, StunServer};
use super::web::{Naming, Web, YEARS_NS};
use crate::model::CauseCode;

/// One state of the world, and what a check of it is to say.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The word on the command line.
    pub name: &'static str,
    /// What is the matter, in one sentence.
    pub summary: &'static str,
    /// The STUN servers, `stun1` and `stun2`.
    pub stun: [StunServer; 2],
    /// The NTP servers, `ntp1` to `ntp4`.
    pub ntp: [NtpServer; 4],
    /// The DNS server.
    pub dns: Conduct<DnsFault>,
    /// How the Controller's name resolves.
    pub naming: Naming,
    /// The Controller, the event service, and the relays.
    pub web: [Web; 3],
    /// The QUIC servers.
    pub quic: Quic,
    /// Resources, the second of them broken.
    pub resource: Resource,
    /// How far ahead of this machine's clock theirs are, with their certificates, ns.
    pub web_ahead_ns: i64,
    /// The verdict's word.
    pub verdict: &'static str,
    /// The code of the first cause that is more than a notice, where there is one.
    pub cause: Option<CauseCode>,
}

/// All is well.
pub const HEALTHY: Scenario = Scenario {
    name: "healthy",
    summary: "every server answers, and the host's clock is right",
    stun: [HONEST; 2],
    ntp: clocks_ahead(0),
    dns: Conduct::Honest,
    naming: Naming::Right,
    web: [Web::Honest; 3],
    quic: Quic::Honest,
    resource: Resource::None,
    web_ahead_ns: 0,
    verdict: "healthy",
    cause: None,
};

/// Every scenario; the first one is run where none is named.
pub const SCENARIOS: &[Scenario] = &[
    HEALTHY,
    Scenario {
        name: "clock-behind",
        summary: "the host's clock is 7 s in the past",
        ntp: clocks_ahead(7_000),
        web_ahead_ns: 7_000 * 1_000_000,
        verdict: "unhealthy",
        cause: Some(CauseCode::ClockSkew),
        ..HEALTHY
    },
    Scenario {
        name: "clock-ahead",
        summary: "the host's clock is 7 s in the future",
        ntp: clocks_ahead(-7_000),
        web_ahead_ns: -7_000 * 1_000_000,
        verdict: "unhealthy",
        cause: Some(CauseCode::ClockSkew),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ClockNearLimit.as_str(),
        summary: "the host's clock is 4.4 s in the past, near the limit of 5 s",
        ntp: clocks_ahead(4_400),
        web_ahead_ns: 4_400 * 1_000_000,
        verdict: "degraded",
        cause: Some(CauseCode::ClockNearLimit),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::NtpBlocked.as_str(),
        summary: "what is sent to NTP servers is dropped",
        ntp: [NtpServer { conduct: Conduct::Silent, ahead_ns: 0 }; 4],
        verdict: "degraded",
        cause: Some(CauseCode::NtpBlocked),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::UdpBlocked.as_str(),
        summary: "a firewall drops UDP but for DNS, and lets TCP pass",
        stun: [StunServer { conduct: Conduct::Silent, ..HONEST }; 2],
        ntp: [NtpServer { conduct: Conduct::Silent, ahead_ns: 0 }; 4],
        verdict: "unhealthy",
        cause: Some(CauseCode::UdpBlocked),
        ..HEALTHY
    },
    Scenario {
        name: "stun-down",
        summary: "nothing listens on the STUN servers, which say so themselves",
        stun: [StunServer { conduct: Conduct::Closed, ..HONEST }; 2],
        verdict: "unhealthy",
        cause: Some(CauseCode::StunServersDown),
        ..HEALTHY
    },
    Scenario {
        name: "time-liar",
        summary: "one NTP server of four is 7 s off; the others outvote it",
        ntp: [clock_ahead(0), clock_ahead(7_000), clock_ahead(0), clock_ahead(0)],
        ..HEALTHY
    },
    Scenario {
        name: "dns-down",
        summary: "the resolver swallows every question",
        dns: Conduct::Silent,
        verdict: "unhealthy",
        cause: Some(CauseCode::DnsUnreachable),
        ..HEALTHY
    },
    Scenario {
        name: "name-unknown",
        summary: "the Controller's name does not exist, as when the network is misspelt",
        naming: Naming::Unknown,
        verdict: "unhealthy",
        cause: Some(CauseCode::ControllerNameUnknown),
        ..HEALTHY
    },
    Scenario {
        name: "sinkhole",
        summary: "the resolver leads the Controller's name to 0.0.0.0",
        naming: Naming::Sinkhole,
        web: [Web::Closed, Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::DnsHijacked),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ControllerDown.as_str(),
        summary: "the Controller refuses connections",
        web: [Web::Closed, Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::ControllerDown),
        ..HEALTHY
    },
    Scenario {
        name: "controller-503",
        summary: "the Controller answers 503",
        web: [Web::Status(503), Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::ControllerDown),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::TlsIntercepted.as_str(),
        summary: "a stranger's authority signs what is shown for the Controller",
        web: [Web::Intercepted, Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::TlsIntercepted),
        ..HEALTHY
    },
    Scenario {
        name: "certificate-expired",
        summary: "the Controller's certificate has expired",
        web: [Web::Expired, Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::ControllerCertificate),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::CaptivePortal.as_str(),
        summary: "a portal answers for the Controller and sends everybody to its login page",
        web: [Web::Portal, Web::Honest, Web::Honest],
        verdict: "unhealthy",
        cause: Some(CauseCode::CaptivePortal),
        ..HEALTHY
    },
    Scenario {
        name: "relays-blocked",
        summary: "a firewall drops the relays' ports and lets the Controller's pass",
        web: [Web::Honest, Web::Honest, Web::Dropped],
        verdict: "unhealthy",
        cause: Some(CauseCode::RelayPortsBlocked),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::QuicBlocked.as_str(),
        summary: "a filter drops QUIC and lets other UDP and TLS over TCP pass",
        quic: Quic::Dropped,
        verdict: "degraded",
        cause: Some(CauseCode::QuicBlocked),
        ..HEALTHY
    },
    Scenario {
        name: "no-quic",
        summary: "the QUIC servers do not speak QUIC, as their hosts say themselves: no block",
        quic: Quic::Absent,
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ResourceRefused.as_str(),
        summary: "of two Resources one refuses connections",
        resource: Resource::Refuses,
        verdict: "unhealthy",
        cause: Some(CauseCode::ResourceRefused),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ResourceMute.as_str(),
        summary: "of two Resources one takes connections and says nothing",
        resource: Resource::Mute,
        verdict: "unhealthy",
        cause: Some(CauseCode::ResourceMute),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ResourceUnresolved.as_str(),
        summary: "the Connector asks a resolver that does not know a Resource's name; the inner one does",
        resource: Resource::InnerName,
        verdict: "unhealthy",
        cause: Some(CauseCode::ResourceUnresolved),
        ..HEALTHY
    },
    Scenario {
        name: CauseCode::ResourceCertificate.as_str(),
        summary: "of two Resources one shows a certificate that has expired",
        resource: Resource::Expired,
        verdict: "degraded",
        cause: Some(CauseCode::ResourceCertificate),
        ..HEALTHY
    },
    Scenario {
        name: "clock-behind-years",
        summary: "the host's clock is nine years in the past, before the Controller's certificate was made",
        ntp: [NtpServer { conduct: Conduct::Honest, ahead_ns: YEARS_NS }; 4],
        web_ahead_ns: YEARS_NS,
        verdict: "unhealthy",
        cause: Some(CauseCode::ClockSkew),
        ..HEALTHY
    },
];

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// Honest NTP servers whose clocks are `ms` ahead of this machine's: the host is as much behind.
const fn clocks_ahead(ms: i64) -> [NtpServer; 4] {
    [clock_ahead(ms); 4]
}

const fn clock_ahead(ms: i64) -> NtpServer {
    NtpServer { conduct: Conduct::Honest, ahead_ns: ms * 1_000_000 }
}

impl Scenario {
    /// A healthy world but for what STUN servers do; for tests against hostile ones.
    pub const fn with_stun(conduct: Conduct<StunFault>, second: Second) -> Self {
        Self { stun: [StunServer { conduct, second }; 2], ..HEALTHY }
    }

    /// Which server does what, a line each.
    pub fn servers(&self) -> Vec<String> {
        let stun =
            self.stun.iter().enumerate().map(|(i, it)| format!("stun{}: {}", i + 1, words(&it.conduct)));
        let ntp = self.ntp.iter().enumerate().map(|(i, it)| {
            let (sign, ahead) =
                (if it.ahead_ns < 0 { "behind" } else { "ahead" }, it.ahead_ns.unsigned_abs());
            let clock = match ahead {
                0 => String::new(),
                ns => format!(", clock {:.1} s {sign}", ns as f64 / 1e9),
            };
            format!("ntp{}: {}{clock}", i + 1, words(&it.conduct))
        });
        let [controller, service, relays] = self.web;
        let web = [("controller", controller), ("events", service), ("relays", relays)];
        let web = web.map(|(name, web)| format!("{name}: {}", web_words(web)));
        let naming = match self.naming {
            Naming::Right => "",
            Naming::Unknown => "; does not know the Controller",
            Naming::Sinkhole => "; leads the Controller's name to 0.0.0.0",
        };
        let quic = match self.quic {
            Quic::Honest => "answer",
            Quic::Dropped => "swallow everything but TCP",
            Quic::Absent => "port closed but for TCP",
        };
        let dns = format!("dns: {}{naming}", words(&self.dns));
        let resources = self.resource.words().map(|words| format!("resources: {words}"));
        stun.chain(ntp).chain([dns]).chain(web).chain([format!("quic: {quic}")]).chain(resources).collect()
    }
}

fn words<F: std::fmt::Debug>(conduct: &Conduct<F>) -> String {
    match conduct {
        Conduct::Honest => "answers".into(),
        Conduct::Silent => "swallows everything".into(),
        Conduct::Closed => "port closed".into(),
        Conduct::Only(fault) => format!("faulty ({fault:?})"),
        Conduct::Before(fault) => format!("answers, after a forgery ({fault:?})"),
    }
}

fn web_words(web: Web) -> String {
    match web {
        Web::Honest => "answers".into(),
        Web::Closed => "port closed".into(),
        Web::Dropped => "swallows everything".into(),
        Web::Status(status) => format!("answers {status}"),
        Web::Intercepted => "a stranger's certificate".into(),
        Web::Expired => "an expired certificate".into(),
        Web::Portal => "a portal's login page".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_healthy_comes_first() {
        for (i, scenario) in SCENARIOS.iter().enumerate() {
            assert_eq!(find(scenario.name).unwrap().summary, scenario.summary);
            assert!(SCENARIOS[..i].iter().all(|other| other.name != scenario.name));
            assert_eq!(scenario.verdict == "healthy", scenario.cause.is_none(), "{}", scenario.name);
        }
        assert_eq!(SCENARIOS[0].name, "healthy");
        assert!(find("helthy").is_none());
    }

    #[test]
    fn the_page_lists_every_scenario() {
        let page = include_str!("../../docs/lab.md");
        for scenario in SCENARIOS {
            let cause = scenario.cause.map_or("none".into(), |code| format!("`{code}`"));
            let row =
                format!("| `{}` | {} | {} | {cause} |", scenario.name, scenario.summary, scenario.verdict);
            assert!(page.contains(&row), "docs/lab.md lacks: {row}");
        }
    }

    #[test]
    fn what_each_server_does_is_said() {
        let lines = find("time-liar").unwrap().servers();
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[3], "ntp2: answers, clock 7.0 s ahead");
        assert_eq!(find("udp-blocked").unwrap().servers()[0], "stun1: swallows everything");
        assert_eq!(
            find("sinkhole").unwrap().servers()[6],
            "dns: answers; leads the Controller's name to 0.0.0.0"
        );
    }
}
