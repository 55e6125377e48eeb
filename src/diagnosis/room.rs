//! Causes that lie in this host's own network stack: no local port, no place in its table of connections, a filter on the way back.
//! Rows and pure functions.

use super::rule::{CauseRule, Evidence, Fit, Layer};
use crate::model::finding::{Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::{self, count};
use crate::model::{CauseCode, CheckId};

/// What a host that cannot send says nothing of.
const NETWORK: &[CheckId] = &[
    CheckId::HostLimits,
    CheckId::StunDiscovery,
    CheckId::ClockSources,
    CheckId::DnsResolvers,
    CheckId::DnsController,
    CheckId::ControllerTcp,
    CheckId::ControllerTls,
    CheckId::RelayTcp,
    CheckId::ServicesTcp,
    CheckId::StunMapping,
    CheckId::PathLoss,
    CheckId::PathMtu,
];

/// Causes that its failures would else be laid to.
const EFFECTS: &[CauseCode] = &[
    CauseCode::LocalFirewall,
    CauseCode::EgressBlocked,
    CauseCode::UdpBlocked,
    CauseCode::StunBlocked,
    CauseCode::StunServersDown,
    CauseCode::StunServerDown,
    CauseCode::NtpBlocked,
    CauseCode::DnsUnreachable,
    CauseCode::ResolverDown,
    CauseCode::ControllerPortBlocked,
    CauseCode::ControllerDown,
    CauseCode::RelayPortsBlocked,
    CauseCode::RelayDown,
    CauseCode::ServiceBlocked,
    CauseCode::PacketLoss,
    CauseCode::NatEndpointDependent,
];

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::PortsExhausted,
        severity: Severity::Critical,
        title: "This host has no local port left to send from",
        impact: "New connections fail at random, the Connector's among them; what was not tried is not judged.",
        layer: Layer::Host,
        explains: NETWORK,
        folds: EFFECTS,
        fits: ports_exhausted,
        remedies: free_ports,
        verify: "connector-doctor check host.limits --wait 2m",
        page: include_str!("../../docs/causes/ports-exhausted.md"),
    },
    CauseRule {
        code: CauseCode::ConntrackFull,
        severity: Severity::Critical,
        title: "This host's table of tracked connections is full",
        impact: "New connections are dropped, the Connector's among them; those that stand go on.",
        layer: Layer::Host,
        explains: NETWORK,
        folds: EFFECTS,
        fits: conntrack_full,
        remedies: grow_table,
        verify: "connector-doctor check host.limits --wait 2m",
        page: include_str!("../../docs/causes/conntrack-full.md"),
    },
    CauseRule {
        code: CauseCode::ReversePathFilter,
        severity: Severity::Critical,
        title: "Answers come in by another way than they should, and this host drops them",
        impact: "Whatever is answered by another interface than it left by does not work.",
        layer: Layer::Host,
        explains: NETWORK,
        folds: EFFECTS,
        fits: reverse_path,
        remedies: one_way_back,
        verify: "connector-doctor check --wait 2m",
        page: include_str!("../../docs/causes/reverse-path-filter.md"),
    },
];

fn ports_exhausted(e: &Evidence<'_>) -> Option<Fit> {
    let (ports, tries, buffers) = e.symptom(|s| match s {
        Symptom::PortsGone { ports, tries, buffers } => Some((*ports, *tries, *buffers)),
        _ => None,
    })?;
    let title = match (ports, tries) {
        (_, 0) if buffers > 0 => "This host's network stack has no buffers left to send with".to_owned(),
        (Some(ports), _) => {
            format!(
                "This host has no local port left: {} to be given, {} to {}",
                ports.given(),
                ports.first,
                ports.last
            )
        }
        (None, _) => "This host has no local port left to send from".to_owned(),
    };
    let unmade = (tries + buffers > 0)
        .then(|| format!("{} of this run could not be made for it", count(tries + buffers, "try")));
    let used = ports.map(|p| format!("{} in use by UDP, {} by TCP, {} reserved", p.udp, p.tcp, p.reserved));
    Some(Fit::new(Confidence::Certain, title).because_some(unmade).because_some(used).of_its_own())
}

