//! One input through the readers of a Connector's configuration; the fuzz target and the ordinary test both call it.

use connector_doctor::connector::{cgroup, config};
use connector_doctor::model::facts::{Settings, SettingsFault};

/// What no result may hold, in the forms of a token.
const CANARY: &str = "eyJCanary7oken";

/// The bytes as a file, an environment, a command line and a table of control groups.
pub(crate) fn run(data: &[u8]) {
    for settings in read(data) {
        sound(&settings);
    }
    // Whatever stands before and behind it: a token stays out.
    let parts = [
        data,
        b"\nTWINGATE_ACCESS_TOKEN=",
        CANARY.as_bytes(),
        b"\0TWINGATE_URL=",
        CANARY.as_bytes(),
        b"\0--url=",
        CANARY.as_bytes(),
        b"\n",
        data,
    ];
    for settings in read(&parts.concat()) {
        let shown = format!("{settings:?}");
        assert!(!shown.contains("anary"), "{shown}");
    }
    let seen = cgroup::deployment(&String::from_utf8_lossy(data));
    for word in [&seen.unit, &seen.id, &seen.name].into_iter().flatten() {
        printable(word, 131);
    }
}

fn read(data: &[u8]) -> [Settings; 3] {
    [config::file("f", data).settings, config::environment(1, data).settings, config::command_line(1, data)]
}

fn sound(settings: &Settings) {
    assert!(settings.faults.len() <= 16 && settings.dns.len() <= 8);
    if let Some(network) = &settings.network {
        let label = network.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        assert!(label && (1..=40).contains(&network.len()), "{network:?}");
    }
    if let Some(url) = &settings.url {
        let host = url.strip_prefix("https://").expect("https alone");
        let plain = host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:".contains(&b));
        assert!(plain && host.len() <= 253 + 6, "{url:?}");
    }
    for at in &settings.dns {
        printable(at, 64);
    }
    for fault in &settings.faults {
        if let SettingsFault::Unknown { variable, nearest } = fault {
            printable(variable, 48);
            assert!(nearest.starts_with("TWINGATE_"));
        }
    }
}

fn printable(text: &str, most: usize) {
    assert!(text.chars().count() <= most && !text.contains(char::is_control), "{text:?}");
}
