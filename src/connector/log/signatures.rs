//! The tables of what a Connector's log can show: the words to look for, what they mean, and who says so.
//!
//! Nothing here was tried against a live tenant (see each row's source): correct a row, and all else follows.

use std::sync::LazyLock;

pub use super::row::{Lasts, Row, Weight};
use super::{answers, own, runtime};
use crate::model::facts::Signature as S;

/// The tables, in order; where several rows fit a line, the first stands.
pub const TABLES: &[&[Row]] = &[own::ROWS, answers::ROWS, runtime::ROWS];

/// Every signature.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

/// Rows by the signature's own number.
static BY_NUMBER: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let mut by_number = vec![&own::ROWS[0]; 64];
    for row in rows() {
        if let Some(place) = by_number.get_mut(row.signature as usize) {
            *place = row;
        }
    }
    by_number
});

/// The row of a signature; the tables have one for each.
pub fn row(signature: S) -> &'static Row {
    BY_NUMBER.get(signature as usize).copied().unwrap_or(&own::ROWS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_what_when_and_who() {
        for row in rows() {
            assert!((1..=32).contains(&row.times), "{:?}: memory is bounded", row.signature);
            assert!(row.within_s > 0 && !row.shows.is_empty() && !row.source.is_empty());
            assert!(rows().filter(|other| other.signature == row.signature).count() == 1);
            assert!(
                row.words.iter().all(|(word, _)| word.len() >= 6),
                "{:?}: a short word is found anywhere",
                row.signature
            );
        }
    }
}
