//! The catalogue: checks, causes, pages and commands belong together.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use connector_doctor::diagnosis::{Evidence, remedy};
use connector_doctor::model::facts::Host;
use connector_doctor::model::witness::Witnesses;
use connector_doctor::{checks, diagnosis};

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
