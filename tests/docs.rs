//! Docs that cannot rot: what the pages list is what the manifest and the tables hold, and their links lead somewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own pages has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use connector_doctor::render::FORMATS;

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(package().join(path)).unwrap()
}

/// README.md and every page below docs/.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|e| e == "md") {
                found.push(entry);
            }
        }
    }
    let mut found = vec![package().join("README.md")];
    walk(&package().join("docs"), &mut found);
    assert!(found.len() > 50, "only {} pages found", found.len());
    found
}

/// The part of a page below the heading, up to the next heading of any level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n#").next().unwrap()
}

/// The first cells of a Markdown table's rows, its head left out, without code marks; `a, b` is two.
fn first_cells(table: &str) -> BTreeSet<String> {
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split(','))
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

/// The names below `[dependencies]` and `[dev-dependencies]`.
fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    ["dependencies", "dev-dependencies"]
        .iter()
        .flat_map(|of| manifest[*of].as_table().unwrap().keys().cloned())
        .collect()
}

#[test]
fn every_dependency_is_accounted_for_and_none_that_is_gone() {
    let page = read("docs/architecture.md");
    let said = first_cells(section(&page, "## Dependencies"));
    assert_eq!(said, dependencies());
}

#[test]
fn every_dependency_is_used() {
    fn text_below(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                text_below(&entry, all);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                all.push_str(&fs::read_to_string(&entry).unwrap());
            }
        }
    }
    let mut sources = String::new();
    text_below(&package().join("src"), &mut sources);
    text_below(&package().join("tests"), &mut sources);
    for name in dependencies() {
        let path = format!("{}::", name.replace('-', "_"));
        assert!(sources.contains(&path), "{name} is not used");
    }
}

#[test]
fn every_kind_of_resource_is_on_its_page_with_what_is_sent_and_logged() {
    let page = read("docs/resources.md");
    for row in connector_doctor::proto::greeting::ROWS {
        let line = page.lines().find(|line| line.starts_with(&format!("| `{}` |", row.word)));
        let line = line.unwrap_or_else(|| panic!("docs/resources.md lacks {}", row.word));
        let counts = row.counts.unwrap_or_default();
        assert!(line.contains(row.sends) && line.contains(row.logs) && line.contains(counts), "{line}");
    }
}

#[test]
fn every_format_is_on_its_page_with_the_mode_of_its_files() {
    let page = read("docs/formats.md");
    for format in FORMATS {
        let row = format!("| `{}` |", format.name);
        let row = page.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("docs/formats.md lacks {}", format.name));
        assert!(row.contains(&format!("{:04o}", format.file_mode)), "{row}");
    }
}

#[test]
fn the_layers_of_the_crates_page_are_those_of_the_architecture_test() {
    let page = read("src/lib.rs");
    let said: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `"))
        .flat_map(|row| row.split('|').next().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>())
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect();
    let folders: BTreeSet<String> = fs::read_dir(package().join("src"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().trim_end_matches(".rs").to_owned())
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    assert_eq!(said, folders);
}

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            rest = after;
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            assert!(page.parent().unwrap().join(target).exists(), "{}: {target}", page.display());
        }
    }
    assert!(links > 3, "only {links} links found");
}

/// Phrases that readers stumbled over, each with its better one in place of it.
const OLD_PHRASES: &[&str] = &[
    "nothing keeps it so",
    "nothing keeps this clock",
    "is installed and does not run",
    "has not synchronised the clock\"",
    "The Controller takes at most 5 s",
    "and nothing shows a block",
    "may not recover by itself",
    "nothing is wrong here",
    "Replace a resolver that is gone",
    "serve names: {}",
    "Without names nothing else",
    "say --network NAME",
    "its configuration may not be read",
    "no journal of a unit of its own",
    "need not hold for",
    "in no container or service",
    "sends its certificate alone",
    "map each inside port to one outside port whatever",
    "the NAT of the other side",
    "opens the way back\"",
    "{ago} only{by}",
    "Mend it",
    "If it comes again",
    "asked to end\"",
];

#[test]
fn no_old_phrase_is_left_in_what_people_read() {
    fn texts(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let read = path.extension().is_some_and(|ending| ending == "rs" || ending == "md");
            if path.is_dir() {
                texts(&path, all);
            } else if read {
                all.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![root.join("README.md")];
    texts(&root.join("src"), &mut all);
    texts(&root.join("docs"), &mut all);
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        // Words that were wrapped are the same words.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for phrase in OLD_PHRASES {
            assert!(!text.contains(phrase), "{}: {phrase:?}", path.display());
        }
    }
}

/// What the licences of the packages that are linked demand beside MIT and Apache-2.0.
fn licences_beside() -> BTreeSet<String> {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{l}",
        ])
        .current_dir(package())
        .output()
        .unwrap();
    let lines = String::from_utf8(tree.stdout).unwrap();
    assert!(lines.lines().count() > 100, "{}", String::from_utf8_lossy(&tree.stderr));
    let mut beside = BTreeSet::new();
    // `(*)`: its own packages stand above.
    for demand in lines
        .lines()
        .flat_map(|line| line.trim_end_matches(" (*)").split(" AND "))
        .map(|d| d.trim_matches(['(', ')']))
    {
        let choice: Vec<&str> = demand.split(" OR ").flat_map(|c| c.split('/')).map(str::trim).collect();
        if !choice.iter().any(|one| ["MIT", "Apache-2.0", ""].contains(one)) {
            beside.extend(choice.into_iter().map(str::to_owned));
        }
    }
    beside
}

#[test]
fn the_licences_that_the_readme_names_are_those_of_what_is_linked() {
    let (readme, deny) = (read("README.md"), read(".deny.toml"));
    let (_, named) = readme.split_once("\nLicence: ").unwrap();
    let deny: toml::Table = deny.parse().unwrap();
    let beside = licences_beside();
    for allowed in deny["licenses"]["allow"].as_array().unwrap().iter().filter_map(|a| a.as_str()) {
        let said = named.contains(allowed);
        let plain = ["MIT", "Apache-2.0"].contains(&allowed) || allowed.contains(" WITH ");
        assert_eq!(said && !plain, beside.contains(allowed), "{allowed}");
    }
    let allowed = deny["licenses"]["allow"].as_array().unwrap();
    for licence in &beside {
        assert!(allowed.iter().any(|a| a.as_str() == Some(licence)), "{licence} is not in .deny.toml");
    }
}
