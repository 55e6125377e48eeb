//! Time on one core and memory of the reader of the Connector's log, for 1 MB to 1 GB: `cargo bench --bench log`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use connector_doctor::connector::log::Reader;

/// Bytes that are fed at once, as `logs` does.
const BLOCK: usize = 256 * 1024;
const MB: u64 = 1_000_000;
/// 2026-11-24T14:12:13Z.
const NOW: i64 = 1_795_529_533_000_000_000;

/// What the lines of a log are mostly of.
const KINDS: &[(&str, &[&str])] = &[
    (
        "errors alone (level 3)",
        &[
            "2026-11-24T14:00:00.123456789Z [ERROR] [libsdwan] connection to resource closed by peer after 300 s",
            "2026-11-24T14:00:00.123456789Z [ERROR] [connector] something went wrong that nobody has a name for",
            "2026-11-24T14:00:00.123456789Z [ERROR] [controller] failed to get an access token: Invalid token",
        ],
    ),
    (
        "debug (level 7)",
        &[
            "Nov 24 14:00:00 conn-1 twingate-connector[812]: [DEBUG] [libsdwan] processing \"health\" request from local socket",
            "Nov 24 14:00:00 conn-1 twingate-connector[812]: [DEBUG] [stun] request sent to stun.us1.twingate.com:3478",
            "Nov 24 14:00:00 conn-1 twingate-connector[812]: [INFO] [connector] set_state: switching from \"Authentication\" to \"Ready\"",
            "Nov 24 14:00:00 conn-1 twingate-connector[812]: [DEBUG] [controller] heartbeat payload: {\"a\":1,\"b\":[1,2,3,4,5,6,7]}",
            "Nov 24 14:00:00 conn-1 twingate-connector[812]: [DEBUG] [controller] heartbeat response: 200, 84 bytes, next in 30 s",
        ],
    ),
    (
        "traffic (ANALYTICS)",
        &[
            "2026-11-24T14:00:00.123456789Z ANALYTICS {\"version\":\"2\",\"event_type\":\"established_connection\",\"user\":{\"id\":\"12345\",\"email\":\"someone@example.com\"},\"resource\":{\"id\":\"6789\",\"address\":\"db.internal\",\"applied_rule\":\"*.internal\"},\"connection\":{\"id\":\"abcdef\",\"protocol\":\"tcp\",\"tunnel_path\":\"relay\",\"cause\":\"none\"},\"relays\":[{\"ip\":\"203.0.113.9\",\"name\":\"relaybalancer+https://relays.twingate.com\",\"port\":30005},{\"ip\":\"203.0.113.10\",\"name\":\"relaybalancer+https://relays.twingate.com\",\"port\":30009}]}",
        ],
    ),
];

/// Lines in the order of time: `:00:00` becomes the minute and the second, ten lines a second.
fn text(lines: &[&str], bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 1024);
    for (n, line) in lines.iter().cycle().enumerate() {
        let time = format!(":{:02}:{:02}", n / 600 % 60, n / 10 % 60);
        text.extend_from_slice(line.replacen(":00:00", &time, 1).as_bytes());
        text.push(b'\n');
        if text.len() >= bytes {
            return text;
        }
    }
    text
}

/// Most memory that this process ever had, KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}

/// Time that this thread ran on a core, nanoseconds: what others do on the machine does not count.
fn on_core_ns() -> u64 {
    // The kernel's account is brought up to date where a thread leaves its core.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn main() {
    println!("{:24} {:>8} {:>9} {:>8} {:>12}", "log", "size", "on core", "MB/s", "peak memory");
    for (kind, lines) in KINDS {
        // One piece is repeated: the log itself takes no memory that would hide the reader's own.
        let piece = text(lines, 1_000_000);
        for size in [MB, 10 * MB, 100 * MB, 1000 * MB] {
            let mut reader = Reader::new(NOW);
            let begun = on_core_ns();
            for _ in 0..size / MB {
                piece.chunks(BLOCK).for_each(|block| reader.feed(block));
            }
            let log = reader.finish();
            let took_ns = (on_core_ns() - begun).max(1);
            assert!(log.bytes >= size && log.recognised);
            let rate = log.bytes as f64 / took_ns as f64 * 1e3;
            println!(
                "{kind:24} {:>5} MB {:>6.1} ms {rate:>8.0} {:>8} KiB",
                size / MB,
                took_ns as f64 / 1e6,
                peak_kib()
            );
        }
    }
}
