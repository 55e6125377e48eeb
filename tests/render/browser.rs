//! The HTML report as a browser shows it: laid out at the widths of a phone and a desk, light and dark, with and
//! without scripts; and what its own policy makes of markup that should not be there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use connector_doctor::model::history::{
    AddressSpan, Availability, Gap, History, Incident, Moment, OffsetPoint, Process, State, Stretch,
    TimeOffset,
};
use connector_doctor::model::report::Report;
use connector_doctor::render::history::page;
use connector_doctor::render::{Style, html};
use serde_json::{Value, json};

use super::readers::program;
use super::{hostile, reports, samples};

/// What a browser is asked to look at.
const WIDTHS: [u32; 3] = [320, 390, 1280];

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// The document of a page after its scripts ran.
fn dump(browser: &str, page: &Path, scheme: &str) -> String {
    let profile = page.with_file_name("profile");
    let output = Command::new("timeout")
        .args([
            "120",
            browser,
            "--headless",
            "--hide-scrollbars",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--no-first-run", "--disable-extensions", "--disable-background-networking"])
        // Frames of files look into each other; every script is given all the time that it needs.
        .args(["--allow-file-access-from-files", "--virtual-time-budget=60000", "--dump-dom"])
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(scheme != "dark")))
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let document = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(document.contains("</html>"), "no document: {}", String::from_utf8_lossy(&output.stderr));
    document
}

/// What the browser saw of each sample at each width.
fn looked_at(browser: &str, scheme: &str) -> Vec<(Value, Report)> {
    let dir = folder(scheme);
    let mut pages = Vec::new();
    let mut of = Vec::new();
    for (name, report) in samples().into_iter().chain([("huge", reports::huge())]).chain(hostile::filled()) {
        let file = format!("{name}.html");
        fs::write(dir.join(&file), html::render(&report, &Style::default())).unwrap();
        for width in WIDTHS {
            pages.push(json!({ "file": file, "width": width, "scripts": true }));
            of.push(report.clone());
        }
        pages.push(json!({ "file": file, "width": 390, "scripts": false }));
        of.push(report);
    }
    measured(browser, scheme, &dir, &pages).into_iter().zip(of).collect()
}

/// What the browser measured of each page.
fn measured(browser: &str, scheme: &str, dir: &Path, pages: &[Value]) -> Vec<Value> {
    let harness = dir.join("harness.html");
    let script = include_str!("harness.js");
    let page = format!(
        "<!doctype html><meta charset=utf-8><body><script>const PAGES = {};\n{script}</script>",
        json!(pages)
    );
    fs::write(&harness, page).unwrap();
    let document = dump(browser, &harness, scheme);
    let coded =
        document.split_once("<pre id=\"results\">").expect("results").1.split_once("</pre>").unwrap().0;
    let decoded = base64::engine::general_purpose::STANDARD.decode(coded).unwrap();
    let results: Vec<Value> = serde_json::from_slice(&decoded).unwrap();
    assert_eq!(results.len(), pages.len());
    results
}

/// What holds of any page of ours, whatever it shows.
fn whole_and_legible(seen: &Value, name: &str) {
    for (what, none) in
        [("overflow", json!(0)), ("outside", json!([])), ("beyond", json!([])), ("overlaps", json!([]))]
    {
        assert_eq!(seen[what], none, "{name}: {what}");
    }
    // WCAG 2.1, 1.4.3.
    let contrast = seen["contrast"].as_f64().unwrap();
    assert!(contrast >= 4.5, "{name}: {contrast} of {}", seen["faintest"]);
    let smallest = seen["smallest"].as_f64().unwrap();
    assert!(smallest >= 9.5, "{name}: letters of {smallest} px");
    // Nothing is fetched, nothing leads away, no markup but ours.
    assert_eq!((&seen["fetched"], &seen["links"]), (&json!(0), &json!([])), "{name}");
}

