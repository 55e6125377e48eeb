//! Causes that nothing but the Connector's log shows. Rows; what the log shows is judged in `behind`.

use super::kept;
use super::log_remedies;
use super::remedy::Act;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::span;
use crate::model::{CauseCode, CheckId};

/// The rows of causes that nothing but the log shows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::ConnectorTokensRejected,
        severity: Severity::Critical,
        title: "The Controller refuses the Connector's tokens",
        impact: "The Connector is offline and does not come back by itself; a restart does not help.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog, CheckId::ConnectorConnections],
        folds: &[CauseCode::ConnectorStuck],
        fits: |_| None,
        remedies: |e| {
            vec![
                Remedy::advice(
                    "Look for a second Connector with the same tokens (another container, a cloned machine, replicas above 1) and stop it: each needs tokens of its own",
                ),
                Remedy::advice(
                    "Make new tokens in the Admin Console (the Connector's page, Provision) and install them, in /etc/twingate/connector.conf or the container's environment",
                ),
                log_remedies::anew(e),
            ]
        },
        verify: "connector-doctor check connector.log --wait 5m",
        page: include_str!("../../docs/causes/connector-tokens-rejected.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorStuck,
        severity: Severity::Warning,
        title: "The Connector has not recovered: what it fails at works from this host",
        impact: "The Connector may stay offline, or relayed, until it is restarted.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog, CheckId::ConnectorConnections],
        folds: &[],
        fits: unconnected,
        remedies: |e| {
            vec![
                Act::of(e.host).restart("Restart the Connector"),
                Remedy::advice(
                    "If it happens again, log more (TWINGATE_LOG_LEVEL=7 in its configuration, taken out afterwards) and look again: connector-doctor logs",
                ),
            ]
        },
        verify: "connector-doctor check connector.log connector.connections --wait 5m",
        page: include_str!("../../docs/causes/connector-stuck.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorFlapping,
        severity: Severity::Warning,
        title: "The Connector leaves the state Ready again and again",
        impact: "Connections break off and are made again; mails say that it is offline.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Look for a second Connector with the same tokens (another container, a cloned machine, replicas above 1) and stop it",
                ),
                Remedy::advice(
                    "Watch clock and loss over time, both come and go: connector-doctor check 'clock.*' 'path.*'",
                ),
            ]
        },
        verify: "connector-doctor check connector.log --wait 10m",
        page: include_str!("../../docs/causes/connector-flapping.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorRestarting,
        severity: Severity::Critical,
        title: "The Connector starts and dies again and again, or cannot be started",
        impact: "It is online for moments at most; connections break off.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog, CheckId::ConnectorProcess],
        folds: &[CauseCode::ConnectorStopped],
        fits: kept::dies_again,
        remedies: log_remedies::restarting,
        verify: "connector-doctor check connector.log --wait 10m",
        page: include_str!("../../docs/causes/connector-restarting.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorOutdated,
        severity: Severity::Critical,
        title: "The Controller refuses this version of the Connector",
        impact: "The Connector stays offline until it is updated.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: log_remedies::update,
        verify: "connector-doctor check connector.log --wait 5m",
        page: include_str!("../../docs/causes/connector-outdated.md"),
    },
    CauseRule {
        code: CauseCode::ProxyRequired,
        severity: Severity::Critical,
        title: "A proxy stands between the Connector and the Controller, and refuses",
        impact: "The Connector does not reach the Controller.",
        layer: Layer::Path,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: log_remedies::past_the_proxy,
        verify: "connector-doctor check connector.log 'controller.*' --wait 5m",
        page: include_str!("../../docs/causes/proxy-required.md"),
    },
    CauseRule {
        code: CauseCode::ControllerLimits,
        severity: Severity::Warning,
        title: "The Controller limits requests (429)",
        impact: "The Connector comes online late, or misses changes for a while.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: log_remedies::ask_less,
        verify: "connector-doctor check connector.log --wait 10m",
        page: include_str!("../../docs/causes/controller-limits.md"),
    },
];

/// It runs, and stands nowhere, while this host reaches all that it needs: it is offline.
fn unconnected(e: &Evidence<'_>) -> Option<Fit> {
    let (pid, age_us) = e.symptom(|s| match s {
        Symptom::ConnectorUnconnected { pid, age_us } => Some((*pid, *age_us)),
        _ => None,
    })?;
    let age = age_us.map_or_else(String::new, |us| format!(" for {}", span(us / 1_000_000)));
    let title = format!(
        "The Connector (process {pid}) runs{age} and holds no connection, though this host reaches Controller and relays"
    );
    let fit = Fit::new(Confidence::Likely, title)
        .because("Its network's table of TCP was read at the beginning and at the end of the run: none of its connections stands");
    Some(fit.severity(Severity::Critical).of_its_own())
}
