//! What the host says of itself: /proc, /sys, a few files and a few questions to the kernel; sends nothing.
//!
//! Everything is best effort: without /proc, without rights, on a read-only root there is less, never an error.

mod container;
mod counters;
mod fib;
pub(in crate::probes) mod files;
mod firewall;
mod interfaces;
mod kernel;
mod kinds;
mod linux;
mod manager;
mod netlink;
mod os;
pub(in crate::probes) mod processes;
mod resolvers;
mod resources;
mod room;
mod routes;
pub(in crate::probes) mod services;
mod time_daemon;
mod time_sources;
pub(in crate::probes) mod tree;
mod unseen;
mod virt;
pub(in crate::probes) mod way;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

pub use counters::counted;
pub use room::snapshot;
pub use routes::answers_on_link;

use crate::env::Env;
use crate::model::facts::{Host, Routing};
use crate::model::text;
use crate::probes::connector;
use kernel::Kernel;
use processes::Processes;

/// Variables that programs take a proxy from; only their names are kept, since a value may hold a password.
const PROXIES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Looks at the host: some milliseconds, blocking, never failing. Below another root than `/` only files are
/// read, and the kernel is not asked.
pub fn discover(env: &Env) -> Host {
    if env.root() == Path::new("/") {
        assemble(env, &linux::Linux::new())
    } else {
        assemble(env, &kernel::Absent)
    }
}

/// How the kernel would send to each of these addresses: a few microseconds each, nothing is sent.
pub fn routing(env: &Env, addresses: &[IpAddr]) -> Routing {
    let unread = |why: String| Routing { error: Some(why), ..Routing::default() };
    if env.root() != Path::new("/") {
        return unread("netlink: not asked below another root".to_owned());
    }
    match netlink::Socket::open() {
        Ok(socket) => fib::routing(&socket, addresses),
        Err(error) => unread(format!("netlink: {}", error.desc())),
    }
}

fn assemble(env: &Env, kernel: &dyn Kernel) -> Host {
    let names: Vec<&str> = time_daemon::comms().chain(["firewalld"]).collect();
    let processes = Processes::scan(env, &names);
    let since_boot = kernel.since_boot().or_else(|| uptime(env));
    let (default_routes, routes_error) = routes::discover(env, kernel);
    let seen = interfaces::discover(env, kernel, &default_routes);
    let container = container::discover(env);
    let os = os::discover(env);
    let (virtualisation, cloud) = virt::discover(env);
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let mut host = Host {
        hostname: hostname(env, kernel),
        manager: manager::discover(env, &os),
        os,
        virtualisation,
        cloud,
        uid: kernel.uid(),
        uptime_us: since_boot.map(micros),
        resources: resources::discover(env, kernel),
        interfaces: seen.interfaces,
        interface_count: seen.count,
        interfaces_error: seen.error,
        default_routes,
        routes_error,
        resolvers: resolvers::discover(env),
        kernel_clock: kernel.clock(),
        time_daemons: time_daemon::discover(env, &processes, container.is_some()),
        firewalls: firewall::discover(env, &processes),
        proxy_variables: PROXIES
            .iter()
            .filter(|name| env.var(name).is_some_and(|value| !value.is_empty()))
            .map(|name| (*name).to_owned())
            .collect(),
        container,
        ..Host::default()
    };
    let here = connector::Here {
        since_boot,
        container: host.container.as_ref(),
        resolvers: &host.resolvers,
        uid: host.uid,
    };
    host.connector = connector::discover(env, &processes, &here);
    let running = host.connector.processes.iter().filter(|p| p.runs());
    host.connector_uptime_us = running.filter_map(|p| p.age_us).max();
    host.unseen = unseen::of(&host, &processes);
    host
}

fn hostname(env: &Env, kernel: &dyn Kernel) -> Option<String> {
    let name = kernel.hostname().or_else(|| files::line(env, "/proc/sys/kernel/hostname"))?;
    Some(text::clean(&name, 64)).filter(|name| !name.is_empty() && name != "(none)")
}

/// The first figure of /proc/uptime: seconds with two decimals.
fn uptime(env: &Env) -> Option<Duration> {
    let line = files::line(env, "/proc/uptime")?;
    Duration::try_from_secs_f64(line.split(' ').next()?.parse().ok()?).ok()
}
