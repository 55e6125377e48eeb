//! What stood last in the store.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::error::StoreError;

/// A settled value: its name, the value, its cause.
pub type Standing = (String, String, Option<String>);

/// What stood last, by name. The latest session may be too young to have settled anything: a few before it are asked.
pub(super) fn standing(db: &Connection) -> Result<Vec<Standing>, StoreError> {
    let mut query = db.prepare(
        "SELECT name.name, value, cause FROM state JOIN name ON name.id = state.name
         WHERE settled AND session > (SELECT max(id) - 20 FROM session) ORDER BY session, t_ms",
    )?;
    let rows = query.query_map([], |row| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?))))?;
    let latest: BTreeMap<_, (String, Option<String>)> = rows.collect::<Result<_, _>>()?;
    Ok(latest.into_iter().map(|(name, (value, cause))| (name, value, cause)).collect())
}
