//! Facts to a diagnosis: every case of tests/cases/*.toml, and what must hold of any facts at all.

#[path = "cases/sentences.rs"]
mod sentences;
#[path = "cases/stored.rs"]
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use connector_doctor::model::facts::TargetRole;
use connector_doctor::model::report::NotTested;
use connector_doctor::model::{Facts, Policy, Report, Severity, Status};
use connector_doctor::pipeline::judge;
use connector_doctor::render::{self, Style};
use connector_doctor::{checks, diagnosis};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    change: Vec<Change>,
    #[serde(default)]
    case: Vec<Case>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    name: String,
    #[serde(default, rename = "use")]
    uses: Vec<String>,
    #[serde(default)]
    set: Vec<Set>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    at: String,
    /// Left out: null.
    #[serde(default)]
    to: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default, rename = "use")]
    uses: Vec<String>,
    #[serde(default)]
    set: Vec<Set>,
    /// The checks of the Controller count, though no Controller is known.
    #[serde(default)]
    whole: bool,
    verdict: String,
    #[serde(default)]
    causes: Vec<String>,
    #[serde(default)]
    notices: Vec<String>,
    #[serde(default)]
    outcomes: BTreeMap<String, String>,
    #[serde(default)]
    caused_by: BTreeMap<String, String>,
    #[serde(default)]
    says: Vec<String>,
    #[serde(default)]
    never_says: Vec<String>,
    /// Check, reason and command of each row of NOT TESTED; left out: not looked at.
    not_tested: Option<Vec<String>>,
}

struct Cases {
    base: Value,
    changes: BTreeMap<String, Change>,
    list: Vec<Case>,
}

fn load() -> Cases {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let base = fs::read_to_string(folder.join("base.json")).expect("the base");
    let mut all = Cases {
        base: serde_json::from_str(&base).expect("the base is JSON"),
        changes: BTreeMap::new(),
        list: Vec::new(),
    };
    let mut files: Vec<_> =
        fs::read_dir(&folder).expect("cases").map(|e| e.expect("readable").path()).collect();
    files.sort();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "toml")) {
        let text = fs::read_to_string(file).expect("readable");
        let parsed: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        all.list.extend(parsed.case);
        for change in parsed.change {
            let name = change.name.clone();
            assert!(all.changes.insert(name.clone(), change).is_none(), "two changes are called {name}");
        }
    }
    all
}

impl Cases {
    fn sets(&self, uses: &[String], own: &[Set]) -> Vec<Set> {
        let begun = uses.iter().flat_map(|name| {
            let change = self.changes.get(name).unwrap_or_else(|| panic!("no change is called {name}"));
            self.sets(&change.uses, &change.set)
        });
        begun.chain(own.iter().cloned()).collect()
    }

    fn facts(&self, sets: &[Set]) -> Facts {
        self.loaded(sets).unwrap_or_else(|e| panic!("{sets:?}: {e}"))
    }

    /// Facts that are changed so, where they still load.
    fn loaded(&self, sets: &[Set]) -> serde_json::Result<Facts> {
        let mut value = self.base.clone();
        for set in sets {
            let path: Vec<&str> = set.at.split('/').skip(1).collect();
            apply(&mut value, &path, &set.to);
        }
        serde_json::from_value(value)
    }
}

/// Sets every place that the path names; places that are not there (another outcome) are passed over.
fn apply(value: &mut Value, path: &[&str], to: &Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = to.clone();
        return;
    };
    match value {
        Value::Array(items) if *first == "*" => items.iter_mut().for_each(|item| apply(item, rest, to)),
        Value::Array(items) => {
            if let Some(item) = first.parse().ok().and_then(|i: usize| items.get_mut(i)) {
                apply(item, rest, to);
            }
        }
        Value::Object(fields) if rest.is_empty() => {
            fields.insert((*first).to_owned(), to.clone());
        }
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(*first) {
                apply(field, rest, to);
            }
        }
        _ => {}
    }
}

impl Case {
    /// Most cases are about other things than the Controller, and know none: a run of a part, for them.
    fn policy(&self, facts: &Facts) -> Policy {
        let known = facts
            .targets
            .iter()
            .any(|target| !matches!(target.role, TargetRole::Stun | TargetRole::Ntp | TargetRole::Quic));
        let part = ["controller.*", "dns.controller", "relay.*", "services.*"].map(str::to_owned);
        Policy { skip: if known || self.whole { Vec::new() } else { part.into() }, ..Policy::default() }
    }

