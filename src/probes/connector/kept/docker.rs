//! Docker's containers, by its own files.

use super::super::found::Found;
use super::homes::Home;
use crate::connector::docker::container;
use crate::env::Env;
use crate::probes::host::files;
use crate::probes::host::tree::Tree;

/// Where docker keeps everything: usual, snap, Synology.
const ROOTS: &[&str] = &["/var/lib/docker", "/var/snap/docker/common/var-lib-docker", "/volume1/@docker"];
/// Its configuration, which may name another place.
const DAEMON: &str = "/etc/docker/daemon.json";
/// Most containers that are looked at, and most bytes of a file of theirs.
const CONTAINERS: usize = 512;
const MOST: usize = 1 << 20;

/// Looks at all of them.
pub(super) fn look(env: &Env, homes: &[Home], found: &mut Found) {
    let named = files::read(env, DAEMON, files::SMALL).and_then(|text| {
        let daemon: serde_json::Value = serde_json::from_str(&text).ok()?;
        let root = daemon.get("data-root")?.as_str()?.trim_end_matches('/');
        (root.starts_with('/') && !ROOTS.contains(&root)).then(|| root.to_owned())
    });
    for root in ROOTS.iter().map(|root| (*root).to_owned()).chain(named) {
        below(env, &format!("{root}/containers"), None, found);
    }
    for home in homes {
        below(env, &format!("{}/.local/share/docker/containers", home.folder), Some(home), found);
    }
}

fn below(env: &Env, place: &str, home: Option<&Home>, found: &mut Found) {
    // What lies in a user's home is his to link elsewhere: from there on no link is followed.
    let (base, inner) = match home {
        Some(home) => (home.folder.as_str(), place.strip_prefix(&home.folder).unwrap_or_default()),
        None => (place, ""),
    };
    let tree = match Tree::open(env, base) {
        Ok(tree) => tree,
        Err(why) if home.is_none() => return found.closed(place, &why),
        Err(_) => return,
    };
    for id in tree.names(inner, CONTAINERS) {
        let file = format!("{inner}/{id}/config.v2.json");
        let Some(text) = tree.read(&file, MOST) else { continue };
        let host = tree.read(&format!("{inner}/{id}/hostconfig.json"), MOST);
        let Some((mut kept, tokens, pid)) = container(&format!("{place}/{id}"), &text, host.as_deref())
        else {
            continue;
        };
        let log = format!("{inner}/{id}/{id}-json.log");
        kept.log = tree.holds(&log).then(|| format!("{place}/{id}/{id}-json.log"));
        kept.deployment.owner = home.map(|home| home.uid);
        // A number may be another process's by now: its group names the container.
        let groups = files::read(env, &format!("/proc/{pid}/cgroup"), files::SMALL);
        kept.alive = pid != 0 && groups.is_some_and(|groups| groups.contains(&id));
        if home.is_some() {
            // Another user's: shown, and not gone into.
            kept.settings.clear();
            kept.log = None;
        }
        found.add(kept, home.is_none().then_some(tokens));
    }
}
