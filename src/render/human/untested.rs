//! What was not tested, first of all: why, and the one command that would test it.

use crate::model::report::Report;
use crate::render::digest::not_tested;
use crate::render::text::{Page, ascii, heading, wrap};

/// Where the text of a row begins, as that of a cause does.
const INDENT: usize = 15;

pub(super) fn write(page: &mut Page, report: &Report, width: usize) {
    for (n, (checks, reason, command)) in not_tested(report).into_iter().enumerate() {
        if n == 0 {
            page.line("");
            heading(page, "NOT TESTED");
        }
        page.hanging("  ", 2, wrap(&ascii(&checks.join(", ")), width - 2));
        page.hanging("    because", INDENT, wrap(&ascii(reason), width - INDENT));
        page.hanging("    do", INDENT, [super::causes::command(command)]);
    }
}
