//! One process: its state, age, user, deployment and settings.

use std::time::Duration;

use super::found::Holder;
use super::here::Here;
use super::{container, limits, sockets, view};
use crate::connector::trust::{Suspect, believed};
use crate::connector::{CONFIG_FILE, IMAGE_PROCESS, Tokens, cgroup, config};
use crate::env::Env;
use crate::model::facts::{ConnectorProcess, Deployment, DeploymentKind, ProcessState, Settings, Stranger};
use crate::probes::host::files;
use crate::probes::host::inside::{Closed, Inside};

/// Most bytes of an environment or a configuration.
pub(super) const SETTINGS: usize = 256 * 1024;
/// Ticks a second of /proc/PID/stat: `USER_HZ`, 100 wherever Rust's std runs on Linux.
const TICKS: u64 = 100;

/// What a look at a process of the name showed.
pub(super) enum Looked {
    /// A Connector, and the tokens it was started with.
    Believed(Box<(ConnectorProcess, Option<Holder>)>),
    /// Anybody's.
    Stranger(Stranger),
}

/// Looks at a process; none where it has ended meanwhile, or is another program of the same name. Of one that is not believed
/// nothing is read but whose it is.
pub(super) fn look(env: &Env, pid: u32, name: &str, here: &Here<'_>) -> Option<Looked> {
    let Stat { state, parent, started } = stat(env, pid)?;
    let groups = files::read(env, &format!("/proc/{pid}/cgroup"), files::SMALL).unwrap_or_default();
    let mut deployment = cgroup::deployment(&groups);
    let uid = uid(env, pid);
    let suspect = Suspect { uid, groups: &groups, deployment: &deployment };
    if !believed(&suspect, here.uid, here.container.is_some()) {
        let Deployment { id: container, owner, .. } = deployment;
        return Some(Looked::Stranger(Stranger { pid, uid, container, owner }));
    }
    let environ = files::read_why(env, &format!("/proc/{pid}/environ"), SETTINGS);
    let (settings, unread, tokens) = settings(env, pid, &environ, &deployment);
    if name == IMAGE_PROCESS && !speaks(&settings, &deployment, here) {
        return None;
    }
    let environ = environ.unwrap_or_default();
    let connections = sockets::connections(env, pid, uid, controller_port(&settings));
    container::name(env, &environ, &mut deployment);
    let process = ConnectorProcess {
        pid,
        name: name.to_owned(),
        state,
        uid,
        age_us: here
            .since_boot
            .map(|boot| u64::try_from(boot.saturating_sub(started).as_micros()).unwrap_or(u64::MAX)),
        view: view::compare(env, pid, &environ, &settings, here),
        limits: limits::read(env, pid, &groups, &deployment),
        relays: sockets::relays(&connections),
        connections: Some(connections),
        metrics: None,
        deployment,
        settings,
        unread,
    };
    let named = process.deployment.name.as_ref().map(|name| format!(" ({name})"));
    let holder = tokens.filter(|_| process.runs()).map(|tokens| Holder {
        name: format!("process {pid}{}", named.unwrap_or_default()),
        deployment: process.deployment.clone(),
        pids: Some((pid, parent)),
        starts: true,
        tokens,
    });
    Some(Looked::Believed(Box::new((process, holder))))
}

/// Looks at its connections once more: one that was renewed at the first look stands at the second.
pub(super) fn look_again(env: &Env, process: &mut ConnectorProcess) {
    let again = sockets::connections(env, process.pid, process.uid, controller_port(&process.settings));
    if let Some(first) = process.connections.take() {
        let both = if first.by == again.by { sockets::together(first, again) } else { first };
        process.connections = Some(both);
    }
}

/// The port of its Controller's URL, where it is not the usual one.
fn controller_port(settings: &[Settings]) -> Option<u16> {
    let url = settings.iter().find_map(|s| s.url.as_deref())?;
    url.rsplit_once(':')?.1.trim_end_matches('/').parse().ok()
}

/// Whether more than its name speaks for a Connector: a container, or variables of a Connector.
fn speaks(settings: &[Settings], deployment: &Deployment, here: &Here<'_>) -> bool {
    let named = |s: &Settings| {
        s.network.is_some() || s.url.is_some() || s.access_token.is_some() || s.refresh_token.is_some()
    };
    here.container.is_some() || !deployment.kind.native() || settings.iter().any(named)
}

/// What /proc/PID/stat tells.
struct Stat {
    state: ProcessState,
    parent: u32,
    /// Since boot.
    started: Duration,
}

fn stat(env: &Env, pid: u32) -> Option<Stat> {
    let stat = files::read(env, &format!("/proc/{pid}/stat"), 4096)?;
    // The name stands in parentheses and may hold anything; what follows the last one is well-formed.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next().filter(|s| s.len() == 1 && s.is_ascii())?.into();
    let parent = fields.next()?.parse().ok()?;
    let ticks: u64 = fields.nth(17)?.parse().ok()?;
    Some(Stat { state, parent, started: Duration::from_millis(ticks.checked_mul(1000 / TICKS)?) })
}

/// The effective user.
fn uid(env: &Env, pid: u32) -> Option<u32> {
    let status = files::read(env, &format!("/proc/{pid}/status"), 4096)?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

/// What it is configured with, and what of that could not be read. What it was started with comes first.
fn settings(
    env: &Env,
    pid: u32,
    environ: &Result<String, String>,
    deployment: &Deployment,
) -> (Vec<Settings>, Vec<String>, Option<Tokens>) {
    let (mut settings, mut unread, mut tokens) = (Vec::new(), Vec::new(), None);
    match environ {
        // A kernel thread's, or a zombie's, is empty; no program is started with nothing at all.
        Ok(bytes) if !bytes.is_empty() => {
            let read = config::environment(pid, bytes.as_bytes());
            settings.push(read.settings);
            tokens = Some(read.tokens);
        }
        Ok(_) => unread.push(format!("the environment of process {pid} is empty")),
        Err(why) => unread.push(why.clone()),
    }
    let words = files::read(env, &format!("/proc/{pid}/cmdline"), files::SMALL).unwrap_or_default();
    let words = config::command_line(pid, words.as_bytes());
    if words.network.is_some() || words.url.is_some() {
        settings.push(words);
    }
    if !deployment.kind.native() {
        match Inside::process(env, pid).and_then(|inside| inside.read(CONFIG_FILE, SETTINGS)) {
            Ok(found) => {
                let read = config::file(&format!("{CONFIG_FILE} of process {pid}"), found.text.as_bytes());
                settings.push(Settings { owner: Some(found.owner), ..read.settings });
                // What it was started with comes first.
                tokens = tokens.filter(|own| own != &Tokens::default()).or(Some(read.tokens));
            }
            Err(Closed::Absent) => {}
            Err(Closed::Refused(why)) => unread.push(why),
        }
    }
    if deployment.kind == DeploymentKind::Bare && settings.is_empty() && unread.is_empty() {
        unread.push(format!("/proc/{pid}: nothing could be read"));
    }
    (settings, unread, tokens)
}
