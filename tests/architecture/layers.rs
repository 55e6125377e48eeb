//! The table of layers, read from the documentation of src/lib.rs, its only place.

use std::collections::BTreeMap;

/// What a layer may import of ours.
#[derive(Clone, Debug, PartialEq)]
pub enum May {
    All,
    These(Vec<String>),
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    pub may: May,
    /// Whether it names nothing impure.
    pub pure: bool,
}

/// By their names.
pub type Layers = BTreeMap<String, Layer>;

/// What the third column says of a pure layer.
const PURE: &str = "anything impure";

/// Reads the rows `| layers | may import | never names |` out of a file's own documentation.
pub fn layers(text: &str) -> Layers {
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! |")?.strip_suffix('|'));
    let mut layers = Layers::new();
    for row in rows.skip(2) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [names, may, never] = cells[..] else { panic!("not three columns: {row}") };
        let may = if may.starts_with("all") { May::All } else { May::These(quoted(may)) };
        for name in quoted(names) {
            let layer = Layer { may: may.clone(), pure: never.starts_with(PURE) };
            assert_eq!(layers.insert(name, layer), None, "a layer stands twice: {row}");
        }
    }
    for (name, layer) in &layers {
        if let May::These(others) = &layer.may {
            let unknown: Vec<_> = others.iter().filter(|other| !layers.contains_key(*other)).collect();
            assert!(unknown.is_empty(), "{name} may import what is no layer: {unknown:?}");
        }
    }
    layers
}

/// The words between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
