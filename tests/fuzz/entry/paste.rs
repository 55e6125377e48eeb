//! One input through the reader of saved and pasted reports, and of what is judged of it; the fuzz target and the ordinary test both call it.

use connector_doctor::model::Policy;
use connector_doctor::pipeline::judge;
use connector_doctor::render::{paste, seal};

/// The bytes as a report, as a paste, and as the data behind one.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for text in [text.to_string(), paste::data("CDR-AAAA-AAAA", &text)] {
        if let Ok(report) = paste::read(&text) {
            // What is read is judged, whatever it holds.
            let judged = judge(report.report.facts, &Policy::default());
            assert!(!judged.checks.is_empty());
        }
        for part in seal::parts(&text) {
            let _ = seal::verify(&part);
        }
    }
}
