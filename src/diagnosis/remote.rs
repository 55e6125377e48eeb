//! Causes beyond this host and its UDP: the Controller, and who stands before it. Rows and pure functions.

use super::doubt::proxy;
use super::remedy::{Allow, ask_network_team};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::symptoms::{controller_serves, others, proven, relays, said, services, unknown_name};
use crate::model::finding::{Maker, Symptom, Unreached};
use crate::model::observation::FailureKind;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::signed_offset;
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::CaptivePortal,
        severity: Severity::Critical,
        title: "Another site answers for the Controller: a captive portal or a block page",
        impact: "The Connector is offline until the network lets this host through.",
        layer: Layer::Path,
        explains: &[
            CheckId::DnsController,
            CheckId::ControllerTcp,
            CheckId::ControllerTls,
            CheckId::ControllerHttp,
            CheckId::RelayTcp,
            CheckId::ServicesTcp,
            CheckId::StunDiscovery,
            CheckId::ClockSources,
        ],
        // Until the portal lets this host through, what it drops tells nothing of the network behind it.
        folds: &[
            CauseCode::UdpBlocked,
            CauseCode::StunBlocked,
            CauseCode::NtpBlocked,
            CauseCode::DnsHijacked,
            CauseCode::TlsIntercepted,
            CauseCode::ControllerCertificate,
            CauseCode::ControllerPortBlocked,
            CauseCode::TlsBlocked,
            CauseCode::ControllerDown,
            CauseCode::RelayPortsBlocked,
            CauseCode::RelayDown,
            CauseCode::ServiceBlocked,
            CauseCode::StunServersDown,
        ],
        fits: captive_portal,
        remedies: |_| {
            vec![Remedy::advice(
                "Log this host in to the network (open any http:// page from it), or have it exempted from the portal: a server cannot log in again by itself",
            )]
        },
        verify: "connector-doctor check 'controller.*' --wait 10m",
        page: include_str!("../../docs/causes/captive-portal.md"),
    },
    CauseRule {
        code: CauseCode::ControllerPortBlocked,
        severity: Severity::Critical,
        title: "TCP 443 to the Controller is dropped or reset on the way",
        impact: "The Connector is offline.",
        layer: Layer::Path,
        explains: &[CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::RelayTcp, CheckId::ServicesTcp],
        // Where nobody's 443 passes, that is one block, and these are its effects.
        folds: &[CauseCode::RelayPortsBlocked, CauseCode::RelayDown, CauseCode::ServiceBlocked],
        fits: |e| offline(e, controller_port_blocked(e)?),
        remedies: allow_controller,
        verify: "connector-doctor check controller.tcp --wait 10m",
        page: include_str!("../../docs/causes/controller-port-blocked.md"),
    },
    CauseRule {
        code: CauseCode::TlsIntercepted,
        severity: Severity::Critical,
        title: "Somebody on the way answers with a certificate of its own",
        impact: "The Connector does not trust it and stays offline.",
        layer: Layer::Path,
        explains: &[CheckId::ControllerTls],
        folds: &[],
        fits: tls_intercepted,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Ask the network team to exempt the Controller and *.twingate.com from TLS inspection; pinned and mutual TLS cannot pass it",
                ),
                Remedy::advice("Self-hosted: serve the full certificate chain"),
                Remedy::advice(
                    "If the Controller's certificate is meant to come from this issuer, name its root with --ca-file PEM and install it for the Connector",
                ),
            ]
        },
        verify: "connector-doctor check controller.tls --wait 10m",
        page: include_str!("../../docs/causes/tls-intercepted.md"),
    },
    CauseRule {
        code: CauseCode::ControllerCertificate,
        severity: Severity::Critical,
        title: "The Controller's certificate does not hold, though its issuer is known",
        impact: "The Connector does not trust the Controller and stays offline.",
        layer: Layer::Service,
        explains: &[CheckId::ControllerTls],
        folds: &[],
        fits: controller_certificate,
        remedies: |_| {
            vec![
                Remedy::advice(
                    "Check the network's name; a Controller of your own needs a valid certificate for its name",
                ),
                Remedy::advice(
                    "If it is the vendor's, look at https://status.twingate.com and tell their support",
                ),
            ]
        },
        verify: "connector-doctor check controller.tls --wait 10m",
        page: include_str!("../../docs/causes/controller-certificate.md"),
    },
    CauseRule {
        code: CauseCode::ControllerDown,
        severity: Severity::Critical,
        title: "The Controller is reached, but does not serve",
        impact: "The Connector is offline until the Controller comes back.",
        layer: Layer::Service,
        explains: &[CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp],
        folds: &[],
        fits: |e| offline(e, controller_down(e)?),
        remedies: |_| {
            vec![Remedy::advice(
                "Nothing on this host: look at https://status.twingate.com, or at your own Controller; the Connector comes back by itself",
            )]
        },
        verify: "connector-doctor check 'controller.*' --wait 10m",
        page: include_str!("../../docs/causes/controller-down.md"),
    },
    CauseRule {
        code: CauseCode::ControllerClockSkew,
        severity: Severity::Warning,
        title: "The Controller's clock is off, this host's is right",
        impact: "Tokens may be refused as too old or too new, at random.",
        layer: Layer::Service,
        explains: &[CheckId::ControllerHttp],
        folds: &[],
        fits: controller_clock_skew,
        remedies: |_| {
            vec![Remedy::advice(
                "Do not change this host's clock, it is right: tell whoever runs the Controller, or the proxy before it",
            )]
        },
        verify: "connector-doctor check controller.http --wait 10m",
        page: include_str!("../../docs/causes/controller-clock-skew.md"),
    },
];

