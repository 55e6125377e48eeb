//! The name of a container, and how often its runtime started it anew: out of the runtimes' own files, where they may
//! be read (root). Of these files, which hold the tokens too, nothing else is looked at.

use serde::Deserialize;

use crate::connector::config;
use crate::env::Env;
use crate::model::facts::{Deployment, DeploymentKind};
use crate::model::text;
use crate::probes::host::files;

/// Most bytes of a runtime's file.
const MOST: usize = 1 << 20;
/// Podman's lists, one for each of its storage drivers.
const PODMAN: &[&str] = &[
    "/var/lib/containers/storage/overlay-containers/containers.json",
    "/var/lib/containers/storage/vfs-containers/containers.json",
    "/var/lib/containers/storage/btrfs-containers/containers.json",
];

/// Docker's file on a container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Docker {
    name: String,
    #[serde(default)]
    restart_count: u32,
}

/// An entry of podman's list.
#[derive(Deserialize)]
struct Podman {
    id: String,
    #[serde(default)]
    names: Vec<String>,
}

/// Fills name and restarts in.
pub(super) fn name(env: &Env, environ: &str, deployment: &mut Deployment) {
    let name = match (deployment.kind, &deployment.id) {
        // The id is 64 hexadecimal digits: no path leads out of it.
        (DeploymentKind::Docker, Some(id)) => {
            let file = files::read(env, &format!("/var/lib/docker/containers/{id}/config.v2.json"), MOST);
            let docker = file.and_then(|file| serde_json::from_str::<Docker>(&file).ok());
            docker.map(|docker| {
                deployment.restarts = Some(docker.restart_count);
                docker.name
            })
        }
        (DeploymentKind::Podman, Some(id)) => PODMAN.iter().find_map(|list| {
            let list = files::read(env, list, MOST)?;
            let entries: Vec<Podman> = serde_json::from_str(&list).ok()?;
            entries.into_iter().find(|entry| entry.id == *id)?.names.into_iter().next()
        }),
        // A pod's name is its host's name, which Kubernetes puts into the environment.
        (DeploymentKind::Kubernetes, _) => config::variable(environ.as_bytes(), "HOSTNAME"),
        _ => None,
    };
    let name =
        name.map(|name| text::clean(name.trim_start_matches('/'), 128)).filter(|name| !name.is_empty());
    deployment.name = name.or(deployment.name.take());
}
