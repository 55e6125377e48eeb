//! Everything that one run observed: a file that can be saved, replayed and judged anew.
//!
//! Every field has a default, so that facts saved by another version still load.

pub mod clock;
pub mod connector;
pub mod controller;
pub mod deployment;
pub mod fallback;
pub mod host;
pub mod kept;
pub mod learnt;
pub mod lifetime;
pub mod log;
pub mod manager;
pub mod nat;
pub mod network;
pub mod origin;
pub mod path;
pub mod place;
pub mod quic;
pub mod resource;
pub mod resources;
pub mod room;
pub mod routing;
pub mod settings;
pub mod stun;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clock::{KernelClock, NtpAnswer, NtpStanding, TimeDaemon};
pub use connector::{
    AttributedBy, Connection, ConnectionState, Connections, Connector, ConnectorProcess, ConnectorUnit, Meet,
    MemoryGroup, OwnMetrics, ProcessLimits, ProcessState, SharedTokens, Stranger, View,
};
pub use controller::{
    Certificate, ChainProblem, ChainVerdict, Control, ControllerTcp, DateClock, HttpAnswer, PlainAnswer,
    RefusalTrace, RelayTcp, ServiceTcp, StandInTcp, TlsSession, TlsTrial, Trust, same_site,
};
pub use deployment::{Compose, Deployment, DeploymentKind};
pub use fallback::{Fallback, FallbackBegan, FallbackDns, FallbackReason, FallbackTcp};
pub use host::{Cloud, Container, Host, Interface, InterfaceAddress, InterfaceKind, Os, Resolver, Route};
pub use kept::{KeptConnector, KeptState};
pub use learnt::{By, Learnt};
pub use lifetime::{Fate, LifetimeBy, MappingLifetime, Rung};
pub use log::{
    ConnectorLog, Ended, FailedResource, Health, HealthSeen, LogSign, OneLog, Place, ResourceFault,
    Signature, TokenClock, Traffic, UnknownError,
};
pub use manager::{Appliance, Init, LxcTool, Manager, Packages};
pub use nat::{NatAsk, NatPath, NatReply, NatRequest, NatSeries};
pub use network::{
    DnsAnswer, DnsBeside, DnsTransport, RecordType, ResolvedBy, SystemLookup, Target, TargetRole,
    TcpConnected,
};
pub use origin::{NamedBy, ResolverOrigin, SettingsSource};
pub use path::{GatewayWord, Hop, PathHops, PathMtu, SegmentTrial, SizeTried, TooBig};
pub use place::{Machine, Runtime, Unseen};
pub use quic::{Quic, QuicControl, QuicSession, QuicShape, QuicVariant, QuicVersions};
pub use resource::{
    Greeting, Neighbour, Resource, ResourceHop, ResourceKind, ResourceNames, ResourceSeen, ResourceTried,
    ResourceWay,
};
pub use resources::{Disk, PingGroups, Resources};
pub use room::{Conntrack, Counted, Ports, Room};
pub use routing::{NeighbourState, NextHop, PolicyRule, RouteKind, RouteTo, Routing};
pub use settings::{Settings, SettingsFault, Token, TokenFlaw, TokenForm};
pub use stun::{SecondOpinion, StunAnswer, StunAnywhere, StunOverTcp};

use crate::model::allow::Allow;
use crate::model::invocation::Invocation;
use crate::model::observation::Observation;

/// The raw observations of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Facts {
    /// The run itself.
    pub run: Run,
    /// What the host says of itself.
    pub host: Host,
    /// Names and addresses as they were resolved.
    pub targets: Vec<Target>,
    /// NTP exchanges, one an address.
    pub ntp: Vec<Observation<NtpAnswer>>,
    /// STUN Binding transactions, one an address.
    pub stun: Vec<Observation<StunAnswer>>,
    /// The independent second opinion on STUN servers whose first request stayed unanswered.
    pub stun_second: Vec<Observation<SecondOpinion>>,
    /// Binding transactions over TCP, where a server takes them.
    pub stun_tcp: Vec<Observation<StunOverTcp>>,
    /// Answers that came from elsewhere than asked, where a server was silent.
    pub stun_anywhere: Vec<Observation<StunAnywhere>>,
    /// Series of requests that show a NAT's behaviour.
    pub nat: Vec<Observation<NatSeries>>,
    /// How long a mapping lives, where that was asked for.
    pub lifetime: Vec<Observation<MappingLifetime>>,
    /// Routers on the way out, and how far out NATs stand.
    pub hops: Vec<Observation<PathHops>>,
    /// What the gateway says of its outer address, where it was asked.
    pub gateway: Vec<Observation<GatewayWord>>,
    /// Which sizes pass.
    pub mtu: Vec<Observation<PathMtu>>,
    /// Questions put to each configured resolver.
    pub dns: Vec<Observation<DnsAnswer>>,
    /// Questions beside, put to the first of them: a name that cannot exist, and the Controller's name below search domains.
    pub dns_beside: Vec<Observation<DnsBeside>>,
    /// What was asked beside this host's resolvers.
    pub fallback: Fallback,
    /// TCP connects that only witness that TCP gets out.
    pub tcp_controls: Vec<Observation<TcpConnected>>,
    /// The Controller, relays and services.
    pub control: Control,
    /// QUIC with the listed servers.
    pub quic: Quic,
    /// The Connector's log, where one was read; none where nobody looked.
    pub connector_log: Option<Observation<ConnectorLog>>,
    /// The Resources that were named, in the user's order.
    pub resources: Vec<Resource>,
}

/// Facts about the run itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Run {
    /// `CDR-XXXX-XXXX`.
    pub id: String,
    /// The version that observed.
    pub version: String,
    /// `linux-x86_64`.
    pub target: String,
    /// The host's wall clock at the start, nanoseconds since 1970.
    pub started_wall_ns: i64,
    /// How long observing took, microseconds.
    pub duration_us: u64,
    /// The longest that one try may take, microseconds.
    pub timeout_us: u64,
    /// Which try this was, counted from 1 (`--wait`).
    pub tries: u32,
    /// Ctrl-C ended the run early.
    pub interrupted: bool,
    /// How far this host's clock was set while the run went on, nanoseconds; a few that its slewing takes are none.
    pub stepped_ns: i64,
    /// The network's name, where one is known.
    pub network: Option<String>,
    /// Who named it: an option, a variable, a file, this host's Connector.
    pub network_by: Option<NamedBy>,
    /// Run by `lab`: the host's own route, Connector, NAT and path are not judged.
    pub lab: Option<String>,
    /// What the run was given, for the commands that its report prints.
    pub given: Invocation,
    /// Checks selected by glob; empty means all.
    pub select: Vec<String>,
    /// Checks left out by glob.
    pub skip: Vec<String>,
    /// What was known and accepted then.
    pub allow: Vec<Allow>,
}
