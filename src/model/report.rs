//! The report: what every format renders, and the one place where the verdict is computed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allow::Allowed;
use super::check::Standing;
use super::facts::Facts;
use super::finding::Status;
use super::proof::Proof;
use super::resource::ResourceResult;
pub use super::verdict::Verdict;
use super::verdict::{Lack, Weighed};
use super::words::{P2pExpect, StunDiscovery, TimeSource};

/// The version of the JSON form: minor for additions, major for breaking changes.
pub const FORMAT_VERSION: &str = "1.1";

/// One run, judged. All keys are always present in JSON, null where not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `1.1`.
    pub format_version: String,
    /// `CDR-XXXX-XXXX`.
    pub id: String,
    /// What made it.
    pub tool: Tool,
    /// Start by the best clock known: the reference where there is one, RFC 3339 UTC.
    pub started_at: String,
    /// How long observing took, milliseconds.
    pub duration_ms: u64,
    /// The verdict, computed once.
    pub verdict: Verdict,
    /// `none`, `default` or `strict`.
    pub redaction: String,
    /// The six things that the vendor's console shows, measured from the host.
    pub connector_details: ConnectorDetails,
    /// What to expect of peer-to-peer connections; null where it cannot be told.
    #[serde(default)]
    pub p2p_outlook: Option<P2pOutlook>,
    /// What the verdict lacks, in the table's order.
    #[serde(default)]
    pub not_tested: Vec<NotTested>,
    /// Every selected check, in the table's order.
    pub checks: Vec<CheckResult>,
    /// Causes, the one to fix first at the front.
    pub causes: Vec<Cause>,
    /// The Resources that were named, in the user's order.
    #[serde(default)]
    pub resources: Vec<ResourceResult>,
    /// The raw observations.
    pub facts: Facts,
}

/// What made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `connector-doctor`.
    pub name: String,
    /// Version of the tool that judged.
    pub version: String,
    /// `linux-x86_64`.
    pub target: String,
}

/// The six details of the vendor's console, measured from the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectorDetails {
    /// Uptime of the Connector's process, seconds; null where none was found.
    pub uptime_s: Option<f64>,
    /// Time since boot, seconds.
    pub host_uptime_s: Option<f64>,
    /// Downtime as `watch` saw it, seconds; null in a single run.
    pub downtime_s: Option<f64>,
    /// Host minus reference, seconds: negative = in the past.
    pub time_offset_s: Option<f64>,
    /// The offset is off by at most this, seconds.
    pub time_offset_error_s: Option<f64>,
    /// Who told the time.
    pub time_offset_source: Option<TimeSource>,
    /// Whether a STUN server told our mapped address.
    pub stun_discovery: StunDiscovery,
    /// The host's name.
    pub hostname: Option<String>,
    /// Distinct mapped addresses that our STUN engine believed, IPv4 first.
    pub public_ips: Vec<IpAddr>,
    /// RFC 1918, RFC 6598 and ULA addresses of interfaces that are up.
    pub private_ips: Vec<IpAddr>,
}

/// What to expect of peer-to-peer connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct P2pOutlook {
    /// What.
    pub expect: P2pExpect,
    /// No direct connection at all is to be expected.
    #[serde(default)]
    pub none: bool,
    /// Why, in one sentence.
    pub reason: String,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckResult {
    /// Permanent id.
    pub id: String,
    /// The claim that a pass makes true.
    pub title: String,
    /// Where it stands in a report.
    #[serde(flatten)]
    pub standing: Standing,
    /// The outcome.
    pub outcome: Status,
    /// One sentence.
    pub summary: String,
    /// What was sent, what came back.
    pub evidence: Vec<String>,
    /// By what an essential outcome was proven; empty where nothing answered, and for other checks.
    #[serde(default)]
    pub by: Vec<Proof>,
    /// Why there is no outcome, or not the whole of it; null where there is one, or where the check does not apply here.
    #[serde(default)]
    pub lacks: Option<Lack>,
    /// The cause that explains it.
    pub caused_by: Option<String>,
    /// That its warn or fail is known and accepted (`[[allow]]`); null where nobody said so.
    #[serde(default)]
    pub allowed: Option<Allowed>,
    /// How long its observations took, milliseconds.
    pub duration_ms: u64,
    /// Named figures.
    pub measurements: BTreeMap<String, f64>,
}

impl CheckResult {
    /// The outcome as far as it counts: what is accepted counts as not tested.
    pub fn counted(&self) -> Status {
        match &self.allowed {
            Some(allowed) if !allowed.expired => Status::Skip,
            _ => self.outcome,
        }
    }

    /// What the verdict needs to know of it.
    pub fn weighed(&self) -> Weighed {
        let accepted = self.allowed.as_ref().is_some_and(|allowed| !allowed.expired);
        let lacks = self.lacks.filter(|_| !accepted);
        Weighed { outcome: self.counted(), essential: self.standing.essential, lacks }
    }
}

/// What was not tested, why, and the one command that would test it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotTested {
    /// The check's id.
    pub check: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The command.
    pub command: String,
}

/// How bad a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Changes no outcome.
    Notice,
    /// Goes with a warn.
    Warning,
    /// Goes with a fail.
    Critical,
}

impl Severity {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How sure a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Something else would explain it as well.
    Possible,
    /// The best explanation.
    Likely,
    /// Proven by a control.
    Certain,
}

impl Confidence {
    /// The lower-case word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// What to fix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Permanent code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The cause in one sentence, with its figures.
    pub title: String,
    /// The proof, a line each.
    pub because: Vec<String>,
    /// What it does to the Connector.
    pub impact: String,
    /// Ids of the checks it explains.
    pub checks: Vec<String>,
    /// What to do, in order.
    pub remedies: Vec<Remedy>,
    /// The command that shows whether the fix worked.
    pub verify: String,
    /// The page about it.
    pub docs: String,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// What to do, imperative.
    pub action: String,
    /// Commands for this very system, one a line.
    pub commands: Vec<String>,
    /// Whether the commands need root.
    pub needs_root: bool,
}

impl Remedy {
    /// Advice without a command.
    pub fn advice(action: impl Into<String>) -> Self {
        Self { action: action.into(), commands: Vec::new(), needs_root: false }
    }

    /// Commands for root (`sudo` is part of them).
    pub fn root(action: impl Into<String>, commands: &[&str]) -> Self {
        Self {
            action: action.into(),
            commands: commands.iter().map(|c| (*c).to_owned()).collect(),
            needs_root: true,
        }
    }
}

impl Report {
    /// The verdict, as computed when the report was judged; the only source of the exit code.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The verdict of these checks.
    pub fn verdict_of(checks: &[CheckResult]) -> Verdict {
        Verdict::of(checks.iter().map(CheckResult::weighed))
    }

    /// Whether an essential check has no outcome that another try may give it.
    pub fn may_be_decided(&self) -> bool {
        let open = self.checks.iter().map(CheckResult::weighed).filter(|check| check.open());
        open.filter_map(|check| check.lacks).any(Lack::may_pass)
    }

    /// Whether an essential check has no outcome, and no waiting gives it one.
    pub fn stays_open(&self) -> bool {
        let open = self.checks.iter().map(CheckResult::weighed).filter(|check| check.open());
        open.filter_map(|check| check.lacks).any(|lack| !lack.may_pass())
    }

    /// The worst outcome that counts, for `--fail-on` and `--wait`.
    pub fn worst(&self) -> Status {
        self.checks.iter().map(CheckResult::counted).max().unwrap_or(Status::Skip)
    }
}
