//! One input through the readers of what runtimes keep of a Connector; the fuzz target and the ordinary test both call it.

use connector_doctor::connector::unit::Unit;
use connector_doctor::connector::{docker, podman, pods};
use connector_doctor::model::facts::KeptConnector;

/// What no result may hold, in the form of a token.
const CANARY: &str = "eyJCanary7okenCanary";

/// The bytes as docker's file, podman's list and configuration, a quadlet, a unit and the names of folders.
pub(crate) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    sound(&text, true);
    // Whatever a token stands in: it stays out.
    sound(&text.replace("=b", &format!("={CANARY}")), false);
}

fn sound(text: &str, folders: bool) {
    let mut found: Vec<KeptConnector> = Vec::new();
    found.extend(docker::container("f", text, Some(text)).map(|(kept, ..)| kept));
    let listed = podman::list(text);
    for one in listed.iter().take(4) {
        found.extend(podman::container("f", one, Some(text), Some(text)).map(|(kept, _)| kept));
    }
    let mut unit = Unit::default();
    unit.add(text);
    unit.add(text);
    found.extend(podman::quadlet("/etc/containers/systemd/x.container", &unit).map(|(kept, _)| kept));
    for (path, _) in unit.environment_files("Service") {
        assert!(path.starts_with('/'));
    }
    assert!(unit.program().is_none_or(|path| path.starts_with('/')));
    // A folder's name is no place for a token.
    let names: Vec<String> = text.split('/').filter(|_| folders).map(str::to_owned).collect();
    for name in &names {
        found.extend(pods::pod("/var/log/pods", name, &names).map(|(kept, _)| kept));
    }
    assert!(pods::newest(&names).is_none_or(|(name, _)| names.contains(&name)));
    for kept in &found {
        let shown = format!("{kept:?}");
        assert!(!shown.contains("Canary"), "{shown}");
        let deployment = &kept.deployment;
        for word in [&deployment.name, &deployment.unit, &deployment.namespace, &kept.error, &kept.version] {
            let whole = word.as_deref().unwrap_or_default();
            assert!(whole.chars().count() <= 270 && !whole.contains(char::is_control), "{whole:?}");
        }
        let id = deployment.id.as_deref().unwrap_or_default();
        assert!(id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }
}
