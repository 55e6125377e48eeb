//! The data behind a pasted report, and saved reports read back: from JSON, or from the very paste.
//!
//! The data are the report's JSON, deflated (RFC 1950), in base64 of 72 columns, under a line that says of how many bytes and with which
//! sum. Quote marks, wrapping, CRLF and text around it change none of this; a changed letter is noticed.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::{redact, seal};
use crate::model::report::{FORMAT_VERSION, Report};
use crate::model::text::clean;

/// Columns of a line of data: what mailers leave alone.
const COLUMNS: usize = 72;
/// A report is never larger than this, unpacked.
const MAX_JSON: usize = 4 << 20;
/// Nor does it have so many objects and lists: each costs far more in memory than its two letters do here.
const MAX_PARTS: usize = 30_000;
const BEGIN: &str = "-- data of CDR-";
const END: &str = "-- end of data --";

/// Why there is no report in a text.
#[derive(Debug)]
pub enum Unreadable {
    /// Neither JSON nor a paste.
    NoReport,
    /// A pasted report without data.
    NoData,
    /// The data's end is missing.
    Cut,
    /// The data are there and are not what was written.
    Changed,
    /// Larger than any report.
    TooLarge,
    /// JSON, but not a report.
    NotOurs(String),
    /// A report of another major version.
    OtherMajor(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoReport => f.write_str("no report: neither JSON nor a paste of connector-doctor report"),
            Self::NoData => f.write_str(
                "a pasted report without its data: ask for connector-doctor report --with-data, or check it with render --verify",
            ),
            Self::Cut => write!(f, "the data's last line, \"{END}\", is missing: the paste was cut"),
            Self::Changed => f.write_str("the data do not match their sum: the paste was edited or cut"),
            Self::TooLarge => write!(
                f,
                "larger than any report: more than {} MiB, or {MAX_PARTS} lists and objects",
                MAX_JSON >> 20
            ),
            Self::NotOurs(why) => write!(f, "not a report: {why}"),
            Self::OtherMajor(version) => write!(
                f,
                "a report of format {version}, this version reads {FORMAT_VERSION}: take a connector-doctor that reads it"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

/// The report's data, lines to be pasted; `json` is the report's own.
pub fn data(id: &str, json: &str) -> String {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; if it did, the sum would tell.
    let _ = packer.write_all(json.as_bytes());
    let coded = STANDARD.encode(packer.finish().unwrap_or_default());
    let mut text = format!("-- data of {id}: {} bytes, sum {} --\n", json.len(), seal::sum(&coded));
    for line in coded.as_bytes().chunks(COLUMNS) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + END + "\n"
}

/// The report that a saved file or a paste holds, as it was judged then.
///
/// # Errors
/// [`Unreadable`] says which and why.
pub fn read(text: &str) -> Result<Report, Unreadable> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let json = if text.starts_with('{') { text.to_owned() } else { unpack(text)? };
    is_small(&json)?;
    // First of all: what another major version wrote may have another shape.
    if let Ok(Version { format_version }) = serde_json::from_str(&json) {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&format_version) != major(FORMAT_VERSION) {
            return Err(Unreadable::OtherMajor(clean(&format_version, 20)));
        }
    }
    redact::load(&json).map_err(|e| Unreadable::NotOurs(e.to_string()))
}

/// Refuses what no run writes, before it takes memory.
fn is_small(json: &str) -> Result<(), Unreadable> {
    let parts = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if json.len() > MAX_JSON || parts > MAX_PARTS { Err(Unreadable::TooLarge) } else { Ok(()) }
}

/// What is read of any version's report.
#[derive(Deserialize)]
struct Version {
    format_version: String,
}

/// The JSON out of a paste's data.
fn unpack(text: &str) -> Result<String, Unreadable> {
    let lines: Vec<String> = text.lines().map(seal::unquoted).collect();
    let joined = lines.join("\n");
    let Some((_, data)) = joined.rsplit_once(BEGIN) else {
        if let Some(json) = pasted_json(&joined) {
            return Ok(json);
        }
        let pasted = joined.contains("-- end of CDR-") || joined.contains("connector-doctor ");
        return Err(if pasted { Unreadable::NoData } else { Unreadable::NoReport });
    };
    let (_, data) = data.split_once("sum ").ok_or(Unreadable::Changed)?;
    let (sum, data) = data.split_once("--").ok_or(Unreadable::Changed)?;
    let squeezed: String = data.split(|c: char| c.is_whitespace() || c == '>').collect();
    let end: String = END.split_whitespace().collect();
    let (coded, _) = squeezed.split_once(&end).ok_or(Unreadable::Cut)?;
    if seal::sum(coded) != sum.trim() {
        return Err(Unreadable::Changed);
    }
    let packed = STANDARD.decode(coded).map_err(|_| Unreadable::Changed)?;
    let mut json = String::new();
    let unpacked = ZlibDecoder::new(packed.as_slice()).take(MAX_JSON as u64 + 1).read_to_string(&mut json);
    unpacked.map(|_| json).map_err(|_| Unreadable::Changed)
}

/// The last report that stands in a text as JSON.
fn pasted_json(text: &str) -> Option<String> {
    let from = text.get(..text.rfind("\"format_version\"")?)?.rfind('{')?;
    let mut values = Deserializer::from_str(text.get(from..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let to = from + values.byte_offset();
    text.get(from..to).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        crate::pipeline::judge(crate::model::Facts::default(), &crate::model::Policy::default())
    }

    fn pasted() -> String {
        data("CDR-AAAA-BBBB", &serde_json::to_string(&report()).unwrap())
    }

    #[test]
    fn data_survive_quoting_wrapping_and_a_ticket_around_them() {
        let wrapped = |text: &str, at: usize| -> String {
            let lines = text.lines().flat_map(|line| {
                let bytes: Vec<char> = line.chars().collect();
                bytes.chunks(at).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>()
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        let quoted = format!("Hello,\n\n> > {}\n-- \nBob", pasted().replace('\n', "\n> > "));
        for paste in [
            pasted(),
            quoted.clone(),
            wrapped(&quoted, 72),
            wrapped(&quoted, 40),
            quoted.replace('\n', "  \r\n"),
        ] {
            assert_eq!(read(&paste).unwrap(), report(), "{paste}");
        }
        let json = super::super::json::to_json(&report());
        let ticket = format!("Hello,\n> ```json\n> {}```\n-- \nBob {{}}", json.replace('\n', "\n> "));
        assert_eq!(read(&ticket).unwrap(), report());
        assert_eq!(
            read(&format!("\u{feff} {}", serde_json::to_string(&report()).unwrap())).unwrap(),
            report()
        );
    }

    #[test]
    fn every_changed_letter_and_every_cut_is_noticed() {
        let paste = pasted();
        let first = paste.find('\n').unwrap() + 1;
        for at in (first..paste.len() - END.len() - 2).step_by(7) {
            let mut bytes = paste.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(matches!(read(&changed), Err(Unreadable::Changed)), "{at}");
            assert!(read(&paste[..at]).is_err(), "{at}");
        }
        assert!(matches!(read("hello"), Err(Unreadable::NoReport)));
        assert!(matches!(read("-- end of CDR-A: 1"), Err(Unreadable::NoData)));
        assert!(matches!(read("{}"), Err(Unreadable::NotOurs(_))));
        let newer = serde_json::to_string(&report()).unwrap().replace(FORMAT_VERSION, "2.0");
        assert!(matches!(read(&newer), Err(Unreadable::OtherMajor(_))));
        // Whatever else it holds.
        assert!(matches!(read("{\"format_version\": \"0.9\"}"), Err(Unreadable::OtherMajor(_))));
        assert!(matches!(read("{\"format_version\": \"1.9\"}"), Err(Unreadable::NotOurs(_))));
    }

    #[test]
    fn a_bomb_is_bounded() {
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&vec![b' '; 1 << 20]).unwrap();
        let coded = STANDARD.encode(packer.finish().unwrap());
        let paste = format!("{BEGIN}A: 1 bytes, sum {} --\n{coded}\n{END}", seal::sum(&coded));
        assert!(matches!(read(&paste), Err(Unreadable::NotOurs(_))));
        for bomb in
            [format!("{{\"a\":[{}1]}}", "{},".repeat(MAX_PARTS)), format!("{{{}}}", " ".repeat(MAX_JSON))]
        {
            assert!(matches!(read(&bomb), Err(Unreadable::TooLarge)), "as it is");
            assert!(matches!(read(&data("CDR-A", &bomb)), Err(Unreadable::TooLarge)), "packed");
        }
    }
}
