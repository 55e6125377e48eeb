//! The table of what a Connector's log can show: the words to look for, what they mean, and who says so.
//!
//! Nothing here was tried against a live tenant (see each row's source): correct a row, and all else follows.

use crate::model::facts::Signature as S;

/// What an incident of this kind is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Harmless, or only a hint beside others.
    Note,
    /// Hurts.
    Warn,
    /// The Connector does not work.
    Fail,
}

/// When an incident that nothing ended is over all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// It does not heal by itself, said again or not.
    UntilRestart,
    /// It is said again and again while it lasts: silence ends it.
    WhileSaid,
}

/// One row: a signature and its words.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub signature: S,
    /// Any of these; each with what else must stand in the same line. The first row that fits a line counts it.
    pub words: &'static [(&'static str, &'static [&'static str])],
    /// What it shows, as in "the log shows that …".
    pub shows: &'static str,
    /// What an incident is worth.
    pub weight: Weight,
    /// When it is over.
    pub lasts: Lasts,
    /// So many lines make an incident …
    pub times: usize,
    /// … within so many seconds; silence for as long (five minutes at least) ends one that lasts while it is said.
    pub within_s: u32,
    /// Where it is known from: connector-facts' keys.
    pub source: &'static str,
}

const MINUTE: u32 = 60;

/// Every signature; where several fit a line, the first stands.
pub const ROWS: &[Row] = &[
    Row {
        signature: S::EventTokenExpired,
        words: &[
            ("Access Manager", &["oken is expired"]),
            ("pbcc_parse_subscribe_v2_response", &["AccessDenied"]),
        ],
        shows: "the event service refuses an expired token without end",
        // Benign: the token is renewed next. Only its going on and on is a fault.
        weight: Weight::Warn,
        lasts: Lasts::WhileSaid,
        times: 20,
        within_s: 10 * MINUTE,
        source: "KB/1364033881",
    },
    Row {
        signature: S::TokensGone,
        words: &[("Gone, code 410", &[]), ("410 Gone", &["failed"])],
        shows: "the Controller says that the tokens are gone (410)",
        weight: Weight::Fail,
        lasts: Lasts::UntilRestart,
        times: 1,
        within_s: 1,
        source: "KB/4908519978, DOC/connector-failures",
    },
    Row {
        signature: S::InvalidToken,
        words: &[
            ("failed to get an access token: Invalid token", &[]),
            ("failed to get SD: Invalid token", &[]),
            ("Invalid token, err code", &[]),
        ],
        shows: "the Controller refuses the token (Invalid token)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 2,
        within_s: 10 * MINUTE,
        source: "KB/4104282255, DOC/connector-failures",
    },
    Row {
        signature: S::TokenExpired,
        words: &[("token verification failed: token expired", &[])],
        shows: "Clients' tokens are held to be expired",
        // A Client that slept says the same: a hint of a wrong clock, never more.
        weight: Weight::Note,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 1,
        source: "KB/4104282255",
    },
    Row {
        signature: S::GaveUp,
        words: &[("Pre-unrecoverable error", &[])],
        shows: "the Connector gave up (unrecoverable error)",
        weight: Weight::Fail,
        lasts: Lasts::UntilRestart,
        times: 1,
        within_s: 1,
        source: "KB/4908519978",
    },
    Row {
        signature: S::Offline,
        words: &[("State: Error", &[]), ("sdwan_state: Offline", &[]), ("resetting configuration", &[])],
        shows: "the Connector calls itself offline",
        // It says so at each reconnection, too.
        weight: Weight::Note,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 1,
        source: "KB/4908519978",
    },
    Row {
        signature: S::TokenMissing,
        words: &[("ACCESS_TOKEN is empty", &[]), ("REFRESH_TOKEN is empty", &[])],
        shows: "a token is missing from the configuration",
        weight: Weight::Fail,
        lasts: Lasts::UntilRestart,
        times: 1,
        within_s: 1,
        source: "CasaOS-AppStore PR #290 [G]",
    },
    Row {
        signature: S::RelayUnreached,
        words: &[
            ("Failed to preconnect a relay listener", &[]),
            ("esource temporarily unavailable", &["relay"]),
        ],
        shows: "relays cannot be reached (preconnect fails)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 3,
        within_s: 5 * MINUTE,
        source: "KB/4995810632, DOC/connector-failures",
    },
    Row {
        signature: S::RelayLost,
        words: &[("maintain_relay_connectivity: relay", &["is not available"])],
        shows: "connections to relays are lost again and again",
        weight: Weight::Warn,
        lasts: Lasts::WhileSaid,
        times: 6,
        within_s: 5 * MINUTE,
        source: "KB/4995810632, DOC/connector-failures",
    },
    Row {
        signature: S::NameserversFailed,
        words: &[("All nameservers have failed", &[])],
        shows: "no name resolves (all nameservers have failed)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 2,
        within_s: 5 * MINUTE,
        source: "HELM #42, #46 [G]",
    },
    Row {
        signature: S::NameserverFailed,
        words: &[("Nameserver ", &["has failed"])],
        shows: "a nameserver did not answer in time",
        // libevent asks the next one, and this one again.
        weight: Weight::Note,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 1,
        source: "HELM #42 [G]",
    },
    Row {
        signature: S::FdExhausted,
        words: &[("Too many open files", &[]), ("os error 24)", &[])],
        shows: "the Connector runs out of file descriptors (os error 24)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 60 * MINUTE,
        source: "KB/1422554451",
    },
    Row {
        signature: S::OutOfMemory,
        words: &[
            ("killed by the OOM killer", &[]),
            ("Failed with result 'oom-kill'", &[]),
            ("Cannot allocate memory", &[]),
        ],
        shows: "memory ran out (the OOM killer, or ENOMEM)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 60 * MINUTE,
        source: "systemd's and the C library's words",
    },
    Row {
        signature: S::DiskFull,
        words: &[("No space left on device", &[])],
        shows: "the disk is full (ENOSPC)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 60 * MINUTE,
        source: "the C library's words",
    },
    Row {
        signature: S::StunFailed,
        words: &[("[stun]", &["WARN", "failed"])],
        shows: "STUN requests fail again and again",
        weight: Weight::Warn,
        lasts: Lasts::WhileSaid,
        times: 5,
        within_s: 2 * MINUTE,
        source: "WZ [3]: five in two minutes are sustained",
    },
    Row {
        signature: S::ControllerError,
        words: &[("failed to get SD: ", &[", code 5"]), ("failed to get an access token: ", &[", code 5"])],
        shows: "the Controller answers with errors of its own (5xx)",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 3,
        within_s: 5 * MINUTE,
        source: "KB/4908519978 by analogy [U]",
    },
    Row {
        signature: S::ControllerFailed,
        words: &[("failed to get SD: ", &[]), ("failed to get an access token: ", &[])],
        shows: "the Controller cannot be talked to",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 3,
        within_s: 5 * MINUTE,
        source: "KB/4104282255 by analogy [U]",
    },
    Row {
        signature: S::LeftReady,
        // Counted by changes of state, see `events`.
        words: &[],
        shows: "the Connector flaps: it leaves the state Ready again and again",
        weight: Weight::Warn,
        lasts: Lasts::WhileSaid,
        times: 6,
        within_s: 5 * MINUTE,
        source: "WZ [3]: six in five minutes are flapping",
    },
    Row {
        signature: S::ClockBehind,
        // Not counted by lines: told by the tokens' times of issue.
        words: &[],
        shows: "tokens are shown before they were issued: the clock is behind the Controller's",
        weight: Weight::Fail,
        lasts: Lasts::WhileSaid,
        times: 1,
        within_s: 60 * MINUTE,
        source: "KB/4104282255",
    },
];

