//! A cause that lies in this host's own firewall or routing: it refuses to send. Rows and pure functions.

use std::collections::{BTreeMap, BTreeSet};

use super::remedy::{Opening, delete_refusal, open_firewall};
use super::resource;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::controller_serves;
use crate::model::finding::Status;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text;
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[CauseRule {
    code: CauseCode::LocalFirewall,
    severity: Severity::Critical,
    title: "This host's own firewall refuses to send",
    impact: "Packets never leave this host: no peer-to-peer, no time, perhaps no Controller.",
    layer: Layer::Host,
    explains: &[
        CheckId::StunDiscovery,
        CheckId::ClockSources,
        CheckId::DnsResolvers,
        CheckId::DnsController,
        CheckId::ControllerTcp,
        CheckId::RelayTcp,
        CheckId::ServicesTcp,
        CheckId::ResourceTcp,
        CheckId::ResourceReply,
    ],
    // What this host lets not out tells nothing of the way.
    folds: &[
        CauseCode::EgressBlocked,
        CauseCode::UdpBlocked,
        CauseCode::StunBlocked,
        CauseCode::StunServersDown,
        CauseCode::NtpBlocked,
        CauseCode::DnsUnreachable,
        CauseCode::ResolverDown,
        CauseCode::ControllerPortBlocked,
        CauseCode::ControllerDown,
        CauseCode::RelayPortsBlocked,
        CauseCode::RelayDown,
        CauseCode::ServiceBlocked,
    ],
    fits: local_firewall,
    remedies: let_out,
    verify: "connector-doctor check --wait 2m",
    page: include_str!("../../docs/causes/local-firewall.md"),
}];

fn local_firewall(e: &Evidence<'_>) -> Option<Fit> {
    const WHAT: &[(CheckId, &str)] = &[
        (CheckId::StunDiscovery, "STUN servers"),
        (CheckId::ClockSources, "time servers"),
        (CheckId::DnsResolvers, "resolvers"),
        (CheckId::ControllerTcp, "the Controller"),
        (CheckId::RelayTcp, "relays"),
        (CheckId::ServicesTcp, "event services"),
    ];
    let denied = &e.witnesses.denied;
    let what: Vec<&str> = WHAT.iter().filter(|(id, _)| denied.contains_key(id)).map(|(_, w)| *w).collect();
    let resources = resource::own_filter(e);
    if what.is_empty() {
        let impact = "These packets never leave this host: Clients do not reach the Resource.";
        return resources.map(|fit| fit.impact(impact));
    }
    let targets: usize = denied.values().map(Vec::len).sum();
    let misrouted = &e.witnesses.misrouted;
    let by = if misrouted.is_empty() { "firewall" } else { "routing" };
    let title = format!("This host's own {by} refuses to send to {}", text::list(&what));
    let fit = Fit::new(Confidence::Certain, title);
    let addresses: Vec<String> = misrouted.iter().take(4).map(ToString::to_string).collect();
    let fit = if addresses.is_empty() {
        fit.because(format!(
            "This host itself denied {}, before any packet left: EPERM, a SYN that its filter drops, or its own rejection",
            text::count(targets, "server")
        ))
    } else {
        fit.because(format!(
            "An unreachable, prohibit or blackhole route, or a rule, of this host's own leads to {}: nothing was sent",
            text::list(&addresses)
        ))
    };
    // What is not denied and fails all the same has another cause.
    let nameless = [CheckId::DnsController, CheckId::ControllerTcp, CheckId::RelayTcp, CheckId::ServicesTcp];
    let nameless = nameless.into_iter().filter(|_| e.witnesses.resolvers_denied);
    let of_resources = resources.iter().flat_map(|fit| fit.only.iter().flatten().copied());
    let fit = fit.only(denied.keys().copied().chain(nameless).chain(of_resources));
    let loses = [
        (CheckId::ControllerTcp, "no Controller"),
        (CheckId::RelayTcp, "no relays"),
        (CheckId::ServicesTcp, "no events"),
        (CheckId::StunDiscovery, "no peer-to-peer"),
        (CheckId::ClockSources, "no time by NTP"),
        (CheckId::DnsResolvers, "no names from the resolvers that it refuses"),
    ];
    let serves = |id| id == CheckId::ControllerTcp && controller_serves(e);
    let failing = |id| e.status(id) >= Status::Warn && denied.contains_key(&id) && !serves(id);
    let loses: Vec<&str> = loses.into_iter().filter(|(id, _)| failing(*id)).map(|(_, what)| what).collect();
    let loses = if loses.is_empty() { "others are reached".to_owned() } else { loses.join(", ") };
    let fit = fit.impact(format!("These packets never leave this host: {loses}."));
    // Time servers alone: the clock may drift, and nothing fails by it.
    let time_alone = denied.keys().all(|id| *id == CheckId::ClockSources);
    Some(if time_alone { fit.severity(Severity::Warning) } else { fit })
}

fn let_out(e: &Evidence<'_>) -> Vec<Remedy> {
    let w = e.witnesses;
    let udp_passes = w.stun.answered + w.ntp.answered > 0;
    resource::open_filter(e).unwrap_or_else(|| match w.misrouted.first() {
        Some(ip) => delete_refusal(*ip),
        None => open_firewall(e.host, &refused_ports(&w.denied, udp_passes)),
    })
}

/// What must be let out: the ports that were refused; all of UDP where none of it got out.
fn refused_ports(denied: &BTreeMap<CheckId, Vec<String>>, udp_passes: bool) -> Vec<Opening> {
    let mut all = BTreeSet::new();
    for (id, targets) in denied {
        let udp = matches!(id, CheckId::StunDiscovery | CheckId::ClockSources | CheckId::DnsResolvers);
        for port in targets.iter().filter_map(|target| target.rsplit_once(':')?.1.parse::<u16>().ok()) {
            all.insert(match (udp, port) {
                (true, _) if !udp_passes && *id != CheckId::DnsResolvers => Opening::AnyUdp,
                (true, port) => Opening::Udp(port),
                (false, 30_000..=31_000) => Opening::RelayPorts,
                (false, port) => Opening::Tcp(port),
            });
        }
    }
    all.into_iter().collect()
}