fn unreached(e: &Evidence<'_>) -> Option<Unreached> {
    e.symptom(|s| if let Symptom::ControllerUnreached(u) = s { Some(u.clone()) } else { None })
}

fn tls_broken(e: &Evidence<'_>) -> Option<FailureKind> {
    e.symptom(|s| if let Symptom::TlsBroken(kind) = s { Some(*kind) } else { None })
}

fn captive_portal(e: &Evidence<'_>) -> Option<Fit> {
    let signs = &e.witnesses.portal_signs;
    // One sign alone is enough only where nothing else passes: no portal lets port 443 of others through.
    let shut = unreached(e).is_some() && e.witnesses.https.is_empty();
    let confidence = match (signs.len(), shut) {
        (0, _) | (1, false) => return None,
        (1, true) => Confidence::Likely,
        _ => Confidence::Certain,
    };
    Some(proven(
        Fit::new(confidence, "Another site answers for the Controller: a captive portal or a block page"),
        signs.clone(),
    ))
}

/// Checks beside the Controller's that the same block explains: nobody's 443, or no TCP at all, gets out.
fn same_block(e: &Evidence<'_>) -> Vec<CheckId> {
    let w = e.witnesses;
    if !w.https.is_empty() {
        return Vec::new();
    }
    let blocked = |all: &[Unreached]| {
        let on_the_way = all.iter().all(|u| !u.by_peer() && !unknown_name(u));
        on_the_way && (w.tcp.is_none() || all.iter().any(|u| u.port == 443))
    };
    let relays = relays(e).filter(|seen| !seen.failed.is_empty() && blocked(&seen.failed));
    let services = services(e).filter(|failed| blocked(failed));
    let of = |found: bool, check: CheckId| found.then_some(check);
    of(relays.is_some(), CheckId::RelayTcp)
        .into_iter()
        .chain(of(services.is_some(), CheckId::ServicesTcp))
        .collect()
}

