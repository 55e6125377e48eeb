//! Signs that another site answers for the Controller, as a captive portal does. Pure.

use super::target::{controller, genuine};
use crate::model::address::is_private;
use crate::model::facts::{Facts, HttpAnswer, TlsSession, same_site};
use crate::model::observation::Observation;

/// The signs, a sentence each. One alone has other explanations; two do not.
pub(super) fn signs(facts: &Facts) -> Vec<String> {
    let Some(target) = controller(facts) else { return Vec::new() };
    let host = target.host.as_str();
    let control = &facts.control;
    if control.tls.iter().filter_map(Observation::seen).any(genuine) {
        return Vec::new();
    }
    let mut signs = Vec::new();
    let other = |s: &&TlsSession| !s.name_matches && !s.chain.is_empty();
    if let Some(session) = control.tls.iter().filter_map(Observation::seen).find(other) {
        let shown = session.chain.first().map_or("", |c| c.names.first().map_or(&c.subject, |n| n));
        signs.push(format!("The certificate shown for {host} is for {shown}"));
    }
    let elsewhere = |a: &HttpAnswer| a.redirect_host().filter(|to| !same_site(to, host));
    let plain = control.plain.iter().filter_map(Observation::seen).map(|p| &p.0);
    let secure = control.http.iter().filter_map(Observation::seen);
    if let Some(to) = plain.chain(secure).find_map(elsewhere) {
        signs.push(format!("A request to {host} is sent on to {to}"));
    } else if control.plain.iter().filter_map(Observation::seen).any(|p| p.0.status == 511) {
        signs.push(format!("A request to {host} is answered 511, log in to the network first (RFC 6585)"));
    }
    // The vendor's port 80 sends on to https: a page of its own is another's. Of an own Controller nobody knows.
    let page = |a: &HttpAnswer| a.status == 200 && facts.run.network.is_some();
    if signs.len() < 2 && control.plain.iter().filter_map(Observation::seen).any(|p| page(&p.0)) {
        signs.push(format!(
            "Port 80 answers for {host} with a page of its own, and does not send on to https"
        ));
    }
    let literal = host.parse::<std::net::IpAddr>().is_ok();
    let lab = facts.run.lab.is_some();
    if let Some(ip) = target.addresses.iter().find(|ip| is_private(**ip) && !(lab && ip.is_loopback()))
        && !literal
        // An address at which something answers: a sinkhole's silence is no portal.
        && !control.tls.is_empty()
    {
        signs.push(format!("{host} leads to the private address {ip}"));
    }
    signs
}
