//! The host once more, at the end of a run: off the caller's thread, within what is left of its time.

use std::net::IpAddr;
use std::time::Duration;

use super::aside::aside;
use super::connector::look_again;
use super::{asked, host, metrics};
use crate::env::Env;
use crate::model::facts::{Facts, Host};

/// Looks until `until`, a time of this run; what does not answer by then is as it was. `own`: this host's own Connector
/// and routes count.
pub(super) async fn look(
    env: &Env,
    facts: &mut Facts,
    (before, room): (Option<host::Counted>, Option<host::Snapshot>),
    own: bool,
    until: Duration,
) {
    let last = aside({
        let (env, mut host, asked) = (env.clone(), facts.host.clone(), asked::addresses(facts));
        move || {
            look_here(&env, &mut host, (before, room), own.then_some(asked.as_slice()));
            host
        }
    });
    if let Ok(Ok(host)) = tokio::time::timeout(until.saturating_sub(env.elapsed()), last).await {
        facts.host = host;
    }
    if own {
        let asked = metrics::read(env, &mut facts.host.connector);
        let _ = tokio::time::timeout(until.saturating_sub(env.elapsed()), asked).await;
    }
}

fn look_here(
    env: &Env,
    host: &mut Host,
    (before, room): (Option<host::Counted>, Option<host::Snapshot>),
    own: Option<&[IpAddr]>,
) {
    host.unheard = before.and_then(|before| Some(host::counted(env)?.unheard_since(before)));
    if let Some(room) = room {
        host.room = room.room(host::snapshot(env), env, &host.interfaces);
    }
    if let Some(asked) = own {
        look_again(env, &mut host.connector);
        host.routing = host::routing(env, asked);
    }
    let gateway = host.default_routes.iter().find_map(|r| r.gateway.filter(IpAddr::is_ipv4));
    host.gateway_answers = gateway.and_then(|gateway| host::answers_on_link(env, gateway));
}