fn controller_port_blocked(e: &Evidence<'_>) -> Option<Fit> {
    const OWN: [CheckId; 2] = [CheckId::ControllerTcp, CheckId::ControllerTls];
    if let Some(u) = unreached(e).filter(|u| !u.by_peer()) {
        let more = same_block(e);
        let target = match (more.is_empty(), &e.witnesses.tcp) {
            (true, _) => format!("TCP to the Controller {}", u.target),
            (false, Some(_)) => "TCP 443, to the Controller and to all others,".to_owned(),
            (false, None) => "TCP, to the Controller and to all others,".to_owned(),
        };
        let (confidence, title) = match (u.kind, u.maker) {
            (_, Maker::ThisHost) => {
                (Confidence::Certain, format!("{target} is refused by this host's own firewall"))
            }
            (_, Maker::Nearer(Some(ip))) => {
                (Confidence::Certain, format!("{target} is rejected on the way, by {ip}"))
            }
            (_, Maker::Nearer(None)) => {
                (Confidence::Likely, format!("{target} is reset by a device on the way"))
            }
            (FailureKind::Timeout, _) => (Confidence::Likely, format!("{target} is dropped on the way")),
            _ => (
                Confidence::Possible,
                format!("The Controller {} is not reached: {}", u.target, u.kind.word()),
            ),
        };
        let others_fail = relays(e).map(|seen| seen.failed).into_iter().chain(services(e)).flatten();
        let others_fail: Vec<String> =
            if more.is_empty() { Vec::new() } else { others_fail.map(|u| u.words()).collect() };
        let udp = (w_answered(e) > 0 && !more.is_empty()).then(|| "UDP passes".to_owned());
        let fit = proven(Fit::new(confidence, title).because(u.words()), others_fail);
        let proxy = proxy(e).filter(|_| !more.is_empty());
        let fit = fit.because_some(udp).because_some(others(e)).because_some(proxy);
        return Some(fit.only(OWN.into_iter().chain(more)));
    }
    // A reset, or silence, in the middle of a handshake is what filters by name do.
    let kind = tls_broken(e).filter(|kind| matches!(kind, FailureKind::Reset | FailureKind::Timeout))?;
    let title = match kind {
        FailureKind::Reset => "The TLS handshake with the Controller is reset: a filter on the way",
        _ => "The Controller's port opens, and the TLS handshake is not answered: a filter on the way",
    };
    let fit = proven(Fit::new(Confidence::Likely, title), said(e, CheckId::ControllerTls));
    Some(fit.because_some(others(e)).only(OWN))
}

/// Servers that answered over UDP.
fn w_answered(e: &Evidence<'_>) -> usize {
    e.witnesses.stun.answered + e.witnesses.ntp.answered
}

/// Offline, unless the Controller answered this run all the same.
#[expect(clippy::unnecessary_wraps, reason = "a row's fit")]
fn offline(e: &Evidence<'_>, fit: Fit) -> Option<Fit> {
    Some(if controller_serves(e) {
        fit.impact("The Connector may lose its Controller: not every try of this run reached it.")
    } else {
        fit
    })
}

fn controller_down(e: &Evidence<'_>) -> Option<Fit> {
    let fit = if let Some(u) = unreached(e).filter(Unreached::by_peer) {
        let sure = u.maker == Maker::Peer && !e.witnesses.https.is_empty();
        let confidence = if sure { Confidence::Certain } else { Confidence::Likely };
        Fit::new(confidence, format!("The Controller {} refuses connections", u.target)).because(u.words())
    } else if let Some(status) =
        e.symptom(|s| if let Symptom::ControllerError(n) = s { Some(*n) } else { None })
    {
        let title = format!("The Controller answers HTTP {status}, an error of its own");
        proven(Fit::new(Confidence::Certain, title), said(e, CheckId::ControllerHttp))
    } else if e.symptom(|s| matches!(s, Symptom::HttpBroken(_)).then_some(())).is_some() {
        let title = "The Controller takes connections and gives no answer";
        proven(Fit::new(Confidence::Likely, title), said(e, CheckId::ControllerHttp))
    } else {
        tls_broken(e).filter(|kind| !matches!(kind, FailureKind::Reset | FailureKind::Timeout))?;
        let title = "What answers at the Controller's port does not make a TLS session";
        proven(Fit::new(Confidence::Likely, title), said(e, CheckId::ControllerTls))
    };
    Some(fit.because_some(others(e)))
}

