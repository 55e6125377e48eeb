//! One source file as the rules see it: its tokens and uses without what stands under `cfg(test)`.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit as _;

use super::items::{Seen, is_test, place};

/// A place in a file: line from 1, column from 0.
pub type Place = (usize, usize);

/// What a path is made of, and what is compared with ids.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    Name(String),
    /// `::`.
    Into,
    /// The value of a string literal.
    Text(String),
    /// Anything else; of a mark, which.
    Other(char),
}

/// A leaf of a `use`.
#[derive(Clone, Debug)]
pub struct Use {
    pub at: Place,
    /// As written, without braces; a glob ends with `*`, and `self` is resolved away.
    pub path: Vec<String>,
    /// The name that it gives here; none for a glob or `_`.
    pub name: Option<String>,
    pub public: bool,
}

/// A `mod name;` or the head of a `mod name { }`.
#[derive(Clone, Debug)]
pub struct Declared {
    pub name: String,
    /// Of `#[path]`.
    pub path: Option<String>,
    pub test: bool,
    /// Where its braces stand, if it has any.
    pub inside: Option<Range<Place>>,
    /// Names of the modules around it within this file.
    pub within: Vec<String>,
}

/// A public item that can be told by its name.
#[derive(Clone, Debug)]
pub struct Public {
    pub name: String,
    pub span: Range<Place>,
}

/// A parsed file.
#[derive(Debug)]
pub struct Source {
    /// Below `src`, `checks/dns.rs`.
    pub path: String,
    /// Whether the whole file says of itself that it is for tests.
    pub test: bool,
    /// Words outside of tests and of `use`, with their places.
    pub words: Vec<(Word, Place)>,
    pub uses: Vec<Use>,
    pub modules: Vec<Declared>,
    /// Names of the items outside of tests, with the modules of this file around them.
    pub items: Vec<(Vec<String>, String)>,
    pub public: Vec<Public>,
    /// Blocks of `impl`: the type's name, and where.
    pub impls: Vec<(String, Range<Place>)>,
    /// Lines outside of tests.
    pub lines: usize,
    /// Places of a `cfg(test)` that is not in front of an item.
    pub odd: Vec<Place>,
    /// Whether the first line says what the file is for.
    pub introduced: bool,
}

impl Source {
    /// Parses a file; `path` is below `src`.
    pub fn parse(path: &str, text: &str) -> Self {
        let stream: TokenStream = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        let file: syn::File = syn::parse2(stream.clone()).unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut seen = Seen::default();
        seen.visit_file(&file);
        let mut source = Self {
            path: path.to_owned(),
            test: is_test(&file.attrs),
            words: Vec::new(),
            uses: seen.uses,
            modules: seen.modules,
            items: seen.items,
            public: seen.public,
            impls: seen.impls,
            lines: 0,
            odd: Vec::new(),
            introduced: text.starts_with("//! "),
        };
        let all = text.lines().count();
        let tests: usize = seen.tests.iter().map(|test| test.end.0 + 1 - test.start.0).sum();
        source.lines = if source.test { 0 } else { all - tests };
        if !source.test {
            words(stream, &mut source.words);
            let hidden = |at: &Place| seen.tests.iter().chain(&seen.in_uses).any(|span| span.contains(at));
            source.words.retain(|(_, at)| !hidden(at));
            source.odd = odd(&source.words);
        }
        source
    }
}

/// Flattens; a group is its marks with what is between them.
fn words(stream: TokenStream, into: &mut Vec<(Word, Place)>) {
    let mut colon = false;
    for tree in stream {
        let at = place(tree.span().start());
        let mut half = false;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ('(', ')'),
                    proc_macro2::Delimiter::Brace => ('{', '}'),
                    proc_macro2::Delimiter::Bracket => ('[', ']'),
                    proc_macro2::Delimiter::None => (' ', ' '),
                };
                into.push((Word::Other(open), at));
                words(group.stream(), into);
                into.push((Word::Other(close), place(group.span_close().start())));
            }
            TokenTree::Ident(name) => {
                into.push((Word::Name(name.to_string().trim_start_matches("r#").to_owned()), at));
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' && colon => {
                into.pop();
                into.push((Word::Into, at));
            }
            TokenTree::Punct(mark) => {
                half = mark.as_char() == ':' && mark.spacing() == proc_macro2::Spacing::Joint;
                into.push((Word::Other(mark.as_char()), at));
            }
            TokenTree::Literal(literal) => into.push((
                match syn::Lit::new(literal) {
                    syn::Lit::Str(text) => Word::Text(text.value()),
                    _ => Word::Other('0'),
                },
                at,
            )),
        }
        colon = half;
    }
}

/// What says `cfg(… test …)` and was not taken for an item's.
fn odd(words: &[(Word, Place)]) -> Vec<Place> {
    let name = |word: &Word, name: &str| matches!(word, Word::Name(n) if n == name);
    let mut found = Vec::new();
    for (i, (word, at)) in words.iter().enumerate() {
        // `cfg!(test)`, too.
        let next = i + 1 + usize::from(matches!(words.get(i + 1), Some((Word::Other('!'), _))));
        let opened = matches!(words.get(next), Some((Word::Other('('), _)));
        if !opened || !(name(word, "cfg") || name(word, "cfg_attr")) {
            continue;
        }
        let mut depth = 0;
        for (word, _) in &words[next..] {
            match word {
                Word::Other('(') => depth += 1,
                Word::Other(')') => depth -= 1,
                word if name(word, "test") => found.push(*at),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}
