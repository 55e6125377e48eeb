//! A Resource's name, resolved as the Connector resolves it: /etc/hosts, then its resolvers with its search list, each asked by itself.
//!
//! The first resolver of the list that gives addresses decides; what the others say is kept to be compared.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::config::{Meant, Origin};
use crate::env::Env;
use crate::model::facts::{DnsAnswer, Host, ResourceNames};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::probes::dns::{self, Record, Until};
use crate::probes::host::files;
use crate::probes::host::inside::Inside;
use crate::probes::since_us;

/// Resolvers that are asked: the C library uses three; a Connector's own list may be longer.
const MOST: usize = 4;
/// Domains of a search list that are tried.
const SEARCH: usize = 6;
/// Once a resolver gave addresses, the others are waited for so long.
const OTHERS: Duration = Duration::from_millis(300);
const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";
/// Addresses of a name that are kept.
const ADDRESSES: usize = 16;

/// Whom the Connector asks, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolvers {
    /// Who names them.
    by: String,
    /// The Connector's resolvers, in its order.
    servers: Vec<SocketAddr>,
    /// This host's own, where they are others.
    own: Vec<SocketAddr>,
    /// Domains that are tried behind a short name.
    search: Vec<String>,
    /// A name with so many dots is tried as it is first.
    dots: usize,
    /// /etc/hosts, by name in small letters.
    hosts: BTreeMap<String, Vec<IpAddr>>,
}

impl Resolvers {
    /// Out of what was meant, what the host shows, and the Connector's own files.
    ///
    /// Without `here` (in `lab`) neither this host's files nor its resolvers count.
    pub fn of(env: &Env, meant: &Meant, host: &Host, here: bool) -> Self {
        if !here {
            let servers = meant.dns.iter().map(|named| named.at).take(MOST).collect();
            // In `lab` an inner resolver is this host's own, and the other one what the Connector is told to ask.
            let by = if meant.inner_dns.is_some() { "TWINGATE_DNS" } else { "the lab's resolver" };
            let own = meant.inner_dns.into_iter().collect();
            return Self { by: by.to_owned(), servers, own, dots: 1, ..Self::default() };
        }
        let configured = |r: &&crate::model::facts::Resolver| r.origin.to_string().contains(RESOLV_CONF);
        let own: Vec<SocketAddr> =
            host.resolvers.iter().filter(configured).map(|r| r.address).take(MOST).collect();
        let process = host.connector.processes.iter().find(|p| p.runs());
        let its = process.map(|p| p.view.resolvers.as_slice()).unwrap_or_default();
        let (by, servers) = if let Some(first) = meant.dns.first() {
            let by = if matches!(first.origin, Origin::HostConnector) {
                "TWINGATE_DNS".to_owned()
            } else {
                first.origin.to_string()
            };
            (by, meant.dns.iter().map(|named| named.at).take(MOST).collect())
        } else if its.is_empty() || its.iter().all(|ip| own.iter().any(|r| r.ip() == *ip)) {
            (RESOLV_CONF.to_owned(), own.clone())
        } else {
            let by = "the Connector's /etc/resolv.conf".to_owned();
            (by, its.iter().map(|ip| SocketAddr::new(*ip, 53)).take(MOST).collect())
        };
        // Another root's files are somebody else's, and one that hung before is not waited for again.
        let root = process.filter(|p| !host.hung.contains(&format!("/proc/{}/root", p.pid)));
        let root = root.and_then(|p| Inside::process(env, p.pid).ok());
        let read = |path: &str| {
            let inside = root.as_ref().and_then(|root| Some(root.read(path, files::SMALL).ok()?.text));
            inside.or_else(|| files::read(env, path, files::SMALL)).unwrap_or_default()
        };
        let (search, dots) = search_list(&read(RESOLV_CONF));
        // Whoever gave --dns wants these asked and no others.
        let said = meant.dns.first().is_some_and(|named| named.origin.is_said());
        Self {
            own: own.into_iter().filter(|r| !said && !servers.contains(r)).collect(),
            by,
            servers,
            search,
            dots,
            hosts: hosts(&read(HOSTS)),
        }
    }