    fn report(&self, all: &Cases) -> Report {
        let facts = all.facts(&all.sets(&self.uses, &self.set));
        let policy = self.policy(&facts);
        judge(facts, &policy)
    }
}

fn codes(report: &Report, keep: impl Fn(Severity) -> bool) -> Vec<&str> {
    report.causes.iter().filter(|c| keep(c.severity)).map(|c| c.code.as_str()).collect()
}

/// All that the causes say: titles, proofs, remedies.
fn words(report: &Report) -> String {
    let of = |c: &connector_doctor::model::report::Cause| {
        let remedies = c.remedies.iter().flat_map(|r| std::iter::once(&r.action).chain(&r.commands));
        std::iter::once(&c.title).chain(&c.because).chain(remedies).cloned().collect::<Vec<_>>()
    };
    report.causes.iter().flat_map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_case_is_diagnosed_as_it_says() {
    let all = load();
    let mut wrong = Vec::new();
    for case in &all.list {
        let report = case.report(&all);
        let mut say = |what: &str, got: String, expected: String| {
            if got != expected {
                wrong.push(format!("{}: {what} is {got}, expected {expected}", case.name));
            }
        };
        say("verdict", report.verdict().word().to_owned(), case.verdict.clone());
        say(
            "causes",
            format!("{:?}", codes(&report, |s| s > Severity::Notice)),
            format!("{:?}", case.causes),
        );
        let notices: BTreeSet<&str> = codes(&report, |s| s == Severity::Notice).into_iter().collect();
        let expected: BTreeSet<&str> = case.notices.iter().map(String::as_str).collect();
        say("notices", format!("{notices:?}"), format!("{expected:?}"));
        for (id, expected) in &case.outcomes {
            let got = report.checks.iter().find(|c| c.id == *id).map_or("absent", |c| c.outcome.word());
            say(id, got.to_owned(), expected.clone());
        }
        for (id, expected) in &case.caused_by {
            let got = report.checks.iter().find(|c| c.id == *id).and_then(|c| c.caused_by.clone());
            say(&format!("the cause of {id}"), format!("{got:?}"), format!("{:?}", Some(expected)));
        }
        for (id, works, passes) in what_works(&report) {
            say(&format!("whether {id} works"), works.to_string(), passes.to_string());
        }
        if let Some(expected) = &case.not_tested {
            let line = |row: &NotTested| format!("{}: {}: {}", row.check, row.reason, row.command);
            let got: Vec<String> = report.not_tested.iter().map(line).collect();
            say("not tested", format!("{got:#?}"), format!("{expected:#?}"));
        }
        let words = words(&report);
        for (all, wanted) in [(&case.says, true), (&case.never_says, false)] {
            for text in all.iter().filter(|text| words.contains(text.as_str()) != wanted) {
                wrong.push(format!(
                    "{}: {text:?} must {}be in\n{words}",
                    case.name,
                    if wanted { "" } else { "not " }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), all.list.len(), wrong.join("\n"));
}

#[test]
fn every_cause_is_first_in_a_case_and_every_check_is_seen_passing_and_not_passing() {
    let all = load();
    let mut first = BTreeSet::new();
    let mut seen: BTreeSet<(String, bool)> = BTreeSet::new();
    for case in &all.list {
        first.extend(case.causes.first().or(case.notices.first()).cloned());
        let report = case.report(&all);
        seen.extend(report.checks.into_iter().map(|c| (c.id, c.outcome == Status::Pass)));
    }
    let mut seen_often: BTreeMap<&str, usize> = BTreeMap::new();
    for code in all.list.iter().flat_map(|c| c.causes.iter().chain(&c.notices)) {
        *seen_often.entry(code).or_default() += 1;
    }
    let rare: Vec<&str> = diagnosis::all()
        .map(|c| c.code.as_str())
        .filter(|c| seen_often.get(c).is_none_or(|n| *n < 3))
        .collect();
    assert!(
        rare.is_empty(),
        "plain, with noise, beside a second fault: fewer than three cases have {rare:?}"
    );
    let odd = all.list.iter().filter(|c| c.verdict == "healthy" && !(c.set.is_empty() && c.uses.is_empty()));
    assert!(odd.count() >= 12, "a dozen hosts that look odd are healthy");
    let missing: Vec<&str> =
        diagnosis::all().map(|c| c.code.as_str()).filter(|c| !first.contains(*c)).collect();
    assert!(missing.is_empty(), "no case has these first: {missing:?}");
    for check in checks::all() {
        for passing in [true, false] {
            assert!(
                seen.contains(&(check.id.into(), passing)),
                "{} is never seen with pass {passing}",
                check.id
            );
        }
    }
}

/// The picture in the README is what the tool says today of the first case, byte for byte (`UPDATE_GOLDEN=1` renews it).
#[test]
fn the_readme_shows_a_real_report() {
    // What a run in tests/netns saw behind a real NAT; the Connector and the host's age and name were put in by hand.
    let facts = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/picture.json"));
    let facts = serde_json::from_str(&facts.expect("the facts")).expect("facts");
    let report = judge(facts, &Policy::default());
    let human = render::format("human").expect("a format");
    let shown = (human.render)(&report, &Style::default());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let (head, rest) = readme.split_once("```text\n").expect("a picture");
    let (picture, tail) = rest.split_once("```\n").expect("its end");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, format!("{head}```text\n{shown}```\n{tail}")).expect("the README is written");
        return;
    }
    assert!(picture == shown, "README.md shows another report than this one:\n{shown}");
}

/// Every place in the facts that holds a value, as a path of keys.
fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let mut below = |key: String, child: &Value| {
        path.push(key);
        leaves(child, path, found);
        path.pop();
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| below(i.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| below(key.clone(), field)),
        _ => {}
    }
    found.push(path.clone());
}

/// Values that facts may hold anywhere: extremes, nothing, strangers' strings.
fn strange() -> impl Strategy<Value = Value> {
    let failures = [
        "timeout",
        "refused",
        "denied",
        "unreachable",
        "reset",
        "malformed",
        "too-large",
        "untrusted",
        "no-route",
        "not-found",
        "no-address",
        "resolver-failed",
        "rejected",
        "closed",
        "rights",
        "exhausted",
        "io",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0_u8..4).prop_map(Value::from),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        proptest::sample::select(failures.to_vec()).prop_map(
            |kind| serde_json::json!({ "failed": { "phase": "connect", "kind": kind, "sent": 5 } })
        ),
        Just(serde_json::json!({ "not-run": "deadline" })),
        proptest::sample::select(vec![
            "",
            "10.0.0.1",
            "::",
            "203.0.113.20",
            "[2001:db8::1]:443",
            "\u{202e}\u{1b}[31m",
            "x"
        ])
        .prop_map(Value::from),
    ]
}

