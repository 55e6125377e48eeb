//! The modules that the files make up, and what a path leads to: through `use` and `pub use` to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::source::{Place, Source, Word};

/// A module, in a file of its own or within one.
#[derive(Debug, Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    /// What `use` names here, and the path that it stands for.
    names: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    items: BTreeSet<String>,
    test: bool,
    inside: Option<Range<Place>>,
}

/// The files of a crate, as the compiler walks them from `lib.rs` and `main.rs`.
#[derive(Debug)]
pub struct Tree {
    pub sources: Vec<Source>,
    modules: Vec<Module>,
    by_file: BTreeMap<usize, Vec<usize>>,
    /// Files that only tests have; by their place in `sources`.
    pub tests: BTreeSet<usize>,
    /// Files that no module declares.
    pub strays: Vec<String>,
    /// Every mention of something elsewhere outside of tests, file by file.
    pub mentions: Vec<Mention>,
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Something of ours: the file that defines it, and the layer by whose name it was reached.
    Ours { file: usize, layer: String, module: bool },
    /// Something of another crate: its full path.
    Foreign(Vec<String>),
}

/// A mention of something elsewhere.
#[derive(Clone, Debug)]
pub struct Mention {
    pub from: usize,
    pub line: usize,
    pub path: Vec<String>,
    pub target: Target,
}

/// So many `use` lie behind one another at most.
const DEEPEST: usize = 32;

impl Tree {
    /// Of paths below `src`, and texts.
    pub fn of<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> Self {
        let sources = files.iter().map(|(path, text)| Source::parse(path.as_ref(), text.as_ref())).collect();
        let mut tree = Self {
            sources,
            modules: Vec::new(),
            by_file: BTreeMap::new(),
            tests: BTreeSet::new(),
            strays: Vec::new(),
            mentions: Vec::new(),
        };
        for root in ["lib.rs", "main.rs"] {
            if let Some(file) = tree.file(root) {
                tree.module(file, None, &[], false);
            }
        }
        for (at, module) in tree.modules.iter().enumerate() {
            tree.by_file.entry(module.file).or_default().push(at);
        }
        tree.tests = tree.modules.iter().filter(|m| m.test && m.inside.is_none()).map(|m| m.file).collect();
        for (at, source) in tree.sources.iter().enumerate() {
            if !tree.by_file.contains_key(&at) {
                tree.strays.push(source.path.clone());
            }
        }
        tree.mentions = tree.find_mentions();
        tree
    }

    fn file(&self, path: &str) -> Option<usize> {
        self.sources.iter().position(|source| source.path == path)
    }

    /// Adds the module that `within` names in a file, and what it declares.
    fn module(&mut self, file: usize, parent: Option<usize>, within: &[String], test: bool) -> usize {
        let source = &self.sources[file];
        let test = test || source.test;
        let inside = source.modules.iter().find(|m| m.inside.is_some() && is_at(m, within));
        let mut module = Module { file, parent, test, ..Module::default() };
        module.inside = inside.and_then(|m| m.inside.clone());
        let here = |found: &(Vec<String>, String)| found.0 == within;
        module.items = source.items.iter().filter(|item| here(item)).map(|(_, name)| name.clone()).collect();
        for one in &source.uses {
            if source.within(one.at) != within {
                continue;
            }
            match &one.name {
                Some(name) => drop(module.names.insert(name.clone(), one.path.clone())),
                None if one.path.last().is_some_and(|last| last == "*") => {
                    module.globs.push(one.path[..one.path.len() - 1].to_vec());
                }
                None => {}
            }
        }
        let own = self.modules.len();
        let declared: Vec<_> = source.modules.iter().filter(|m| m.within == within).cloned().collect();
        self.modules.push(module);
        for child in declared {
            let test = test || child.test;
            let found = if child.inside.is_some() {
                Some((file, [within, std::slice::from_ref(&child.name)].concat()))
            } else {
                let places = places(&self.sources[file].path, within, &child.name, child.path.as_deref());
                places.iter().find_map(|path| self.file(path)).map(|file| (file, Vec::new()))
            };
            if let Some((file, within)) = found {
                let at = self.module(file, Some(own), &within, test);
                self.modules[own].children.insert(child.name, at);
            }
        }
        own
    }

    /// The layer of a file: its folder, or its own name at the top.
    pub fn layer(&self, file: usize) -> &str {
        let path = &self.sources[file].path;
        path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
    }

    fn find_mentions(&self) -> Vec<Mention> {
        let mut found = Vec::new();
        for (from, source) in self.sources.iter().enumerate() {
            if self.tests.contains(&from) {
                continue;
            }
            let mut add = |path: Vec<String>, at: Place, used: bool| {
                let Some(module) = self.module_at(from, at) else { return };
                let target = if used {
                    self.used(module, &path, 0)
                } else {
                    // What nothing here is called is another crate's, or of the language.
                    self.resolve(module, &path, 0).or_else(|| Some(Target::Foreign(path.clone())))
                };
                found.extend(target.map(|target| Mention { from, line: at.0, path, target }));
            };
            for one in &source.uses {
                add(one.path.clone(), one.at, true);
            }
            for (path, at) in paths(&source.words) {
                add(path, at, false);
            }
        }
        found
    }

    /// The innermost module of a file around a place.
    fn module_at(&self, file: usize, at: Place) -> Option<usize> {
        let around = |m: &&usize| self.modules[**m].inside.as_ref().is_none_or(|inside| inside.contains(&at));
        // It is declared last.
        self.by_file.get(&file)?.iter().rfind(around).copied()
    }

