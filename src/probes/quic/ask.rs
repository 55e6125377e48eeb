//! Resolves a QUIC server's name, and asks it once STUN has shown that UDP gets out; nothing where it has not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::ask;
use super::server::Server;
use crate::config::{Family, HostPort, Named};
use crate::env::Env;
use crate::model::facts::TargetRole;
use crate::probes::board::Board;
use crate::probes::pick::one_of_each_family;
use crate::probes::resolve::{Resolvers, Wanted, resolve};

/// Names are given this long: beyond it a resolver is dead for our purpose.
const RESOLVE: Duration = Duration::from_secs(3);

/// What a server's task needs.
#[derive(Debug)]
pub struct Wish {
    /// Time, chance, environment.
    pub env: Env,
    /// Where observations go.
    pub board: Board,
    /// Who resolves its name.
    pub resolvers: Arc<Resolvers>,
    /// Which families are used.
    pub family: Family,
    /// When the run ends.
    pub end: Duration,
    /// The server's place in the plan.
    pub order: usize,
    /// The round trip of the first STUN server that answered; closed once all have been given up.
    pub stun_rtt: watch::Receiver<Option<Duration>>,
}

/// The whole of it, for one server.
pub async fn resolve_and_ask(wish: Wish, named: Named<HostPort>) {
    let Wish { env, board, resolvers, family, end, order, mut stun_rtt } = wish;
    let wanted = Wanted {
        role: TargetRole::Quic,
        host: named.at.host.to_string(),
        port: named.at.port,
        origin: named.origin.to_string(),
    };
    let left = move |env: &Env| end.saturating_sub(env.elapsed());
    let target = resolve(&env, wanted, &resolvers, RESOLVE.min(left(&env))).await.target;
    let addresses = one_of_each_family(&target.addresses, family);
    let (name, host, port) = (target.name(), target.host.clone(), target.port);
    board.target((order, 0), target);
    let Ok(rtt) = stun_rtt.wait_for(Option::is_some).await.map(|rtt| rtt.unwrap_or_default()) else { return };
    let mut asked = JoinSet::new();
    for (j, ip) in addresses.into_iter().enumerate() {
        let server = Server {
            name: name.clone(),
            host: host.clone(),
            address: SocketAddr::new(ip, port),
            order: (order, j),
            rtt,
            // On loopback there is no way out whose sizes could be told.
            full_size: !ip.is_loopback(),
        };
        let (env, board) = (env.clone(), board.clone());
        asked.spawn(async move { ask(&env, &board, &server, left(&env)).await });
    }
    while asked.join_next().await.is_some() {}
}
