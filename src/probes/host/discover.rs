//! All that the host shows, put together: /proc, /sys, a few files and a few questions to the kernel. Blocks; see `look`.

use std::path::Path;
use std::time::Duration;

use super::kernel::{Absent, Kernel};
use super::processes::Processes;
use super::{
    container, files, firewall, interfaces, linux, manager, os, resolvers, resources, routes, time_daemon,
    unseen, virt,
};
use crate::env::Env;
use crate::model::facts::Host;
use crate::model::text;
use crate::probes::connector;

/// Variables that programs take a proxy from; only their names are kept, since a value may hold a password.
const PROXIES: &[&str] =
    &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Looks at the host: some milliseconds, blocking, never failing. Below another root than `/` only files are
/// read, and the kernel is not asked.
pub(super) fn discover(env: &Env) -> Host {
    if env.root() == Path::new("/") { assemble(env, &linux::Linux::new()) } else { assemble(env, &Absent) }
}

pub(super) fn assemble(env: &Env, kernel: &dyn Kernel) -> Host {
    let names: Vec<&str> = time_daemon::comms().chain(["firewalld"]).collect();
    let processes = Processes::scan(env, &names);
    let since_boot = kernel.since_boot().or_else(|| uptime(env));
    let (default_routes, routes_error) = routes::discover(env, kernel);
    let seen = interfaces::discover(env, kernel, &default_routes);
    let container = container::discover(env);
    let os = os::discover(env);
    let (virtualisation, cloud) = virt::discover(env);
    let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let besides = resolvers::besides(env);
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
        resolvers_unused: besides.unused,
        search: besides.search,
        ndots: besides.ndots,
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
        uid: host.uid,
        container: host.container.as_ref(),
        resolvers: &host.resolvers,
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