/// What inference says to work, and whether the check of that name passes.
fn what_works(report: &Report) -> [(&'static str, bool, bool); 5] {
    let run = connector_doctor::inference::infer(&report.facts);
    let passes = |id: &str| report.checks.iter().any(|c| c.id == id && c.outcome == Status::Pass);
    [
        ("dns.resolvers", run.resolvers.all_serve()),
        ("controller.tls", run.certificate_holds),
        ("controller.http", run.controller_serves),
        ("relay.tcp", run.reach.relays_work()),
        ("stun.discovery", run.nat.stun_works),
    ]
    .map(|(id, works)| (id, works, passes(id)))
}

/// What must hold of any report at all.
fn sound(report: &Report) -> Result<(), TestCaseError> {
    for (id, works, passes) in what_works(report) {
        prop_assert_eq!(works, passes, "{}", id);
    }
    for check in report.checks.iter().filter(|check| check.outcome >= Status::Warn) {
        let code = check.caused_by.as_deref().unwrap_or("nothing");
        let named = report.causes.iter().any(|c| c.code == code && c.checks.contains(&check.id));
        prop_assert!(named && code != "unexplained", "{} by {code}: {}", check.id, check.summary);
    }
    for cause in report.causes.iter().filter(|c| c.severity > Severity::Notice) {
        // Its evidence: a check that is bad, and as bad as it says.
        let worst =
            report.checks.iter().filter(|check| cause.checks.contains(&check.id)).map(|c| c.outcome).max();
        let bad = if cause.severity == Severity::Critical { Status::Fail } else { Status::Warn };
        prop_assert!(worst >= Some(bad), "{} is {:?} and rests on {worst:?}", cause.code, cause.severity);
        prop_assert!(!cause.checks.is_empty() && !cause.because.is_empty(), "{} has no evidence", cause.code);
        prop_assert!(!cause.remedies.is_empty() && !cause.verify.is_empty(), "{} has no remedy", cause.code);
    }
    Ok(())
}

/// Two thousand, or as many as `PROPTEST_CASES` says.
fn mixtures() -> ProptestConfig {
    let cases = if connector_doctor::env::Env::system().var("PROPTEST_CASES").is_some() {
        ProptestConfig::default().cases
    } else {
        2_000
    };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(mixtures())]

    /// Any mixture of any cases' changes: total, repeatable, nothing bad without a cause, no cause without evidence.
    #[test]
    fn diagnosis_is_total_over_any_mixture_of_faults(picks in proptest::collection::vec((0_usize..10_000, 0_usize..10_000), 0..8)) {
        static ALL: LazyLock<Cases> = LazyLock::new(load);
        let all = &*ALL;
        let mut sets: Vec<Set> = Vec::new();
        for (case, set) in picks {
            let case = &all.list[case % all.list.len()];
            let of_case = all.sets(&case.uses, &case.set);
            sets.extend(of_case.get(set % of_case.len().max(1)).cloned());
        }
        // Changes of one Resource's kind do not fit another's: what does not load is no facts.
        let Ok(facts) = all.loaded(&sets) else { return Ok(()) };
        // Nor does an ICMP error of one case answer what another says was never sent.
        if answered_unsent(&serde_json::to_value(&facts).expect("facts are JSON")) {
            return Ok(());
        }
        let report = judge(facts.clone(), &Policy::default());
        prop_assert_eq!(&report, &judge(facts, &Policy::default()));
        sound(&report)?;
        let wrong = sentences::against(&report);
        prop_assert!(wrong.is_empty(), "against the evidence:\n{}", wrong.join("\n"));
    }

    /// Any facts that load at all: a case's, with strange values in arbitrary places.
    #[test]
    fn diagnosis_is_total_over_strange_facts(case in 0_usize..10_000, strange in proptest::collection::vec((0_usize..100_000, strange()), 1..6)) {
        static ALL: LazyLock<Cases> = LazyLock::new(load);
        let all = &*ALL;
        let case = &all.list[case % all.list.len()];
        let mut value = serde_json::to_value(all.facts(&all.sets(&case.uses, &case.set))).expect("facts are JSON");
        for (place, with) in strange {
            let mut found = Vec::new();
            leaves(&value, &mut Vec::new(), &mut found);
            let path: Vec<&str> = found[place % found.len()].iter().map(String::as_str).collect();
            let mut changed = value.clone();
            apply(&mut changed, &path, &with);
            // What does not load is no facts; what loads is judged.
            if serde_json::from_value::<Facts>(changed.clone()).is_ok() {
                value = changed;
            }
        }
        let facts: Facts = serde_json::from_value(value).expect("it loaded before");
        let report = judge(facts.clone(), &Policy::default());
        prop_assert_eq!(&report, &judge(facts, &Policy::default()));
        sound(&report)?;
        for format in render::FORMATS {
            (format.render)(&report, &Style::default());
        }
    }
}

