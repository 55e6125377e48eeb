//! The rows of the design's table of targets.

use std::process::Child;
use std::time::Duration;

use crate::measure::{Cost, command, head, line, median, process};
use crate::support::control::{ASKED, Control};
use crate::support::{Net, Node, Wire, World};

const MS: fn(u64) -> Duration = Duration::from_millis;

pub fn run() {
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_connector-doctor")).expect("the program").len();
    println!("  binary: {:.1} MB (target: 9)", binary as f64 / 1e6);
    head();
    line("--version", median(|| command(&["--version"]).0), Some(MS(5)));
    for (scenario, target) in [("healthy", None), ("udp-blocked", Some(MS(2500)))] {
        line(&format!("lab {scenario}"), median(|| command(&["lab", scenario]).0), target);
    }
    let rows = [
        ("healthy, a Controller", 0, "", 400),
        ("healthy, a Controller, round trip 40 ms", 20, "", 400 + 5 * 40),
        ("healthy, a Controller, round trip 300 ms", 150, "", 400 + 5 * 300),
        ("outbound UDP dropped", 0, "iifname lan0 udp dport != 53 drop", 2500),
        ("everything dropped", 0, "iifname lan0 drop", 3500),
    ];
    for (what, delay, fault, target) in rows {
        let mut plan = Net::plan("benchmark: targets").only_ipv4();
        if delay > 0 {
            plan = plan.wire(Wire { delay: MS(delay), lost_percent: 0, seed: 1 });
        }
        let Some(control) = Control::open(plan, 0.0) else { return };
        if !fault.is_empty() {
            control.0.net.fault(fault);
        }
        line(what, median(|| whole(&control.0, ASKED)), Some(MS(target)));
    }
}

/// One run in a world.
pub fn whole(world: &World, more: &[&str]) -> Cost {
    counted(&world.net.host, || world.net.host.spawn(world.command(more)))
}

/// One run on a node: its packets are counted as they leave.
pub fn counted(host: &Node, spawn: impl FnOnce() -> Child) -> Cost {
    host.nft(
        "table inet count { counter left {}; chain o { type filter hook postrouting priority 300; \
         oifname eth0 counter name left; }; }",
    );
    let (cost, text) = process(spawn);
    assert!(text.contains("\"verdict\""), "no report: {text}");
    let counted = host.must("nft", &["-j", "list", "counter", "inet", "count", "left"], "");
    host.nft("delete table inet count");
    let counted: serde_json::Value = serde_json::from_str(&counted).expect("JSON");
    let packets = counted["nftables"][1]["counter"]["packets"].as_u64().expect("a count");
    Cost { packets, ..cost }
}
