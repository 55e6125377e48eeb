//! Causes that lie in what tells this host the time. Rows and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::{NtpTampered, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{count, signed_offset};
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: CauseCode::NtpTampered,
    severity: Severity::Warning,
    title: "Time servers agree on a time that Dates over TLS contradict",
    impact: "A time daemon that believes them sets this host's clock wrong: beyond 5 s the Controller refuses its tokens.",
    layer: Layer::Host,
    explains: &[CheckId::ClockSources, CheckId::ClockOffset, CheckId::ClockSync],
    // No remedy of these may set a clock that the Dates call right.
    folds: &[
        CauseCode::ClockSkew,
        CauseCode::ClockNearLimit,
        CauseCode::ClockUnsynchronised,
        CauseCode::ControllerClockSkew,
    ],
    fits: tampered,
    remedies: other_sources,
    verify: "connector-doctor check 'clock.*' --wait 10m",
    page: include_str!("../../docs/causes/ntp-tampered.md"),
}];

fn forged(e: &Evidence<'_>) -> Option<NtpTampered> {
    e.symptom(|s| if let Symptom::NtpTampered(forged) = s { Some(*forged) } else { None })
}

fn tampered(e: &Evidence<'_>) -> Option<Fit> {
    let f = forged(e)?;
    let title = if f.follows {
        "This host follows time servers that Dates over TLS contradict"
    } else {
        "Time servers agree on a wrong time: somebody on the way answers for them, or all of them are wrong"
    };
    // A Date of one host is one word more than this host's own; two hosts leave no doubt.
    let confidence = if f.hosts > 1 { Confidence::Certain } else { Confidence::Likely };
    let fit = Fit::new(confidence, title)
        .because(format!(
            "By {} this host's clock is {} off",
            count(f.servers, "time server"),
            signed_offset(f.by_servers_ns)
        ))
        .because(format!(
            "By the Dates of {} over verified TLS it is {} off; nobody vouches for answers of NTP",
            count(f.hosts, "host"),
            signed_offset(f.by_dates_ns)
        ));
    Some(if f.follows { fit.severity(Severity::Critical) } else { fit })
}

fn other_sources(e: &Evidence<'_>) -> Vec<Remedy> {
    let keep = if forged(e).is_some_and(|f| f.follows) {
        "Give the time daemon other sources first; then let it set the clock, and compare it with another machine's"
    } else {
        "Leave this host's clock as it is: it agrees with the Dates"
    };
    vec![
        Remedy::advice(keep),
        Remedy::advice(
            "Give the time daemon sources that prove who they are (NTS; in chrony.conf: server time.cloudflare.com iburst nts), or a time server inside the network that you trust",
        ),
        Remedy::advice("Ask the network team who answers UDP 123 here in the time servers' names"),
    ]
}