/// Is there a failure that tells who refused, of what never left this host?
fn answered_unsent(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(answered_unsent),
        Value::Object(fields) => {
            fields.get("offender").is_some_and(Value::is_string) && fields.get("sent") == Some(&0.into())
                || fields.values().any(answered_unsent)
        }
        _ => false,
    }
}

/// The same facts as a host would have them that could send nothing: silences of which no packet left, or nothing tried at all.
fn unsent(value: &mut Value, never_tried: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unsent(item, never_tried)),
        Value::Object(fields) => {
            let begun = |phase: &Value| ["handshake", "request", "response"].iter().any(|word| phase == word);
            // Whoever was told something, or had a connection, had sent something.
            let heard = |failed: &Value| failed["kind"] != "timeout" || begun(&failed["phase"]);
            if fields.get("failed").is_some_and(|failed| never_tried || heard(failed)) {
                *value = serde_json::json!({ "not_run": { "no_buffers": "No buffer space available" } });
                return;
            }
            for (key, field) in fields.iter_mut() {
                match key.as_str() {
                    "sent" | "asked" if field.is_number() => *field = 0.into(),
                    _ => unsent(field, never_tried),
                }
            }
        }
        _ => {}
    }
}

/// No verdict on the network rests on what was not sent: of every case, with every silence as it would be had nothing left this host.
#[test]
fn what_was_not_sent_blames_nobody() {
    const WORDS: [&str; 8] =
        ["blocked", "dropped", "silent", "not answer", "no answer", "vanish", "gets past", "server answers"];
    let (all, mut wrong, mut blamed) = (load(), Vec::new(), BTreeSet::new());
    let says = |report: &Report| -> Vec<(String, String)> {
        // What this host itself counted or refused is no word on the network.
        // Nor is what a Resource itself answered.
        let own = [
            "reverse-path-filter",
            "local-firewall",
            "ports-exhausted",
            "conntrack-full",
            "route-broken",
            "tunnel-owns-route",
            "resource-refused",
        ];
        let bad =
            report.causes.iter().filter(|c| c.severity > Severity::Notice && !own.contains(&c.code.as_str()));
        let named = bad.filter(|c| WORDS.iter().any(|word| c.title.contains(word)));
        named.map(|c| (c.code.clone(), c.title.clone())).collect()
    };
    for case in &all.list {
        let mut facts =
            serde_json::to_value(all.facts(&all.sets(&case.uses, &case.set))).expect("facts are JSON");
        // What the Connector's log says was seen by the Connector.
        facts["connector_log"] = Value::Null;
        let sent = judge(serde_json::from_value(facts.clone()).expect("facts"), &Policy::default());
        blamed.extend(says(&sent).into_iter().map(|(code, _)| code));
        for never_tried in [false, true] {
            let mut facts = facts.clone();
            unsent(&mut facts, never_tried);
            let report = judge(serde_json::from_value(facts).expect("facts"), &Policy::default());
            for (code, title) in says(&report) {
                wrong.push(format!("{} ({never_tried}): {code}: {title}", case.name));
            }
        }
    }
    let expected = [
        "egress-blocked",
        "udp-blocked",
        "stun-blocked",
        "ntp-blocked",
        "dns-unreachable",
        "relay-ports-blocked",
    ];
    let missing: Vec<&&str> = expected.iter().filter(|code| !blamed.contains(**code)).collect();
    assert!(missing.is_empty(), "never blamed, whatever was sent: {missing:?}");
    assert!(wrong.is_empty(), "{} blame others for what was not sent:\n{}", wrong.len(), wrong.join("\n"));
}

