//! By what an essential check's outcome was proven: a name, a public resolver, an address, the Connector's own socket. Pure.

use super::own_sockets::{relay_ports, standing};
use super::target::controller;
use crate::model::CheckId;
use crate::model::facts::{AttributedBy, By, ConnectionState, Facts, ResolvedBy};
use crate::model::observation::Observation;
use crate::model::proof::{Proof, ProofNetwork, ProvenBy};

/// What proved the outcome of a check, in order, each way once; nothing where it is not essential, or nothing answered.
pub fn proofs(facts: &Facts, id: CheckId) -> Vec<Proof> {
    let control = &facts.control;
    let mut all = match id {
        CheckId::ClockOffset => {
            let ntp = answered(facts, &facts.ntp);
            if ntp.is_empty() { answered(facts, &control.dates) } else { ntp }
        }
        CheckId::StunDiscovery => answered(facts, &facts.stun),
        CheckId::ControllerTcp => {
            let mut all = answered(facts, &control.tcp);
            all.extend(controllers_own(facts).then(|| own(ProofNetwork::Run)));
            all
        }
        CheckId::ControllerTls => answered(facts, &control.tls),
        CheckId::ControllerHttp => answered(facts, &control.http),
        CheckId::RelayTcp => {
            let mut all = answered(facts, &control.relays);
            all.extend((relay_ports(facts) > 0).then(|| own(ProofNetwork::Run)));
            all
        }
        CheckId::ConnectorConnections => connections(facts),
        _ => Vec::new(),
    };
    all.sort_unstable();
    all.dedup();
    all
}

fn own(network: ProofNetwork) -> Proof {
    Proof { how: ProvenBy::OwnSocket, network }
}

/// How those that answered were found.
fn answered<T>(facts: &Facts, observations: &[Observation<T>]) -> Vec<Proof> {
    let how = |o: &Observation<T>| {
        let target = facts.targets.iter().find(|target| target.name() == o.target);
        let by = target.zip(o.address).map(|(target, address)| target.by(address.ip()));
        match by {
            Some(By::FallbackResolver { .. }) => ProvenBy::FallbackResolver,
            Some(By::LiteralAddress) => ProvenBy::LiteralAddress,
            Some(By::Name) if target.is_some_and(|t| t.resolved_by == ResolvedBy::Literal) => {
                ProvenBy::LiteralAddress
            }
            Some(By::Name) | None => ProvenBy::Name,
        }
    };
    let seen = observations.iter().filter(|o| o.seen().is_some());
    seen.map(|o| Proof { how: how(o), network: ProofNetwork::Run }).collect()
}

/// A connection that is the Connector's for certain stands at the Controller, in this run's network. It stood before the
/// run: new ones may fail all the same, so it is told and decides nothing against a try that failed.
fn controllers_own(facts: &Facts) -> bool {
    let Some(target) = controller(facts) else { return false };
    let here =
        facts.host.connector.processes.iter().filter(|p| p.runs() && p.view.same_network != Some(false));
    let certain = here.filter_map(|p| p.connections.as_ref()).filter(|c| c.by == AttributedBy::Descriptors);
    certain.flat_map(|c| &c.seen).any(|c| {
        c.state == ConnectionState::Established
            && c.peer.port() == target.port
            && target.addresses.contains(&c.peer.ip())
    })
}

/// Where the Connector's own connections stand.
fn connections(facts: &Facts) -> Vec<Proof> {
    let stands = |p: &&crate::model::facts::ConnectorProcess| standing(facts, p).is_some_and(|s| s.all() > 0);
    let running = facts.host.connector.processes.iter().filter(|p| p.runs()).filter(stands);
    running
        .map(|p| {
            own(match p.view.same_network {
                Some(false) => ProofNetwork::Connector,
                _ => ProofNetwork::Run,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{Learnt, Target, TargetRole};
    use crate::model::observation::Outcome;

    #[test]
    fn an_essential_says_how_it_was_proven() {
        let (ip, port) = ([203, 0, 113, 80], 443);
        let target = |how: Option<By>, resolved_by| Target {
            role: TargetRole::Controller,
            host: "acme.twingate.com".into(),
            port,
            addresses: vec![ip.into()],
            learnt: how.map(|how| Learnt { address: ip.into(), how }).into_iter().collect(),
            resolved_by,
            ..Target::default()
        };
        let public = By::FallbackResolver { resolver: ([1, 1, 1, 1], 53).into() };
        for (target, expected) in [
            (target(None, ResolvedBy::System), ProvenBy::Name),
            (target(Some(public), ResolvedBy::Elsewhere), ProvenBy::FallbackResolver),
            (target(Some(By::LiteralAddress), ResolvedBy::Elsewhere), ProvenBy::LiteralAddress),
            (target(None, ResolvedBy::Literal), ProvenBy::LiteralAddress),
        ] {
            let answer = Observation {
                target: target.name(),
                address: Some((ip, port).into()),
                at_us: 0,
                took_us: 1,
                outcome: Outcome::Seen(crate::model::facts::HttpAnswer::default()),
            };
            let mut facts = Facts { targets: vec![target], ..Facts::default() };
            assert_eq!(proofs(&facts, CheckId::ControllerHttp), [], "nothing answered");
            facts.control.http = vec![answer];
            let by = proofs(&facts, CheckId::ControllerHttp);
            assert_eq!(by, [Proof { how: expected, network: ProofNetwork::Run }]);
            assert_eq!(proofs(&facts, CheckId::PathMtu), [], "not essential");
        }
    }
}