    /// Descriptors that one name's questions take at once, over TCP too.
    pub(super) fn questions(&self) -> usize {
        (self.servers.len() + self.own.len()) * 4
    }

    /// The full names that are asked for, in order (resolv.conf(5), `search` and `ndots`).
    fn candidates(&self, host: &str) -> Vec<String> {
        let bare = host.trim_end_matches('.');
        if host.ends_with('.') {
            return vec![bare.to_owned()];
        }
        let mut names: Vec<String> = self.search.iter().map(|domain| format!("{bare}.{domain}")).collect();
        let first = bare.matches('.').count() >= self.dots;
        names.insert(if first { 0 } else { names.len() }, bare.to_owned());
        names
    }
}

/// The search list and `ndots` of a resolv.conf; the last `search` or `domain` counts.
fn search_list(text: &str) -> (Vec<String>, usize) {
    let (mut search, mut dots) = (Vec::new(), 1);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("search" | "domain") => {
                let fit = |w: &&str| {
                    w.len() <= 200
                        && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
                };
                let domains = words.filter(fit).map(|w| w.trim_matches('.').to_ascii_lowercase());
                search = domains.filter(|w| !w.is_empty()).take(SEARCH).collect();
            }
            Some("options") => {
                let given = words.filter_map(|w| w.strip_prefix("ndots:")?.parse::<usize>().ok()).next_back();
                dots = given.unwrap_or(dots).min(15);
            }
            _ => {}
        }
    }
    (search, dots)
}

/// Names of a file in the form of hosts(5).
fn hosts(text: &str) -> BTreeMap<String, Vec<IpAddr>> {
    let mut found: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default()) {
        let mut words = line.split_whitespace();
        let Some(ip) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else { continue };
        for name in words {
            found.entry(name.trim_end_matches('.').to_ascii_lowercase()).or_default().push(ip.to_canonical());
        }
    }
    found
}

/// Resolves one name within `timeout`.
pub(super) async fn resolve(
    env: &Env,
    resolvers: &Resolvers,
    host: &str,
    timeout: Duration,
) -> ResourceNames {
    let begun = env.elapsed();
    let mut names = ResourceNames { resolvers_by: resolvers.by.clone(), ..ResourceNames::default() };
    if let Some(addresses) = resolvers.hosts.get(&host.trim_end_matches('.').to_ascii_lowercase()) {
        names.hosts_file = true;
        names.addresses = in_order(addresses.iter().copied());
        names.full = Some(host.to_owned());
        return names;
    }
    for full in resolvers.candidates(host) {
        let left = (begun + timeout).saturating_sub(env.elapsed());
        names.asked.push(full.clone());
        let own = ask(env, &resolvers.own, &full, left);
        let (answers, own) = tokio::join!(ask(env, &resolvers.servers, &full, left), own);
        let by = resolvers.servers.iter().find(|server| gives(&answers, **server).next().is_some());
        let silent = answers.iter().all(|o| o.seen().is_none());
        if let Some(by) = by {
            names.addresses = in_order(gives(&answers, *by));
            (names.resolver, names.full) = (Some(*by), Some(full));
        }
        // Of several names the last one's answers speak, or the one's that anybody knows.
        let known_to_own = own.iter().filter_map(Observation::seen).any(|a| !a.addresses.is_empty());
        let keep = by.is_some()
            || known_to_own
            || names.own.iter().filter_map(Observation::seen).all(|a| a.addresses.is_empty());
        if keep {
            (names.answers, names.own) = (answers, own);
        }
        // Whoever does not answer does not answer another name either.
        if by.is_some() || silent {
            break;
        }
    }
    if names.addresses.is_empty() {
        names.failure = Some(worst(&names.answers));
    }
    names.took_us = since_us(env, begun);
    names
}

fn gives(answers: &[Observation<DnsAnswer>], server: SocketAddr) -> impl Iterator<Item = IpAddr> {
    let of_it = answers.iter().filter(move |o| o.address == Some(server)).filter_map(Observation::seen);
    of_it.flat_map(|a| a.addresses.iter().copied())
}

