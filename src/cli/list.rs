//! `list`: every check and every cause, out of the tables.

use crate::model::CauseCode;
use crate::model::CheckId;
use serde::Serialize;

use super::{fit, output};
use crate::env::Env;
use crate::render::json::to_json;
use crate::{checks, diagnosis};

#[derive(Serialize)]
struct Catalogue {
    checks: Vec<CheckRow>,
    causes: Vec<CauseRow>,
}

#[derive(Serialize)]
struct CheckRow {
    id: CheckId,
    title: &'static str,
    contacts: &'static str,
    rights: &'static str,
}

#[derive(Serialize)]
struct CauseRow {
    code: CauseCode,
    severity: &'static str,
    title: &'static str,
    explains: &'static [CheckId],
}

/// Prints the catalogue.
pub(super) fn run(env: &Env, json: bool) -> u8 {
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
    output::print(&if json {
        to_json(&catalogue)
    } else {
        human(&catalogue, usize::from(fit::columns(env)))
    });
    0
}

fn human(catalogue: &Catalogue, width: usize) -> String {
    let mut text = "CHECKS\n".to_owned();
    for c in &catalogue.checks {
        text.push_str(&fit::hanging(&format!("  {:18} ", c.id), c.title, width));
        for (label, said) in [("contacts", c.contacts), ("rights", c.rights)] {
            text.push_str(&fit::hanging(&format!("  {:18}   {label:8} ", ""), said, width));
        }
    }
    text.push_str("CAUSES\n");
    for c in &catalogue.causes {
        text.push_str(&fit::hanging(&format!("  {:25} {:8} ", c.code, c.severity), c.title, width));
    }
    text
}
