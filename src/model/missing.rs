//! Which packets of a series go missing, where that is no chance: data.

/// The pattern of what goes missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// New flows hear nothing, others every answer.
    NewFlows {
        /// Flows without any answer.
        dead: usize,
        /// Flows with every answer.
        living: usize,
        /// Requests of the dead ones.
        asked: usize,
    },
    /// The first requests pass, much of what follows does not.
    AfterFirst {
        /// Requests answered before the first that was lost.
        first: usize,
        /// Requests after them.
        then: usize,
        /// How many of those were lost.
        lost: usize,
    },
}

impl Missing {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::NewFlows { dead, living, asked } => format!(
                "{dead} new UDP flows got no answer to {asked} requests, while {living} beside them to the same servers got every one"
            ),
            Self::AfterFirst { first, then, lost } => {
                format!(
                    "the first {first} requests were all answered, {lost} of the {then} after them were not"
                )
            }
        }
    }
}
