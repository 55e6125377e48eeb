//! What a cloud or an orchestrator filters itself, and where: a row each. Shown only on hosts that show its marks.

use super::network::is_request;
use crate::model::facts::{Cloud, Host, Runtime};
use crate::model::report::Remedy;

/// Whether a host is there.
type Shown = fn(&Host) -> bool;

/// Where it is shown, what to allow and where, and the commands that show it.
const PLACES: &[(Shown, &str, &[&str])] = &[
    (
        |host| host.cloud == Some(Cloud::Aws),
        "On AWS, allow the same in the VPC console: Security groups > Outbound rules; Network ACLs > Outbound rules, and UDP and TCP 1024-65535 in Inbound rules (a network ACL does not know answers); the subnet's route table needs an internet or NAT gateway",
        &[],
    ),
    (
        |host| host.cloud == Some(Cloud::Gcp),
        "On Google Cloud, allow the same in the console: VPC network > Firewall, a rule with direction Egress; without an external IP the subnet needs Network services > Cloud NAT",
        &[],
    ),
    (
        |host| host.cloud == Some(Cloud::Azure),
        "On Azure, allow the same in the portal: Virtual machine > Networking > Outbound port rules (the network security groups of the interface and of the subnet), and in Azure Firewall where the route table leads there",
        &[],
    ),
    (
        |host| host.container.as_ref().is_some_and(|container| container.runtime == Runtime::Kubernetes),
        "In Kubernetes, allow the same in every NetworkPolicy with policyTypes Egress that selects this pod",
        &["kubectl get networkpolicies --all-namespaces"],
    ),
];

/// The remedies, and behind a request to the network team the place where this host's cloud filters.
pub fn with_cloud(host: &Host, mut remedies: Vec<Remedy>) -> Vec<Remedy> {
    let Some(at) = remedies.iter().rposition(is_request) else { return remedies };
    let rows = PLACES.iter().filter(|(shown, ..)| shown(host)).map(|(_, action, commands)| Remedy {
        action: (*action).to_owned(),
        commands: commands.iter().map(|command| (*command).to_owned()).collect(),
        needs_root: false,
    });
    let rows: Vec<Remedy> = rows.collect();
    remedies.splice(at + 1..=at, rows);
    remedies
}

#[cfg(test)]
mod tests {
    use super::super::network::{Allow, ask_network_team};
    use super::super::systems::systems;
    use super::*;

    #[test]
    fn a_clouds_row_stands_on_its_own_hosts_and_on_no_other() {
        let row = Allow { protocol: "UDP", destination: "any:1-65535", purpose: "peer-to-peer" };
        for (label, host) in systems().into_iter().chain([("none".to_owned(), Host::default())]) {
            let before =
                vec![ask_network_team(&host, std::slice::from_ref(&row)), Remedy::advice("Something else")];
            let told = with_cloud(&host, before.clone());
            for (name, begins) in [
                ("AWS", "On AWS, "),
                ("Google Cloud", "On Google Cloud, "),
                ("Azure", "On Azure, "),
                ("in kubernetes", "In Kubernetes, "),
            ] {
                let stands = told.iter().any(|remedy| remedy.action.starts_with(begins));
                assert_eq!(stands, label == name, "{label}: {begins}");
            }
            assert_eq!((told.first(), told.last()), (before.first(), before.last()), "{label}");
            let no_request = vec![Remedy::advice("Something else")];
            assert_eq!(with_cloud(&host, no_request.clone()), no_request, "{label}");
        }
    }
}
