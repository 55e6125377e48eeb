//! The rules: each looks at a tree of files and says what breaks it, with the place.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::{Layers, May};
use super::source::{Place, Word};
use super::tree::{Target, Tree};

/// The most lines of a file without its tests.
pub const MOST_LINES: usize = 400;

/// What a pure layer never names: beginnings of paths.
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "nix",
    "libc",
    "getrandom",
    "gethostname",
    "if_addrs",
    "rusqlite",
    "ring::rand",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "std::os",
    "std::io::std",
    "std::net::*",
    "std::net::UdpSocket",
    "std::net::Tcp",
    "std::net::ToSocketAddrs",
    "std::time::*",
    "std::time::Instant",
    "std::time::SystemTime",
];

/// The files at the top, which belong to no layer.
const TOP: [&str; 2] = ["lib", "main"];

/// Every file stands in a layer of the table, is declared, says what it is for, and hides no test from these rules.
pub fn strays(tree: &Tree, layers: &Layers) -> Vec<String> {
    let mut found: Vec<String> =
        tree.strays.iter().map(|path| format!("{path}: no module declares it")).collect();
    for (at, source) in tree.sources.iter().enumerate() {
        let layer = tree.layer(at);
        if !layers.contains_key(layer) && !TOP.contains(&layer) {
            found.push(format!("{}: no layer of the table is called {layer}", source.path));
        }
        if !source.introduced {
            found.push(format!("{}: the first line does not say what it is for", source.path));
        }
        for (line, _) in source.odd.iter().filter(|_| !tree.tests.contains(&at)) {
            found.push(format!("{}:{line}: cfg(test) in front of no item", source.path));
        }
    }
    found
}

/// Every layer imports only what the table allows.
pub fn imports(tree: &Tree, layers: &Layers) -> Vec<String> {
    let broken = tree.mentions.iter().filter_map(|mention| {
        let own = tree.layer(mention.from);
        let Target::Ours { layer, .. } = &mention.target else { return None };
        let free = own == layer || TOP.contains(&layer.as_str()) && TOP.contains(&own);
        let allowed = match layers.get(own).map(|row| &row.may) {
            Some(May::All) => true,
            Some(May::These(these)) => these.contains(layer),
            None => own == "main" || own == "lib",
        };
        let source = &tree.sources[mention.from].path;
        let words = format!("{source}:{} ({own}) imports {layer}: {}", mention.line, mention.path.join("::"));
        (!free && !allowed).then_some(words)
    });
    broken.collect()
}

/// Pure layers name nothing impure.
pub fn purity(tree: &Tree, layers: &Layers) -> Vec<String> {
    let broken = tree.mentions.iter().filter_map(|mention| {
        let own = tree.layer(mention.from);
        let Target::Foreign(path) = &mention.target else { return None };
        let (path, pure) = (path.join("::"), layers.get(own).is_some_and(|layer| layer.pure));
        let impure = IMPURE.iter().any(|word| {
            // A lower-case word is a whole name.
            path.strip_prefix(word).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with("::") || word.ends_with("Tcp") || word.ends_with("::std")
            })
        });
        let source = &tree.sources[mention.from].path;
        (pure && impure).then(|| format!("{source}:{} ({own}) names {path}", mention.line))
    });
    broken.collect()
}

/// Files can be read at a sitting.
pub fn length(tree: &Tree) -> Vec<String> {
    let long =
        tree.sources.iter().enumerate().filter(|(at, s)| !tree.tests.contains(at) && s.lines > MOST_LINES);
    long.map(|(_, s)| format!("{} has {} lines without its tests", s.path, s.lines)).collect()
}

/// What has a table is spelt there alone: no string of the program outside `tables` is one of `words`.
pub fn literals(tree: &Tree, words: &[&str], tables: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, source) in tree.sources.iter().enumerate() {
        if tree.tests.contains(&at) || tables.contains(&source.path.as_str()) {
            continue;
        }
        for (word, (line, _)) in &source.words {
            if let Word::Text(text) = word
                && words.contains(&text.as_str())
            {
                found.push(format!("{}:{line} spells {text:?} out", source.path));
            }
        }
    }
    found
}

/// Public items whose names stand nowhere in the program but where they are defined or handed on: at most tests use
/// them. One that shares its name with another cannot be told.
pub fn for_tests_alone(tree: &Tree) -> Vec<String> {
    let mut named: BTreeMap<&str, Vec<(usize, Place)>> = BTreeMap::new();
    let mut imported = BTreeSet::new();
    let program = || tree.sources.iter().enumerate().filter(|(at, _)| !tree.tests.contains(at));
    for (at, source) in program() {
        for (word, place) in &source.words {
            if let Word::Name(name) = word {
                named.entry(name).or_default().push((at, *place));
            }
        }
        imported
            .extend(source.uses.iter().filter(|u| !u.public).flat_map(|u| u.path.iter().map(String::as_str)));
    }
    let mut found = Vec::new();
    for (at, source) in program() {
        for item in &source.public {
            let own = |(file, place): &(usize, Place)| {
                let impls = tree.sources[*file].impls.iter();
                *file == at && item.span.contains(place)
                    || impls.filter(|(name, _)| *name == item.name).any(|(_, span)| span.contains(place))
            };
            let elsewhere = named.get(item.name.as_str()).is_some_and(|places| !places.iter().all(own));
            if !elsewhere && !imported.contains(item.name.as_str()) {
                found.push(format!("{}:{} {}", source.path, item.span.start.0, item.name));
            }
        }
    }
    found
}
