//! Each named Resource, reached as the Connector reaches it: its name, the way, the connection, what it says first; judges nothing.
//!
//! Nothing is contacted that was not named, and nothing is sent beyond what the row of its kind says (`proto::greeting`).
//! All run at once; descriptors are counted, so that many silent ones exhaust nothing.

mod address;
mod after;
mod converse;
mod echo;
pub mod names;
mod round;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::JoinSet;

pub use round::Ground;

use round::{Place, Round};

use super::since_us;
use crate::config;
use crate::model::facts::{Resource, ResourceNames, ResourceSeen, ResourceTried};
use crate::model::observation::{NotRun, Outcome};

/// Addresses of a Resource that are tried, of each family.
const ADDRESSES: usize = 4;
/// Names are given this long.
const RESOLVE: Duration = Duration::from_secs(3);

/// The Resources as they are named; of those that are `known` what was seen a while ago, the others not asked yet.
pub fn listed(resources: &[config::Named<config::Resource>], known: &[Resource]) -> Vec<Resource> {
    let one = |named: &config::Named<config::Resource>| {
        let config::Resource { name, host, port, kind, kind_named, expect } = named.at.clone();
        let mut resource = Resource {
            name,
            host: host.to_string(),
            port,
            kind,
            kind_named,
            expect,
            origin: named.origin.to_string(),
            seen: Outcome::NotRun(NotRun::Deadline),
        };
        let same = |k: &&Resource| {
            (&k.name, &k.host, k.port, k.kind) == (&resource.name, &resource.host, port, kind)
        };
        if let Some(known) = known.iter().find(same) {
            resource.seen = known.seen.clone();
        }
        resource
    };
    resources.iter().map(one).collect()
}

/// Asks every Resource; what was seen of the n-th is kept under its number.
pub async fn observe(ground: Ground, resources: Vec<Resource>) {
    let round = Round::over(ground, resources.len());
    let mut names: BTreeMap<String, Arc<OnceCell<ResourceNames>>> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    for (number, resource) in resources.into_iter().enumerate().filter(|(_, r)| r.seen().is_none()) {
        let name = Arc::clone(names.entry(resource.host.clone()).or_default());
        let round = round.clone();
        tasks.spawn(async move {
            let board = round.ground.board.clone();
            let ticket = board.await_resource(number);
            let seen = one(&round, resource, &name).await;
            board.resource(ticket, number, seen);
        });
    }
    while tasks.join_next().await.is_some() {}
}

async fn one(round: &Round, resource: Resource, name: &OnceCell<ResourceNames>) -> ResourceSeen {
    let env = &round.ground.env;
    let begun = env.elapsed();
    let mut seen = ResourceSeen::default();
    let addresses = if let Ok(ip) = resource.host.parse::<IpAddr>() {
        vec![ip.to_canonical()]
    } else {
        let resolve = async {
            let _held = round.descriptors(round.ground.resolvers.questions()).await;
            let left = RESOLVE.min(round.left());
            names::resolve(env, &round.ground.resolvers, &resource.host, left).await
        };
        let names = name.get_or_init(|| resolve).await.clone();
        let addresses = names.addresses.clone();
        seen.names = Some(names);
        addresses
    };
    let tried = chosen(&addresses, round.ground.family);
    seen.left_out = u32::try_from(addresses.len() - tried.len()).unwrap_or(0);
    seen.tried = all(round, &resource, &tried).await;
    seen.took_us = since_us(env, begun);
    seen
}

/// The first addresses of each family, IPv4 first.
fn chosen(addresses: &[IpAddr], family: config::Family) -> Vec<IpAddr> {
    let of = |v6: bool| {
        addresses.iter().copied().filter(move |ip| ip.is_ipv6() == v6 && family.allows(*ip)).take(ADDRESSES)
    };
    of(false).chain(of(true)).collect()
}

/// Tries all addresses side by side, in their order. Where greetings count against a client, the first that connects is greeted alone.
async fn all(round: &Round, resource: &Resource, addresses: &[IpAddr]) -> Vec<ResourceTried> {
    let once = resource.kind.row().counts.is_some().then(|| Arc::new(OnceCell::new()));
    let mut tasks = JoinSet::new();
    for (number, ip) in addresses.iter().enumerate() {
        let place = Place {
            address: *ip,
            once: once.clone(),
            host: resource.host.clone(),
            port: resource.port,
            kind: resource.kind,
        };
        let round = round.clone();
        // Boxed: a handshake's state is large.
        tasks.spawn(async move { (number, Box::pin(place.observe(&round)).await) });
    }
    let mut tried = Vec::new();
    while let Some(done) = tasks.join_next().await {
        tried.extend(done.ok());
    }
    tried.sort_by_key(|(number, _)| *number);
    tried.into_iter().map(|(_, tried)| tried).collect()
}
