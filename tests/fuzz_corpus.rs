//! The fuzz targets of tests/fuzz, bounded and repeatable: seeds from tests/fixtures, mutated by a fixed rule.
//!
//! `FUZZ_MUTANTS=10000000` makes so many of each target that is asked for.

#[path = "fuzz/chance.rs"]
mod chance;
#[path = "fuzz/entry/config.rs"]
mod config;
#[path = "fuzz/entry/connector_config.rs"]
mod connector_config;
#[path = "fuzz/entry/greeting.rs"]
mod greeting;
#[path = "fuzz/entry/kept.rs"]
mod kept;
#[path = "fuzz/entry/log.rs"]
mod log;
#[path = "fuzz/entry/ntp_packet.rs"]
mod ntp_packet;
#[path = "fuzz/entry/paste.rs"]
mod paste;
#[path = "fuzz/entry/peer.rs"]
mod peer;
#[path = "fuzz/entry/stun_message.rs"]
mod stun_message;
#[path = "fuzz/entry/urls.rs"]
mod urls;

use chance::Chance;
use connector_doctor::env::Env;

/// Mutants of a target of datagrams.
const MUTANTS: u64 = 20_000;

/// The seeds of `tests/fixtures/<folder>`, in the order of their names: `*.hex` (white space is free) and, as they
/// are, `*.seed`.
fn seeds(folder: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("fixtures").flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "hex" || extension == "seed"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        if path.extension().is_some_and(|extension| extension == "seed") {
            return std::fs::read(path).expect("a seed");
        }
        let text = std::fs::read_to_string(path).expect("a seed");
        let digits: Vec<_> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks_exact(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
    };
    files.iter().map(read).collect()
}

/// One to four changes of the kinds that break parsers: bits, lengths, order, repetition.
fn mutate(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len());
        let run = (chance.below(9) + 1).min(bytes.len() - at.min(bytes.len()));
        match chance.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][chance.below(5)],
            2 => bytes.truncate(at),
            3 => bytes.extend((0..run * 4).map(|_| chance.next() as u8)),
            4 => {
                let piece = bytes[at..at + run].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => drop(bytes.drain(at..at + run)),
            _ => {
                bytes.truncate(at & !3);
                bytes.extend(&other[chance.below(other.len()) & !3..]);
            }
        }
    }
    bytes
}

fn exercise(folder: &str, mutants: u64, run: fn(&[u8])) {
    let seeds = seeds(folder);
    assert!(seeds.len() >= 5, "tests/fixtures/{folder} holds {} seeds", seeds.len());
    exercise_with(&seeds, mutants, run);
}

fn exercise_with(seeds: &[Vec<u8>], mutants: u64, run: fn(&[u8])) {
    for seed in seeds {
        run(seed);
    }
    let mutants = Env::system().var("FUZZ_MUTANTS").and_then(|n| n.parse().ok()).unwrap_or(mutants);
    let mut chance = Chance(1);
    for _ in 0..mutants {
        let [seed, other] = [(); 2].map(|()| &seeds[chance.below(seeds.len())]);
        run(&mutate(seed, other, &mut chance));
    }
}

#[test]
fn stun_messages_keep_their_promises() {
    exercise("stun", MUTANTS, stun_message::run);
}

#[test]
fn greetings_keep_their_promises() {
    exercise("greeting", MUTANTS, greeting::run);
}

#[test]
fn the_configurations_parsers_keep_their_promises() {
    // Text costs more than a datagram.
    exercise("config", MUTANTS / 5, config::run);
}

#[test]
fn logs_keep_their_promises() {
    exercise("logs", MUTANTS / 5, log::run);
}

#[test]
fn ntp_packets_keep_their_promises() {
    exercise("ntp", MUTANTS, ntp_packet::run);
}

#[test]
fn a_connectors_configuration_keeps_its_promises() {
    exercise("connector", MUTANTS / 5, connector_config::run);
}

#[test]
fn a_peers_lines_and_checks_keep_their_promises() {
    exercise("peer", MUTANTS / 5, peer::run);
}

#[test]
fn saved_and_pasted_reports_keep_their_promises() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports");
    let seeds = ["unknown.none.json", "canaries.strict.human", "skewed-to-blocked.diff.txt"];
    let seeds = seeds.map(|name| std::fs::read(folder.join(name)).expect("a report"));
    exercise_with(&seeds, MUTANTS / 100, paste::run);
}

#[test]
fn what_is_left_of_urls_keeps_its_promises() {
    let seeds = [
        "https://user:pw@portal.example:8080/login?mac=52:54:00:ca:4a:1a#x",
        "see (//h.example/ssid), 'http://[2001:db8::1]:80/a b' and \\\\host\\share",
        "0::/system.slice/twingate-connector.service",
        "4:memory:/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n1:name=systemd:/user.slice",
        "javascript:alert(1)//x%2f%2f@h/?#\u{202e}",
    ];
    exercise_with(&seeds.map(|seed| seed.as_bytes().to_vec()), MUTANTS, urls::run);
}

#[test]
fn what_runtimes_keep_keeps_its_promises() {
    exercise("kept", MUTANTS / 5, kept::run);
}
