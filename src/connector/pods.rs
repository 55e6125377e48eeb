//! What the kubelet's folders tell of a pod: `NAMESPACE_POD_UID` with a folder a container, and in it `N.log` of the
//! N-th start. Pure.

use crate::model::facts::{Deployment, DeploymentKind, KeptConnector};
use crate::model::text;

/// Longest name (a DNS label, or several).
const NAME: usize = 253;

/// The container's name in the vendor's charts.
const CONTAINER: &str = "connector";

/// A pod of a folder of /var/log/pods, with its containers' folders, if a Connector is among them.
pub fn pod(place: &str, folder: &str, containers: &[String]) -> Option<(KeptConnector, String)> {
    let mut parts = folder.rsplitn(2, '_');
    let (uid, rest) = (parts.next()?, parts.next()?);
    let (namespace, name) = rest.split_once('_')?;
    let named = |text: &str| text.contains("twingate");
    let whole = |text: &&String| named(text) || named(name) || named(namespace);
    let container = containers
        .iter()
        .find(|container| container.as_str() == CONTAINER && whole(container))
        .or_else(|| containers.iter().find(|container| named(container) && container.contains(CONTAINER)))
        .or_else(|| {
            containers.first().filter(|_| containers.len() == 1 && named(name) && name.contains(CONTAINER))
        })?;
    let shown = |text: &str| text::clean(text, NAME);
    let kept = KeptConnector {
        place: format!("{place}/{folder}"),
        deployment: Deployment {
            kind: DeploymentKind::Kubernetes,
            name: Some(shown(name)),
            namespace: Some(shown(namespace)),
            pod: Some(shown(uid)),
            ..Deployment::default()
        },
        ..KeptConnector::default()
    };
    Some((kept, container.clone()))
}

/// The newest log of a container's folder, and with it how often it was started anew.
pub fn newest(logs: &[String]) -> Option<(String, u32)> {
    let number = |name: &String| name.strip_suffix(".log")?.parse::<u32>().ok();
    logs.iter().filter_map(|name| Some((name.clone(), number(name)?))).max_by_key(|(_, n)| *n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_told_by_its_folders() {
        let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let uid = "0a1b2c3d-1111-2222-3333-444455556666";
        for (folder, containers, found) in [
            (format!("tg_twingate-connector-7d9f-x_{uid}"), &["connector"][..], Some("connector")),
            (format!("twingate_office-7d9f_{uid}"), &["connector"], Some("connector")),
            (format!("default_office_{uid}"), &["sidecar", "twingate-connector"], Some("twingate-connector")),
            (format!("default_twingate-connector-a_{uid}"), &["main"], Some("main")),
            (format!("default_kafka-7d9f_{uid}"), &["connector"], None),
            (format!("twingate_operator_{uid}"), &["manager"], None),
            ("x".to_owned(), &["connector"], None),
        ] {
            let pod = pod("/var/log/pods", &folder, &names(containers));
            assert_eq!(pod.as_ref().map(|(_, c)| c.as_str()), found, "{folder}");
            if let Some((kept, _)) = pod {
                assert_eq!(kept.deployment.pod.as_deref(), Some(uid));
            }
        }
        assert_eq!(
            newest(&names(&["0.log", "12.log", "9.log", "12.log.gz", "x"])),
            Some(("12.log".into(), 12))
        );
        assert_eq!(newest(&[]), None);
    }
}
