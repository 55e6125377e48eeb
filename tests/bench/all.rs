//! Benchmarks: what a run of the program takes, how that grows, and what its parts take. See docs/benchmarks.md.
//!
//! A benchmark is a file here and a row in [`BENCHES`]. Figures are for people to read; what must hold is held by tests, as counts.
#![allow(unreachable_pub, reason = "a benchmark has no outside")]
#![allow(clippy::print_stdout, reason = "figures are what it is for")]

mod growth;
mod judging;
mod measure;
mod rendering;
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::wildcard_imports,
    reason = "made for the tests, which use all of it"
)]
#[path = "../render/reports.rs"]
mod reports;
#[allow(dead_code, unused_imports, reason = "made for the tests, which use all of it")]
#[path = "../netns/support/mod.rs"]
mod support;
mod targets;

/// Name, what it shows, and how.
const BENCHES: &[(&str, &str, fn())] = &[
    ("targets", "whole runs against the targets of the design", targets::run),
    ("servers", "whole runs with 1 to 64 servers of each kind", growth::servers),
    ("interfaces", "whole runs on hosts with 10 to 10,000 interfaces", growth::interfaces),
    ("judging", "facts to a report, and packets to messages", judging::run),
    ("rendering", "each format of a report with 10,000 interfaces and 500 servers", rendering::run),
];

fn main() -> std::process::ExitCode {
    // Cargo adds --bench; every other word is a name.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let unknown = wanted.iter().find(|word| BENCHES.iter().all(|(name, ..)| name != word));
    if let Some(word) = unknown {
        let names: Vec<&str> = BENCHES.iter().map(|(name, ..)| *name).collect();
        println!("no benchmark is called {word}; there are {}", names.join(", "));
        return 2.into();
    }
    for (name, what, run) in BENCHES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            println!("\n{name}: {what}");
            run();
        }
    }
    0.into()
}
