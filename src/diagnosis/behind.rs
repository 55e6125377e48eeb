//! From what the Connector's log shows to causes: which cause explains which signature, and what the log says alone.
//!
//! What this run measured comes first; the log's own word counts where nothing else was measured.

use super::behind_rows::BEHIND;
use super::rule::{Evidence, Fit};
use super::symptoms::troubles;
use crate::model::facts::Signature as S;
use crate::model::finding::{LogTrouble, Status, Symptom};
use crate::model::report::{Confidence, Severity};
use crate::model::{CauseCode, CheckId};

/// What the log shows of the clock, or this run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    Wrong,
    Right,
    NearLimit,
    Unknown,
}

fn clock(e: &Evidence<'_>) -> Clock {
    let behind = troubles(e).any(|t| matches!(t.signature, S::ClockBehind | S::ClockAhead) || t.far_off);
    match e.status(CheckId::ClockOffset) {
        Status::Fail => Clock::Wrong,
        Status::Pass => Clock::Right,
        Status::Warn => Clock::NearLimit,
        Status::Skip | Status::Unknown if behind => Clock::Wrong,
        Status::Skip | Status::Unknown if e.has(&Symptom::LogClockRight) => Clock::Right,
        Status::Skip | Status::Unknown => Clock::Unknown,
    }
}

/// What shows that names do not resolve.
const NAMES: &[S] = &[S::NameserversFailed, S::HostUnresolved];
/// What shows that the Controller was reached, or why it was not.
const REACHED: &[S] = &[
    S::TokensGone,
    S::TokensRefused,
    S::InvalidToken,
    S::NetworkUnknown,
    S::ProxyInTheWay,
    S::VersionRefused,
    S::ControllerError,
    S::CertificateDates,
    S::CertificateRefused,
];
/// What a Connector dies of, or what keeps it from starting.
const DEADLY: &[S] = &[
    S::TokenMissing,
    S::SettingMissing,
    S::FileMissing,
    S::CannotExecute,
    S::CannotStart,
    S::ImageMissing,
    S::OutOfMemory,
    S::DiskFull,
    S::TokensGone,
];

/// What the log itself says lies behind a trouble, and how sure that is.
fn alone(e: &Evidence<'_>, trouble: &LogTrouble) -> Option<(CauseCode, Confidence)> {
    if trouble.works_here {
        return Some((CauseCode::ConnectorStuck, Confidence::Likely));
    }
    let row = BEHIND.iter().find(|row| row.signature == trouble.signature)?;
    // Without names, or with tokens that are gone, the rest of it fails, too.
    let others = |signatures: &[S]| {
        troubles(e)
            .find(|t| signatures.contains(&t.signature) && t.connector == trouble.connector && !t.works_here)
    };
    let first = match trouble.signature {
        S::ControllerFailed | S::RelayUnreached | S::RelayLost => {
            others(NAMES).or_else(|| others(REACHED).filter(|_| trouble.signature == S::ControllerFailed))
        }
        // What is certain is not folded under a guess.
        S::InvalidToken | S::TokensRefused if clock(e) != Clock::Wrong => others(&[S::TokensGone]),
        S::RestartLoop | S::Crashed | S::Exited | S::GaveUp => others(DEADLY),
        _ => None,
    };
    if let Some(first) = first.filter(|first| first.signature != trouble.signature) {
        return alone(e, first).map(|(code, _)| (code, Confidence::Possible));
    }
    Some(match (trouble.signature, clock(e)) {
        // A wrong clock gets tokens refused, too: nothing is said of them before it is right.
        (S::TokensGone | S::GaveUp | S::TokensRefused, Clock::Wrong) => {
            (CauseCode::ClockSkew, Confidence::Likely)
        }
        (S::TokensGone, Clock::Unknown | Clock::NearLimit) => (row.alone.0, Confidence::Likely),
        (S::InvalidToken, Clock::Right) => (CauseCode::ConnectorTokensRejected, Confidence::Likely),
        (S::InvalidToken | S::CertificateDates, Clock::Wrong) => (CauseCode::ClockSkew, Confidence::Certain),
        (S::CertificateDates, Clock::Right) => (CauseCode::ControllerCertificate, Confidence::Likely),
        _ => row.alone,
    })
}

