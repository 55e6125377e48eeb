//! One server of a kind: its name, its addresses, and what it is asked. Where names fail, its published addresses are asked at once.

use std::net::{IpAddr, SocketAddr};
use std::sync::PoisonError;
use std::time::Duration;

use tokio::task::JoinSet;

use super::board::Order;
use super::pick::{one_of_each_family, some_ipv4};
use super::resolve::Wanted;
use super::shared::Shared;
use super::{control, fallback, nat, ntp, stun};
use crate::config::Origin;
use crate::config::last_known::published;
use crate::model::address::{is_global, is_private};
use crate::model::facts::{By, Learnt, NtpAnswer, NtpStanding, ResolvedBy, Target, TargetRole};

/// Names are given this long: beyond it a resolver is dead for our purpose.
pub(super) const RESOLVE: Duration = Duration::from_secs(3);
/// A control that is silent for this long is silent.
const CONTROL: Duration = Duration::from_secs(2);
/// A time server's word that this host is so far off is not taken alone, nanoseconds.
const DOUBTFUL_NS: u64 = 2_500_000_000;
/// Beyond twice the round trip an answer over TCP is waited for so long; the series of requests takes longer.
const TCP_GRACE: Duration = Duration::from_millis(100);
/// Before a second request would leave (`proto::SENDS`).
const ONCE: Duration = Duration::from_millis(90);
/// Places of published addresses among a server's.
const PUBLISHED: usize = 8;

/// Resolves one server's name and asks one address of each family.
pub(super) async fn server(shared: Shared, order: Order, wanted: Wanted) {
    let mut asked = JoinSet::new();
    let mut early: Vec<IpAddr> = Vec::new();
    let (role, port, host) = (wanted.role, wanted.port, wanted.host.clone());
    let nobodys = wanted.origin == Origin::Default.to_string();
    let name = Target { host: host.clone(), port, ..Target::default() }.name();
    let mut target = {
        let left = RESOLVE.min(shared.left());
        let resolved =
            fallback::names::resolve(&shared.env, wanted, &shared.resolvers, &shared.fallback, left);
        tokio::pin!(resolved);
        tokio::select! {
            biased;
            target = &mut resolved => target,
            () = shared.fallback.has_begun() => {
                for (i, address) in published(&host, port, shared.env.wall_ns()).into_iter().enumerate() {
                    if shared.family.allows(address.ip()) && shared.fallback.has_way(address.ip()) {
                        early.push(address.ip());
                        ask(&mut asked, &shared, role, (order.0, PUBLISHED + i), &host, &name, address);
                    }
                }
                resolved.await
            }
        }
    };
    let own = target.own_addresses().any(is_global);
    if own {
        // The name resolves after all: what was begun without it is of no use.
        asked.abort_all();
        early.clear();
    }
    let addresses = match role {
        TargetRole::Relay | TargetRole::Service => some_ipv4(&target.addresses, shared.family),
        _ => one_of_each_family(&target.addresses, shared.family),
    };
    for (i, ip) in addresses.into_iter().filter(|ip| !early.contains(ip)).enumerate() {
        // A public name that a resolver leads into the LAN: whoever lives there is asked once, and no more.
        let led_astray = nobodys && target.resolved_by != ResolvedBy::Literal && is_private(ip);
        if led_astray && matches!(role, TargetRole::Stun | TargetRole::Ntp) {
            let (order, address) = ((order.0, i), SocketAddr::new(ip, port));
            asked.spawn(ask_once(shared.clone(), role, order, name.clone(), address));
            continue;
        }
        ask(&mut asked, &shared, role, (order.0, i), &host, &name, SocketAddr::new(ip, port));
    }
    let fresh: Vec<IpAddr> = early.into_iter().filter(|ip| !target.addresses.contains(ip)).collect();
    if target.addresses.is_empty() && !fresh.is_empty() {
        target.resolved_by = ResolvedBy::Elsewhere;
    }
    target.learnt.extend(fresh.iter().map(|address| Learnt { address: *address, how: By::LiteralAddress }));
    target.addresses.extend(fresh);
    shared.board.target(order, target);
    // Whoever waits for STUN servers' answers waits for as long as this is held.
    drop(shared);
    while asked.join_next().await.is_some() {}
}

fn ask(
    asked: &mut JoinSet<()>,
    shared: &Shared,
    role: TargetRole,
    order: Order,
    host: &str,
    name: &str,
    address: SocketAddr,
) {
    let (shared, name) = (shared.clone(), name.to_owned());
    match role {
        TargetRole::Ntp => asked.spawn(ask_ntp(shared, order, name, address)),
        TargetRole::Relay => asked.spawn(control::relay(shared.plane(), order, name, address)),
        TargetRole::Service => {
            asked.spawn(control::service(shared.plane(), order, host.to_owned(), name, address))
        }
        _ => asked.spawn(ask_stun(shared, order, name, address)),
    };
}

