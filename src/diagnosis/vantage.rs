//! How to run the doctor where the Connector runs: a command for each way of deployment. Pure.

use super::remedy::plain;
use super::rule::Evidence;
use crate::model::facts::{ConnectorProcess, DeploymentKind};
use crate::model::report::Remedy;

/// The first process whose view of the network is another than this run's.
pub(super) fn process<'a>(e: &Evidence<'a>) -> Option<&'a ConnectorProcess> {
    let view = |p: &&ConnectorProcess| {
        let v = &p.view;
        v.same_network == Some(false) || v.same_resolvers == Some(false) || !v.proxy_variables.is_empty()
    };
    let running = || e.host.connector.processes.iter().filter(|p| p.runs());
    running().find(|p| p.view.same_network == Some(false)).or_else(|| running().find(view))
}

/// What to run, and where.
pub(super) fn remedies(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(process) = process(e) else { return Vec::new() };
    let pid = process.pid;
    let asked: Vec<String> = process.view.resolvers.iter().take(3).map(|ip| format!(" --dns {ip}")).collect();
    let asked = asked.concat();
    if process.view.same_network != Some(false) {
        if process.view.same_resolvers == Some(false) && !asked.is_empty() {
            return vec![Remedy {
                action: "Run the doctor with the Connector's resolvers".to_owned(),
                commands: vec![format!("connector-doctor check{asked}")],
                needs_root: false,
            }];
        }
        return vec![Remedy::advice(
            "Take the proxy out of the Connector's environment (it needs direct connections), or test what the proxy lets through",
        )];
    }
    let deployment = &process.deployment;
    let name = deployment.name.as_deref().filter(|n| plain(n));
    let id = deployment.id.as_deref().filter(|id| plain(id)).map(|id| id.get(..12).unwrap_or(id));
    let container = name.or(id);
    let enter = format!("sudo nsenter -t {pid} -n connector-doctor check{asked}");
    let mut commands = vec![enter];
    match (deployment.kind, container) {
        (DeploymentKind::Docker, Some(c)) => {
            commands.push(format!("docker run --rm --network container:{c} connector-doctor check"));
        }
        (DeploymentKind::Podman, Some(c)) => {
            commands.push(format!("sudo podman run --rm --network container:{c} connector-doctor check"));
        }
        (DeploymentKind::Kubernetes, pod) => {
            let pod = name.or(pod).filter(|_| name.is_some()).unwrap_or("POD");
            commands.push(format!(
                "kubectl debug -it {pod} --image=connector-doctor --target=connector -- /connector-doctor check"
            ));
        }
        (DeploymentKind::Lxc, Some(c)) => commands.push(format!("lxc exec {c} -- connector-doctor check")),
        _ => {}
    }
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    vec![Remedy::root("Run the doctor where the Connector runs (one of these)", &commands)]
}
