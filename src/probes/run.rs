//! One run: everything that does not depend on another thing at the same time, under one deadline. Never fails.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::aside::aside;
use super::board::{Board, Order};
use super::control::Plane;
use super::fallback::Fallback;
use super::own_log::OwnLog;
use super::resolve::{Resolvers, Wanted};
use super::servers::{RESOLVE, server};
use super::shared::Shared;
use super::stand_in::{self, StandIn};
use super::{control, fallback, host, journal, last, lifetime, names, nat, path, quic, resource, tls};
use crate::config::defaults::VENDOR_DOMAIN;
use crate::config::last_known::is_vendors;
use crate::config::{Controller, HostPort, Meant, Named};
use crate::env::Env;
use crate::model::facts::{Facts, Host, InterfaceAddress, NtpAnswer, PathMtu, Resolver, Target, TargetRole};
use crate::model::observation::{NotRun, Observation, Outcome};

/// Backstop beyond the timeout: every probe bounds itself before it.
const GRACE: Duration = Duration::from_millis(100);
/// A look at the kernel's tables takes milliseconds; one that does not end is given up, at the latest so long after the backstop.
const LOOK: Duration = Duration::from_millis(100);

/// Observes all that `meant` names until all is seen, the deadline comes, or `stop` resolves.
///
/// `begun`: when the run began; `own`: this host's own Connector counts (not in `lab`). `board` may be watched meanwhile. The facts' `run` is the caller's to fill.
pub async fn observe(
    env: &Env,
    meant: &Meant,
    host: Host,
    (begun, own): (Duration, bool),
    board: &Board,
    stop: impl Future<Output = ()>,
) -> Facts {
    let counters = aside({
        let env = env.clone();
        move || (host::counted(&env), host::snapshot(&env))
    });
    let (before, room) =
        tokio::time::timeout((meant.timeout / 4).max(LOOK), counters).await.ok().and_then(Result::ok).unzip();
    let resolvers = resolvers(meant, &host);
    // Whether the log names relays; none until it is read.
    let known = watch::Sender::new(None);
    let (answered, answers) = mpsc::unbounded_channel();
    let (keep_roots, roots) = watch::channel(None);
    let end = begun + meant.timeout;
    let beside = Fallback::new(env, board, meant, &host, vendors_question(meant), end);
    let shared = Shared {
        answered,
        fallback: beside.clone(),
        cheap: meant.cheap,
        env: env.clone(),
        board: board.clone(),
        resolvers: Arc::new(Resolvers {
            addresses: resolvers.iter().map(|r| r.address).collect(),
            only: !meant.dns.is_empty(),
        }),
        family: meant.family,
        roots: roots.clone(),
        // A cheap run does not ask anybody for the time who is not a time server.
        time_known: watch::Sender::new(meant.cheap),
        time_doubted: watch::Sender::new(false),
        stun_rtt: watch::Sender::new(None),
        answered_too: Arc::default(),
        end,
    };
    let names = resource::names::Resolvers::of(env, meant, &host, own);
    let resources = resource::listed(&meant.resources, &meant.known);
    let mut facts =
        Facts { host: Host { resolvers, ..host }, resources: resources.clone(), ..Facts::default() };
    let mut tasks = JoinSet::new();
    spawn_servers(&mut tasks, &shared, TargetRole::Stun, &meant.stun, &[], 0);
    spawn_servers(&mut tasks, &shared, TargetRole::Ntp, &meant.ntp, &meant.left_alone, meant.stun.len());
    names::spawn(&mut tasks, &shared, meant, (&facts.host.search, facts.host.ndots));
    spawn_control(&mut tasks, &shared, meant, keep_roots);
    if !resources.is_empty() {
        let ground = resource::Ground::new(env, board, names, &roots, meant.family, shared.end);
        tasks.spawn(resource::observe(ground, resources));
    }
    if !meant.cheap {
        let networks = facts.host.interfaces.iter().flat_map(|i| i.addresses.iter().cloned()).collect();
        spawn_behaviour(&mut tasks, &shared, answers, networks, meant.lifetime);
        spawn_gateway(&mut tasks, &shared, meant, &facts.host);
        spawn_quic(&mut tasks, &shared, meant);
        match OwnLog::of(&facts.host.connector).filter(|_| own) {
            Some(source) => {
                tasks.spawn(log(shared.plane(), meant.clone(), known.clone(), source));
            }
            None => {
                known.send_replace(Some(false));
            }
        }
    }
    let stand_in = stand_in::wanted(meant, &facts.host.connector).then(|| StandIn::begin(&shared, known));
    let overseer = tokio::spawn(beside.clone().oversee());
    // The choice of whom to ask about the NAT waits for as long as anybody might still answer: only tasks may hold it.
    drop(shared);
    let all = async {
        while tasks.join_next().await.is_some() {}
        // Where a configured resolver serves after all, what was begun beside it is of no use.
        if beside.needed() {
            let _ = overseer.await;
        }
        if let Some(stand_in) = stand_in {
            stand_in.end().await;
        }
    };
    let why = tokio::select! {
        () = all => NotRun::Deadline,
        () = tokio::time::sleep(end.saturating_sub(env.elapsed()) + GRACE) => NotRun::Deadline,
        () = stop => {
            facts.run.interrupted = true;
            NotRun::Interrupted
        }
    };
    board.finish(&why, &mut facts);
    (facts.fallback.off, facts.fallback.began) = (beside.off(), beside.began());
    last::look(env, &mut facts, (before.flatten(), room), own, end + GRACE + LOOK).await;
    if let Some(roots) = roots.borrow().as_ref() {
        facts.control.trust = roots.trust.clone();
    }
    facts
}

