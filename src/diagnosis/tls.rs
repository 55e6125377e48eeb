//! A cause that lies in what a filter on the way cuts of TLS. The row and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::{others, proven, said};
use crate::model::finding::{Symptom, TlsCut};
use crate::model::observation::FailureKind;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The row.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: CauseCode::TlsBlocked,
    severity: Severity::Critical,
    title: "The Controller takes connections, and TLS to it is cut on the way",
    impact: "The Connector is offline.",
    layer: Layer::Path,
    explains: &[CheckId::ControllerTls],
    folds: &[],
    fits: blocked,
    remedies: let_tls_pass,
    verify: "connector-doctor check controller.tls --wait 10m",
    page: include_str!("../../docs/causes/tls-blocked.md"),
}];

fn cut(e: &Evidence<'_>) -> Option<TlsCut> {
    e.symptom(|s| if let Symptom::TlsCut(cut) = s { Some(*cut) } else { None })
}

fn blocked(e: &Evidence<'_>) -> Option<Fit> {
    let cut = cut(e)?;
    let how = match cut.kind() {
        FailureKind::Timeout => "not answered",
        FailureKind::Closed => "closed",
        _ => "reset",
    };
    let title = match cut {
        TlsCut::Name(_) => format!(
            "TLS under the Controller's name is {how}, under another name it passes: a filter by name (SNI)"
        ),
        TlsCut::Version(_) => {
            format!(
                "A handshake that offers the Controller TLS 1.3 is {how}, an older one passes: a filter by version"
            )
        }
        TlsCut::NameInVersion(_) => {
            format!("TLS 1.3 under the Controller's name is {how}; an older version, or another name, passes")
        }
        TlsCut::NameAndVersion(_) => {
            format!("TLS to the Controller is {how}; under another name an older version than 1.3 passes")
        }
        TlsCut::All(_) => {
            format!(
                "TLS of every kind to the Controller's address is {how}, though its port opens: a filter on the way, or the server itself"
            )
        }
    };
    let fit = Fit::new(Confidence::Likely, title);
    Some(proven(fit, said(e, CheckId::ControllerTls)).because_some(others(e)))
}

fn let_tls_pass(e: &Evidence<'_>) -> Vec<Remedy> {
    let name = e.witnesses.controller.as_deref().unwrap_or("the Controller");
    let exempt = match cut(e) {
        Some(TlsCut::Version(_) | TlsCut::NameInVersion(_)) => {
            format!("Ask the network team which filter cuts TLS 1.3, and to let it pass to {name}")
        }
        Some(TlsCut::All(_)) => format!(
            "Ask the network team which filter cuts TLS to {name}, or whether its own server is in trouble; look at https://status.twingate.com"
        ),
        Some(TlsCut::Name(_) | TlsCut::NameAndVersion(_)) | None => format!(
            "Ask the network team which filter reads names in TLS (SNI), and to exempt {name} and *.twingate.com from it and from TLS inspection"
        ),
    };
    vec![Remedy::advice(exempt)]
}
