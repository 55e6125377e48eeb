//! `history`: what `watch` kept, told; asks no server.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};

use super::check::{level, meant};
use super::output;
use crate::config::{ConfigError, Said, parse_duration_within};
use crate::env::Env;
use crate::render::Style;
use crate::render::history::{self as write, page, terminal};
use crate::render::redact::redact_history;
use crate::watch::history;
use crate::watch::place::place;
use crate::watch::store::{Reader, StoreError};

/// How far back where nobody says it.
const SINCE: Duration = Duration::from_hours(24 * 7);
/// Bounds of `--since`: a minute, and what the store keeps.
const RANGE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(24 * 731));

/// Reads the store and prints; with `html` writes a page instead, unless JSON is asked for, too.
pub(super) fn run(env: &Env, since: Option<&str>, html: Option<&Path>, said: Said) -> anyhow::Result<u8> {
    let span = since.map_or(Ok(SINCE), |text| parse_duration_within(text, RANGE));
    let span = span.map_err(|problem| ConfigError::new(&format!("--since: {problem}")))?;
    let meant = meant(env, said)?;
    let place = place(env, meant.keep.store.as_deref()).context("no state directory; say --store FILE")?;
    let told = Reader::open(&place.file)
        .and_then(|reader| history::load(&reader, span, env.wall_ns()))
        .map_err(|error| match error {
            StoreError::Missing => {
                anyhow!("no history: {} does not exist; watch makes it", place.file.display())
            }
            error => anyhow!("cannot read {}: {error}", place.file.display()),
        })?;
    let told = redact_history(&history::history(&told.rows, told.since, told.now), level(meant.redact));
    if let Some(path) = html {
        output::write_file(path, &page::render(&told), 0o600)?;
    }
    let json = meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json");
    if json {
        output::print(&write::json(&told));
    } else if html.is_none() {
        let colour = output::coloured(meant.color, env);
        colored::control::set_override(colour);
        let width = usize::from(meant.width);
        output::print(&terminal::render(&told, &Style { width, colour, ..Style::default() }));
    }
    Ok(0)
}
