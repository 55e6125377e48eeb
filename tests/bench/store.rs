//! The store as observations grow: its size, its pace, the memory it takes, and a history of thirty days out of it.
//!
//! `cargo bench --bench store [COUNT [EVERY_S]]`: a million observations, one a minute, where nothing is said.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark is read by people")]
#![expect(clippy::disallowed_methods, reason = "a benchmark's own clock")]

use std::path::Path;
use std::time::{Duration, Instant};

use connector_doctor::model::Verdict;
use connector_doctor::watch::history::{history, load};
use connector_doctor::watch::record::{Begun, NewState, Record, Sampled, Settled};
use connector_doctor::watch::store::{Reader, Retention, Writer};

const START: i64 = 1_800_000_000_000_000_000;
/// As many figures as a run against the lab has.
const MEASURES: [&str; 14] = [
    "clock.offset.offset_s",
    "clock.offset.error_s",
    "clock.sources.answered",
    "controller.tcp.connect_s",
    "controller.tls.handshake_s",
    "controller.http.first_byte_s",
    "relay.tcp.reached",
    "services.tcp.reached",
    "stun.discovery.answered",
    "stun.discovery.rtt_s",
    "path.loss.lost_ratio",
    "path.mtu.size",
    "stun.mapping.rounds",
    "nat.layers.layers",
];
const CHECKS: usize = 27;
/// An incident at every so many observations.
const INCIDENT: u64 = 500;

fn main() {
    let words: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let (count, every_s) = (words.first().copied().unwrap_or(1_000_000), words.get(1).copied().unwrap_or(60));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store.db");
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let mut writer = Writer::open(&path).unwrap();
    let begun = Instant::now();
    let mut batch = vec![begin(every_s)];
    println!(
        "{:>9} {:>9} {:>9} {:>12} {:>14} {:>10}",
        "samples", "file MB", "RSS MB", "write us/one", "history 30d ms", "thin ms"
    );
    let (mut written, mut thinned) = (Duration::ZERO, Duration::ZERO);
    for i in 0..count {
        batch.push(sample(i, every_s));
        if batch.len() >= 600 || i + 1 == count {
            let now = Instant::now();
            writer.keep(&batch).unwrap();
            written += now.elapsed();
            batch.clear();
            let now = Instant::now();
            writer.thin(at(i, every_s), &Retention::default()).unwrap();
            thinned = now.elapsed();
        }
        if (i + 1) % (count / 10).max(1) == 0 {
            let per_one = written.as_micros() as f64 / (i + 1) as f64;
            let (history_ms, incidents) = read(&path, at(i, every_s));
            println!(
                "{:>9} {:>9.1} {:>9.1} {per_one:>12.1} {history_ms:>14.1} {:>10.1}   {incidents} incidents",
                i + 1,
                size(&path),
                rss_mb(),
                thinned.as_secs_f64() * 1e3,
            );
        }
    }
    println!("{count} observations, one in {every_s} s, in {:.1} s", begun.elapsed().as_secs_f64());
}

fn at(i: u64, every_s: u64) -> i64 {
    START + (i * every_s) as i64 * 1_000_000_000
}

fn read(path: &Path, wall_ns: i64) -> (f64, usize) {
    let now = Instant::now();
    let reader = Reader::open(path).unwrap();
    let loaded = load(&reader, Duration::from_hours(24 * 30), wall_ns).unwrap();
    let told = history(&loaded.rows, loaded.since, loaded.now);
    (now.elapsed().as_secs_f64() * 1e3, told.controller.incidents.len())
}

fn begin(every_s: u64) -> Record {
    Record::Began(Begun {
        first_of_run: true,
        boot_id: "bench".into(),
        version: "0".into(),
        every: Duration::from_secs(every_s),
        started_ns: START,
        boot: Duration::ZERO,
        by_reference: true,
    })
}

fn sample(i: u64, every_s: u64) -> Record {
    let after = Duration::from_secs(i * every_s);
    let state =
        |name: String, value: &str, settled| NewState { name, value: value.into(), cause: None, settled };
    let mut states = Vec::new();
    let mut settled = Vec::new();
    if i == 0 {
        states.extend((0..CHECKS).map(|n| state(format!("check.number-{n}"), "pass", true)));
    }
    // Down for three observations, by the book: seen, settled, seen to be over, settled.
    for name in ["controller.tcp", "controller.http", "stun.discovery", "verdict", "causes"] {
        match i % INCIDENT {
            0 if i == 0 => states.push(state(name.into(), "pass", true)),
            1 => states.push(state(name.into(), "fail", false)),
            4 => states.push(state(name.into(), "pass", false)),
            2 | 5 => settled.push(Settled {
                name: name.into(),
                first: after.saturating_sub(Duration::from_secs(every_s)),
                cause: (i % INCIDENT == 2).then(|| "egress-blocked".into()),
            }),
            _ => {}
        }
    }
    let facts = (i % INCIDENT == 2)
        .then(|| (0..2500_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect());
    let noise = |n: usize| ((i * 31 + n as u64 * 17) % 1000) as f64 * 1e-6;
    Record::Sampled(Box::new(Sampled {
        after,
        started_ns: START,
        by_reference: true,
        wall_ns: at(i, every_s),
        took: Duration::from_millis(350),
        full: i.is_multiple_of(10),
        verdict: Verdict::Healthy,
        states,
        settled,
        measures: MEASURES.iter().enumerate().map(|(n, name)| ((*name).to_owned(), noise(n))).collect(),
        events: Vec::new(),
        facts,
    }))
}

/// The file and what lies beside it, MB of 10^6.
fn size(path: &Path) -> f64 {
    let of = |suffix: &str| std::fs::metadata(format!("{}{suffix}", path.display())).map_or(0, |m| m.len());
    (of("") + of("-wal") + of("-shm")) as f64 / 1e6
}

fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap() / 1e3
}
