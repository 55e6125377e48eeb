//! Holds the layer table of src/lib.rs, the length of files, and the catalogue of checks, causes and pages together.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use connector_doctor::diagnosis::{Evidence, remedy};
use connector_doctor::model::facts::Host;
use connector_doctor::model::witness::Witnesses;
use connector_doctor::{checks, diagnosis};

/// Layer, and what it may import of ours.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &["proto"]),
    ("proto", &[]),
    ("env", &[]),
    ("config", &["model", "proto"]),
    ("render", &["model"]),
    ("connector", &["model"]),
    ("inference", &["model", "proto", "connector"]),
    ("checks", &["model", "inference", "proto", "connector"]),
    ("diagnosis", &["model"]),
    ("probes", &["model", "proto", "env", "config", "connector"]),
    ("lab", &["model", "proto", "env"]),
    ("pipeline", &["model", "config", "env", "probes", "inference", "checks", "diagnosis"]),
    ("watch", &["model", "config", "env", "pipeline", "render"]),
];

/// What a pure layer never names.
const IMPURE: &[&str] = &[
    "tokio",
    "std::net::UdpSocket",
    "std::net::Tcp",
    "std::fs",
    "std::process",
    "getrandom",
    "nix::",
    "libc::",
];
const PURE: &[&str] =
    &["model", "proto", "config", "render", "connector", "inference", "checks", "diagnosis"];

/// What may stand at the top level beside dot-files and licences (the user's card).
const TOP_LEVEL: &[&str] = &["Cargo.toml", "Cargo.lock", "src", "tests", "docs", "README.md", "target"];

const MOST_LINES: usize = 400;

#[test]
fn every_benchmark_is_in_the_docs_and_none_besides() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = fs::read_to_string(root.join("tests/bench/all.rs")).expect("the table of benchmarks");
    let (_, rows) = rows.split_once("const BENCHES").expect("the table");
    let rows: Vec<&str> =
        rows.lines().filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next()).collect();
    let docs = fs::read_to_string(root.join("docs/benchmarks.md")).expect("the page");
    let named: Vec<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(rows.len() > 3, "{rows:?}");
    assert_eq!(rows, named);
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("src is there").map(|e| e.expect("readable").path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&entry).expect("source is UTF-8");
                found.push((entry, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 20, "only {} sources found", found.len());
    found
}

