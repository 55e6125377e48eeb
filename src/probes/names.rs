//! What this host's own resolvers are asked, each by itself; judges nothing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;

use super::dns;
use super::shared::Shared;
use crate::config::{Host, Meant};
use crate::model::facts::DnsBeside;

/// What is asked beside the names of the run is not waited for longer: it holds nobody up.
const BESIDE: Duration = Duration::from_millis(180);

/// The Controller's name to each resolver, for both families; without it one plain question as a control for UDP.
pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    meant: &Meant,
    (search, ndots): (&[String], u8),
) {
    let host = meant.controller.as_ref().map(|named| &named.at.host);
    let (name, records) = match host {
        Some(Host::Name(name)) => (name.clone(), &[dns::Record::A, dns::Record::Aaaa][..]),
        _ => (question(meant), &[dns::Record::A][..]),
    };
    if let (Some(Host::Name(host)), Some(&first)) = (host, shared.resolvers.addresses.first())
        && !meant.cheap
    {
        let search = if shared.resolvers.only { &[][..] } else { search };
        for name in beside(host, search, ndots, shared) {
            tasks.spawn(ask_beside(shared.clone(), first, name));
        }
    }
    for (i, &resolver) in shared.resolvers.addresses.iter().enumerate() {
        for (j, &record) in records.iter().enumerate() {
            let (shared, name) = (shared.clone(), name.clone());
            shared.fallback.asking(resolver);
            let order = (meant.stun.len() + meant.ntp.len() + i, j);
            tasks.spawn(async move {
                let until = dns::Until::Judged;
                let work = dns::ask(&shared.env, resolver, &name, record, shared.left(), until);
                let answer =
                    shared.board.observe(order, shared.cut(&resolver.to_string(), resolver), work).await;
                shared.fallback.heard(resolver, &answer);
            });
        }
    }
}

/// A name that cannot exist (RFC 6761 6.4), and the Controller's below each domain that the library tries before the name itself.
fn beside(host: &str, search: &[String], ndots: u8, shared: &Shared) -> Vec<(bool, String)> {
    let mut names = vec![(true, format!("cd-{:08x}.invalid", u32::from_be_bytes(shared.env.random())))];
    let dots = host.matches('.').count();
    if !host.ends_with('.') && dots < usize::from(ndots) {
        names.extend(search.iter().map(|domain| (false, format!("{host}.{domain}"))));
    }
    names
}

async fn ask_beside(shared: Shared, resolver: SocketAddr, (nowhere, name): (bool, String)) {
    let wait = BESIDE.min(shared.left());
    let answer = dns::ask(&shared.env, resolver, &name, dns::Record::A, wait, dns::Until::Answered).await;
    // Its silence tells nothing.
    if answer.seen().is_some() {
        shared.board.keep((0, 0), answer.map(|answer| DnsBeside { nowhere, answer }));
    }
}

/// A name that is asked for anyway, so that no resolver learns more than the run needs; else the vendor's.
fn question(meant: &Meant) -> String {
    let mut hosts = meant.stun.iter().chain(&meant.ntp).map(|named| &named.at.host);
    let name = hosts.find_map(|h| if let Host::Name(name) = h { Some(name.clone()) } else { None });
    name.unwrap_or_else(|| "twingate.com".to_owned())
}