/// Reads the Connector's log, and tries the relays that it names.
async fn log(plane: Plane, meant: Meant, known: watch::Sender<Option<bool>>, source: OwnLog) {
    let Plane { env, board, end, .. } = &plane;
    let cut = Observation {
        target: source.name().to_owned(),
        address: None,
        at_us: 0,
        took_us: 0,
        outcome: Outcome::NotRun(NotRun::Deadline),
    };
    let limit = end.saturating_sub(env.elapsed());
    let log = board.observe((usize::MAX, 0), cut, source.read(env, limit)).await;
    let mut asked = JoinSet::new();
    let relays = journal::relays(&log, &meant);
    known.send_replace(Some(!relays.is_empty()));
    for (i, relay) in relays.into_iter().enumerate() {
        let (order, target) = ((usize::MAX, i), journal::target(relay));
        asked.spawn(control::relay(plane.clone(), order, target.name(), relay));
        board.target(order, target);
    }
    while asked.join_next().await.is_some() {}
}

/// `--dns` replaces what the host is configured with.
fn resolvers(meant: &Meant, host: &Host) -> Vec<Resolver> {
    if meant.dns.is_empty() {
        return host.resolvers.clone();
    }
    meant
        .dns
        .iter()
        .map(|named| Resolver { address: named.at, origin: named.origin.to_string().into() })
        .collect()
}

fn spawn_servers(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    role: TargetRole,
    servers: &[Named<HostPort>],
    left_alone: &[String],
    first: usize,
) {
    for (i, named) in servers.iter().enumerate() {
        let wanted = Wanted {
            role,
            host: named.at.host.to_string(),
            port: named.at.port,
            origin: named.origin.to_string(),
        };
        let order = (first + i, 0);
        let name = Target { host: wanted.host.clone(), port: wanted.port, ..Target::default() }.name();
        if role == TargetRole::Ntp && left_alone.contains(&name) {
            leave_alone(shared, order, wanted, &name);
        } else {
            tasks.spawn(server(shared.clone(), order, wanted));
        }
    }
}

/// A time server that asked to be left alone is not asked again (RFC 5905 7.4).
fn leave_alone(shared: &Shared, order: Order, wanted: Wanted, name: &str) {
    let Wanted { role, host, port, origin } = wanted;
    shared.board.target(order, Target { role, host, port, origin, ..Target::default() });
    let why = NotRun::Unsupported("it asked to be left alone".to_owned());
    let observation = Observation {
        target: name.to_owned(),
        address: None,
        at_us: 0,
        took_us: 0,
        outcome: Outcome::NotRun(why),
    };
    shared.board.keep::<NtpAnswer>(order, observation);
}

/// The NAT's behaviour, asked of the first servers that answered.
fn spawn_behaviour(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    answers: mpsc::UnboundedReceiver<nat::Answered>,
    own: Vec<InterfaceAddress>,
    lifetime: bool,
) {
    let (env, board, end) = (shared.env.clone(), shared.board.clone(), shared.end);
    let cut = || shared.cut("STUN servers that answered", ([0, 0, 0, 0], 0).into());
    let [of_nat, of_life, of_hops, of_mtu, of_second] = [cut(), cut(), cut(), cut(), cut()];
    let answered_too = Arc::clone(&shared.answered_too);
    tasks.spawn(async move {
        let Some(choice) = nat::choose(answers, &own).await else { return };
        let left = end.saturating_sub(env.elapsed());
        let series = board.observe((0, 0), of_nat, nat::series(&env, choice.clone(), left));
        let life = async {
            if lifetime {
                board.observe((0, 0), of_life, lifetime::observe(&env, &choice, left)).await;
            }
        };
        // On loopback there is no way out whose hops or sizes could be told.
        if choice.plan.destinations().iter().any(|path| path.to.ip().is_loopback()) {
            tokio::join!(series, life);
            return;
        }
        let hops = board.observe((0, 0), of_hops, path::hops::observe(&env, &choice, left));
        let sizes = async {
            let first = board.observe((0, 0), of_mtu, path::mtu::observe(&env, &choice, left)).await;
            // A server of its own mind about large requests is no hole in the path: another one is asked.
            let another = || another(&answered_too, &choice);
            if let Some(choice) = first.seen().and_then(PathMtu::hole).and_then(|_| another()) {
                let left = end.saturating_sub(env.elapsed());
                board.observe((0, 1), of_second, path::mtu::observe(&env, &choice, left)).await;
            }
        };
        tokio::join!(series, life, hops, sizes);
    });
}