fn tls_intercepted(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(issuer) =
        e.symptom(|s| if let Symptom::TlsTrustedHere(issuer) = s { Some(issuer.clone()) } else { None })
    {
        let title = format!(
            "TLS to the Controller is intercepted by {issuer}, which only this system's own store trusts"
        );
        let fit = Fit::new(Confidence::Likely, title)
            .severity(Severity::Warning)
            .impact("A Connector that brings its own store of issuers, as in a container, does not trust it");
        let lacks = "A Connector in a container brings its own store, and does not know that issuer";
        return Some(proven(fit, said(e, CheckId::ControllerTls)).because(lacks));
    }
    let issuer =
        e.symptom(|s| if let Symptom::TlsUntrusted(issuer) = s { Some(issuer.clone()) } else { None })?;
    let fit = Fit::new(
        Confidence::Likely,
        format!("TLS to the Controller is intercepted: the certificate is issued by {issuer}"),
    );
    Some(proven(fit, said(e, CheckId::ControllerTls)))
}

fn controller_certificate(e: &Evidence<'_>) -> Option<Fit> {
    let (confidence, title) = e.symptom(|s| match s {
        Symptom::TlsWrongName(names) => Some((
            Confidence::Certain,
            format!(
                "The Controller's certificate is for {}",
                if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") }
            ),
        )),
        Symptom::TlsUnfit(problem) => {
            Some((Confidence::Likely, format!("The Controller's certificate does not hold: {problem}")))
        }
        Symptom::TlsOutOfDate { expired, reference_known, .. } => {
            let what = if *expired { "has expired" } else { "is not valid yet" };
            let (confidence, or) = match reference_known {
                true => (Confidence::Certain, ""),
                false => {
                    (Confidence::Possible, ", or this host's clock is wrong: nobody else tells the time")
                }
            };
            Some((confidence, format!("The Controller's certificate {what}{or}")))
        }
        _ => None,
    })?;
    Some(proven(Fit::new(confidence, title), said(e, CheckId::ControllerTls)))
}

fn controller_clock_skew(e: &Evidence<'_>) -> Option<Fit> {
    let off = e.symptom(|s| if let Symptom::ControllerClock(off) = s { Some(*off) } else { None })?;
    let title = format!(
        "The Controller's clock is {} off the reference; this host's is not to blame",
        signed_offset(off)
    );
    Some(proven(Fit::new(Confidence::Likely, title), said(e, CheckId::ControllerHttp)))
}

fn allow_controller(e: &Evidence<'_>) -> Vec<Remedy> {
    let Some(unreached) = unreached(e).filter(|u| !u.by_peer()) else {
        // The port is open: what stops the handshake looks into it.
        let name = e.witnesses.controller.as_deref().unwrap_or("the Controller's name");
        return vec![Remedy::advice(format!(
            "Ask the network team which filter looks into TLS, and to exempt {name} from it and from TLS inspection"
        ))];
    };
    let target = unreached.target.split(' ').next().unwrap_or_default();
    let mut rows = vec![Allow { protocol: "TCP", destination: target, purpose: "Controller" }];
    // The vendor's other names stand in the way of the same rule, unless one of them is reached.
    let vendor = |name: &str| name.split(':').next().is_some_and(|host| host.ends_with(".twingate.com"));
    if vendor(target) && !e.witnesses.https.iter().any(|name| vendor(name)) {
        let destination = "*.twingate.com:443";
        rows.push(Allow { protocol: "TCP", destination, purpose: "Controller, relays" });
    }
    let failed = services(e).filter(|_| !same_block(e).is_empty()).unwrap_or_default();
    let events = failed.iter().map(|u| u.target.split(' ').next().unwrap_or_default());
    rows.extend(events.map(|destination| Allow { protocol: "TCP", destination, purpose: "events" }));
    if relays(e).is_some_and(|seen| seen.failed.iter().any(|u| u.port != 443)) {
        rows.push(Allow { protocol: "TCP", destination: "any:30000-31000", purpose: "relays" });
    }
    vec![
        ask_network_team(e.host, &rows),
        Remedy::advice("Allow it by name, not by address, and without TLS inspection"),
    ]
}
