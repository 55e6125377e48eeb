//! Of `host.route`: where this host's own routing leads astray, and how it sends to whom the run asked. Pure.

use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::astray::AstrayKind;
use crate::model::facts::{RouteTo, Routing};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::count;

const ID: CheckId = CheckId::HostRoute;
/// Most lines of next hops and of rules.
const LINES: usize = 16;

/// What leads astray, a finding each.
pub(super) fn astray(run: &Inference<'_>) -> Vec<Finding> {
    let found = run.astray.iter().map(|one| {
        let status = if one.spared { Status::Warn } else { Status::Fail };
        let summary = one.words();
        let small = summary.strip_prefix("The ").map(|rest| format!("the {rest}"));
        Finding::new(ID, status, small.unwrap_or(summary)).symptom(Symptom::Astray(one.clone()))
    });
    found.collect()
}

/// Whether an IPv4 address is without a default route.
pub(super) fn no_ipv4_default(run: &Inference<'_>) -> bool {
    run.astray.iter().any(|one| matches!(one.kind, AstrayKind::NoIpv4Default { .. }))
}

/// How the kernel sends to whom the run asked, a line a next hop; and its rules of policy routing.
pub(super) fn lines(routing: &Routing) -> Vec<String> {
    let mut hops: Vec<(String, Vec<&RouteTo>)> = Vec::new();
    for route in routing.routes.iter().filter(|route| route.interface.is_some()) {
        let way = way(route);
        match hops.iter_mut().find(|(known, _)| *known == way) {
            Some((_, all)) => all.push(route),
            None => hops.push((way, vec![route])),
        }
    }
    let hops = hops.into_iter().map(|(way, all)| match all.as_slice() {
        [one] => format!("to {}: {way}", one.to),
        all => format!("to {}: {way}", count(all.len(), "address").replace("addresss", "addresses")),
    });
    let rules = routing.rules.iter().map(|rule| format!("rule {}", rule.words()));
    let unread = routing.error.as_ref().map(|why| format!("routes of the targets not read: {why}"));
    hops.take(LINES).chain(rules.take(LINES)).chain(unread).collect()
}

/// `via 10.0.0.1 eth0 from 10.0.0.5, default route, REACHABLE`.
fn way(route: &RouteTo) -> String {
    let mut words = match route.gateway {
        Some(gateway) => format!("via {gateway}"),
        None => "on the link".to_owned(),
    };
    words.push(' ');
    words.push_str(route.interface.as_deref().unwrap_or_default());
    words.extend(route.source.map(|source| format!(" from {source}")));
    match (route.network, route.prefix) {
        (_, Some(0)) => words.push_str(", default route"),
        (Some(network), Some(prefix)) => words.extend([format!(", by {network}/{prefix}")]),
        _ => {}
    }
    words.extend(
        route.table.filter(|table| !matches!(table, 0 | 254 | 255)).map(|table| format!(", table {table}")),
    );
    words.extend((route.hops.len() > 1).then(|| format!(", one of {} next hops", route.hops.len())));
    words.extend(route.link_down.then_some(", no carrier"));
    words.extend(route.neighbour.map(|state| format!(", {}", state.word())));
    words
}
