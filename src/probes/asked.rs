//! Which addresses a run asked, each once: so that the kernel can be asked how it sends to them.

use std::net::IpAddr;

use crate::model::facts::Facts;
use crate::model::observation::Observation;

/// Resolvers first, then whom the run tried.
pub(super) fn addresses(facts: &Facts) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = facts.host.resolvers.iter().map(|resolver| resolver.address.ip()).collect();
    add(&facts.control.tcp, &mut all);
    add(&facts.control.relays, &mut all);
    add(&facts.control.services, &mut all);
    add(&facts.dns, &mut all);
    add(&facts.stun, &mut all);
    add(&facts.ntp, &mut all);
    add(&facts.tcp_controls, &mut all);
    add(&facts.fallback.tcp, &mut all);
    add(&facts.fallback.dns, &mut all);
    all
}

fn add<T>(observations: &[Observation<T>], all: &mut Vec<IpAddr>) {
    for ip in observations.iter().filter_map(|o| o.address).map(|address| address.ip()) {
        if !all.contains(&ip) {
            all.push(ip);
        }
    }
}
