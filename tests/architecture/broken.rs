//! Each rule complains where it is broken: small trees of files, one fault in each.

use super::graph;
use super::layers::{Layer, Layers, May, layers};
use super::rules::{MOST_LINES, for_tests_alone, imports, length, literals, purity, strays};
use super::tree::Tree;

/// The table of a small program.
const TABLE: &str = "\
//! | layer | may import | never names |
//! | --- | --- | --- |
//! | `model`, `proto` | nothing of ours | anything impure |
//! | `checks` | `model`, `proto` (its judges) | anything impure |
//! | `probes` | `model` | `checks` |
//! | `cli` | all; nothing imports `cli` | |
";

fn table() -> Layers {
    layers(TABLE)
}

/// A tree of files below `src`; each begins with what it is for.
fn tree(files: &[(&str, &str)]) -> Tree {
    let files: Vec<(&str, String)> =
        files.iter().map(|(path, text)| (*path, format!("//! A file.\n{text}"))).collect();
    Tree::of(&files)
}

/// The one complaint, which says all of `parts`.
#[track_caller]
fn says(complaints: &[String], parts: &[&str]) {
    let [one] = complaints else { panic!("not one complaint: {complaints:#?}") };
    assert!(parts.iter().all(|part| one.contains(part)), "{one}");
}

