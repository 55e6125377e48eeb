//! What several rules ask of the findings.

use super::rule::{Evidence, Fit};
use crate::model::CheckId;
use crate::model::astray::{Astray, AstrayKind};
use crate::model::finding::{DeadResolver, LogTrouble, Status, Symptom, Unreached};
use crate::model::observation::FailureKind;
use crate::model::witness::UdpTally;

/// The findings' own words about the checks that a cause is about.
pub(super) fn said(e: &Evidence<'_>, check: CheckId) -> Vec<String> {
    let bad = e.findings.iter().filter(|f| f.check == check && f.status >= Status::Warn);
    bad.map(|f| format!("{}: {}", f.check, f.summary)).collect()
}

pub(super) fn proven(fit: Fit, lines: impl IntoIterator<Item = String>) -> Fit {
    lines.into_iter().fold(fit, Fit::because)
}

/// That other hosts' 443 passes, where one does.
pub(super) fn others(e: &Evidence<'_>) -> Option<String> {
    e.witnesses.https.first().map(|name| format!("{name} takes connections, so TCP 443 gets out"))
}

/// The resolvers, where not one of them serves names.
pub(super) fn none_serves(e: &Evidence<'_>) -> Option<Vec<DeadResolver>> {
    e.symptom(|s| if let Symptom::ResolversDead(dead) = s { Some(dead.clone()) } else { None })
}

/// What became of the relays.
pub(super) struct Relays {
    pub(super) failed: Vec<Unreached>,
    pub(super) https_passes: bool,
    pub(super) high_passes: bool,
}

pub(super) fn relays(e: &Evidence<'_>) -> Option<Relays> {
    e.symptom(|s| match s {
        Symptom::RelaysUnreached { failed, https_passes, high_passes } => {
            Some(Relays { failed: failed.clone(), https_passes: *https_passes, high_passes: *high_passes })
        }
        _ => None,
    })
}

/// It was never tried: the DNS does not know its name.
pub(super) fn unknown_name(u: &Unreached) -> bool {
    matches!(u.kind, FailureKind::NotFound | FailureKind::NoAddress)
}

/// Event services that take no connection.
pub(super) fn services(e: &Evidence<'_>) -> Option<Vec<Unreached>> {
    e.symptom(|s| if let Symptom::ServicesUnreached(failed) = s { Some(failed.clone()) } else { None })
}

/// What carries the traffic where no Client is reached directly, as far as this run tried relays.
pub(super) fn by_relays(e: &Evidence<'_>) -> &'static str {
    match e.status(CheckId::RelayTcp) {
        Status::Pass => "relays carry all traffic, slower",
        Status::Fail => "and this run reaches no relay that would carry the traffic",
        Status::Skip | Status::Unknown | Status::Warn => {
            "all traffic needs relays, which this run did not prove"
        }
    }
}

/// Whether the Controller serves this host all the same.
pub(super) fn controller_serves(e: &Evidence<'_>) -> bool {
    matches!(e.status(CheckId::ControllerHttp), Status::Pass | Status::Warn)
}

/// The log's troubles.
pub(super) fn troubles<'a>(e: &Evidence<'a>) -> impl Iterator<Item = &'a LogTrouble> {
    e.findings.iter().filter_map(|f| match &f.symptom {
        Some(Symptom::LogTrouble(trouble)) => Some(trouble),
        _ => None,
    })
}

/// Nobody answered although somebody was asked for long enough, and something left this host: no verdict on the network
/// rests on what was not sent.
pub(super) fn unanswered(tally: &UdpTally) -> bool {
    tally.asked > 0 && tally.answered == 0 && tally.sent > 0 && tally.denied < tally.asked && tally.conclusive
}

/// Every server itself said that its port is closed: the packets arrived.
pub(super) fn closed_by_servers(tally: &UdpTally) -> bool {
    !tally.icmp.is_empty()
        && tally.silent.iter().all(|s| tally.icmp.iter().any(|i| i.by_server && i.target == *s))
}

/// The first fault of this host's routing that is, or is not, a tunnel's.
pub(super) fn fault<'a>(e: &Evidence<'a>, tunnel: bool) -> Option<&'a Astray> {
    let mut all = e.findings.iter().filter_map(|finding| match &finding.symptom {
        Some(Symptom::Astray(one)) => Some(one),
        _ => None,
    });
    let mut wanted: Vec<&Astray> =
        all.by_ref().filter(|one| matches!(one.kind, AstrayKind::DeadTunnel { .. }) == tunnel).collect();
    wanted.sort_by_key(|one| (one.spared, std::cmp::Reverse(one.checks.len())));
    wanted.first().copied()
}