/// A server at another address than the chosen one's, that answered too.
fn another(answered: &Mutex<Vec<nat::Answered>>, choice: &nat::Choice) -> Option<nat::Choice> {
    let chosen: Vec<IpAddr> = choice.plan.destinations().iter().map(|path| path.to.ip()).collect();
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
    let other = answered.iter().find(|a| a.server.is_ipv4() && !chosen.contains(&a.server.ip()))?;
    nat::alone(other)
}

/// QUIC with each listed server, beside the NAT's behaviour; nothing where STUN does not work.
fn spawn_quic(tasks: &mut JoinSet<()>, shared: &Shared, meant: &Meant) {
    for (i, named) in meant.quic.iter().enumerate() {
        let wish = quic::ask::Wish {
            env: shared.env.clone(),
            board: shared.board.clone(),
            resolvers: Arc::clone(&shared.resolvers),
            family: shared.family,
            end: shared.end,
            order: meant.stun.len() + meant.ntp.len() + i,
            stun_rtt: shared.stun_rtt.subscribe(),
        };
        tasks.spawn(quic::ask::resolve_and_ask(wish, named.clone()));
    }
}

/// The gateway's own word, where the user asked for it.
fn spawn_gateway(tasks: &mut JoinSet<()>, shared: &Shared, meant: &Meant, host: &Host) {
    let gateway = host.default_routes.iter().find_map(|r| r.gateway.filter(IpAddr::is_ipv4));
    let Some(gateway) = gateway.filter(|_| meant.ask_gateway) else { return };
    for (i, protocol) in ["nat-pmp", "upnp"].into_iter().enumerate() {
        let shared = shared.clone();
        tasks.spawn(async move {
            let cut = shared.cut(&format!("gateway, {protocol}"), (gateway, 0).into());
            let left = shared.left();
            if i == 0 {
                shared.board.observe((0, i), cut, path::gateway::nat_pmp(&shared.env, gateway, left)).await;
            } else {
                shared.board.observe((0, i), cut, path::gateway::upnp(&shared.env, gateway, left)).await;
            }
        });
    }
}

/// The Controller, relays and services, and the certificates to judge them by.
fn spawn_control(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    meant: &Meant,
    keep_roots: watch::Sender<Option<Arc<tls::roots::Roots>>>,
) {
    let over_tls = meant.resources.iter().any(|named| named.at.kind.over_tls());
    if meant.controller.is_none() && meant.service.is_empty() && meant.relay.is_empty() && !over_tls {
        return;
    }
    let env = shared.env.clone();
    let (ca_file, ca_pem) = (meant.ca_file.as_ref().map(|named| named.at.clone()), meant.ca_pem.clone());
    tasks.spawn(async move {
        let read = aside(move || tls::roots::load(&env, ca_file.as_deref(), ca_pem.as_deref()));
        // Should reading break off, the handshakes do without: the sender is dropped.
        if let Ok(roots) = read.await {
            keep_roots.send_replace(Some(Arc::new(roots)));
        }
    });
    let first = meant.stun.len() + meant.ntp.len() + shared.resolvers.addresses.len();
    if let Some(named) = &meant.controller {
        tasks.spawn(controller(shared.clone(), (first, 0), named.clone()));
    }
    spawn_servers(tasks, shared, TargetRole::Relay, &meant.relay, &[], first + 1);
    spawn_servers(tasks, shared, TargetRole::Service, &meant.service, &[], first + 1 + meant.relay.len());
}

/// Resolves the Controller's name and tries every address.
async fn controller(shared: Shared, order: Order, named: Named<Controller>) {
    let wanted = Wanted {
        role: TargetRole::Controller,
        host: named.at.host.to_string(),
        port: named.at.port,
        origin: named.origin.to_string(),
    };
    let left = RESOLVE.min(shared.left());
    let target =
        fallback::names::resolve(&shared.env, wanted, &shared.resolvers, &shared.fallback, left).await;
    let addresses: Vec<IpAddr> =
        target.addresses.iter().copied().filter(|ip| shared.family.allows(*ip)).collect();
    let (host, port, name) = (target.host.clone(), target.port, target.name());
    shared.board.target(order, target);
    let plane = shared.plane();
    drop(shared);
    control::controller(plane, order, host, port, name, &addresses).await;
}

/// What public resolvers may be asked: the Controller's name where it is the vendor's, else the vendor's own.
fn vendors_question(meant: &Meant) -> String {
    let host = meant.controller.as_ref().map(|named| named.at.host.to_string());
    host.filter(|host| is_vendors(host)).unwrap_or_else(|| VENDOR_DOMAIN.to_owned())
}
