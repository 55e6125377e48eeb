//! One run: everything that does not depend on another thing at the same time, under one deadline. Never fails.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::aside::aside;
use super::board::{Board, Order};
use super::control::Plane;
use super::resolve::{Resolvers, Wanted, resolve};
use super::{control, dns, host, journal, nat, ntp, path, stun, tcp, tls};
use crate::config::{Controller, Family, HostPort, Meant, Named};
use crate::env::Env;
use crate::model::facts::{Facts, Host, NtpStanding, PathMtu, Resolver, TargetRole};
use crate::model::observation::{NotRun, Observation, Outcome};

/// Names are given this long: beyond it a resolver is dead for our purpose.
const RESOLVE: Duration = Duration::from_secs(3);
/// A control that is silent for this long is silent.
const CONTROL: Duration = Duration::from_secs(2);
/// Backstop beyond the timeout: every probe bounds itself before it.
const GRACE: Duration = Duration::from_millis(100);

/// What every task of a run shares.
#[derive(Clone)]
struct Shared {
    env: Env,
    board: Board,
    resolvers: Arc<Resolvers>,
    family: Family,
    roots: watch::Receiver<Option<Arc<tls::roots::Roots>>>,
    /// Set when a time server has given the time: then nobody else needs to be asked for it.
    time_known: watch::Sender<bool>,
    /// STUN servers that answered, for whoever needs one more.
    answered_too: Arc<Mutex<Vec<nat::Answered>>>,
    end: Duration,
    /// STUN servers that answered, for the questions that follow.
    answered: mpsc::UnboundedSender<nat::Answered>,
}

impl Shared {
    fn plane(&self) -> control::Plane {
        control::Plane {
            env: self.env.clone(),
            board: self.board.clone(),
            roots: self.roots.clone(),
            time_known: self.time_known.subscribe(),
            end: self.end,
        }
    }

    fn left(&self) -> Duration {
        self.end.saturating_sub(self.env.elapsed())
    }

    fn cut(&self, target: &str, address: SocketAddr) -> Observation<()> {
        Observation {
            target: target.to_owned(),
            address: Some(address),
            at_us: self.env.elapsed().as_micros() as u64,
            took_us: 0,
            outcome: Outcome::NotRun(NotRun::Deadline),
        }
    }
}

/// Observes all that `meant` names until all is seen, the deadline comes, or `stop` resolves.
///
/// `own`: this host's own Connector counts (not in `lab`). `board` may be watched meanwhile. The facts' `run` is the caller's to fill.
pub async fn observe(
    env: &Env,
    meant: &Meant,
    host: Host,
    own: bool,
    board: &Board,
    stop: impl Future<Output = ()>,
) -> Facts {
    let before = host::counted(env);
    let resolvers = resolvers(meant, &host);
    let (answered, answers) = mpsc::unbounded_channel();
    let (keep_roots, roots) = watch::channel(None);
    let shared = Shared {
        answered,
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
        answered_too: Arc::default(),
        end: env.elapsed() + meant.timeout,
    };
    let mut facts = Facts { host: Host { resolvers, ..host }, ..Facts::default() };
    let mut tasks = JoinSet::new();
    spawn_servers(&mut tasks, &shared, TargetRole::Stun, &meant.stun, 0);
    spawn_servers(&mut tasks, &shared, TargetRole::Ntp, &meant.ntp, meant.stun.len());
    spawn_resolvers(&mut tasks, &shared, meant);
    spawn_control(&mut tasks, &shared, meant, keep_roots);
    if !meant.cheap {
        spawn_behaviour(&mut tasks, &shared, answers);
        spawn_gateway(&mut tasks, &shared, meant, &facts.host);
        if own && journal::expected(&facts.host.connector) {
            tasks.spawn(log(shared.plane(), meant.clone()));
        }
    }
    let end = shared.end;
    // The choice of whom to ask about the NAT waits for as long as anybody might still answer: only tasks may hold it.
    drop(shared);
    let all = async { while tasks.join_next().await.is_some() {} };
    let why = tokio::select! {
        () = all => NotRun::Deadline,
        () = tokio::time::sleep(end.saturating_sub(env.elapsed()) + GRACE) => NotRun::Deadline,
        () = stop => {
            facts.run.interrupted = true;
            NotRun::Interrupted
        }
    };
    board.finish(&why, &mut facts);
    facts.host.unheard = before.and_then(|before| Some(host::counted(env)?.unheard_since(before)));
    let gateway = facts.host.default_routes.iter().find_map(|r| r.gateway.filter(IpAddr::is_ipv4));
    facts.host.gateway_answers = gateway.and_then(|gateway| host::answers_on_link(env, gateway));
    if let Some(roots) = roots.borrow().as_ref() {
        facts.control.trust = roots.trust.clone();
    }
    facts
}

