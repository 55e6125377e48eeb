//! What writing takes: the report of a host with 10,000 interfaces and 500 servers, in each format. The design allows 100 ms.

use connector_doctor::render::redact::{Level, redact};
use connector_doctor::render::{FORMATS, Style};

use crate::measure::function;
use crate::reports;

pub fn run() {
    let report = reports::huge();
    for (word, level) in Level::ALL {
        function(&format!("redact at {word}"), || redact(&report, level).expect("it can be redacted"));
    }
    for format in FORMATS {
        let text = (format.render)(&report, &Style::default());
        let what =
            format!("write {} ({} lines, {} KB)", format.name, text.lines().count(), text.len() / 1000);
        function(&what, || (format.render)(&report, &Style::default()));
    }
}
