//! The data behind a pasted report, and saved reports read back: from JSON, or from the very paste.
//!
//! The data are the report's JSON, packed (see `pack`), under a line that says of how many bytes and with which sum. Quote
//! marks, wrapping, CRLF, text around it and most of what mailers and ticket systems do (see `damage`) change none of this; a
//! changed letter is noticed.

mod brief;
mod damage;
mod frame;
mod pack;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use self::damage::Found;
use self::frame::{END, framed};
use self::pack::Spoilt;
use super::{redact, seal};
use crate::model::report::{FORMAT_VERSION, Report};
use crate::model::text::{clean, list};

pub use self::brief::brief;

/// Columns of a line of data: what mailers leave alone.
const COLUMNS: usize = 72;
/// A report is never larger than this, unpacked.
const MAX_JSON: usize = 4 << 20;
/// Nor does it have so many objects and lists: each costs far more in memory than its two letters do here.
const MAX_PARTS: usize = 30_000;

/// A report that was saved or pasted.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// As it was judged then; without a judgement where its facts are whole and were pasted alone.
    pub report: Report,
    /// What there was no room for; where there is something, its facts cannot be judged anew.
    pub left_out: Vec<String>,
}

/// Why there is no report in a text.
#[derive(Debug)]
pub enum Unreadable {
    /// Neither JSON nor a paste.
    NoReport,
    /// No text at all: what it is instead.
    NoText(&'static str),
    /// A pasted report without data.
    NoData,
    /// The data's end is missing.
    Cut,
    /// The data are there and are not what was written.
    Changed,
    /// Larger than any report.
    TooLarge,
    /// Packed by another version.
    Newer,
    /// JSON, but not a report.
    NotOurs(String),
    /// A report of another major version.
    OtherMajor(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoReport => f.write_str("no report: neither JSON nor a paste of connector-doctor report"),
            Self::NoText(what) => write!(f, "no report: this is {what}; save the text of the report alone"),
            Self::NoData => f.write_str(
                "a pasted report without its data: paste all lines of connector-doctor report (--with-data for all facts), or check it with render --verify",
            ),
            Self::Cut => write!(f, "the data's last line, \"{END}\", is missing: the paste was cut"),
            Self::Changed => f.write_str("the data do not match their sum: the paste was edited or cut"),
            Self::TooLarge => write!(
                f,
                "larger than any report: more than {} MiB, or {MAX_PARTS} lists and objects",
                MAX_JSON >> 20
            ),
            Self::Newer => f.write_str("the data were packed by a newer connector-doctor: use that version"),
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
    framed(id, json.len(), &pack::pack(json.as_bytes()), COLUMNS)
}

/// The report that a saved file or a paste holds.
///
/// # Errors
/// [`Unreadable`] says which and why.
pub fn read(text: &str) -> Result<Saved, Unreadable> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let json = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) if serde_json::from_str::<Version>(text).is_ok() => text.to_owned(),
        // A report may stand in another program's JSON as a string.
        Ok(_) if text.starts_with('{') => {
            is_small(text)?;
            unpack(text).map_err(|_| Unreadable::NotOurs("missing field `format_version`".to_owned()))?
        }
        // `{code}` of a ticket begins like JSON.
        Err(error) if text.starts_with('{') => unpack(text).map_err(|why| match why {
            Unreadable::NoReport => Unreadable::NotOurs(error.to_string()),
            other => other,
        })?,
        _ => unpack(text)?,
    };
    is_small(&json)?;
    // First of all: what another major version wrote may have another shape.
    if let Ok(Version { format_version }) = serde_json::from_str(&json) {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&format_version) != major(FORMAT_VERSION) {
            return Err(Unreadable::OtherMajor(clean(&format_version, 20)));
        }
    }
    let left_out = serde_json::from_str(&json).map_or_else(|_| Vec::new(), |Brief { left_out }| left_out);
    let report = redact::load(&json).map_err(|e| Unreadable::NotOurs(e.to_string()))?;
    Ok(Saved { report, left_out: left_out.iter().map(|part| clean(part, 80)).collect() })
}

/// Refuses what no run writes, before it takes memory.
fn is_small(json: &str) -> Result<(), Unreadable> {
    let parts = json.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if json.len() > MAX_JSON || parts > MAX_PARTS { Err(Unreadable::TooLarge) } else { Ok(()) }
}

impl Saved {
    /// What was left out, in words; none where all is there.
    pub fn lacks(&self) -> Option<String> {
        (!self.left_out.is_empty()).then(|| list(&self.left_out))
    }
}

/// What is read of any version's report.
#[derive(Deserialize)]
struct Version {
    format_version: String,
}

/// What a brief report says beside its own keys.
#[derive(Deserialize)]
struct Brief {
    #[serde(default)]
    left_out: Vec<String>,
}

/// The JSON out of a paste's data.
fn unpack(text: &str) -> Result<String, Unreadable> {
    if let Some(what) = damage::no_text(text) {
        return Err(Unreadable::NoText(what));
    }
    let mut worst = Unreadable::NoReport;
    for reading in damage::readings(text) {
        let lines = damage::bare(&reading);
        worst = match damage::find(&lines) {
            Found::Data(sum, guesses) => match guesses.iter().find(|coded| seal::sum(coded) == sum) {
                Some(coded) => return opened(coded),
                None => Unreadable::Changed,
            },
            Found::NoSum => Unreadable::Changed,
            Found::Cut if !matches!(worst, Unreadable::Changed) => Unreadable::Cut,
            Found::Nothing if matches!(worst, Unreadable::NoReport | Unreadable::NoData) => {
                let joined = lines.join("\n");
                if let Some(json) = pasted_json(&joined).or_else(|| pasted_json(&reading)) {
                    return Ok(json);
                }
                let pasted = joined.contains("end of CDR-") || joined.contains("connector-doctor ");
                if pasted { Unreadable::NoData } else { worst }
            }
            Found::Cut | Found::Nothing => worst,
        };
    }
    Err(worst)
}

fn opened(coded: &str) -> Result<String, Unreadable> {
    let bytes = pack::unpack(coded, MAX_JSON).map_err(|spoilt| match spoilt {
        Spoilt::Bytes => Unreadable::Changed,
        Spoilt::Large => Unreadable::TooLarge,
        Spoilt::Dictionary => Unreadable::Newer,
    })?;
    String::from_utf8(bytes).map_err(|_| Unreadable::Changed)
}

/// The last report that stands in a text as JSON.
fn pasted_json(text: &str) -> Option<String> {
    let from = text.get(..text.rfind("\"format_version\"")?)?.rfind('{')?;
    let mut values = Deserializer::from_str(text.get(from..)?).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let to = from + values.byte_offset();
    text.get(from..to).map(str::to_owned)
}
