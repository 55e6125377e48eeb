//! The table of lines that are no failure, and tell something all the same; and the words that show whose log it is.

use crate::model::facts::Health;

/// What such a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// `set_state: switching from "A" to "B"`.
    Switch,
    /// `State: Ready`, `sdwan_state: Online`.
    State,
    /// It works.
    Health(Health),
    /// A process of the Connector begins.
    Started,
    /// It is stopped on purpose.
    Stopped,
    /// A connection's record.
    Traffic,
    /// A token's content, of which the time of issue is read.
    Token,
    /// The Controller answers 2xx: it is reached.
    Answered,
    /// An error, known or not.
    Error,
    /// The end, in words of no row.
    Fatal,
}

/// Words, what else must stand in the line (`a|b`: one of them), and what that tells.
pub(super) const EVENTS: &[(&str, &[&str], Event)] = &[
    // A record of traffic holds other people's words, whatever they are.
    ("ANALYTICS ", &[], Event::Traffic),
    ("set_state: switching from ", &[], Event::Switch),
    ("State: ", &[], Event::State),
    ("sdwan_state: ", &[], Event::State),
    ("heartbeat response: ", &[": 2"], Event::Health(Health::Heartbeat)),
    ("authorize_flow: ", &["ALLOW|DENY"], Event::Health(Health::Served)),
    ("Nameserver ", &["is back up"], Event::Health(Health::NamesBack)),
    ("handle_response: ", &["\" 20|\\\" 20| 200 OK"], Event::Answered),
    ("Started twingate", &[], Event::Started),
    ("Started Twingate", &[], Event::Started),
    ("Stopped twingate", &[], Event::Stopped),
    ("Stopped Twingate", &[], Event::Stopped),
    ("Stopping twingate", &[], Event::Stopped),
    ("Stopping Twingate", &[], Event::Stopped),
    ("verify_token: ", &["DAT"], Event::Token),
    ("panicked at", &[], Event::Fatal),
    ("[FATAL]", &[], Event::Fatal),
    ("[CRITICAL]", &[], Event::Fatal),
    ("[ERROR]", &[], Event::Error),
];

/// States in which a Connector works.
pub(super) const GOOD: &[&str] = &["Ready", "Online"];

/// Words of which one shows that a line is a Connector's, or tells of one.
pub(super) const OURS: &[&str] = &[
    "[connector]",
    "[libsdwan]",
    "[controller]",
    "[stun]",
    "ANALYTICS ",
    "twingate",
    "Twingate",
    "TWINGATE_",
    "connectord",
];

/// What only the vendor's Client writes.
pub(super) const CLIENT: &str = "[client]";