/// The troubles that a cause explains: those that this run measured, and those that the log lays at its door.
pub(super) fn explained<'a>(e: &Evidence<'a>, code: CauseCode) -> Vec<&'a LogTrouble> {
    let measured = |t: &LogTrouble| {
        let row = BEHIND.iter().find(|row| row.signature == t.signature);
        // Where it works here, only what was measured of the clock can be behind it.
        !t.works_here && row.is_some_and(|row| row.measured.contains(&code))
    };
    troubles(e).filter(|t| measured(t) || alone(e, t).is_some_and(|(own, _)| own == code)).collect()
}

/// A cause that nothing but the log shows.
pub(super) fn fit(e: &Evidence<'_>, code: CauseCode) -> Option<Fit> {
    let own = |t: &&LogTrouble| alone(e, t).is_some_and(|(own, _)| own == code);
    let mine: Vec<&LogTrouble> = troubles(e).filter(own).collect();
    // What tells its own figure says more than what follows from it.
    let first =
        mine.iter().find(|t| matches!(t.signature, S::ClockBehind | S::ClockAhead)).or(mine.first())?;
    let confidence = mine.iter().filter_map(|t| alone(e, t)).map(|(_, sure)| sure).max()?;
    let fit = Fit::new(confidence, title(code, first, clock(e))).only([CheckId::ConnectorLog]);
    let fit = mine.iter().take(4).fold(fit, |fit, t| {
        let fit = fit.because(format!("The log says: {}", t.told));
        if t.line.is_empty() { fit } else { fit.because(format!("its line: {}", t.line)) }
    });
    let fails = mine.iter().any(|t| t.status == Status::Fail);
    let gone = code == CauseCode::ClockSkew && mine.iter().any(|t| t.signature == S::TokensGone);
    let fit = fit.because_some(gone.then(|| {
        "410 Gone may outlast the wrong clock: if it is said again once the clock is right, the tokens need replacing".to_owned()
    }));
    Some(fit.severity(if fails { Severity::Critical } else { Severity::Warning }))
}

