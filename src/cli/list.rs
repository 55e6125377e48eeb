//! `list`: every check and every cause, out of the tables.

use serde::Serialize;

use super::output;
use crate::render::json::to_json;
use crate::{checks, diagnosis};

#[derive(Serialize)]
struct Catalogue {
    checks: Vec<CheckRow>,
    causes: Vec<CauseRow>,
}

#[derive(Serialize)]
struct CheckRow {
    id: &'static str,
    title: &'static str,
    contacts: &'static str,
    rights: &'static str,
}

#[derive(Serialize)]
struct CauseRow {
    code: &'static str,
    severity: &'static str,
    title: &'static str,
    explains: &'static [&'static str],
}

/// Prints the catalogue.
pub(super) fn run(json: bool) -> u8 {
    let catalogue = Catalogue {
        checks: checks::all()
            .map(|c| CheckRow { id: c.id, title: c.title, contacts: c.contacts, rights: c.rights })
            .collect(),
        causes: diagnosis::all()
            .map(|c| CauseRow {
                code: c.code,
                severity: c.severity.word(),
                title: c.title,
                explains: c.explains,
            })
            .collect(),
    };
    output::print(&if json { to_json(&catalogue) } else { human(&catalogue) });
    0
}

fn human(catalogue: &Catalogue) -> String {
    let mut lines = vec!["CHECKS".to_owned()];
    for c in &catalogue.checks {
        lines.push(format!("  {:22} {}", c.id, c.title));
        lines.push(format!("  {:22}   contacts {}; rights: {}", "", c.contacts, c.rights));
    }
    lines.push("CAUSES".to_owned());
    lines.extend(catalogue.causes.iter().map(|c| format!("  {:22} {:8} {}", c.code, c.severity, c.title)));
    lines.join("\n") + "\n"
}
