//! The system's own lookup fails where its resolvers answer: nsswitch, or one of its modules. Pure functions; the row stands in `names`.

use super::rule::{Evidence, Fit};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy};
use crate::model::text;

pub(super) fn fits(e: &Evidence<'_>) -> Option<Fit> {
    let (name, kind, resolvers) = e.symptom(|s| match s {
        Symptom::SystemLookupFails { name, kind, resolvers } => {
            Some((name.clone(), *kind, resolvers.clone()))
        }
        _ => None,
    })?;
    let resolvers: Vec<String> = resolvers.iter().map(ToString::to_string).collect();
    let title = format!("This system's own lookup fails for {name}, which its resolvers know");
    Some(
        Fit::new(Confidence::Likely, title)
            .because(format!("getaddrinfo: {}", kind.word()))
            .because(format!("The resolvers, asked directly: {}", text::list(&resolvers))),
    )
}

pub(super) fn mend(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy {
            action: "See what this system's lookup goes by, and whether dns is among it".to_owned(),
            commands: vec!["grep ^hosts /etc/nsswitch.conf".to_owned()],
            needs_root: false,
        },
        Remedy::advice(
            "Put dns into the line hosts: of /etc/nsswitch.conf; take a module out that is not installed or whose service does not run (mymachines, resolve, sss, winbind)",
        ),
    ]
}
