//! What podman keeps of its containers: the list of its storage, a container's OCI configuration, quadlets
//! (podman-systemd.unit(5)). Pure; of the tokens in them nothing is kept.

use serde::Deserialize;

use super::secret::Tokens;
use super::unit::Unit;
use super::{config, image};
use crate::model::facts::{Deployment, DeploymentKind, KeptConnector, KeptState};

/// A container of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The image's name.
    pub image: String,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    /// JSON once more, as text.
    #[serde(default)]
    metadata: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Metadata {
    image_name: String,
    name: String,
}

#[derive(Deserialize)]
struct Oci {
    #[serde(default)]
    process: OciProcess,
}

#[derive(Default, Deserialize)]
struct OciProcess {
    #[serde(default)]
    env: Vec<String>,
}

/// The list of a storage driver: `containers.json`.
pub fn list(text: &str) -> Vec<Listed> {
    let entries: Vec<Entry> = serde_json::from_str(text).unwrap_or_default();
    let hex = |id: &str| id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let listed = entries.into_iter().filter(|entry| hex(&entry.id)).map(|entry| {
        let metadata: Metadata = serde_json::from_str(&entry.metadata).unwrap_or_default();
        let name = entry.names.into_iter().next().unwrap_or(metadata.name);
        Listed { id: entry.id, name: image::name(&name), image: metadata.image_name }
    });
    listed.collect()
}

/// A Connector, if this is one: `oci` is its `config.json`, `exit` what conmon wrote when it ended.
pub fn container(
    place: &str,
    listed: &Listed,
    oci: Option<&str>,
    exit: Option<&str>,
) -> Option<(KeptConnector, Tokens)> {
    let variables = oci
        .and_then(|oci| serde_json::from_str::<Oci>(oci).ok())
        .unwrap_or(Oci { process: OciProcess::default() });
    let variables = variables.process.env;
    if !image::is_connector(&listed.image, &variables) {
        return None;
    }
    let read = config::kept(place, &variables);
    let exit_code = exit.and_then(|exit| exit.trim().parse::<i32>().ok());
    let kept = KeptConnector {
        place: place.to_owned(),
        deployment: Deployment {
            kind: DeploymentKind::Podman,
            id: Some(listed.id.clone()),
            name: listed.name.clone(),
            ..Deployment::default()
        },
        // Where it ended nobody wrote down whether it was started at all.
        state: if exit_code.is_some() { KeptState::Exited } else { KeptState::Untold },
        exit_code,
        version: image::version(&listed.image),
        settings: if oci.is_some() { vec![read.settings] } else { Vec::new() },
        ..KeptConnector::default()
    };
    Some((kept, read.tokens))
}

/// A Connector that a quadlet describes; its service's name is the file's.
pub fn quadlet(place: &str, unit: &Unit) -> Option<(KeptConnector, Tokens)> {
    let image = unit.last("Container", "Image")?;
    let variables = unit.environment("Container");
    if !image::is_connector(image, &variables) {
        return None;
    }
    let file = place.rsplit('/').next()?.strip_suffix(".container")?;
    let service = image::name(file)?;
    let name = unit.last("Container", "ContainerName").and_then(image::name);
    let read = config::kept(place, &variables);
    let kept = KeptConnector {
        place: place.to_owned(),
        deployment: Deployment {
            kind: DeploymentKind::Podman,
            name: name.or_else(|| Some(format!("systemd-{service}"))),
            unit: Some(service),
            ..Deployment::default()
        },
        state: KeptState::Declared,
        version: image::version(image),
        settings: if variables.is_empty() { Vec::new() } else { vec![read.settings] },
        ..KeptConnector::default()
    };
    Some((kept, read.tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_container_is_read_out_of_list_configuration_and_exit_file() {
        let text = format!(
            r#"[{{"id":"../x"}},{{"id":"{ID}","names":["conn-1"],"metadata":"{{\"image-name\":\"docker.io/twingate/connector:1\",\"name\":\"conn-1\"}}"}}]"#
        );
        let listed = list(&text);
        assert_eq!(listed.len(), 1);
        let oci =
            r#"{"process":{"env":["TWINGATE_NETWORK=acme","TWINGATE_ACCESS_TOKEN=canary1234567890canary"]}}"#;
        let (kept, _) = container("f", &listed[0], Some(oci), Some("137\n")).expect("a Connector");
        assert_eq!((kept.state, kept.exit_code), (KeptState::Exited, Some(137)));
        assert_eq!(
            (kept.deployment.name.as_deref(), kept.settings[0].network.as_deref()),
            (Some("conn-1"), Some("acme"))
        );
        assert!(!format!("{kept:?}").contains("canary"));
        let (kept, _) = container("f", &listed[0], None, None).expect("a Connector");
        assert_eq!((kept.state, kept.settings.len()), (KeptState::Untold, 0));
        assert!(list("{}").is_empty() && list("").is_empty());
        assert!(
            container("f", &Listed { image: "nginx".into(), ..list(&text).remove(0) }, None, None).is_none()
        );
    }

    #[test]
    fn a_quadlet_names_its_service_and_its_container() {
        let mut unit = Unit::default();
        unit.add("[Container]\nImage=docker.io/twingate/connector:1.90.1\nEnvironmentFile=/etc/tg.env\n");
        let (kept, _) = quadlet("/etc/containers/systemd/office.container", &unit).expect("a Connector");
        let deployment = &kept.deployment;
        assert_eq!(
            (deployment.unit.as_deref(), deployment.name.as_deref()),
            (Some("office"), Some("systemd-office"))
        );
        assert_eq!((kept.version.as_deref(), kept.state), (Some("1.90.1"), KeptState::Declared));
        unit.add("[Container]\nImage=nginx\n");
        assert!(quadlet("/etc/containers/systemd/office.container", &unit).is_none());
    }
}
