//! The usual world and what the control plane needs: a Controller, a relay, a service, and a captive portal that waits for its turn.

use super::doctor::Run;
use super::net::Builder;
use super::servers::dnsmasq;
use super::web::{Site, authority, certificate, nginx};
use super::world::World;

pub const NEEDS: &[&str] = &["nginx", "openssl"];
pub const NAME: &str = "acme.twingate.com";
pub const CONTROLLER: &str = "198.51.100.40";
const CONTROLLER_V6: &str = "2001:db8:100::28";
pub const RELAY: &str = "198.51.100.41";
pub const SERVICE: &str = "198.51.100.42";
pub const PORTAL: &str = "198.51.100.43";
pub const ASKED: &[&str] = &[
    "--network",
    "acme",
    "--relay",
    "relay.test:443",
    "--relay",
    "198.51.100.41:30005",
    "--service",
    "service.test:443",
    "--ca-file",
    "/run/known.pem",
];

/// The usual world with a Controller, a relay, a service and a captive portal that waits for its turn.
pub struct Control(pub World);

impl Control {
    /// Times are as the world outside sees them, `ahead` of this host's.
    pub fn open(plan: Builder, ahead: f64) -> Option<Self> {
        Self::build(plan.only_ipv4(), ahead, &[])
    }

    /// The same, and the Controller has an address of IPv6, too.
    pub fn both_families(plan: Builder, ahead: f64) -> Option<Self> {
        Self::build(plan, ahead, &[(NAME, CONTROLLER_V6)])
    }

    fn build(plan: Builder, ahead: f64, more: &[(&str, &str)]) -> Option<Self> {
        let names = [(NAME, CONTROLLER), ("relay.test", RELAY), ("service.test", SERVICE)];
        let world = World::open_with(plan.needs(NEEDS), ahead, &[&names, more].concat())?;
        let inet = &world.net.inet;
        world.net.host.write("/run/known.pem", &authority(inet, "known"));
        authority(inet, "stranger");
        let today = (ahead / 86_400.0) as i32;
        certificate(inet, "controller", "known", NAME, today - 30, 90);
        certificate(inet, "other", "known", "other.test", today - 30, 90);
        certificate(inet, "portal", "stranger", "portal.hotel.test", today - 30, 90);
        let mut sites = vec![
            site("198.51.100.40:443", "controller", "200"),
            plain("198.51.100.40:80", "301 https://acme.twingate.com/"),
            site("198.51.100.41:443", "other", "200"),
            plain("198.51.100.41:30005", "200"),
            site("198.51.100.42:443", "other", "200"),
            site("198.51.100.43:443", "portal", "302 https://portal.hotel.test/login"),
            plain("198.51.100.43:80", "302 http://portal.hotel.test/login"),
        ];
        if !more.is_empty() {
            sites.push(site("[2001:db8:100::28]:443", "controller", "200"));
        }
        nginx(inet, "nginx", &sites, ahead);
        Some(Self(world))
    }

    pub fn doctor(&self, more: &[&str]) -> Run {
        self.0.doctor(&[ASKED, more].concat())
    }

    pub fn doctor_as_nobody(&self, more: &[&str]) -> Run {
        self.0.doctor_as_nobody(&[ASKED, more].concat())
    }

    /// Which resolvers the host is configured with.
    pub fn resolvers(&self, addresses: &[&str]) {
        let lines: Vec<String> = addresses.iter().map(|a| format!("nameserver {a}\n")).collect();
        let lines = lines.concat();
        self.0.net.host.overlay("/etc/resolv.conf", &lines);
    }

    /// A resolver that knows all but says this of the Controller's name; none: that it does not exist.
    pub fn resolver(&self, at: &str, controller: Option<&str>) {
        let mut names = vec![
            ("stun1.test", "198.51.100.1"),
            ("stun2.test", "198.51.100.11"),
            ("ntp1.test", "198.51.100.21"),
            ("ntp2.test", "198.51.100.22"),
            ("ntp3.test", "198.51.100.23"),
            ("relay.test", RELAY),
            ("service.test", SERVICE),
        ];
        names.extend(controller.map(|address| (NAME, address)));
        dnsmasq(&self.0.net.inet, at, &names);
        self.resolvers(&[at]);
    }
}

pub fn site<'a>(at: &'a str, certificate: &'a str, answer: &'a str) -> Site<'a> {
    Site { at, certificate: Some(certificate), answer }
}

pub fn plain<'a>(at: &'a str, answer: &'a str) -> Site<'a> {
    Site { at, certificate: None, answer }
}
