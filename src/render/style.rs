//! How a report is written, beside its format.

/// How to write, as far as that is not a property of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that a line of the human report may take; held between 40 and 240.
    pub width: usize,
    /// Whether outcome words and the verdict are coloured; whoever says yes has set `colored`'s override.
    pub colour: bool,
    /// 1 adds each check's evidence, 2 its measurements.
    pub verbose: u8,
    /// The human report shows the verdict and its causes alone.
    pub quiet: bool,
    /// How much of the human report there is room for.
    pub room: Room,
    /// Rows of the terminal that the human report is read on: the answer then stands last. None for a file, a pipe, a paste.
    pub rows: Option<usize>,
}

/// Room for a report; ordered, the most first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// As much as it takes.
    #[default]
    Free,
    /// A paste: nothing is said twice.
    Paste,
    /// A paste with more to say than it holds: checks that passed are folded.
    Tight,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 80, colour: false, verbose: 0, quiet: false, room: Room::Free, rows: None }
    }
}
