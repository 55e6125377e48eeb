//! What `watch` does beside checking: its pace, its store, whom it tells.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::defaults;
use super::duration::parse_duration_within;
use super::error::{ConfigError, quoted};
use super::merge::Sources;

/// What is meant by the options of `watch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// From the beginning of one observation to the next.
    pub every: Duration,
    /// The store's file; none means the usual place.
    pub store: Option<PathBuf>,
    /// Where `/metrics` is served.
    pub listen: Option<SocketAddr>,
    /// The file that the metrics are written to.
    pub textfile: Option<PathBuf>,
}

impl Keep {
    pub(super) fn of(all: &Sources<'_>) -> Result<Self, ConfigError> {
        let every = |text: &str| parse_duration_within(text, defaults::EVERY_RANGE);
        if let Some((source, _)) = all.first(|s| s.textfile.as_ref()).filter(|(s, _)| !s.is_command_line()) {
            let problem = "a file to write is named on the command line alone";
            return Err(ConfigError::at(&source.origin("textfile", ""), "textfile", problem));
        }
        Ok(Self {
            every: all.text("every", |s| s.every.as_deref(), every)?.unwrap_or(defaults::EVERY),
            store: all.path("store", |s| s.store.as_ref())?.map(|named| named.at),
            listen: all.text("listen", |s| s.listen.as_deref(), listen)?,
            textfile: all.path("textfile", |s| s.textfile.as_ref())?.map(|named| named.at),
        })
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{} is no address with a port; write 127.0.0.1:19808 or [::1]:19808", quoted(text))
    })
}