/// The cause in the log's words.
fn title(code: CauseCode, trouble: &LogTrouble, clock: Clock) -> String {
    let what = match (code, trouble.signature) {
        (CauseCode::ClockSkew, S::ClockBehind | S::ClockAhead) => {
            return trouble.told.replacen("the clock was", "This host's clock was", 1);
        }
        (CauseCode::ClockSkew, _) if trouble.far_off => {
            "This host's clock was never set: its log is of another year"
        }
        (CauseCode::ClockSkew, S::CertificateDates) => {
            "This host's clock is probably wrong: certificates seem not yet, or no longer, valid"
        }
        (CauseCode::ClockSkew, _) if clock == Clock::NearLimit => {
            "This host's clock is near the limit, and probably beyond it now and then: tokens are refused"
        }
        (CauseCode::ClockSkew, _) if clock == Clock::Wrong => {
            "This host's clock is wrong, and its tokens are refused"
        }
        (CauseCode::ClockSkew, _) => "This host's clock is probably more than 5 s off: tokens are refused",
        (CauseCode::ConnectorTokensRejected, S::TokensGone) => {
            "The Controller says that the Connector's tokens are gone (410)"
        }
        (CauseCode::ConnectorTokensRejected, S::TokensRefused) => {
            "The Controller refuses the Connector's tokens (401 or 403)"
        }
        (CauseCode::ConnectorTokensRejected, S::InvalidToken) => {
            "The Controller refuses the Connector's tokens, and the clock is right"
        }
        (CauseCode::ConnectorTokensRejected, _) => {
            "The Connector gave up; most often its tokens are revoked or used twice"
        }
        (CauseCode::RelayPortsBlocked, _) => {
            "The Connector cannot reach relays: TCP 443 or 30000-31000 is probably blocked, or there is no IPv4"
        }
        (CauseCode::DnsUnreachable, _) => "The Connector's resolvers do not answer",
        (CauseCode::ControllerDown, _) => "The Controller answers the Connector with errors of its own",
        (CauseCode::ControllerPortBlocked, _) => "The Connector does not reach the Controller",
        (CauseCode::UdpBlocked, _) => "The Connector's STUN requests fail: outbound UDP may be blocked",
        (CauseCode::FdExhausted, _) => "The Connector ran out of file descriptors",
        (CauseCode::HostExhausted, S::DiskFull) => "The disk that the Connector writes to is full",
        (CauseCode::HostExhausted, _) => "The Connector is killed, or refused, for want of memory",
        (CauseCode::ControllerNameUnknown, _) => {
            "The Controller does not know the network (404): its name is probably misspelt"
        }
        (CauseCode::ProxyRequired, _) => {
            "A proxy stands between the Connector and the Controller, and refuses"
        }
        (CauseCode::ConnectorOutdated, S::VersionRefused) => {
            "The Controller refuses this version of the Connector"
        }
        (CauseCode::ConnectorOutdated, _) => "The Controller refuses what this version of the Connector asks",
        (CauseCode::ControllerLimits, _) => "The Controller limits the Connector's requests (429)",
        (CauseCode::TlsIntercepted, _) => "Something on the way shows the Connector a certificate of its own",
        (CauseCode::ControllerCertificate, _) => {
            "The Controller's certificate is not valid, and the clock is right"
        }
        (CauseCode::ConnectorRestarting, S::CannotExecute) => {
            "The Connector's program cannot be executed: another processor's image, or not there"
        }
        (CauseCode::ConnectorRestarting, S::CannotStart) => "The runtime refuses to start the Connector",
        (CauseCode::ConnectorRestarting, S::ImageMissing) => "The Connector's image cannot be pulled",
        (CauseCode::ConnectorRestarting, S::Exited) => "The Connector has ended and is not running",
        (CauseCode::ConnectorRestarting, S::SocketUnwritable) => {
            "The Connector cannot make its control socket: health checks fail, and may restart it"
        }
        (CauseCode::ConnectorRestarting, _) => "The Connector starts and dies again and again",
        (CauseCode::ConnectorMisconfigured, S::SettingMissing) => {
            "The network is missing from the Connector's configuration"
        }
        (CauseCode::ConnectorMisconfigured, S::FileMissing) => {
            "The Connector's environment file or secret is not there"
        }
        (CauseCode::ConnectorMisconfigured, _) => "A token is missing from the Connector's configuration",
        (CauseCode::ConnectorFlapping, _) => "The Connector leaves the state Ready again and again",
        (CauseCode::ConnectorStuck, S::EventTokenExpired) => {
            "The Connector does not renew its token of the event service"
        }
        (CauseCode::ConnectorStuck, _) => {
            "What fails in the Connector's log works from this host: it has not recovered"
        }
        _ => "The Connector's log shows a failure",
    };
    what.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_of_the_table_is_a_cause_and_every_signature_that_hurts_has_a_row() {
        let codes: BTreeSet<CauseCode> = crate::diagnosis::all().map(|rule| rule.code).collect();
        for row in BEHIND {
            for code in row.measured.iter().chain([&row.alone.0]) {
                assert!(codes.contains(code), "{code} is no cause");
            }
        }
        for row in crate::connector::log::signatures::rows() {
            let hurts = row.weight > crate::connector::log::signatures::Weight::Note;
            assert_eq!(BEHIND.iter().any(|b| b.signature == row.signature), hurts, "{:?}", row.signature);
        }
    }
}
