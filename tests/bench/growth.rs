//! How a whole run grows with what it is told to ask, and with what the host has.

use std::fmt::Write as _;

use crate::measure::{head, line, median};
use crate::support::control::{ASKED, Control};
use crate::support::{Net, World};
use crate::targets::whole;

/// 1 to 64 servers of each kind, all alive, each at an address of its own that leads to one of the world's servers.
pub fn servers() {
    let Some(control) = Control::open(Net::plan("benchmark: servers").only_ipv4(), 0.0) else { return };
    control.0.net.inet.nft(
        "table ip many { chain pre { type nat hook prerouting priority dstnat; \
           ip daddr 198.51.101.0/24 dnat to 198.51.100.1; ip daddr 198.51.102.0/24 dnat to 198.51.100.21; \
           ip daddr 198.51.103.0/24 dnat to 198.51.100.41; ip daddr 198.51.104.0/24 dnat to 198.51.100.42; }; }",
    );
    head();
    for n in [1, 4, 16, 64] {
        let kinds = [
            ("--stun", "198.51.101", ""),
            ("--ntp", "198.51.102", ""),
            ("--relay", "198.51.103", ":443"),
            ("--service", "198.51.104", ":443"),
        ];
        let mut words: Vec<String> = ["check", "--json", "--network", "acme", "--ca-file", "/run/known.pem"]
            .map(str::to_owned)
            .to_vec();
        for (option, prefix, port) in kinds {
            words.extend((1..=n).flat_map(|i| [option.to_owned(), format!("{prefix}.{i}{port}")]));
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let host = &control.0.net.host;
        let cost = median(|| crate::targets::counted(host, || host.spawn(host.doctor_command(&words))));
        line(&format!("{n} of each kind"), cost, None);
    }
}

/// 10 to 10,000 interfaces beside the host's own.
pub fn interfaces() {
    let Some(control) = Control::open(Net::plan("benchmark: interfaces").only_ipv4(), 0.0) else { return };
    let world: &World = &control.0;
    head();
    let mut there = 0;
    for n in [10, 1_000, 10_000] {
        // Pairs, of which each end counts.
        let lines = (there..n / 2).fold(String::new(), |mut all, i| {
            let _ = writeln!(all, "link add a{i} type veth peer name b{i}");
            all
        });
        world.net.host.ip(&lines);
        there = n / 2;
        line(&format!("{n} interfaces"), median(|| whole(world, ASKED)), None);
    }
}
