//! Causes that nothing but the Connector's log shows. Rows; what the log shows is judged in `behind`.

use super::rule::{CauseRule, Layer};
use crate::model::report::{Remedy, Severity};
use crate::model::{CauseCode, CheckId};

/// The rows of causes that nothing but the log shows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::ConnectorTokensRejected,
        severity: Severity::Critical,
        title: "The Controller refuses the Connector's tokens",
        impact: "The Connector is offline and does not come back by itself; a restart does not help.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Look for a second Connector with the same tokens (another container, a cloned machine, replicas above 1) and stop it: each needs tokens of its own",
                ),
                Remedy::advice(
                    "Make new tokens in the Admin Console (the Connector's page, Provision) and install them, in /etc/twingate/connector.conf or the container's environment",
                ),
                Remedy::root("Then restart it", &["sudo systemctl restart twingate-connector"]),
            ]
        },
        verify: "connector-doctor check connector.log --wait 5m",
        page: include_str!("../../docs/causes/connector-tokens-rejected.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorStuck,
        severity: Severity::Warning,
        title: "What fails in the Connector's log works from this host: it has not recovered",
        impact: "The Connector may stay offline, or relayed, until it is restarted.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorLog],
        folds: &[],
        fits: |_| None,
        remedies: |_| {
            vec![
                Remedy::root("Restart the Connector", &["sudo systemctl restart twingate-connector"]),
                Remedy::advice(
                    "If it comes again, log more (TWINGATE_LOG_LEVEL=7 in its configuration, taken out afterwards) and look again: connector-doctor logs",
                ),
            ]
        },
        verify: "connector-doctor check connector.log --wait 5m",
        page: include_str!("../../docs/causes/connector-stuck.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorFlapping,
        severity: Severity::Warning,
        title: "The Connector leaves the state Ready again and again",
        impact: "Connections break off and are made anew; mails say that it is offline.",
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
];
