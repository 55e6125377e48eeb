//! Kubernetes' pods on this node, by the kubelet's folders.

use super::super::found::Found;
use crate::connector::pods::{newest, pod};
use crate::env::Env;
use crate::model::facts::KeptState;
use crate::probes::host::tree::Tree;

/// A folder a pod, in it a folder a container.
const LOGS: &str = "/var/log/pods";
/// A folder a pod that is not deleted yet.
const PODS: &[&str] = &["/var/lib/kubelet/pods", "/var/snap/microk8s/common/var/lib/kubelet/pods"];
/// Most pods, and most files of one.
const MOST: usize = 1024;
/// A container that was started anew so often dies again and again.
const AGAIN: u32 = 2;

/// Looks at all of them.
pub(super) fn look(env: &Env, found: &mut Found) {
    let tree = match Tree::open(env, LOGS) {
        Ok(tree) => tree,
        Err(why) => return found.closed(LOGS, &why),
    };
    let alive: Vec<Tree> = PODS.iter().filter_map(|place| Tree::open(env, place).ok()).collect();
    for folder in tree.names("", MOST) {
        let containers = tree.names(&folder, 16);
        let Some((mut kept, container)) = pod(LOGS, &folder, &containers) else { continue };
        let uid = kept.deployment.pod.clone().unwrap_or_default();
        // Its logs outlive a pod for a while.
        let deleted = !alive.is_empty() && !alive.iter().any(|pods| pods.names("", MOST).contains(&uid));
        if deleted {
            continue;
        }
        if let Some((log, restarts)) = newest(&tree.names(&format!("{folder}/{container}"), 256)) {
            kept.deployment.restarts = Some(restarts);
            kept.state = if restarts >= AGAIN { KeptState::Restarting } else { KeptState::Untold };
            let path = format!("{LOGS}/{folder}/{container}/{log}");
            // A link of docker's leads elsewhere.
            kept.log = tree.holds(&format!("{folder}/{container}/{log}")).then_some(path);
        }
        kept.restarts_itself = Some(true);
        found.add(kept, None);
    }
}
