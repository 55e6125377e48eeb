//! What a check's row says of it beside its id: where it stands in a report, and what decides, in words of the contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The heading under which a check stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The host itself.
    Host,
    /// The Connector on it.
    Connector,
    /// Its clock.
    Clock,
    /// Names.
    Dns,
    /// The Controller.
    Controller,
    /// Relays and event services.
    Relays,
    /// STUN and NAT.
    Nat,
    /// What the path does to packets.
    Path,
    /// What the Connector is to reach.
    Resources,
    /// A check of another version.
    #[default]
    #[serde(other)]
    Other,
}

impl Topic {
    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Connector => "Connector",
            Self::Clock => "Clock",
            Self::Dns => "DNS",
            Self::Controller => "Controller",
            Self::Relays => "Relays and services",
            Self::Nat => "STUN and NAT",
            Self::Path => "Path",
            Self::Resources => "Resources",
            Self::Other => "Other",
        }
    }

    /// The heading where there is little room.
    pub fn short(self) -> &'static str {
        match self {
            Self::Relays => "Relays",
            Self::Nat => "STUN, NAT",
            _ => self.heading(),
        }
    }
}

/// The segment of the path that a check looks at, in the picture of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Segment {
    /// The first leg: this host's addresses and route.
    FirstLeg,
    /// The resolvers.
    Resolvers,
    /// Routers behind the gateway.
    Routers,
    /// STUN servers.
    StunServers,
    /// Time servers.
    TimeServers,
    /// The Controller.
    Controller,
    /// Relays.
    Relays,
    /// Event services.
    Services,
    /// A segment of another version.
    #[serde(other)]
    Elsewhere,
}

/// Where a check stands in a report, and what it decides. Part of the report, so that renderers need no table of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Standing {
    /// The heading under which it stands.
    pub topic: Topic,
    /// Without its outcome there is no verdict: the contract's essential checks.
    pub essential: bool,
    /// The segment of the path that it looks at; null where it looks at none.
    pub segment: Option<Segment>,
    /// The box of details says all that a pass of it has to say.
    pub in_details: bool,
}

/// What a check's row says beside its id, its words and its judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckRow {
    /// Where it stands in a report.
    pub standing: Standing,
    /// When an observation of `watch` that asks less than a whole run says something of it.
    pub when_cheap: WhenCheap,
    /// The question of the history that it answers.
    pub tracks: Option<Track>,
}

/// Whether the cheap observations of `watch`, which ask fewer servers, speak for a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenCheap {
    /// Always.
    #[default]
    Always,
    /// Where they asked for the time.
    Timed,
    /// Where they asked as many time servers as a whole run.
    AllTimeServers,
    /// Never: what it rests on is expensive.
    Never,
}

/// A question that the history answers over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// Does the Controller answer: the step that decides is its last.
    Controller,
    /// Does a STUN server tell our address.
    Stun,
    /// Does the Connector's process run.
    Process,
    /// Is the clock within the limit.
    Clock,
    /// How the NAT maps.
    Mapping,
}

impl CheckRow {
    /// A row under this heading, with nothing special about it.
    pub const fn under(topic: Topic) -> Self {
        let standing = Standing { topic, essential: false, segment: None, in_details: false };
        Self { standing, when_cheap: WhenCheap::Always, tracks: None }
    }

    /// The verdict needs it.
    #[must_use]
    pub const fn essential(mut self) -> Self {
        self.standing.essential = true;
        self
    }

    /// It looks at this segment of the path.
    #[must_use]
    pub const fn on(mut self, segment: Segment) -> Self {
        self.standing.segment = Some(segment);
        self
    }

    /// The box of details says all that a pass of it says.
    #[must_use]
    pub const fn in_details(mut self) -> Self {
        self.standing.in_details = true;
        self
    }

    /// When cheap observations speak for it.
    #[must_use]
    pub const fn when_cheap(mut self, when: WhenCheap) -> Self {
        self.when_cheap = when;
        self
    }

    /// It answers this question of the history.
    #[must_use]
    pub const fn tracks(mut self, question: Track) -> Self {
        self.tracks = Some(question);
        self
    }
}
