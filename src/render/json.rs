//! The JSON report, format 1.0: the model as it is, every key present; never a second truth.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::Style;
use super::redact::{Level, to_label};
use crate::model::report::Report;
use crate::model::text::is_shown;

/// Writes the report as JSON, indented.
pub fn render(report: &Report, _: &Style) -> String {
    write(report, Level::of(report))
}

/// The raw facts alone.
pub(super) fn facts(report: &Report) -> String {
    write(&report.facts, Level::of(report))
}

/// Any value as indented JSON with a newline at its end, safe to print on a terminal.
pub fn to_json<T: Serialize>(value: &T) -> String {
    write(value, Level::None)
}

/// The same, with labels for the addresses that stand for them.
pub(super) fn write<T: Serialize>(value: &T, level: Level) -> String {
    let mut out = Vec::new();
    let formatter = Terminal { pretty: PrettyFormatter::new(), level };
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    debug_assert!(written.is_ok(), "our own types have string keys and finite numbers: {written:?}");
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Escapes, beyond what JSON asks for, characters that steer a terminal or turn the reading direction;
/// and writes labels for the addresses that stand for them.
struct Terminal {
    pretty: PrettyFormatter<'static>,
    level: Level,
}

impl Formatter for Terminal {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let label = if self.level > Level::None { to_label(fragment, self.level) } else { None };
        let fragment = label.as_deref().unwrap_or(fragment);
        let mut done = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| !is_shown(*c)) {
            out.write_all(&fragment.as_bytes()[done..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            done = at + c.len_utf8();
        }
        out.write_all(&fragment.as_bytes()[done..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steering_characters_are_escaped_and_come_back_as_they_were() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{e0041}\"\\z\u{e9}";
        let json = to_json(&[hostile]);
        assert!(json.chars().all(|c| c == '\n' || is_shown(c)), "{json}");
        assert!(json.contains("\\udb40\\udc41"), "{json}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [hostile]);
    }
}
