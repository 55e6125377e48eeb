//! `connector.log`: what the Connector's own log shows. Pure.

use super::Check;
use crate::model::facts::Facts;
use crate::model::finding::{Finding, Status};

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: "connector.log",
    title: "The Connector's log shows no failure",
    contacts: "nothing: the journal",
    rights: "the group systemd-journal, or root",
    page: include_str!("../../docs/checks/connector.log.md"),
    eval: log,
}];

const ID: &str = "connector.log";

fn log(facts: &Facts) -> Vec<Finding> {
    vec![match &facts.connector_log {
        None if facts.host.connector.processes.is_empty() => {
            Finding::new(ID, Status::Skip, "no Connector on this host")
        }
        None => Finding::new(ID, Status::Skip, "its log was not read")
            .evidence("to read it: journalctl -u twingate-connector | connector-doctor logs -"),
        Some(log) => Finding::new(ID, Status::Pass, format!("{} shows no failure", log.target)),
    }]
}
