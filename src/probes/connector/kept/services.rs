//! Services of systemd, `OpenRC`, runit and s6, by their files: what they need and lack, and whether they failed.

use std::fs;

use super::super::found::Found;
use crate::connector::unit::Unit;
use crate::connector::{CONFIG_FILE, CONFIG_FOLDER, UNIT, config};
use crate::env::Env;
use crate::model::facts::{Deployment, DeploymentKind, KeptConnector, KeptState};
use crate::model::text;
use crate::probes::host::{files, reading, services};

/// Folders of drop-ins, the most general first.
const DROP_INS: &[&str] =
    &["/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"];
/// Most drop-ins of a folder.
const FILES: usize = 64;
/// Services of managers that keep a folder or a script each: folder, kind.
const SERVICES: &[(&str, DeploymentKind)] = &[
    ("/etc/sv", DeploymentKind::Runit),
    ("/etc/runit/sv", DeploymentKind::Runit),
    ("/etc/s6-overlay/s6-rc.d", DeploymentKind::S6),
    ("/etc/services.d", DeploymentKind::S6),
    ("/etc/s6-rc/source", DeploymentKind::S6),
];

/// Looks at all of them.
pub(super) fn look(env: &Env, found: &mut Found) {
    if let Some(place) = services::place(env, UNIT) {
        if place.ends_with(".service") {
            systemd(env, place, found);
        } else {
            open_rc(env, place, found);
        }
    }
    for (folder, kind) in SERVICES {
        let place = format!("{folder}/{UNIT}");
        if files::exists(env, &place) {
            let kept = service(env, place, *kind);
            // A file `down` keeps it from being started (runsv(8), s6-supervise).
            let down = files::exists(env, &format!("{}/down", kept.place));
            found.add(KeptConnector { restarts_itself: Some(!down), ..kept }, None);
        }
    }
}

fn service(env: &Env, place: String, kind: DeploymentKind) -> KeptConnector {
    let deployment = Deployment { kind, unit: Some(UNIT.to_owned()), ..Deployment::default() };
    KeptConnector { place, deployment, missing: dangling_folder(env), ..KeptConnector::default() }
}

fn systemd(env: &Env, place: String, found: &mut Found) {
    // A masked unit is a link to nothing, and has no needs.
    let Some(text) = files::read(env, &place, files::SMALL) else { return };
    let mut unit = Unit::default();
    unit.add(&text);
    for folder in DROP_INS {
        let folder = format!("{folder}/{UNIT}.service.d");
        for name in files::list(env, &folder, FILES).iter().filter(|name| is_drop_in(name)) {
            unit.add(&files::read(env, &format!("{folder}/{name}"), files::SMALL).unwrap_or_default());
        }
    }
    let mut kept = service(env, place, DeploymentKind::Systemd);
    kept.restarts_itself = Some(services::enabled(env, UNIT));
    if let Some(program) = unit.program() {
        kept.missing.extend(gone(env, program, "its unit"));
    }
    let mut tokens = None;
    for (path, optional) in unit.environment_files("Service") {
        if !optional && kept.missing.is_empty() {
            kept.missing.extend(gone(env, path, "its unit"));
        }
        // The usual file is read for itself.
        if path != CONFIG_FILE
            && let Some(text) = files::read(env, path, super::super::process::SETTINGS)
        {
            let read = config::file(&text::clean(path, 200), text.as_bytes());
            kept.settings.push(read.settings);
            tokens = Some(read.tokens);
        }
    }
    let own = unit.environment("Service");
    if own.iter().any(|one| one.starts_with("TWINGATE_")) {
        let read = config::kept(&kept.place, &own);
        kept.settings.push(read.settings);
        tokens = tokens.or(Some(read.tokens));
    }
    found.add(kept, tokens);
}

fn open_rc(env: &Env, place: String, found: &mut Found) {
    // Beside systemd a script of SysV's is run as a unit that it makes of it.
    let kind = if files::exists(env, "/run/systemd/system") {
        DeploymentKind::Systemd
    } else {
        DeploymentKind::OpenRc
    };
    let mut kept = service(env, place, kind);
    kept.restarts_itself = Some(services::enabled(env, UNIT));
    let state = |state: &str| files::exists(env, &format!("/run/openrc/{state}/{UNIT}"));
    if state("failed") {
        kept.state = KeptState::Failed;
        "OpenRC could not start it".clone_into(kept.error.get_or_insert_default());
    } else if state("started") {
        // Started, and no process: it crashed. Where one runs nobody asks.
        kept.state = KeptState::Exited;
        "OpenRC calls it started: it has crashed since".clone_into(kept.error.get_or_insert_default());
    }
    found.add(kept, None);
}

/// The folder of the configuration is a link that leads nowhere: a disk that is not mounted, as on an appliance.
fn dangling_folder(env: &Env) -> Vec<String> {
    let Ok(_mark) = reading::begin(CONFIG_FOLDER) else { return Vec::new() };
    let dangles = fs::read_link(env.path(CONFIG_FOLDER)).is_ok() && files::absent(env, CONFIG_FOLDER);
    let target = fs::read_link(env.path(CONFIG_FOLDER)).unwrap_or_default();
    let target = text::clean(&target.to_string_lossy(), 200);
    dangles
        .then(|| format!("{CONFIG_FOLDER} is a link to {target}, which is not there"))
        .into_iter()
        .collect()
}

/// Files of another ending are passed over (systemd.unit(5)).
pub(super) fn is_drop_in(name: &str) -> bool {
    name.strip_suffix(".conf").is_some()
}

/// A sentence where a file that somebody needs is not there.
pub(super) fn gone(env: &Env, path: &str, who: &str) -> Option<String> {
    if !files::absent(env, path) {
        return None;
    }
    let shown = text::clean(path, 200);
    Some(if files::exists(env, path) {
        format!("{shown}, which {who} needs, is a link that leads nowhere")
    } else {
        format!("{shown}, which {who} needs, is not there")
    })
}
