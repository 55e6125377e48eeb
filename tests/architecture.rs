//! The structure of src by its table of layers; what belongs together stands in `catalogue`.
//!
//! The rules are functions of paths and texts (`rules`, `graph`), so that `broken` shows that each complains.

#![allow(unreachable_pub, reason = "a test crate has no outside")]

#[path = "architecture/broken.rs"]
mod broken;
#[path = "architecture/catalogue.rs"]
mod catalogue;
#[path = "architecture/graph.rs"]
mod graph;
#[path = "architecture/items.rs"]
mod items;
#[path = "architecture/layers.rs"]
mod layers;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/tree.rs"]
mod tree;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use connector_doctor::model::{CauseCode, CheckId};
use layers::{Layers, May};
use tree::{Target, Tree};

/// What may stand at the top level beside dot-files and licences (the user's card).
const TOP_LEVEL: &[&str] = &["Cargo.toml", "Cargo.lock", "src", "tests", "docs", "README.md", "target"];

/// Files that are the tables of ids and codes.
const TABLES: &[&str] = &["model/check_id.rs", "model/cause_code.rs"];

/// What is spelt as an id and is none: a path in the facts.
const OTHERWISE: &[(&str, &str)] = &[("render/redact/fields.rs", "\"host.hostname\"")];

/// What only tests use, and use from outside of the crate: made-up clocks, roots and servers; and what `peer` begins with.
const FOR_TESTS: &[&str] =
    &["frozen", "with_wall_shift", "with_clock", "with_vars", "with_root", "with_stun"];

/// The program, parsed once for all tests.
static PROGRAM: LazyLock<Tree> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort();
    assert!(files.len() > 200, "only {} sources found", files.len());
    Tree::of(&files)
});

static LAYERS: LazyLock<Layers> = LazyLock::new(|| layers::layers(&read("src/lib.rs")));

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of UTF-8")
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("src is there").map(|e| e.expect("readable").path()) {
        if entry.is_dir() {
            collect(root, &entry, files);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&entry).expect("source is UTF-8");
            let path = entry.strip_prefix(root).expect("below src").to_string_lossy().into_owned();
            files.push((path, text));
        }
    }
}

#[track_caller]
fn holds(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_file_stands_in_its_layer() {
    holds(&rules::strays(&PROGRAM, &LAYERS));
}

#[test]
fn every_layer_imports_only_what_the_table_allows() {
    holds(&rules::imports(&PROGRAM, &LAYERS));
}

#[test]
fn pure_layers_name_nothing_impure() {
    holds(&rules::purity(&PROGRAM, &LAYERS));
}

#[test]
fn files_can_be_read_at_a_sitting() {
    holds(&rules::length(&PROGRAM));
}

#[test]
fn no_two_files_lead_to_each_other() {
    holds(&graph::complaints(&PROGRAM));
}

#[test]
fn an_id_is_spelt_once() {
    let ids = CheckId::ALL.iter().map(|id| id.as_str());
    let all: Vec<&str> = ids.chain(CauseCode::ALL.iter().map(|code| code.as_str())).collect();
    assert!(all.len() > 60, "{}", all.len());
    let found = rules::literals(&PROGRAM, &all, TABLES);
    let other =
        |one: &String| OTHERWISE.iter().any(|(file, text)| one.starts_with(file) && one.contains(text));
    holds(&found.into_iter().filter(|one| !other(one)).collect::<Vec<_>>());
}

#[test]
fn nothing_is_public_for_tests_alone() {
    let found = rules::for_tests_alone(&PROGRAM);
    let kept = |one: &String| FOR_TESTS.iter().any(|known| one.ends_with(&format!(" {known}")));
    holds(&found.into_iter().filter(|one| !kept(one)).collect::<Vec<_>>());
}

#[test]
fn every_layer_of_the_table_is_a_module_and_in_the_docs() {
    let (lib, docs) = (read("src/lib.rs"), read("docs/architecture.md"));
    let modules: Vec<&str> =
        lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let named: Vec<&str> = LAYERS.keys().map(String::as_str).collect();
    assert_eq!(modules, named);
    for layer in named {
        let row = [format!("| `src/{layer}/` |"), format!("| `src/{layer}.rs` |")];
        assert!(row.iter().any(|row| docs.contains(row)), "{layer} has no row in docs/architecture.md");
    }
    assert_eq!(LAYERS["cli"].may, May::All);
}

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

#[test]
fn the_users_card_is_kept() {
    let manifest = read("Cargo.toml");
    let mentions = &PROGRAM.mentions;
    for dependency in
        ["clap", "stunclient", "if-addrs", "gethostname", "sntpc", "comfy-table", "anyhow", "colored"]
    {
        let stands = manifest.lines().any(|l| l.starts_with(&format!("{dependency} =")));
        assert!(stands, "{dependency} is missing");
        let name = dependency.replace('-', "_");
        let used = mentions.iter().any(|m| matches!(&m.target, Target::Foreign(path) if path[0] == name));
        assert!(used, "{dependency} is not used");
    }
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).expect("the package") {
        let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
        let fine = TOP_LEVEL.contains(&name.as_str()) || name.starts_with('.') || name.starts_with("LICENSE");
        assert!(fine, "{name} does not belong at the top level");
    }
}
