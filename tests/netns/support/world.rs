//! The usual world: two STUN servers of RFC 5780, three time servers and a resolver, by name, in both families.

use std::process::Command;

use super::doctor::Run;
use super::net::{Builder, Net};
use super::node::Node;
use super::servers::{chronyd, coturn, dnsmasq};

const NEEDS: &[&str] = &["turnserver", "chronyd", "dnsmasq"];
const STUN: [(&str, [u8; 2]); 2] = [("stun1.test", [1, 2]), ("stun2.test", [11, 12])];
const NTP: [(&str, u8); 3] = [("ntp1.test", 21), ("ntp2.test", 22), ("ntp3.test", 23)];
const ASKED: &[&str] = &[
    "check",
    "--json",
    "--stun",
    "stun1.test",
    "--stun",
    "stun2.test",
    "--ntp",
    "ntp1.test",
    "--ntp",
    "ntp2.test",
    "--ntp",
    "ntp3.test",
];

/// This world has no Controller: a run that names none is one of the other checks alone.
const WITHOUT_CONTROLLER: &[&str] =
    &["--skip", "controller.*", "--skip", "dns.controller", "--skip", "relay.tcp", "--skip", "services.tcp"];

fn asked<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let named = more.iter().any(|word| ["--network", "--controller", "--ca-file", "--skip"].contains(word));
    [ASKED, if named { &[] } else { WITHOUT_CONTROLLER }, more].concat()
}

/// A network with servers in it.
pub struct World {
    pub net: Net,
}

/// The server's address with this last number, in both families.
pub fn both(n: u8) -> [String; 2] {
    [format!("198.51.100.{n}"), format!("2001:db8:100::{n:x}")]
}

impl World {
    /// Builds the network and its servers; `ahead` is how far the time servers are before this host, in seconds.
    pub fn open(plan: Builder, ahead: f64) -> Option<Self> {
        Self::open_with(plan, ahead, &[])
    }

    /// The same, and the resolver knows more names.
    pub fn open_with(plan: Builder, ahead: f64, more: &[(&str, &str)]) -> Option<Self> {
        let net = plan.needs(NEEDS).up()?;
        let mut records = Vec::new();
        for (name, numbers) in STUN {
            let (first, second) = (both(numbers[0]), both(numbers[1]));
            for family in 0..2 {
                coturn(&net.inet, &[&first[family], &second[family]]);
            }
            records.extend(first.map(|a| (name, a)));
        }
        for (name, number) in NTP {
            let addresses = both(number);
            chronyd(&net.inet, &[&addresses[0], &addresses[1]], ahead);
            records.extend(addresses.map(|a| (name, a)));
        }
        let records: Vec<(&str, &str)> = records.iter().map(|(n, a)| (*n, a.as_str())).collect();
        let records = [&records, more].concat();
        for address in &both(53) {
            dnsmasq(&net.inet, address, &records);
        }
        Some(Self { net })
    }

    /// Runs the doctor on the host against these servers.
    pub fn doctor(&self, more: &[&str]) -> Run {
        self.net.host.doctor(&asked(more))
    }

    /// Runs the doctor as `nobody`.
    pub fn doctor_as_nobody(&self, more: &[&str]) -> Run {
        self.net.host.doctor_as_nobody(&asked(more))
    }

    /// Runs the doctor on another machine, against the servers of every such world.
    pub fn doctor_on(node: &Node, more: &[&str]) -> Run {
        node.doctor(&asked(more))
    }

    /// A command that would run the doctor on the host.
    pub fn command(&self, more: &[&str]) -> Command {
        self.net.host.doctor_command(&asked(more))
    }
}
