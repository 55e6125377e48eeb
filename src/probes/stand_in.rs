//! Relays' own ports where no relay's address is known: one connection to a public host that listens on every port, and one to its 443 as
//! control. Judges nothing, and holds up no run.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::resolve::Wanted;
use super::servers::RESOLVE;
use super::shared::Shared;
use super::{fallback, tcp};
use crate::config::defaults::{HTTPS_PORT, STAND_IN};
use crate::config::{HostPort, Meant, Origin};
use crate::connector::RELAY_PORTS;
use crate::model::facts::{Connection, ConnectionState, Connector, StandInTcp, TargetRole};

/// Where the rest of the run has ended, and nothing is suspicious, it is given so long.
const GRACE: Duration = Duration::from_millis(150);

/// Whether it may be asked, as far as is known before the Connector's log is read: no relay's own address is known, nobody named
/// relays or turned it off, and the Controller is the vendor's.
pub(super) fn wanted(meant: &Meant, connector: &Connector) -> bool {
    let vendors = meant.controller.as_ref().is_some_and(|named| named.at.vendor);
    let known = meant.relay.iter().any(|named| named.at.port != HTTPS_PORT);
    let stands =
        |c: &Connection| c.state == ConnectionState::Established && RELAY_PORTS.contains(&c.peer.port());
    // The Connector's own connections are the better proof, whoever may see whose they are.
    let seen = connector.processes.iter().filter_map(|p| p.connections.as_ref());
    let own = seen.flat_map(|connections| &connections.seen).any(stands);
    !own && meant.stand_in
        && !meant.cheap
        && vendors
        && meant.relays_open()
        && !known
        && meant.fallback_off().is_none()
}

/// It, under way.
pub(super) struct StandIn {
    task: JoinHandle<()>,
    /// 443 answers, and the other port does not yet.
    suspicious: watch::Receiver<bool>,
}

impl StandIn {
    /// Begins once it is known that the log names no relay either.
    pub(super) fn begin(shared: &Shared, log: watch::Sender<Option<bool>>) -> Self {
        let Asker { env, board, resolvers, fallback, end, family } = Asker::of(shared);
        let (tell, suspicious) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut log = log.subscribe();
            let named = log.wait_for(Option::is_some).await.ok().and_then(|named| *named).unwrap_or(true);
            let Ok(HostPort { host, port }) = HostPort::parse(STAND_IN, None) else { return };
            if named {
                return;
            }
            let wanted = Wanted {
                role: TargetRole::StandIn,
                host: host.to_string(),
                port,
                origin: Origin::Default.to_string(),
            };
            let left = || end.saturating_sub(env.elapsed());
            let target =
                fallback::names::resolve(&env, wanted, &resolvers, &fallback, RESOLVE.min(left())).await;
            let ip = target.addresses.iter().copied().find(|ip| ip.is_ipv4() && family.allows(*ip));
            let name = target.name();
            board.target((usize::MAX, usize::MAX), target);
            let Some(ip) = ip else { return };
            let once = |port| {
                let (env, name, limit) = (env.clone(), name.clone(), left());
                async move { tcp::connect_once(&env, &name, SocketAddr::new(ip, port), limit).await }
            };
            let (high, control) = (once(port), once(HTTPS_PORT));
            tokio::pin!(high, control);
            let (high, control) = tokio::select! {
                high = &mut high => (high, control.await),
                control = &mut control => {
                    tell.send_replace(control.seen().is_some());
                    (high.await, control)
                }
            };
            board.keep((0, 0), high.map(StandInTcp));
            board.keep((0, 1), control.map(StandInTcp));
        });
        Self { task, suspicious }
    }

    /// The rest of the run has ended: it goes on only where it may still show something.
    pub(super) async fn end(mut self) {
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() && *self.suspicious.borrow() {
            let _ = (&mut self.task).await;
        }
        self.task.abort();
    }
}

/// What of the run's it needs: not what others wait for the end of.
struct Asker {
    env: crate::env::Env,
    board: super::board::Board,
    resolvers: std::sync::Arc<super::resolve::Resolvers>,
    fallback: fallback::Fallback,
    end: Duration,
    family: crate::config::Family,
}

impl Asker {
    fn of(shared: &Shared) -> Self {
        Self {
            env: shared.env.clone(),
            board: shared.board.clone(),
            resolvers: std::sync::Arc::clone(&shared.resolvers),
            fallback: shared.fallback.clone(),
            end: shared.end,
            family: shared.family,
        }
    }
}
