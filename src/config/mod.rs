//! What the user said, and what it means: **said → meant**. Pure: variables and file contents are arguments.
//!
//! [`sources`] collects what each source said, the strongest first; [`Meant::of`] joins and validates it;
//! [`Meant::with_host`] fills what is open with what this host is configured with.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

mod choice;
mod controller;
pub mod defaults;
mod duration;
mod endpoint;
mod environment;
mod error;
mod file;
mod format;
mod given;
mod glob;
mod keep;
pub mod last_known;
mod meant;
mod merge;
mod options;
mod origin;
mod resource;
mod said;
mod source;

pub use choice::{Choice, Color, ExitCodes, FailOn, Family, Redact};
pub use controller::Controller;
pub use duration::{parse_duration, parse_duration_within, show as show_duration};
pub use endpoint::{Host, HostPort, parse_resolver};
pub use environment::environment;
pub use error::{ConfigError, nearest, unknown};
pub use file::file;
pub use format::FormatSpec;
pub use glob::parse_glob;
pub use keep::Keep;
pub use meant::{Known, Meant};
pub use options::PREFIX;
pub use origin::{Named, Origin};
pub use resource::{Resource, SaidResource};
pub use said::{KEPT, Said, SaidAllow, TARGETS};
pub use source::Source;

/// What every source said, the strongest first: command line, environment, the file that either names,
/// the user's own file (not where `root` runs), the system's file.
///
/// `read` returns a file's bytes and may stop after [`defaults::MAX_FILE`] + 1 of them. A system's file that
/// does not exist says nothing; one that cannot be read is an error, since ignoring it would change the result.
pub fn sources(
    command_line: Said,
    vars: &BTreeMap<String, String>,
    root: bool,
    mut read: impl FnMut(&Path) -> io::Result<Vec<u8>>,
) -> Result<Vec<Source>, ConfigError> {
    let mut sources = vec![Source::command_line(command_line), environment(vars)?];
    let named = merge::Sources(&sources).first(|said| said.config.clone());
    let named = named.map(|(source, path)| (source.origin("config", ""), path));
    if let Some((origin, path)) = &named {
        let bytes = read(path).map_err(|e| ConfigError::unreadable(origin, "config", path, &e))?;
        sources.push(file(path, &bytes)?);
    }
    // What an ordinary user wrote may not steer a run of root's.
    let own = if root { None } else { user_file(vars) };
    for path in own.into_iter().chain([PathBuf::from(defaults::SYSTEM_FILE)]) {
        if named.as_ref().is_some_and(|(_, named)| *named == path) {
            continue;
        }
        match read(&path) {
            Ok(bytes) => sources.push(file(&path, &bytes)?),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(e) => {
                let origin = Origin::File { path: path.clone(), line: None };
                return Err(ConfigError::unreadable(&origin, "", &path, &e));
            }
        }
    }
    Ok(sources)
}

/// The user's own file, by the XDG base directories: a relative path there counts as unset.
fn user_file(vars: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folder = |name: &str| vars.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("connector-doctor/config.toml"))
}

#[cfg(test)]
mod tests;