/// One request, whose answer has to come before the second would leave.
async fn ask_once(shared: Shared, role: TargetRole, order: Order, name: String, address: SocketAddr) {
    let (env, board, timeout) = (&shared.env, &shared.board, ONCE.min(shared.left()));
    let cut = shared.cut(&name, address);
    if role == TargetRole::Ntp {
        let plan = ntp::Plan { timeout, ..ntp::Plan::default() };
        board.observe(order, cut, ntp::ask(env, &name, address, plan)).await;
    } else {
        board.observe(order, cut, stun::binding(env, &name, address, timeout)).await;
    }
}

async fn ask_ntp(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let plan = ntp::Plan { timeout: shared.left(), ..ntp::Plan::default() };
    let work = ntp::ask(&shared.env, &name, address, plan);
    let seen = shared.board.observe(order, shared.cut(&name, address), work).await;
    if seen.seen().is_some_and(|answer| answer.standing == NtpStanding::Usable) {
        let far = |answer: &NtpAnswer| answer.local_minus_ref_ns.unsigned_abs() >= DOUBTFUL_NS;
        if seen.seen().is_some_and(far) && !shared.cheap {
            shared.time_doubted.send_replace(true);
        }
        shared.time_known.send_replace(true);
    }
}

/// Asks a STUN server over UDP, and over TCP beside; where its first answer is late, another implementation, and whether it comes from elsewhere.
/// The first server of a run that answers is asked once by the other implementation, too.
async fn ask_stun(shared: Shared, order: Order, name: String, address: SocketAddr) {
    let (env, board) = (&shared.env, &shared.board);
    let work = stun::binding(env, &name, address, shared.left());
    let binding = async {
        let seen = board.observe(order, shared.cut(&name, address), work).await;
        let answer = seen.seen().cloned()?;
        // Nobody listens once the choice is made.
        let mut too = shared.answered_too.lock().unwrap_or_else(PoisonError::into_inner);
        too.push(nat::Answered { target: name.clone(), server: address, answer: answer.clone() });
        drop(too);
        let rtt = Duration::from_micros(answer.rtt_us);
        let first = shared.stun_rtt.send_if_modified(|known| known.replace(known.unwrap_or(rtt)).is_none());
        let _ = shared.answered.send(nat::Answered { target: name.clone(), server: address, answer });
        Some((rtt, first))
    };
    let over_tcp = stun::tcp::over_tcp(env, &name, address, CONTROL.min(shared.left()));
    tokio::pin!(binding, over_tcp);
    if shared.cheap {
        let late = tokio::time::timeout(stun::SECOND_OPINION_AFTER, &mut binding).await.is_err();
        if late {
            let (_, (connected, over_tcp)) = tokio::join!(binding, over_tcp);
            board.keep(order, connected);
            board.keep(order, over_tcp);
        }
        return;
    }
    // Both at once: whichever way TCP leaves is learnt in the time that UDP takes.
    let mut tcp = None;
    let answered = {
        let late = tokio::time::sleep(stun::SECOND_OPINION_AFTER);
        tokio::pin!(late);
        loop {
            tokio::select! {
                biased;
                rtt = &mut binding => break Some(rtt),
                seen = &mut over_tcp, if tcp.is_none() => tcp = Some(seen),
                () = &mut late => break None,
            }
        }
    };
    if let Some(answer) = answered {
        let rtt = answer.map(|(rtt, _)| rtt);
        let by_tcp = async {
            if tcp.is_none() {
                let wait = rtt.map_or(TCP_GRACE, |rtt| rtt * 2 + TCP_GRACE);
                tcp = tokio::time::timeout(wait, over_tcp).await.ok();
            }
        };
        let by_another = async {
            if let Some((rtt, true)) = answer {
                let patience = (rtt * 2 + stun::SECOND_OPINION_AGAIN).min(shared.left());
                let opinion = stun::second_opinion(env, &name, address, patience);
                board.observe(order, shared.cut(&name, address), opinion).await;
            }
        };
        tokio::join!(by_tcp, by_another);
        // A connection is a witness only where UDP leaves it in doubt what gets out.
        if let Some((connected, over_tcp)) = tcp {
            if rtt.is_none() {
                board.keep(order, connected);
            }
            board.keep(order, over_tcp);
        }
        return;
    }
    let left = CONTROL.min(shared.left());
    let opinion = stun::second_opinion(env, &name, address, left);
    let opinion = board.observe(order, shared.cut(&name, address), opinion);
    let anywhere = stun::anywhere::anywhere(env, &name, address, left);
    let anywhere = board.observe(order, shared.cut(&name, address), anywhere);
    let rest = async {
        let seen = match tcp {
            Some(seen) => seen,
            None => over_tcp.await,
        };
        board.keep(order, seen.0);
        board.keep(order, seen.1);
    };
    tokio::join!(binding, opinion, anywhere, rest);
}
