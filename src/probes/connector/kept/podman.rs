//! Podman's containers and quadlets, by its own files.

use super::super::found::Found;
use super::homes::Home;
use super::services::{gone, is_drop_in};
use crate::connector::podman::{container, list, quadlet};
use crate::connector::unit::Unit;
use crate::env::Env;
use crate::model::facts::KeptState;
use crate::probes::host::files;
use crate::probes::host::tree::Tree;

/// Where root's podman keeps everything; a user's is below his home.
const ROOT: &str = "/var/lib/containers/storage";
const OWN: &str = ".local/share/containers/storage";
/// A list for each storage driver.
const LISTS: &[&str] = &["overlay-containers", "vfs-containers", "btrfs-containers"];
/// Where conmon writes how a container ended: root's, and a user's below the folder of his session.
const EXITS: &[&str] = &["/run/libpod/exits", "/var/run/libpod/exits"];
const OWN_EXITS: &str = "libpod/tmp/exits";
/// Where quadlets lie; a user's are below his home, too.
const QUADLETS: &[&str] = &[
    "/etc/containers/systemd",
    "/run/containers/systemd",
    "/usr/share/containers/systemd",
    "/etc/containers/systemd/users",
];
const OWN_QUADLETS: &str = ".config/containers/systemd";
/// Most bytes of a list or a configuration; most quadlets of a folder.
const MOST: usize = 1 << 20;
const FILES: usize = 256;

/// Looks at all of them.
pub(super) fn look(env: &Env, homes: &[Home], found: &mut Found) {
    match Tree::open(env, ROOT) {
        Ok(tree) => storage(env, &tree, ROOT, "", None, found),
        Err(why) => found.closed(ROOT, &why),
    }
    for folder in QUADLETS {
        if let Ok(tree) = Tree::open(env, folder) {
            quadlets(env, &tree, folder, "", None, found);
        }
    }
    for home in homes {
        let Ok(tree) = Tree::open(env, &home.folder) else { continue };
        storage(env, &tree, &home.folder, OWN, Some(home), found);
        quadlets(env, &tree, &home.folder, OWN_QUADLETS, Some(home), found);
    }
}

fn storage(env: &Env, tree: &Tree, base: &str, inner: &str, home: Option<&Home>, found: &mut Found) {
    for driver in LISTS {
        let folder = format!("{inner}/{driver}");
        let Some(text) = tree.read(&format!("{folder}/containers.json"), MOST) else { continue };
        for listed in list(&text).into_iter().take(FILES) {
            let id = &listed.id;
            let data = format!("{folder}/{id}/userdata");
            let oci = home.is_none().then(|| tree.read(&format!("{data}/config.json"), MOST)).flatten();
            let place = format!("{base}/{folder}/{id}").replace("//", "/");
            let Some((mut kept, tokens)) =
                container(&place, &listed, oci.as_deref(), exit(env, id, home).as_deref())
            else {
                continue;
            };
            kept.oom_killed = tree.holds(&format!("{data}/oom"));
            kept.deployment.owner = home.map(|home| home.uid);
            let log = format!("{data}/ctr.log");
            kept.log = (home.is_none() && tree.holds(&log)).then(|| format!("{place}/userdata/ctr.log"));
            found.add(kept, home.is_none().then_some(tokens));
        }
    }
}

/// How it ended, in a folder that is gone after a boot.
fn exit(env: &Env, id: &str, home: Option<&Home>) -> Option<String> {
    if let Some(home) = home {
        // Below it everything is that user's to link elsewhere.
        let own = Tree::open(env, &format!("/run/user/{}", home.uid)).ok()?;
        return own.read(&format!("{OWN_EXITS}/{id}"), 64);
    }
    EXITS.iter().find_map(|folder| Tree::open(env, folder).ok()?.read(id, 64))
}

fn quadlets(env: &Env, tree: &Tree, base: &str, inner: &str, home: Option<&Home>, found: &mut Found) {
    let names = tree.names(inner, FILES);
    for name in names.iter().filter(|name| name.ends_with(".container")) {
        let file = format!("{inner}/{name}");
        let Some(text) = tree.read(&file, files::SMALL) else { continue };
        let mut unit = Unit::default();
        unit.add(&text);
        for drop_in in tree.names(&format!("{file}.d"), FILES).iter().filter(|name| is_drop_in(name)) {
            unit.add(&tree.read(&format!("{file}.d/{drop_in}"), files::SMALL).unwrap_or_default());
        }
        let place = format!("{base}/{file}").replace("//", "/");
        let Some((mut kept, tokens)) = quadlet(&place, &unit) else { continue };
        // Its container may be kept already, under the name that it is given.
        let same = |known: &crate::model::facts::KeptConnector| known.is(&kept.deployment);
        let known = found.kept.iter().position(same);
        if home.is_none() {
            let files = unit.environment_files("Container");
            let needed = files.into_iter().filter(|(_, optional)| !optional);
            kept.missing = needed.filter_map(|(path, _)| gone(env, path, "its quadlet")).collect();
        } else {
            // Another user's: shown, and not gone into.
            kept.settings.clear();
        }
        kept.deployment.owner = home.map(|home| home.uid);
        kept.restarts_itself = unit.last("Service", "Restart").map(|how| how != "no");
        if let Some(at) = known {
            found.kept[at].deployment.unit = kept.deployment.unit;
            found.kept[at].missing = kept.missing;
        } else {
            kept.state = KeptState::Declared;
            found.add(kept, home.is_none().then_some(tokens));
        }
    }
}