    /// What a path in a `use` leads to: to another crate, where nothing here is called so.
    fn used(&self, module: usize, path: &[String], depth: usize) -> Option<Target> {
        let found = self.resolve(module, path, depth);
        let first = path.first()?;
        let local = self.modules[module].items.contains(first);
        found.or_else(|| (!local).then(|| Target::Foreign(path.to_vec())))
    }

    fn resolve(&self, module: usize, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let own = &self.modules[module];
        match first.as_str() {
            "crate" => self.walk(self.root(module), rest, depth),
            "connector_doctor" if self.sources[own.file].path == "main.rs" => self.walk(
                self.modules.iter().position(|m| self.sources[m.file].path == "lib.rs")?,
                rest,
                depth,
            ),
            "self" if !rest.is_empty() => self.walk(module, rest, depth),
            "super" => match rest.first().map(String::as_str) {
                Some("super") => self.resolve(own.parent?, rest, depth),
                _ => self.walk(own.parent?, rest, depth),
            },
            name if own.children.contains_key(name) => self.walk(module, path, depth),
            name => {
                // `use tokio;` stands for nothing else than itself.
                let stands_for = own.names.get(name).filter(|path| depth < DEEPEST && path[..] != [name])?;
                self.used(module, &[&stands_for[..], rest].concat(), depth + 1)
            }
        }
    }

    fn root(&self, mut module: usize) -> usize {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    /// Down from a module by the names of modules, then to what the next name is in the last of them.
    fn walk(&self, mut module: usize, path: &[String], depth: usize) -> Option<Target> {
        let mut rest = path;
        while let Some((name, after)) = rest.split_first()
            && let Some(child) = self.modules[module].children.get(name)
        {
            (module, rest) = (*child, after);
        }
        let own = &self.modules[module];
        let layer = self.layer(own.file).to_owned();
        let here = |module| Some(Target::Ours { file: own.file, layer: layer.clone(), module });
        let Some(name) = rest.first() else { return here(true) };
        if name == "*" || own.items.contains(name) || depth >= DEEPEST {
            return here(false);
        }
        let behind = |path: Vec<String>| match self.used(module, &path, depth + 1) {
            // Reached by this layer's name, wherever it lies.
            Some(Target::Ours { file, module, .. }) => {
                Some(Target::Ours { file, layer: layer.clone(), module })
            }
            other => other,
        };
        if let Some(stands_for) = own.names.get(name) {
            return behind([&stands_for[..], &rest[1..]].concat());
        }
        let known = |found: &Option<Target>| match found {
            Some(Target::Ours { file, .. }) => {
                self.modules.iter().any(|m| m.file == *file && m.items.contains(name))
            }
            _ => false,
        };
        let globs = own.globs.iter().map(|glob| behind([&glob[..], rest].concat()));
        globs.filter(known).flatten().next().or_else(|| here(false))
    }
}

fn is_at(module: &super::source::Declared, within: &[String]) -> bool {
    within.split_last().is_some_and(|(name, before)| module.name == *name && module.within == before)
}

impl Source {
    /// The modules of this file around a place.
    pub fn within(&self, at: Place) -> Vec<String> {
        let around = self.modules.iter().filter(|m| m.inside.as_ref().is_some_and(|i| i.contains(&at)));
        let deepest = around.max_by_key(|module| module.within.len());
        deepest.map_or_else(Vec::new, |m| [&m.within[..], std::slice::from_ref(&m.name)].concat())
    }
}

/// Where the compiler looks for a module's file.
fn places(file: &str, within: &[String], name: &str, path: Option<&str>) -> Vec<String> {
    let (folder, own) = file.rsplit_once('/').unwrap_or(("", file));
    let stem = own.trim_end_matches(".rs");
    let is_head = matches!(stem, "mod" | "lib" | "main");
    let join = |parts: Vec<&str>| {
        let mut whole: Vec<&str> = Vec::new();
        for part in parts.iter().flat_map(|part| part.split('/')).filter(|part| !part.is_empty()) {
            match part {
                "." => {}
                ".." => drop(whole.pop()),
                part => whole.push(part),
            }
        }
        whole.join("/")
    };
    let mut base = vec![folder];
    if let Some(path) = path {
        if !within.is_empty() {
            base.extend((!is_head).then_some(stem));
            base.extend(within.iter().map(String::as_str));
        }
        base.push(path);
        return vec![join(base)];
    }
    base.extend((!is_head).then_some(stem));
    base.extend(within.iter().map(String::as_str));
    let (flat, deep) = (format!("{name}.rs"), format!("{name}/mod.rs"));
    [flat, deep].iter().map(|last| join([&base[..], &[last.as_str()]].concat())).collect()
}

/// Every path of two names or more, with its place.
fn paths(words: &[(Word, Place)]) -> Vec<(Vec<String>, Place)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < words.len() {
        let (Word::Name(first), at) = &words[i] else {
            i += 1;
            continue;
        };
        let inner = i > 0 && matches!(words[i - 1].0, Word::Into | Word::Other('.'));
        let mut path = vec![first.clone()];
        let mut next = i + 1;
        while let [(Word::Into, _), (Word::Name(name), _), ..] = &words[next..] {
            path.push(name.clone());
            next += 2;
        }
        if !inner && path.len() > 1 {
            found.push((path, *at));
        }
        i = next;
    }
    found
}
