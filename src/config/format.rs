//! What is written, and where to.

use std::path::{Component, PathBuf};

use super::defaults::FORMAT;
use super::error::{ConfigError, quoted, unknown};
use super::merge::Sources;
use super::said::Said;

/// One format and its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatSpec {
    /// A name of the table of formats.
    pub format: String,
    /// The file; none means stdout.
    pub file: Option<PathBuf>,
}

/// The formats of the first source that says any, `--json` being `--format json`.
///
/// Exactly one goes to stdout: where all go to files, the human one does. Files are named on the command line
/// alone, so that no configuration makes a run write.
pub(super) fn formats(all: &Sources<'_>, known: &[&str]) -> Result<Vec<FormatSpec>, ConfigError> {
    let either = |s: &Said| (s.format.is_some() || s.json.is_some()).then(|| (s.format.clone(), s.json));
    let mut specs: Vec<FormatSpec> = Vec::new();
    if let Some((source, (format, json))) = all.first(either) {
        let texts = format.unwrap_or_default();
        for (i, text) in texts.iter().enumerate() {
            let fault = |p: &str| ConfigError::at(&source.origin("format", &format!("[{i}]")), "format", p);
            let spec = parse(text.trim(), known).map_err(|p| fault(&p))?;
            if spec.file.is_some() && !source.is_command_line() {
                return Err(fault("a file to write is named on the command line alone"));
            }
            add(&mut specs, spec).map_err(|p| fault(&p))?;
        }
        if json == Some(true) {
            let spec = FormatSpec { format: "json".to_owned(), file: None };
            add(&mut specs, spec).map_err(|p| ConfigError::at(&source.origin("json", ""), "json", &p))?;
        }
    }
    if specs.iter().all(|spec| spec.file.is_some()) {
        specs.insert(0, FormatSpec { format: FORMAT.to_owned(), file: None });
    }
    Ok(specs)
}

/// `FMT`, `FMT=-` or `FMT=FILE`.
fn parse(text: &str, known: &[&str]) -> Result<FormatSpec, String> {
    let (format, file) = match text.split_once('=') {
        Some((_, "")) => return Err(format!("{} names no file behind its =", quoted(text))),
        Some((format, "-" | "/dev/stdout")) => (format, None),
        Some((format, file)) => (format, Some(PathBuf::from(file))),
        None => (text, None),
    };
    if !known.contains(&format) {
        return Err(unknown("format", format, known.iter().copied()));
    }
    Ok(FormatSpec { format: format.to_owned(), file })
}

/// Adds a destination; one that is taken by another format is refused.
fn add(specs: &mut Vec<FormatSpec>, spec: FormatSpec) -> Result<(), String> {
    // `x` and `./x` are one file.
    let named = |spec: &FormatSpec| {
        spec.file
            .as_ref()
            .map(|file| file.components().filter(|c| *c != Component::CurDir).collect::<PathBuf>())
    };
    match specs.iter().find(|other| named(other) == named(&spec)) {
        Some(other) if other.format != spec.format => {
            let place = spec.file.as_ref().map_or("stdout".into(), |file| file.to_string_lossy());
            Err(format!("{} and {} cannot both go to {place}", other.format, spec.format))
        }
        Some(_) => Ok(()),
        None => {
            specs.push(spec);
            Ok(())
        }
    }
}