#[test]
fn a_browser_shows_the_page_whole_and_legible() {
    let Some(browser) = program("chromium", "chromium") else { return };
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        for (seen, report) in looked_at(&browser, scheme) {
            let name = format!("{} {scheme}", seen["name"].as_str().unwrap());
            whole_and_legible(&seen, &name);
            for tag in seen["tags"].as_array().unwrap() {
                assert!(TAGS.contains(&tag.as_str().unwrap()), "{name}: <{tag}>");
            }
            for attribute in seen["attributes"].as_array().unwrap() {
                let attribute = attribute.as_str().unwrap();
                assert!(!attribute.starts_with("on") && attribute != "style", "{name}: {attribute}");
            }
            // Buttons where scripts run, and only there: the policy's sum of the script is right.
            let buttons = if name.contains("without scripts") { &json!(0) } else { &seen["blocks"] };
            assert_eq!(&seen["buttons"], buttons, "{name}");
            says_all(seen["text"].as_str().unwrap(), &report, &name);
            backgrounds.push(seen["background"].as_str().unwrap().to_owned());
        }
    }
    // The style was taken, and it is another one in the dark.
    backgrounds.dedup();
    assert_eq!(backgrounds.len(), 2, "{backgrounds:?}");
}

/// A history with the longest names that there are, many rows of each kind, and an incident as short as a gap.
fn long_history() -> History {
    let at = |s: i64| Moment(1_794_873_600_000_000_000 + s * 1_000_000_000);
    let long = "controller-name-unknown-and-more-of-it-than-any-cause-we-know";
    let cause = |n: i64| [long, "egress-blocked", "path-mtu-blackhole"][n as usize % 3].to_owned();
    let incident = |n: i64| Incident {
        started_at: at(n * 20_000),
        ended_at: (n < 29).then(|| at(n * 20_000 + n * n)),
        downtime_s: (n * n) as f64,
        cause: (n % 4 != 3).then(|| cause(n)),
    };
    let stretch = |n: i64| Stretch {
        started_at: at(n * 10_000),
        ended_at: at(n * 10_000 + 9000),
        state: [State::Up, State::Down, State::Unknown][n as usize % 3],
    };
    let availability = Availability {
        uptime_s: 412_345.0,
        downtime_s: 99_999.0,
        unknown_s: 12_345.0,
        availability: Some(0.804_81),
        incidents: (0..30).map(incident).collect(),
        timeline: (0..60).map(stretch).collect(),
    };
    let address = |n: i64| AddressSpan {
        address: format!("2001:db8:ffff:ffff:ffff:ffff:ffff:{:x}", 0xf000 + n).parse().unwrap(),
        started_at: at(n * 50_000),
        ended_at: (n < 9).then(|| at(n * 50_000 + 50_000)),
    };
    let gap = |n: i64| Gap {
        started_at: at(n * 10_000 + 9000),
        ended_at: at(n * 10_000 + 10_000),
        reason: ["stopped", "killed", "reboot", "paused", "clock", "store"][n as usize % 6].to_owned(),
    };
    let point = |n: i64| {
        let offset_s = [0.000_001, -61.234, 86_400.5][n as usize % 3];
        OffsetPoint { at: at(n * 2000), offset_s, min_s: offset_s - 1.0, max_s: offset_s + 1.0 }
    };
    History {
        since: at(0),
        until: at(604_800),
        process: Process {
            availability: availability.clone(),
            restarts: (0..30).map(|n| at(n * 999)).collect(),
        },
        stun: availability.clone(),
        controller: availability,
        gaps: (0..60).map(gap).collect(),
        time_offset: TimeOffset {
            last_s: Some(-86_399.123),
            last_error_s: Some(0.499),
            drift_ppm: Some(-199.99),
            drift_error_ppm: Some(199.9),
            limit_in_s: Some(31_000_000.0),
            outside_s: 555_555.0,
            points: (0..300).map(point).collect(),
            ..TimeOffset::default()
        },
        addresses: (0..10).map(address).collect(),
        ..History::default()
    }
}

