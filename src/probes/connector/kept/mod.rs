//! Connectors that runtimes and service managers keep files of, running or not. Reads files alone; asks no daemon.

mod docker;
mod homes;
mod podman;
mod pods;
mod services;

use super::found::Found;
use crate::env::Env;

/// Looks through all of them.
pub(super) fn discover(env: &Env, uid: Option<u32>) -> Found {
    let mut found = Found::default();
    let homes = homes::list(env, uid);
    services::look(env, &mut found);
    docker::look(env, &homes, &mut found);
    podman::look(env, &homes, &mut found);
    pods::look(env, &mut found);
    found
}
