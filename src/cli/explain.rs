//! `explain`: the page of a cause or a check, out of the tables; offline.

use anyhow::bail;

use super::output;
use crate::config::unknown;
use crate::{checks, diagnosis};

/// Prints the page; a misspelt name is told the nearest.
pub(super) fn run(name: &str) -> anyhow::Result<u8> {
    let Some((_, page)) = pages().find(|(known, _)| *known == name) else {
        bail!("{}; see list", unknown("cause or check", name, pages().map(|(known, _)| known)));
    };
    output::print(page);
    Ok(0)
}

/// Every page by its name, the one of what no rule explains included.
fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let causes = diagnosis::all().map(|c| (c.code, c.page));
    let checks = checks::all().map(|c| (c.id, c.page));
    causes.chain(checks).chain([("unexplained", include_str!("../../docs/causes/unexplained.md"))])
}
