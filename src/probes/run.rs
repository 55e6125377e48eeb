//! One run: everything that does not depend on another thing at the same time, under one deadline. Never fails.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::board::{Board, Order};
use super::resolve::{Resolvers, Wanted, resolve};
use super::{dns, nat, ntp, stun, tcp};
use crate::config::{Family, HostPort, Meant, Named};
use crate::env::Env;
use crate::model::facts::{Facts, Host, Resolver, TargetRole};
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
    end: Duration,
    /// STUN servers that answered, for the questions that follow.
    answered: mpsc::UnboundedSender<nat::Answered>,
}

impl Shared {
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
/// `board` may be watched meanwhile. The facts' `run` is the caller's to fill.
pub async fn observe(
    env: &Env,
    meant: &Meant,
    host: Host,
    board: &Board,
    stop: impl Future<Output = ()>,
) -> Facts {
    let resolvers = resolvers(meant, &host);
    let (answered, answers) = mpsc::unbounded_channel();
    let shared = Shared {
        answered,
        env: env.clone(),
        board: board.clone(),
        resolvers: Arc::new(Resolvers {
            addresses: resolvers.iter().map(|r| r.address).collect(),
            only: !meant.dns.is_empty(),
        }),
        family: meant.family,
        end: env.elapsed() + meant.timeout,
    };
    let mut facts = Facts { host: Host { resolvers, ..host }, ..Facts::default() };
    let mut tasks = JoinSet::new();
    spawn_servers(&mut tasks, &shared, TargetRole::Stun, &meant.stun, 0);
    spawn_servers(&mut tasks, &shared, TargetRole::Ntp, &meant.ntp, meant.stun.len());
    spawn_resolvers(&mut tasks, &shared, meant);
    spawn_behaviour(&mut tasks, &shared, answers);
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
    facts
}

/// `--dns` replaces what the host is configured with.
fn resolvers(meant: &Meant, host: &Host) -> Vec<Resolver> {
    if meant.dns.is_empty() {
        return host.resolvers.clone();
    }
    meant.dns.iter().map(|named| Resolver { address: named.at, origin: named.origin.to_string() }).collect()
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
    let addresses = one_of_each_family(&resolution.target.addresses, shared.family);
    let target = resolution.target.clone();
    let name = target.name();
    let mut asked = JoinSet::new();
    for (i, ip) in addresses.into_iter().enumerate() {
        let (shared, name) = (shared.clone(), name.clone());
        let (order, address) = ((order.0, i), SocketAddr::new(ip, target.port));
        match target.role {
            TargetRole::Ntp => asked.spawn(ask_ntp(shared, order, name, address)),
            _ => asked.spawn(ask_stun(shared, order, name, address)),
        };
    }
    shared.board.target(order, target);
    while asked.join_next().await.is_some() {}
}

fn one_of_each_family(addresses: &[IpAddr], family: Family) -> Vec<IpAddr> {
    let allowed = || addresses.iter().copied().filter(|ip| family.allows(*ip));
    let first = |v6: bool| allowed().find(|ip| ip.is_ipv6() == v6);
    first(false).into_iter().chain(first(true)).collect()
}

async fn ask_ntp(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let plan = ntp::Plan { timeout: shared.left(), ..ntp::Plan::default() };
    let work = ntp::ask(&shared.env, &name, address, plan);
    shared.board.observe(order, shared.cut(&name, address), work).await;
}

/// Asks a STUN server; where its first answer is late, another implementation and TCP are tried beside.
async fn ask_stun(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let (env, board) = (&shared.env, &shared.board);
    let work = stun::binding(env, &name, address, shared.left());
    let binding = async {
        let seen = board.observe(order, shared.cut(&name, address), work).await;
        if let Some(answer) = seen.seen().cloned() {
            // Nobody listens once the choice is made.
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
    let cut = shared.cut("STUN servers that answered", ([0, 0, 0, 0], 0).into());
    tasks.spawn(async move {
        if let Some(choice) = nat::choose(answers).await {
            let work = nat::series(&env, choice, end.saturating_sub(env.elapsed()));
            board.observe((0, 0), cut, work).await;
        }
    });
}

/// One plain question to each resolver: a control for UDP, and whether it answers at all.
fn spawn_resolvers(tasks: &mut JoinSet<()>, shared: &Shared, meant: &Meant) {
    let name = question(meant);
    for (i, &resolver) in shared.resolvers.addresses.iter().enumerate() {
        let (shared, name) = (shared.clone(), name.clone());
        let order = (meant.stun.len() + meant.ntp.len() + i, 0);
        tasks.spawn(async move {
            let work = dns::ask(&shared.env, resolver, &name, dns::Record::A, shared.left());
            shared.board.observe(order, shared.cut(&resolver.to_string(), resolver), work).await;
        });
    }
}

/// A name that is asked for anyway, so that no resolver learns more than the run needs; else the vendor's.
fn question(meant: &Meant) -> String {
    use crate::config::Host as H;
    let mut hosts = meant.stun.iter().chain(&meant.ntp).map(|named| &named.at.host);
    let name = hosts.find_map(|h| if let H::Name(name) = h { Some(name.clone()) } else { None });
    name.unwrap_or_else(|| "twingate.com".to_owned())
}
