//! The HTML report as a browser shows it: laid out at the widths of a phone and a desk, light and dark, with and
//! without scripts; and what its own policy makes of markup that should not be there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use connector_doctor::model::report::Report;
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
    results.into_iter().zip(of).collect()
}

#[test]
fn a_browser_shows_the_page_whole_and_legible() {
    let Some(browser) = program("chromium", "chromium") else { return };
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        for (seen, report) in looked_at(&browser, scheme) {
            let name = format!("{} {scheme}", seen["name"].as_str().unwrap());
            for (what, none) in [
                ("overflow", json!(0)),
                ("outside", json!([])),
                ("beyond", json!([])),
                ("overlaps", json!([])),
            ] {
                assert_eq!(seen[what], none, "{name}: {what}");
            }
            // WCAG 2.1, 1.4.3.
            let contrast = seen["contrast"].as_f64().unwrap();
            assert!(contrast >= 4.5, "{name}: {contrast} of {}", seen["faintest"]);
            let smallest = seen["smallest"].as_f64().unwrap();
            assert!(smallest >= 9.5, "{name}: letters of {smallest} px");
            // Nothing is fetched, nothing leads away, no markup but ours.
            assert_eq!((&seen["fetched"], &seen["links"]), (&json!(0), &json!([])), "{name}");
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

/// Every tag of a page, and those that browsers and the copy script add.
const TAGS: &[&str] = &[
    "a", "article", "b", "body", "button", "circle", "code", "dd", "details", "div", "dl", "dt", "figure",
    "footer", "g", "h1", "h2", "h3", "head", "header", "html", "li", "line", "main", "meta", "p", "path",
    "pre", "rect", "script", "section", "span", "style", "summary", "svg", "text", "title", "ul",
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