fn free_ports(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy::root("See which programs hold them", &["ss -s", "sudo ss -tanup"]),
        Remedy::root(
            "Give more ports, now and after a restart",
            &[
                "cat /proc/sys/net/ipv4/ip_local_port_range",
                "sudo sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"",
                "echo 'net.ipv4.ip_local_port_range = 32768 60999' | sudo tee /etc/sysctl.d/60-ports.conf",
            ],
        ),
    ]
}

fn conntrack_full(e: &Evidence<'_>) -> Option<Fit> {
    let (entries, max) = e.symptom(|s| match s {
        Symptom::ConntrackFull { count, max } => Some((*count, *max)),
        _ => None,
    })?;
    let title = format!("This host's table of tracked connections is full: {entries} of {max}");
    let refused = e.witnesses.denied.values().flatten().count();
    let denied = (refused > 0)
        .then(|| format!("{} of this run were refused by this very host", count(refused, "target")));
    let read = format!("nf_conntrack_count was {entries}, nf_conntrack_max is {max}");
    Some(Fit::new(Confidence::Certain, title).because(read).because_some(denied).of_its_own())
}

fn grow_table(e: &Evidence<'_>) -> Vec<Remedy> {
    let max = e.symptom(|s| if let Symptom::ConntrackFull { max, .. } = s { Some(*max) } else { None });
    let more = max.unwrap_or(65_536).saturating_mul(2);
    let now = format!("sudo sysctl -w net.netfilter.nf_conntrack_max={more}");
    let later =
        format!("echo 'net.netfilter.nf_conntrack_max = {more}' | sudo tee /etc/sysctl.d/60-conntrack.conf");
    vec![
        Remedy::root("Make the table larger, now and after a restart", &[&now, &later]),
        Remedy::root("See what fills it", &["sudo cat /proc/net/nf_conntrack"]),
    ]
}

/// Answers were dropped because they came in by another interface, about as many as are missing.
fn reverse_path(e: &Evidence<'_>) -> Option<Fit> {
    /// Fewer are what any network's chatter leaves.
    const MANY: u64 = 5;
    let (w, room) = (e.witnesses, &e.host.room);
    let dropped = room.counted?.reverse_path;
    let missing = u64::from(w.stun.sent + w.ntp.sent);
    let suffers = NETWORK.iter().any(|check| e.status(*check) == Status::Fail);
    if dropped < MANY || dropped.saturating_mul(2) < missing || !suffers {
        return None;
    }
    let strict = &room.strict_reverse_path;
    let confidence = if strict.is_empty() { Confidence::Likely } else { Confidence::Certain };
    let title = format!(
        "Answers come in by another interface than they should, and this host dropped {dropped} packets for it"
    );
    let fit = Fit::new(confidence, title)
        .because(format!("IPReversePathFilter rose by {dropped} while the run asked"));
    let named = (!strict.is_empty()).then(|| format!("rp_filter is strict (1) on {}", text::list(strict)));
    Some(fit.because_some(named).of_its_own())
}

fn one_way_back(e: &Evidence<'_>) -> Vec<Remedy> {
    let plain = |name: &&String| super::remedy::plain(name);
    let names: Vec<&String> = e.host.room.strict_reverse_path.iter().filter(plain).take(2).collect();
    let loose: Vec<String> = std::iter::once("sudo sysctl -w net.ipv4.conf.all.rp_filter=2".to_owned())
        .chain(names.iter().map(|name| format!("sudo sysctl -w net.ipv4.conf.{name}.rp_filter=2")))
        .collect();
    let loose: Vec<&str> = loose.iter().map(String::as_str).collect();
    vec![
        Remedy {
            action: "See by which interface this host sends, and by which answers come in".to_owned(),
            commands: vec![
                "ip route get 1.1.1.1".to_owned(),
                "ip rule".to_owned(),
                "nstat -az TcpExtIPReversePathFilter".to_owned(),
            ],
            needs_root: false,
        },
        Remedy::advice(
            "Make both ways one: a route or rule for that uplink's own table, or take the second uplink's default route away",
        ),
        Remedy::root("Or let the filter be loose, where two uplinks are meant to be", &loose),
    ]
}
