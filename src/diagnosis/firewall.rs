//! A cause that lies in this host's own firewall or routing: it refuses to send. Rows and pure functions.

use std::collections::{BTreeMap, BTreeSet};

use super::remedy::{Opening, delete_refusal, let_answers_in, open_firewall};
use super::resource;
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::controller_serves;
use crate::model::finding::{Status, Symptom};
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
        if let Some(fit) = input_side(e) {
            return Some(fit);
        }
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

/// About as many packets came to this host as it sent in vain, and reached no program: the answers came, and its own filter dropped them.
fn input_side(e: &Evidence<'_>) -> Option<Fit> {
    /// Fewer are what any network's chatter leaves.
    const MANY: u64 = 10;
    let w = e.witnesses;
    // What the reverse-path filter dropped has a cause of its own.
    let filtered = e.host.room.counted.map_or(0, |counted| counted.reverse_path);
    let came = e.host.unheard?.saturating_sub(filtered);
    let sent = w.silent_sent;
    let silent = [
        (CheckId::StunDiscovery, !w.stun.silent.is_empty()),
        (CheckId::ClockSources, !w.ntp.silent.is_empty()),
        (CheckId::ControllerTcp, !w.tcp_silent.is_empty()),
        (CheckId::RelayTcp, !w.tcp_silent.is_empty()),
        (CheckId::ServicesTcp, !w.tcp_silent.is_empty()),
        (
            CheckId::DnsResolvers,
            e.symptom(|s| matches!(s, Symptom::ResolversDead(_)).then_some(())).is_some(),
        ),
    ];
    let suffers: Vec<CheckId> = silent
        .into_iter()
        .filter(|(id, silent)| *silent && e.status(*id) >= Status::Warn)
        .map(|(id, _)| id)
        .collect();
    // A SYN-ACK is repeated, a datagram's answer is not: more than so many have another origin.
    let alike =
        came >= MANY && came.saturating_mul(10) >= sent.saturating_mul(8) && came <= sent.saturating_mul(5);
    if sent == 0 || !alike || suffers.iter().all(|id| *id == CheckId::DnsResolvers) {
        return None;
    }
    let title =
        format!("This host's own firewall drops what comes in: {came} packets came and reached no program");
    let fit = Fit::new(Confidence::Likely, title)
        .because(format!("{sent} requests of this run stayed unanswered: about as many answers came and were dropped on their way up (InReceives without InDelivers)"))
        .because("It is the input side: what this host sends gets out")
        .impact("Answers reach this host and no program of it: what needs them fails, the Connector's among them.");
    Some(fit.only(suffers))
}

fn let_out(e: &Evidence<'_>) -> Vec<Remedy> {
    let w = e.witnesses;
    if w.denied.is_empty() && input_side(e).is_some() {
        return vec![
            let_answers_in(e.host),
            Remedy::advice(
                "Look for a rule or a set that names these servers or their ports (fail2ban, a ban list, a default drop), and take it out",
            ),
        ];
    }
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