#[test]
fn a_browser_shows_the_history_whole_and_legible() {
    let Some(browser) = program("chromium", "chromium") else { return };
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        let dir = folder(&format!("history-{scheme}"));
        fs::write(dir.join("long.html"), page::render(&long_history())).unwrap();
        fs::write(dir.join("empty.html"), page::render(&History::default())).unwrap();
        let each = |file: &str| WIDTHS.map(|width| json!({ "file": file, "width": width, "scripts": true }));
        let pages = [each("long.html"), each("empty.html")].concat();
        for seen in measured(&browser, scheme, &dir, &pages) {
            let name = format!("history {} {scheme}", seen["name"].as_str().unwrap());
            whole_and_legible(&seen, &name);
            if name.contains("long") {
                for word in
                    ["2001:db8:ffff:ffff:ffff:ffff:ffff:f009", "controller-name-unknown-and", "goes on"]
                {
                    assert!(seen["text"].as_str().unwrap().contains(word), "{name}: {word}");
                }
            }
            backgrounds.push(seen["background"].as_str().unwrap().to_owned());
        }
    }
    backgrounds.dedup();
    assert_eq!(backgrounds.len(), 2, "{backgrounds:?}");
}

/// Every tag of a page, and those that browsers and the copy script add.
const TAGS: &[&str] = &[
    "a", "article", "b", "body", "button", "circle", "code", "dd", "details", "div", "dl", "dt", "figure",
    "footer", "g", "h1", "h2", "h3", "head", "header", "html", "li", "line", "main", "meta", "p", "path",
    "pre", "rect", "script", "section", "span", "style", "summary", "svg", "table", "tbody", "td", "text",
    "th", "thead", "title", "tr", "ul",
];

/// What a reader must find without opening anything.
fn says_all(text: &str, report: &Report, name: &str) {
    assert!(!text.chars().any(|c| c != '\n' && c != '\t' && c.is_control()), "{name}");
    let squeezed = |text: &str| {
        connector_doctor::model::text::clean(text, 60).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let verdict = report.verdict.word();
    assert!(text.to_lowercase().contains(verdict), "{name}: no {verdict}");
    for detail in ["Uptime", "Time offset", "STUN discovery", "Hostname", "Public IP", "Private IPs"] {
        assert!(text.contains(detail), "{name}: no {detail}");
    }
    let head = |text: &str| squeezed(text).trim_end_matches("...").trim_end().to_owned();
    for cause in &report.causes {
        assert!(text.contains(&head(&cause.title)), "{name}: {}", cause.title);
        for remedy in &cause.remedies {
            for command in remedy.commands.iter().take(20) {
                assert!(text.contains(&head(command)), "{name}: {command}");
            }
        }
    }
    for check in &report.checks {
        assert!(text.contains(&head(&check.id)), "{name}: {}", check.id);
        assert!(text.contains(&head(&check.summary)), "{name}: {}", check.summary);
    }
}

#[test]
fn the_pages_own_policy_stops_what_escaping_would_let_through() {
    let Some(browser) = program("chromium", "chromium") else { return };
    let dir = folder("policy");
    let page = html::render(&reports::clock_skew(), &Style::default());
    let hole = "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title = 'pwned'\">\
                <p id=\"hole\" style=\"color:red\" onclick=\"1\">hole</p><style>body{display:none}</style>";
    let broken = page.replace("</main>", &format!("{hole}</main>"));
    fs::write(dir.join("broken.html"), &broken).unwrap();
    let document = dump(&browser, &dir.join("broken.html"), "light");
    assert!(document.contains("id=\"hole\"") && document.contains("Unhealthy"), "{document}");
    assert!(!document.contains("<title>pwned"), "{document}");
    // Without the policy it would have run: the test can fail.
    let (before, rest) = broken.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let open = format!("{before}{}", rest.split_once('>').unwrap().1);
    fs::write(dir.join("open.html"), open).unwrap();
    assert!(dump(&browser, &dir.join("open.html"), "light").contains("<title>pwned"));
}