/// Reads the Connector's journal, and tries the relays that it names.
async fn log(plane: Plane, meant: Meant) {
    let Plane { env, board, end, .. } = &plane;
    let cut = Observation {
        target: journal::NAME.to_owned(),
        address: None,
        at_us: 0,
        took_us: 0,
        outcome: Outcome::NotRun(NotRun::Deadline),
    };
    let limit = end.saturating_sub(env.elapsed());
    let log = board.observe((usize::MAX, 0), cut, journal::read(env, limit)).await;
    let mut asked = JoinSet::new();
    for (i, relay) in journal::relays(&log, &meant).into_iter().enumerate() {
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
    first: usize,
) {
    for (i, named) in servers.iter().enumerate() {
        let wanted = Wanted {
            role,
            host: named.at.host.to_string(),
            port: named.at.port,
            origin: named.origin.to_string(),
        };
        tasks.spawn(server(shared.clone(), (first + i, 0), wanted));
    }
}

/// Resolves one server's name and asks one address of each family.
async fn server(shared: Shared, order: Order, wanted: Wanted) {
    let resolution = resolve(&shared.env, wanted, &shared.resolvers, RESOLVE.min(shared.left())).await;
    let target = resolution.target.clone();
    let addresses = match target.role {
        TargetRole::Relay | TargetRole::Service => some_ipv4(&target.addresses, shared.family),
        _ => one_of_each_family(&target.addresses, shared.family),
    };
    let name = target.name();
    let mut asked = JoinSet::new();
    for (i, ip) in addresses.into_iter().enumerate() {
        let (shared, name) = (shared.clone(), name.clone());
        let (order, address) = ((order.0, i), SocketAddr::new(ip, target.port));
        match target.role {
            TargetRole::Ntp => asked.spawn(ask_ntp(shared, order, name, address)),
            TargetRole::Relay => asked.spawn(control::relay(shared.plane(), order, name, address)),
            TargetRole::Service => {
                let host = target.host.clone();
                asked.spawn(control::service(shared.plane(), order, host, name, address))
            }
            _ => asked.spawn(ask_stun(shared, order, name, address)),
        };
    }
    shared.board.target(order, target);
    // Whoever waits for STUN servers' answers waits for as long as this is held.
    drop(shared);
    while asked.join_next().await.is_some() {}
}

fn one_of_each_family(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    let allowed = || addresses.iter().copied().filter(|ip| family.allows(*ip));
    let first = |v6: bool| allowed().find(|ip| ip.is_ipv6() == v6);
    first(false).into_iter().chain(first(true)).collect()
}

/// Relays and services need IPv4; a balancer's name has several addresses.
fn some_ipv4(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    addresses.iter().copied().filter(|ip| ip.is_ipv4() && family.allows(*ip)).take(2).collect()
}

async fn ask_ntp(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let plan = ntp::Plan { timeout: shared.left(), ..ntp::Plan::default() };
    let work = ntp::ask(&shared.env, &name, address, plan);
    let seen = shared.board.observe(order, shared.cut(&name, address), work).await;
    if seen.seen().is_some_and(|answer| answer.standing == NtpStanding::Usable) {
        shared.time_known.send_replace(true);
    }
}

/// Asks a STUN server; where its first answer is late, another implementation and TCP are tried beside.
async fn ask_stun(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let (env, board) = (&shared.env, &shared.board);
    let work = stun::binding(env, &name, address, shared.left());
    let binding = async {
        let seen = board.observe(order, shared.cut(&name, address), work).await;
        if let Some(answer) = seen.seen().cloned() {
            // Nobody listens once the choice is made.
            let mut too = shared.answered_too.lock().unwrap_or_else(PoisonError::into_inner);
            too.push(nat::Answered { target: name.clone(), server: address, answer: answer.clone() });
            drop(too);
            let _ = shared.answered.send(nat::Answered { target: name.clone(), server: address, answer });
        }
    };
    tokio::pin!(binding);
    if tokio::time::timeout(stun::SECOND_OPINION_AFTER, &mut binding).await.is_ok() {
        return;
    }
    let left = CONTROL.min(shared.left());
    let opinion = stun::second_opinion(env, &name, address, left);
    let opinion = board.observe(order, shared.cut(&name, address), opinion);
    let control = tcp::connect(env, &name, address, left);
    let control = board.observe(order, shared.cut(&name, address), control);
    tokio::join!(binding, opinion, control);
}

/// The NAT's behaviour, asked of the first servers that answered.
fn spawn_behaviour(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    answers: mpsc::UnboundedReceiver<nat::Answered>,
) {
    let (env, board, end) = (shared.env.clone(), shared.board.clone(), shared.end);
    let cut = || shared.cut("STUN servers that answered", ([0, 0, 0, 0], 0).into());
    let (of_nat, of_hops, of_mtu, of_second) = (cut(), cut(), cut(), cut());
    let answered_too = Arc::clone(&shared.answered_too);
    tasks.spawn(async move {
        let Some(choice) = nat::choose(answers).await else { return };
        let left = end.saturating_sub(env.elapsed());
        let series = board.observe((0, 0), of_nat, nat::series(&env, choice.clone(), left));
        // On loopback there is no way out whose hops or sizes could be told.
        if choice.plan.destinations().iter().any(|path| path.to.ip().is_loopback()) {
            series.await;
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
        tokio::join!(series, hops, sizes);
    });
}

/// A server at another address than the chosen one's, that answered too.
fn another(answered: &Mutex<Vec<nat::Answered>>, choice: &nat::Choice) -> Option<nat::Choice> {
    let chosen: Vec<IpAddr> = choice.plan.destinations().iter().map(|path| path.to.ip()).collect();
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
    let other = answered.iter().find(|a| a.server.is_ipv4() && !chosen.contains(&a.server.ip()))?;
    nat::alone(other)
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

/// The Controller's name to each resolver, for both families; without it one plain question as a control for UDP.
fn spawn_resolvers(tasks: &mut JoinSet<()>, shared: &Shared, meant: &Meant) {
    let (name, records) = match meant.controller.as_ref().map(|named| &named.at.host) {
        Some(crate::config::Host::Name(name)) => (name.clone(), &[dns::Record::A, dns::Record::Aaaa][..]),
        _ => (question(meant), &[dns::Record::A][..]),
    };
    for (i, &resolver) in shared.resolvers.addresses.iter().enumerate() {
        for (j, &record) in records.iter().enumerate() {
            let (shared, name) = (shared.clone(), name.clone());
            let order = (meant.stun.len() + meant.ntp.len() + i, j);
            tasks.spawn(async move {
                let until = dns::Until::Judged;
                let work = dns::ask(&shared.env, resolver, &name, record, shared.left(), until);
                shared.board.observe(order, shared.cut(&resolver.to_string(), resolver), work).await;
            });
        }
    }
}

/// The Controller, relays and services, and the certificates to judge them by.
fn spawn_control(
    tasks: &mut JoinSet<()>,
    shared: &Shared,
    meant: &Meant,
    keep_roots: watch::Sender<Option<Arc<tls::roots::Roots>>>,
) {
    if meant.controller.is_none() && meant.service.is_empty() && meant.relay.is_empty() {
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
    spawn_servers(tasks, shared, TargetRole::Relay, &meant.relay, first + 1);
    spawn_servers(tasks, shared, TargetRole::Service, &meant.service, first + 1 + meant.relay.len());
}

/// Resolves the Controller's name and tries every address.
async fn controller(shared: Shared, order: Order, named: Named<Controller>) {
    let wanted = Wanted {
        role: TargetRole::Controller,
        host: named.at.host.to_string(),
        port: named.at.port,
        origin: named.origin.to_string(),
    };
    let resolution = resolve(&shared.env, wanted, &shared.resolvers, RESOLVE.min(shared.left())).await;
    let target = resolution.target.clone();
    let addresses: Vec<IpAddr> =
        target.addresses.iter().copied().filter(|ip| shared.family.allows(*ip)).collect();
    let (host, port, name) = (target.host.clone(), target.port, target.name());
    shared.board.target(order, target);
    let plane = shared.plane();
    drop(shared);
    control::controller(plane, order, host, port, name, &addresses).await;
}

/// A name that is asked for anyway, so that no resolver learns more than the run needs; else the vendor's.
fn question(meant: &Meant) -> String {
    use crate::config::Host as H;
    let mut hosts = meant.stun.iter().chain(&meant.ntp).map(|named| &named.at.host);
    let name = hosts.find_map(|h| if let H::Name(name) = h { Some(name.clone()) } else { None });
    name.unwrap_or_else(|| "twingate.com".to_owned())
}