/// Lines that are no failure, and tell something all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `set_state: switching from "A" to "B"`.
    State,
    /// `State: Ready`.
    Ready,
    /// A process of the Connector begins.
    Started,
    /// A name server answers again.
    NameserverBack,
    /// A connection's record.
    Traffic,
    /// A token's content, of which the time of issue is read.
    Token,
    /// The time of the entry that follows (`journalctl -o export`).
    ExportedTime,
}

/// Words of events.
pub const EVENTS: &[(&str, &[&str], Event)] = &[
    ("set_state: switching from ", &[], Event::State),
    ("State: Ready", &[], Event::Ready),
    ("Started twingate", &["systemd["], Event::Started),
    ("Started Twingate", &["systemd["], Event::Started),
    ("Started twingate", &["\"systemd\""], Event::Started),
    ("Started Twingate", &["\"systemd\""], Event::Started),
    ("Nameserver ", &["is back up"], Event::NameserverBack),
    ("ANALYTICS ", &[], Event::Traffic),
    ("verify_token: ", &["\"DAT"], Event::Token),
    ("__REALTIME_TIMESTAMP=", &[], Event::ExportedTime),
];

/// Words of which one shows that the lines are a Connector's.
pub const OURS: &[&str] = &["[connector]", "[libsdwan]", "[controller]", "[stun]", "ANALYTICS ", "twingate"];

/// The row of a signature; the table has one for each.
pub fn row(signature: S) -> &'static Row {
    ROWS.iter().find(|row| row.signature == signature).unwrap_or(&ROWS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_what_when_and_who() {
        for row in ROWS {
            assert!((1..=32).contains(&row.times), "{:?}: memory is bounded", row.signature);
            assert!(row.within_s > 0 && !row.shows.is_empty() && !row.source.is_empty());
            let by_words = !matches!(row.signature, S::LeftReady | S::ClockBehind);
            assert_eq!(row.words.is_empty(), !by_words);
            assert!(ROWS.iter().filter(|other| other.signature == row.signature).count() == 1);
            assert!(
                row.words.iter().all(|(word, _)| word.len() >= 6),
                "{:?}: a short word is found anywhere",
                row.signature
            );
        }
    }
}