fn layer(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The source without its test module and its comments.
fn code(text: &str) -> String {
    let without_tests = text.split("#[cfg(test)]").next().unwrap_or(text);
    without_tests.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_layer_imports_only_what_the_table_allows() {
    let all: Vec<&str> = LAYERS.iter().map(|(l, _)| *l).chain(["cli"]).collect();
    for (path, text) in sources() {
        let own = layer(&path);
        let Some((_, allowed)) = LAYERS.iter().find(|(l, _)| *l == own) else { continue };
        let code = code(&text);
        for other in all.iter().filter(|l| **l != own && !allowed.contains(l)) {
            for form in
                [format!("crate::{other}::"), format!("crate::{other};"), format!("crate::{other} as")]
            {
                assert!(!code.contains(&form), "{} ({own}) imports {other}", path.display());
            }
            let grouped =
                code.lines().any(|l| l.contains("use crate::{") && l.contains(&format!("{other}::")));
            assert!(!grouped, "{} ({own}) imports {other}", path.display());
        }
    }
}

#[test]
fn pure_layers_name_nothing_impure() {
    for (path, text) in sources() {
        if PURE.contains(&layer(&path).as_str()) {
            let code = code(&text);
            for word in IMPURE {
                assert!(!code.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn files_can_be_read_at_a_sitting() {
    for (path, text) in sources() {
        let lines = text.split("#[cfg(test)]").next().unwrap_or(&text).lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines without its tests", path.display());
        assert!(text.starts_with("//! "), "{} does not say what it is for", path.display());
    }
}

fn pages(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(folder);
    fs::read_dir(folder)
        .expect("docs are there")
        .map(|e| e.expect("readable").file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .collect()
}

#[test]
fn every_check_has_its_page_and_every_page_its_check() {
    let ids: Vec<&str> = checks::all().map(|c| c.id.as_str()).collect();
    let set: BTreeSet<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    assert_eq!(set.len(), ids.len(), "an id stands twice");
    assert_eq!(set, pages("checks"));
    for check in checks::all() {
        assert!(check.page.starts_with(&format!("# {}\n", check.id)), "page of {}", check.id);
        assert!(!check.title.ends_with('.') && !check.contacts.is_empty() && !check.rights.is_empty());
    }
}

#[test]
fn every_cause_has_its_page_a_verify_command_and_something_to_explain() {
    let codes: Vec<&str> = diagnosis::all().map(|c| c.code.as_str()).collect();
    let mut set: BTreeSet<String> = codes.iter().map(|c| (*c).to_owned()).collect();
    assert_eq!(set.len(), codes.len(), "a code stands twice");
    for cause in diagnosis::all() {
        assert!(cause.page.starts_with(&format!("# {}\n", cause.code)), "page of {}", cause.code);
        assert!(cause.verify.starts_with("connector-doctor check "), "{} cannot be verified", cause.code);
        assert!(!cause.explains.is_empty(), "{} explains nothing", cause.code);
        assert!(!cause.impact.is_empty() && cause.impact.ends_with('.'), "impact of {}", cause.code);
    }
    set.insert("unexplained".to_owned());
    assert_eq!(set, pages("causes"));
}

#[test]
fn every_cause_has_a_remedy_on_every_system_or_says_it_by_its_findings() {
    // These give figures of the run: without findings there is nothing to say.
    const BY_FINDINGS: &[&str] = &["path-mtu-blackhole", "other-network"];
    let (witnesses, general) = (Witnesses::default(), Host::default());
    for (label, host) in remedy::systems().into_iter().chain([("any".to_owned(), general)]) {
        let evidence = Evidence { findings: &[], witnesses: &witnesses, host: &host };
        for cause in diagnosis::all().filter(|cause| !BY_FINDINGS.contains(&cause.code.as_str())) {
            let remedies = (cause.remedies)(&evidence);
            assert!(!remedies.is_empty(), "{} on {label}", cause.code);
            for remedy in remedies {
                assert!(
                    !remedy.action.is_empty() && !remedy.action.ends_with('.'),
                    "{}: {remedy:?}",
                    cause.code
                );
                let rights = remedy.commands.iter().any(|c| c.starts_with("sudo"));
                assert!(
                    !rights || remedy.needs_root,
                    "{}: {remedy:?} needs root and does not say so",
                    cause.code
                );
                for odd in ["||", "&&", "`", "$("] {
                    assert!(!remedy.commands.iter().any(|c| c.contains(odd)), "{}: {remedy:?}", cause.code);
                }
            }
        }
    }
}

#[test]
fn every_verify_command_looks_at_checks_that_there_are() {
    let ids: Vec<&str> = checks::all().map(|c| c.id.as_str()).collect();
    for cause in diagnosis::all() {
        let words = cause.verify.strip_prefix("connector-doctor check").expect("tested above");
        let globs = words.split(" --").next().unwrap_or_default().split_whitespace();
        for glob in globs.map(|glob| glob.trim_matches('\'')) {
            let (head, tail) = glob.split_once('*').unwrap_or((glob, ""));
            let known = ids.iter().any(|id| {
                if glob.contains('*') { id.starts_with(head) && id.ends_with(tail) } else { *id == glob }
            });
            assert!(known, "{}: no check is called {glob}", cause.code);
        }
    }
}

#[test]
fn the_users_card_is_kept() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("manifest");
    let sources: String = sources().into_iter().map(|(_, text)| code(&text)).collect();
    for (dependency, used_as) in [
        ("clap", "clap::"),
        ("stunclient", "stunclient::"),
        ("if-addrs", "if_addrs::"),
        ("gethostname", "gethostname"),
        ("sntpc", "sntpc::"),
        ("comfy-table", "comfy_table::"),
        ("anyhow", "anyhow::"),
        ("colored", "colored::"),
    ] {
        assert!(
            manifest.lines().any(|l| l.starts_with(&format!("{dependency} ="))),
            "{dependency} is missing"
        );
        assert!(sources.contains(used_as), "{dependency} is not used");
    }
    for entry in fs::read_dir(package).expect("the package") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let fine = TOP_LEVEL.contains(&name.as_str()) || name.starts_with('.') || name.starts_with("LICENSE");
        assert!(fine, "{name} does not belong at the top level");
    }
}
