//! The Connector on this host: its processes, how they were deployed, their settings, limits and network, as /proc
//! and a few files show them. Starts no program, sends nothing, keeps no secret.

mod container;
mod found;
mod here;
pub(crate) mod journal;
mod kept;
mod limits;
pub(crate) mod metrics;
pub(crate) mod own_log;
mod process;
mod shared;
mod sockets;
mod view;

use found::Holder;
pub(in crate::probes) use here::Here;
use process::SETTINGS;

use crate::connector::{CONFIG_FILE, CONFIG_FOLDER, PACKAGE, PROCESSES, PROGRAMS, Tokens, UNIT, config};
use crate::env::Env;
use crate::model::facts::{Connector, ConnectorUnit, Deployment, DeploymentKind, Settings};
use crate::model::text;
use crate::probes::host::files;
use crate::probes::host::processes::Processes;
use crate::probes::host::services;

/// Most processes that are kept, and that are looked at to find them.
const MOST: usize = 8;
const TRIED: usize = 64;
/// Most bytes of dpkg's list.
const DPKG: usize = 16 << 20;

/// Looks for the Connector: best effort, never failing.
pub(in crate::probes) fn discover(env: &Env, processes: &Processes, here: &Here<'_>) -> Connector {
    let mut ids: Vec<(u32, &str)> =
        PROCESSES.iter().flat_map(|name| processes.named(name).map(move |id| (id, *name))).collect();
    ids.sort_unstable();
    let (mut found, mut strangers, mut holders) = (Vec::new(), Vec::new(), Vec::new());
    for (id, name) in ids.iter().take(TRIED) {
        match process::look(env, *id, name, here) {
            Some(process::Looked::Believed(believed)) if found.len() < MOST => {
                let (process, holder) = *believed;
                found.push(process);
                holders.extend(holder);
            }
            Some(process::Looked::Stranger(stranger)) if strangers.len() < MOST => strangers.push(stranger),
            _ => {}
        }
    }
    let others = ids.len().saturating_sub(strangers.len());
    let process_count = if found.is_empty() { 0 } else { u32::try_from(others).unwrap_or(u32::MAX) };
    let unit = unit(env);
    let programs = PROGRAMS.iter().filter(|path| files::exists(env, path)).map(|path| (*path).to_owned());
    let mut installed: Vec<String> = programs.collect();
    installed.extend(services::place(env, UNIT).filter(|_| unit.as_ref().is_some_and(|u| !u.masked)));
    let version = (!installed.is_empty()).then(|| version(env)).flatten();
    let (file, file_unread) = match file(env) {
        Ok(read) => {
            holders.extend(read.1.map(|tokens| Holder {
                name: CONFIG_FILE.to_owned(),
                deployment: Deployment { kind: DeploymentKind::Systemd, ..Deployment::default() },
                pids: None,
                starts: unit.as_ref().is_some_and(|unit| unit.enabled),
                tokens,
            }));
            (read.0, None)
        }
        Err(why) => (None, Some(why)),
    };
    let kept = kept::discover(env, here.uid);
    let holders: Vec<Holder> = holders.into_iter().chain(kept.holders).collect();
    Connector {
        processes: found,
        process_count,
        strangers,
        installed,
        unit,
        version,
        file,
        file_unread,
        kept: kept.kept,
        kept_unread: kept.unread,
        shared_tokens: shared::pairs(&holders),
    }
}

/// Looks at the connections of its processes once more, at the end of a run.
pub(in crate::probes) fn look_again(env: &Env, connector: &mut Connector) {
    for process in connector.processes.iter_mut().filter(|process| process.runs()) {
        process::look_again(env, process);
    }
}

fn unit(env: &Env) -> Option<ConnectorUnit> {
    let place = services::place(env, UNIT)?;
    let masked = std::fs::read_link(env.path(&place)).is_ok_and(|target| target.as_os_str() == "/dev/null");
    Some(ConnectorUnit { name: UNIT.to_owned(), enabled: services::enabled(env, UNIT), masked })
}

/// The version in dpkg's list of installed packages.
fn version(env: &Env) -> Option<String> {
    let list = files::read(env, "/var/lib/dpkg/status", DPKG)?;
    let (_, rest) = list.split_once(&format!("Package: {PACKAGE}\n"))?;
    let paragraph = rest.split("\n\n").next()?;
    let version = paragraph.lines().find_map(|line| line.strip_prefix("Version: "))?;
    Some(text::clean(version, 64))
}

/// The configuration file of this host and its tokens, or why it could not be read.
fn file(env: &Env) -> Result<(Option<Settings>, Option<Tokens>), String> {
    match files::bytes_why(env, CONFIG_FILE, SETTINGS) {
        Ok(bytes) => {
            let read = config::file(CONFIG_FILE, &bytes);
            Ok((Some(Settings { mode: mode(env), ..read.settings }), Some(read.tokens)))
        }
        // A folder that keeps us out hides whether the file is there at all.
        Err(why) if files::exists(env, CONFIG_FOLDER) && !files::absent(env, CONFIG_FILE) => Err(why),
        Err(_) => Ok((None, None)),
    }
}

/// The file's permissions, without those that its folder takes away.
fn mode(env: &Env) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let of = |path: &str| Some(std::fs::metadata(env.path(path)).ok()?.permissions().mode() & 0o777);
    let (file, folder) = (of(CONFIG_FILE)?, of(CONFIG_FOLDER)?);
    Some(if folder & 0o001 == 0 { file & !0o007 } else { file })
}
