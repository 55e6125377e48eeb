//! Resources that the Connector's log calls failed and nobody named: told, never contacted. Pure.

use std::net::IpAddr;

use crate::model::facts::{ConnectorLog, Facts, FailedResource};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedInLog {
    /// `HOST:PORT`, as `--resource` takes it.
    pub place: String,
    /// Why and how often.
    pub words: String,
}

/// Those that can be tested, most often failed first, each once.
pub fn failed_in_log(facts: &Facts) -> Vec<FailedInLog> {
    let logs = facts.connector_log.iter().filter_map(|log| log.seen());
    let mut all: Vec<&FailedResource> =
        logs.flat_map(ConnectorLog::connectors).flat_map(|one| &one.traffic.failed).collect();
    all.sort_by_key(|failed| std::cmp::Reverse(failed.count));
    let mut found: Vec<FailedInLog> = Vec::new();
    for failed in all {
        let Some((host, port)) = failed.place() else { continue };
        let same = |other: &str| match (other.parse::<IpAddr>(), host.parse::<IpAddr>()) {
            (Ok(other), Ok(host)) => other == host,
            _ => other.trim_end_matches('.').eq_ignore_ascii_case(host.trim_end_matches('.')),
        };
        let named = facts.resources.iter().any(|resource| resource.port == port && same(&resource.host));
        if !named && !found.iter().any(|known| known.place == failed.resource) {
            found.push(FailedInLog { place: failed.resource.clone(), words: failed.words() });
        }
    }
    found
}
