//! What is to be done: the meaning of a command line.

use std::path::PathBuf;

use crate::cli::peer::Asked;
use crate::config::Said;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Check this host.
    Check(Said),
    /// Check the embedded internet.
    Lab {
        /// The scenario's name.
        scenario: String,
        /// What was said; no targets.
        said: Said,
    },
    /// Name the scenarios.
    LabList,
    /// Keep a scenario up until interrupted.
    LabServe {
        /// The scenario's name.
        scenario: String,
        /// Where its files go.
        dir: PathBuf,
    },
    /// Name every check and every cause.
    List {
        /// As JSON.
        json: bool,
    },
    /// Print the page of a cause or a check.
    Explain {
        /// Its code or id; none to list what there is.
        name: Option<String>,
    },
    /// Check this host, for pasting.
    Report {
        /// What was said.
        said: Said,
        /// The redacted JSON behind the text.
        with_data: bool,
    },
    /// Say what a check would touch.
    Plan(Said),
    /// Write a saved report.
    Render {
        /// The file, or `-`.
        file: PathBuf,
        /// What was said; nothing of a run.
        said: Said,
    },
    /// Say whether a pasted report is what was written.
    Verify {
        /// The file, or `-`.
        file: PathBuf,
    },
    /// Compare two saved reports.
    Diff {
        /// The earlier one.
        old: PathBuf,
        /// The later one.
        new: PathBuf,
        /// What was said; nothing of a run.
        said: Said,
    },
    /// Check this host again and again, and keep what is seen.
    Watch(Said),
    /// Tell what was kept.
    History {
        /// How far back.
        since: Option<String>,
        /// The file of the page.
        html: Option<PathBuf>,
        /// What was said; the store and the look alone.
        said: Said,
    },
    /// Prove that this host and another can speak directly.
    Peer {
        /// What the command itself takes.
        asked: Asked,
        /// What was said; STUN servers and resolvers, families, time and look alone.
        said: Said,
    },
    /// Say what a Connector's log shows.
    Logs {
        /// The file, or `-`; the journal where none is named.
        file: Option<PathBuf>,
        /// What was said; nothing of a run.
        said: Said,
    },
    /// Print the JSON Schema of the report.
    Schema,
    /// Print a shell's completions.
    Completions {
        /// The shell's name.
        shell: String,
    },
    /// Print the manual page.
    Man,
}

/// The scenario of `lab` where none is named.
pub const DEFAULT_SCENARIO: &str = "healthy";
