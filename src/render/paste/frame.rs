//! The frame around data: a line before them with their size and sum, a line behind them.

use crate::render::seal;

/// The line behind the data.
pub(super) const END: &str = "-- end of data --";
/// The key under which a brief report says what it left out.
pub(super) const LEFT_OUT: &str = "left_out";

/// Data of `bytes` bytes, coded, in lines of `columns`.
pub(super) fn framed(id: &str, bytes: usize, coded: &str, columns: usize) -> String {
    let mut text = format!("-- data of {id}: {bytes} bytes, sum {} --\n", seal::sum(coded));
    for line in coded.as_bytes().chunks(columns) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + END + "\n"
}