/// A redacted report is judged anew by whoever gets it: it must say what its run said.
#[test]
fn what_is_hidden_changes_no_judgement() {
    use connector_doctor::render::json;
    use connector_doctor::render::redact::{Level, load as read, redact};
    let said = |report: &Report| {
        let checks =
            report.checks.iter().map(|check| (check.id.clone(), check.outcome, check.caused_by.clone()));
        let causes = report.causes.iter().map(|cause| (cause.code.clone(), cause.severity));
        (report.verdict, checks.collect::<Vec<_>>(), causes.collect::<Vec<_>>())
    };
    let (all, mut wrong) = (load(), Vec::new());
    for case in &all.list {
        let open = judge(all.facts(&all.sets(&case.uses, &case.set)), &Policy::default());
        for (word, level) in [("default", Level::Default), ("strict", Level::Strict)] {
            let hidden = redact(&open, level).expect("hidden");
            // As it is saved, pasted and read back.
            let back = read(&json::render(&hidden, &Style::default())).expect("read");
            let anew = judge(back.facts, &Policy::default());
            if said(&anew) != said(&open) {
                let (now, then) = (said(&anew), said(&open));
                let moved: Vec<_> = now.1.iter().zip(&then.1).filter(|(a, b)| a != b).collect();
                wrong.push(format!("{} at {word}: {:?} was {:?}; {moved:?}", case.name, now.2, then.2));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
