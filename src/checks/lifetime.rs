//! Words for how long a UDP mapping lives, and whether that is too short. Pure.

use crate::inference::lifetime::{Lifetime, Span};
use crate::model::facts::{Facts, LifetimeBy};
use crate::model::finding::{Finding, Status, Symptom};

/// What keeps a QUIC connection alive sends at least this often, milliseconds: its usual idle timeout (RFC 9000 10.1.2; the
/// vendor does not say its own).
const KEEPALIVE_MS: u64 = 30_000;

/// Whether a mapping in use ends before a usual keepalive holds it.
pub(super) fn short(lifetime: &Lifetime) -> bool {
    lifetime.used.gone_ms.is_some_and(|gone| gone <= KEEPALIVE_MS)
}

/// `18 to 20 s`.
pub(super) fn lives(span: Span) -> String {
    let up = |ms: u64| ms.div_ceil(1000);
    match (span.alive_ms, span.gone_ms) {
        (Some(alive), Some(gone)) => format!("{} to {} s", alive / 1000, up(gone)),
        (Some(alive), None) => format!("at least {} s", alive / 1000),
        (None, Some(gone)) => format!("less than {} s", up(gone)),
        (None, None) => "an unknown time".to_owned(),
    }
}

/// Half of what a mapping was seen to outlive, seconds.
fn keepalive_s(lifetime: &Lifetime) -> Option<u64> {
    lifetime.used.alive_ms.map(|alive| alive / 2000).filter(|seconds| *seconds > 0)
}

/// `, a keepalive every 9 s holds its mappings`, for the outlook.
pub(super) fn outlook(lifetime: &Lifetime) -> String {
    match keepalive_s(lifetime) {
        Some(seconds) => format!(", a keepalive every {seconds} s holds a mapping"),
        None => String::new(),
    }
}

/// Adds what the search showed to the finding on the mapping, where one was asked for.
pub(super) fn told(finding: Finding, facts: &Facts, lifetime: Option<&Lifetime>) -> Finding {
    if facts.lifetime.is_empty() {
        return finding;
    }
    let Some(lifetime) = lifetime else {
        return finding.evidence(
            "how long a mapping lives is not told: no STUN server at hand answers to another port (RESPONSE-PORT), \
             or the search was cut short",
        );
    };
    let way = match lifetime.by {
        LifetimeBy::ResponsePort => "RESPONSE-PORT",
        LifetimeBy::SameAddress => "the mapped address that came back",
    };
    let mut finding = finding.evidence(format!(
        "a mapping in use lives {} after its last packet, one of a single exchange {}; told by {way} (RFC 5780 4.6)",
        lives(lifetime.used),
        lives(lifetime.fresh)
    ));
    if let Some(seconds) = keepalive_s(lifetime) {
        finding = finding
            .evidence(format!("a keepalive every {seconds} s holds it open"))
            .measure("keepalive_s", seconds as f64);
    }
    let measured = [("lifetime_alive_s", lifetime.used.alive_ms), ("lifetime_gone_s", lifetime.used.gone_ms)];
    for (name, ms) in measured {
        if let Some(ms) = ms {
            finding = finding.measure(name, ms as f64 / 1e3);
        }
    }
    if !short(lifetime) {
        return finding;
    }
    let lives = lives(lifetime.used);
    finding.summary = format!("{}; a mapping lives {lives}", finding.summary);
    finding.status = finding.status.max(Status::Warn);
    finding.symptom(Symptom::MappingsShort(lives))
}