/// Asks all servers for both families side by side; in the servers' order. Who is not back soon after the first addresses is not run.
async fn ask(
    env: &Env,
    servers: &[SocketAddr],
    name: &str,
    timeout: Duration,
) -> Vec<Observation<DnsAnswer>> {
    let mut questions = JoinSet::new();
    let mut answers: Vec<Observation<DnsAnswer>> = Vec::new();
    for (number, server) in servers.iter().copied().enumerate() {
        for (family, record) in [Record::A, Record::Aaaa].into_iter().enumerate() {
            let (env, name) = (env.clone(), name.to_owned());
            questions.spawn(async move {
                let answer = dns::ask(&env, server, &name, record, timeout, Until::Answered).await;
                ((number, family), answer)
            });
        }
    }
    let mut order: Vec<((usize, usize), Observation<DnsAnswer>)> = Vec::new();
    let mut end = env.elapsed() + timeout;
    loop {
        let left = end.saturating_sub(env.elapsed());
        match tokio::time::timeout(left, questions.join_next()).await {
            Ok(Some(Ok(answer))) => {
                if answer.1.seen().is_some_and(|a| !a.addresses.is_empty()) {
                    end = end.min(env.elapsed() + OTHERS);
                }
                order.push(answer);
            }
            Ok(Some(Err(_))) => {}
            Ok(None) | Err(_) => break,
        }
    }
    order.sort_by_key(|(place, _)| *place);
    answers.extend(order.into_iter().map(|(_, answer)| answer));
    answers
}

/// What stands for the whole where no resolver gave an address: the most definite word.
fn worst(answers: &[Observation<DnsAnswer>]) -> ProbeFailure {
    let seen = || answers.iter().filter_map(Observation::seen);
    let said = |kind, detail| ProbeFailure::new(Phase::Resolve, kind, detail);
    if seen().any(|a| a.rcode == 3) {
        said(FailureKind::NotFound, "the name does not exist")
    } else if seen().next().is_some() && seen().all(|a| a.rcode == 0) {
        said(FailureKind::NoAddress, "the name has no address")
    } else if seen().next().is_some() {
        said(FailureKind::ResolverFailed, "the resolver failed")
    } else {
        let failure = answers.iter().find_map(|o| match &o.outcome {
            Outcome::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        let none = || said(FailureKind::Timeout, "no resolver was asked");
        failure.map_or_else(none, |f| ProbeFailure { phase: Phase::Resolve, ..f })
    }
}

/// Without repetitions, IPv4 first, bounded.
fn in_order(addresses: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut kept: Vec<IpAddr> = Vec::new();
    for address in addresses {
        if !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept.sort_by_key(IpAddr::is_ipv6);
    kept.truncate(ADDRESSES);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_searched_as_resolv_conf_says() {
        let (search, dots) =
            search_list("domain old\nsearch Corp.Example. lan ../x\noptions timeout:1 ndots:2\n");
        assert_eq!((search.as_slice(), dots), (["corp.example".to_owned(), "lan".to_owned()].as_slice(), 2));
        let resolvers = Resolvers { search, dots, ..Resolvers::default() };
        assert_eq!(resolvers.candidates("db"), ["db.corp.example", "db.lan", "db"]);
        assert_eq!(resolvers.candidates("db.x"), ["db.x.corp.example", "db.x.lan", "db.x"]);
        assert_eq!(resolvers.candidates("a.b.c"), ["a.b.c", "a.b.c.corp.example", "a.b.c.lan"]);
        assert_eq!(resolvers.candidates("db."), ["db"]);
        assert_eq!(search_list(""), (Vec::new(), 1));
    }

    #[test]
    fn hosts_are_read_by_every_name() {
        let found = hosts("10.0.0.9 Db.corp db # x\n::1 db\nnonsense db\n");
        assert_eq!(found["db"], ["10.0.0.9".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
        assert_eq!(found["db.corp"].len(), 1);
    }
}
