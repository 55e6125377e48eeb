//! Which file uses which, and the circles in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::tree::{Target, Tree};

/// File to the files that it uses, each with a line where it does and what it takes.
pub type Graph = BTreeMap<usize, BTreeMap<usize, (usize, String)>>;

/// The uses of a tree.
pub fn graph(tree: &Tree) -> Graph {
    let mut graph = Graph::new();
    for mention in &tree.mentions {
        if let Target::Ours { file, module: false, .. } = mention.target
            && file != mention.from
        {
            let place = (mention.line, mention.path.join("::"));
            graph.entry(mention.from).or_default().entry(file).or_insert(place);
        }
    }
    graph
}

/// The sets of files each of which leads back to itself, largest first.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<usize>> {
    let reached = |from: usize| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            open.extend(
                graph.get(&file).into_iter().flat_map(|uses| uses.keys()).filter(|to| seen.insert(**to)),
            );
        }
        seen
    };
    let reach: BTreeMap<usize, BTreeSet<usize>> = graph.keys().map(|file| (*file, reached(*file))).collect();
    let both = |a: &usize, b: &usize| reach.get(a).is_some_and(|seen| seen.contains(b));
    let mut circles: Vec<BTreeSet<usize>> = Vec::new();
    for file in graph.keys().filter(|file| both(file, file)) {
        if !circles.iter().any(|circle| circle.contains(file)) {
            circles.push(reach[file].iter().filter(|other| both(other, file)).copied().collect());
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// The circles in words: each arrow within one, with where it stands and what it takes.
pub fn complaints(tree: &Tree) -> Vec<String> {
    let graph = graph(tree);
    let name = |file: &usize| tree.sources[*file].path.as_str();
    let words = circles(&graph).into_iter().map(|circle| {
        let names: Vec<&str> = circle.iter().map(name).collect();
        let mut text = format!("a circle of {} files: {}", names.len(), names.join(", "));
        for from in &circle {
            for (to, (line, path)) in graph[from].iter().filter(|(to, _)| circle.contains(to)) {
                let _ = write!(text, "\n  {}:{line} takes {path} of {}", name(from), name(to));
            }
        }
        text
    });
    words.collect()
}