#[track_caller]
fn silent(complaints: &[String]) {
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn the_table_is_read_as_it_is_written() {
    let table = table();
    let these = |names: &[&str]| May::These(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(table["proto"], Layer { may: these(&[]), pure: true });
    assert_eq!(table["checks"], Layer { may: these(&["model", "proto"]), pure: true });
    assert_eq!(table["probes"], Layer { may: these(&["model"]), pure: false });
    assert_eq!(table["cli"], Layer { may: May::All, pure: false });
    assert_eq!(table.len(), 5);
}

#[test]
fn a_circle_of_two_files_is_told_however_they_name_each_other() {
    for (there, back) in [
        ("use super::b::B;\npub struct A(B);", "use super::a::A;\npub struct B(Box<A>);"),
        ("use crate::checks::b::B;\npub struct A(B);", "use super::{a::{self, A}};\npub struct B(Box<A>);"),
        ("pub fn a() { super::b::b(); }", "pub fn b() { crate::checks::a::a(); }"),
        ("use super::b;\npub fn a() { b::b(); }", "use super::a as other;\npub fn b() { other::a(); }"),
        (
            "pub fn a() { println!(\"{}\", super::b::B); }",
            "pub const B: u8 = 0; use super::a::*; fn b() { a() }",
        ),
        // Through what a third file hands on.
        ("use super::B;\npub struct A(B);", "use super::A;\npub struct B(Box<A>);"),
        // From within a module of the file.
        ("pub mod inner { pub fn a() { super::super::b::b(); } }", "pub fn b() { super::a::inner::a(); }"),
    ] {
        let mut head = "mod a;\nmod b;\n".to_owned();
        if there.contains("super::B;") {
            head += "pub use a::A;\npub use b::B;\n";
        }
        let tree = tree(&[
            ("lib.rs", "mod checks;"),
            ("checks/mod.rs", &head),
            ("checks/a.rs", there),
            ("checks/b.rs", back),
        ]);
        let parts = ["a circle of 2 files: checks/a.rs, checks/b.rs", "checks/a.rs:", "checks/b.rs:"];
        says(&graph::complaints(&tree), &parts);
    }
}

#[test]
fn a_circle_through_a_head_or_through_three_files_is_told() {
    let head = tree(&[
        ("lib.rs", "mod checks;"),
        ("checks/mod.rs", "mod a;\npub struct Check;\npub fn all() { a::run(); }"),
        ("checks/a.rs", "use super::Check;\npub fn run() -> Check { Check }"),
    ]);
    says(
        &graph::complaints(&head),
        &["a circle of 2 files", "takes super::Check of checks/mod.rs", "takes a::run of checks/a.rs"],
    );
    let three = tree(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B; use crate::c::C;"),
        ("c.rs", "pub struct C; fn c() { crate::a::a() }"),
    ]);
    says(&graph::complaints(&three), &["a circle of 3 files: a.rs, b.rs, c.rs"]);
}

#[test]
fn what_is_no_circle_is_none() {
    let tree = tree(&[
        ("lib.rs", "mod checks;"),
        // A head hands on what its children have; they take from each other in one direction, and tests as they like.
        ("checks/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;\n#[cfg(test)] mod tests;"),
        ("checks/a.rs", "pub struct A;\n#[cfg(test)] mod tests { use super::super::b::B; }"),
        ("checks/b.rs", "use super::A;\npub struct B(A);"),
        ("checks/tests.rs", "use super::{A, B};\nuse super::b::B as C;"),
    ]);
    silent(&graph::complaints(&tree));
    assert_eq!(tree.tests.len(), 1);
}

#[test]
fn a_broken_layer_is_told_wherever_the_tests_stand() {
    let tests = "#[cfg(test)]\nmod tests { use crate::probes::run; }\n";
    for text in [
        format!("{tests}use crate::probes::run;"),
        format!("use crate::probes::run;\n{tests}"),
        format!("{tests}pub fn check() {{ crate::probes::run() }}"),
        "use crate::{model::M, probes::{run}};".to_owned(),
        "use super::super::probes as p;\npub fn check() { p::run() }".to_owned(),
        "pub fn check() { vec![crate::probes::run()] }".to_owned(),
    ] {
        let tree = tree(&[
            ("lib.rs", "mod checks; mod probes; mod model;"),
            ("checks/mod.rs", "mod clock;"),
            ("checks/clock.rs", &text),
            ("probes.rs", "pub fn run() {}"),
            ("model.rs", "pub struct M;"),
        ]);
        let all = imports(&tree, &table());
        assert!(!all.is_empty(), "{text}");
        let place = "checks/clock.rs:";
        assert!(
            all.iter().all(|one| one.starts_with(place) && one.contains("(checks) imports probes")),
            "{all:?}"
        );
    }
}

#[test]
fn tests_may_import_what_they_like_in_files_of_their_own_and_by_another_path() {
    let head = "#[cfg(test)] mod tests;\n#[cfg(all(test, unix))]\n#[path = \"odd/elsewhere.rs\"]\nmod far;";
    let tree = tree(&[
        ("lib.rs", "mod checks; mod probes;"),
        ("checks/mod.rs", head),
        ("checks/tests.rs", "mod deep;\nuse crate::probes::run;"),
        ("checks/tests/deep.rs", "use crate::probes::run;"),
        ("checks/odd/elsewhere.rs", "use crate::probes::run; use std::fs;"),
        ("probes.rs", "pub fn run() {}"),
    ]);
    silent(&[imports(&tree, &table()), purity(&tree, &table()), strays(&tree, &table())].concat());
    assert_eq!(tree.tests.len(), 3);
}

#[test]
fn a_layer_that_hands_on_what_it_may_not_see_is_told() {
    let tree = tree(&[
        ("lib.rs", "mod checks; mod probes; mod model;"),
        ("model.rs", "pub use crate::probes::run;"),
        ("checks.rs", "use crate::model::run;"),
        ("probes.rs", "pub fn run() {}"),
    ]);
    says(&imports(&tree, &table()), &["model.rs:2 (model) imports probes"]);
}

#[test]
fn an_impure_name_is_told_however_it_is_reached() {
    for text in [
        "use std::fs;",
        "use std::{collections::BTreeMap, fs::File};",
        "pub fn read() { std::fs::read(\"x\"); }",
        "use std as s;\npub fn read() { s::fs::read(\"x\"); }",
        "use std::net::{IpAddr, TcpStream};",
        "use std::net::*;",
        "pub fn now() { tokio::spawn(async {}); }",
        "pub fn now() { format!(\"{:?}\", std::time::Instant::now()); }",
        "#[cfg(test)]\nmod tests {}\nuse std::process::Command;",
    ] {
        let tree = tree(&[("lib.rs", "mod checks;"), ("checks.rs", text)]);
        let all = purity(&tree, &table());
        assert!(!all.is_empty() && all.iter().all(|one| one.starts_with("checks.rs:")), "{text}: {all:?}");
    }
    let pure =
        "use std::{net::IpAddr, time::Duration};\nuse std::fmt;\n#[cfg(test)] mod tests { use std::fs; }";
    let tree =
        tree(&[("lib.rs", "mod checks; mod probes;"), ("checks.rs", pure), ("probes.rs", "use std::fs;")]);
    silent(&purity(&tree, &table()));
}

#[test]
fn a_file_too_long_is_told_and_its_tests_do_not_count() {
    let (line, test) = ("pub const X: u8 = 0;\n", "#[cfg(test)]\nmod tests {\n    // One line.\n}\n");
    let of = |text: &str| length(&tree(&[("lib.rs", "mod a;"), ("a.rs", text)]));
    // The first line says what it is for.
    let most = line.repeat(MOST_LINES - 1);
    silent(&of(&most));
    silent(&of(&format!("{test}{most}")));
    silent(&of(&format!("{most}#[cfg(test)]\nmod tests {{\n{}}}\n", line.repeat(300))));
    for text in [format!("{most}{line}"), format!("{test}{most}{line}"), format!("{most}{test}{line}")] {
        says(&of(&text), &["a.rs has 401 lines without its tests"]);
    }
}

#[test]
fn an_id_that_is_spelt_out_is_told() {
    let ids = ["clock.offset", "clock-skew"];
    let of = |text: &str| {
        let files =
            [("lib.rs", "mod a; mod ids;"), ("a.rs", text), ("ids.rs", "const X: &str = \"clock-skew\";")];
        literals(&tree(&files), &ids, &["ids.rs"])
    };
    for text in [
        "pub const A: &str = \"clock.offset\";",
        "#[cfg(test)]\nmod tests {}\nfn a() { println!(\"{}\", \"clock-skew\"); }",
        "table! { Offset = \"clock.offset\" }",
        "const A: &str = r#\"clock\u{2d}skew\"#;",
        "fn a() { matches!(x, \"clock-skew\" | \"y\"); }",
        "#[serde(rename = \"clock-skew\")]\nstruct A;",
    ] {
        says(&of(text), &["a.rs:", "spells \"clock"]);
    }
    for text in [
        "/// clock.offset\nfn a() {}",
        "const A: &str = \"connector-doctor check clock.offset\";",
        "#[cfg(test)]\nmod tests { const A: &str = \"clock.offset\"; }",
        "#[test]\nfn a() { b(\"clock.offset\"); }",
    ] {
        silent(&of(text));
    }
}

#[test]
fn a_public_item_that_tests_alone_use_is_told() {
    let of = |a: &str, b: &str| {
        for_tests_alone(&tree(&[("lib.rs", "pub mod a;\npub mod b;"), ("a.rs", a), ("b.rs", b)]))
    };
    let tests = "#[cfg(test)]\nmod tests { fn t() { super::lonely(); super::Lonely::new(); } }";
    for (a, name) in [
        ("pub fn lonely() { lonely() }", "lonely"),
        ("pub struct Lonely;\nimpl Lonely { fn new() -> Lonely { Lonely } }", "Lonely"),
        ("pub struct Used;\nimpl Used { pub fn lonely(&self) {} }", "lonely"),
        ("pub const LONELY: u8 = 0;", "LONELY"),
        ("pub trait Lonely { fn call(&self); }", "Lonely"),
    ] {
        says(&of(&format!("{a}\n{tests}"), "use crate::a::Used;"), &["a.rs:", name]);
        // What only hands it on does not use it.
        let handed =
            of(&format!("{a}\n{tests}"), &format!("pub use crate::a::{name};\nfn f(_: crate::a::Used) {{}}"));
        says(&handed, &[name]);
    }
    silent(&of("pub fn called() {}", "fn b() { crate::a::called() }"));
    silent(&of("pub trait Call { fn call(&self); }", "use crate::a::Call as _;"));
    silent(&of("fn private() {}\npub(crate) fn inside() {}\n#[cfg(test)]\npub fn helper() {}", ""));
}

#[test]
fn a_file_that_hides_from_the_rules_is_told() {
    let known = [("lib.rs", "mod model;"), ("model.rs", "")];
    silent(&strays(&tree(&known), &table()));
    let stray = [&known[..], &[("model/forgotten.rs", "")]].concat();
    says(&strays(&tree(&stray), &table()), &["model/forgotten.rs: no module declares it"]);
    let layer = [("lib.rs", "mod odd;"), ("odd.rs", "")];
    says(&strays(&tree(&layer), &table()), &["odd.rs: no layer of the table is called odd"]);
    let silent =
        Tree::of(&[("lib.rs", "//! Said.\nmod model;"), ("model.rs", "/// Not said.\nconst A: u8 = 0;")]);
    says(&strays(&silent, &table()), &["model.rs: the first line does not say what it is for"]);
    let odd = [("lib.rs", "mod model;"), ("model.rs", "fn a() { if cfg!(test) { b() } }")];
    says(&strays(&tree(&odd), &table()), &["model.rs:2: cfg(test) in front of no item"]);
}
