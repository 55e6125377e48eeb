//! Of the causes in names: where the Controller's name leads astray, and by whose word. Pure functions; their row stands in `names`.

use std::net::IpAddr;

use super::remedy::plain;
use super::rule::{Evidence, Fit};
use super::symptoms::controller_serves;
use crate::model::CheckId;
use crate::model::address::{Scope, scope};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text;

/// What a wrong address of the Controller spoils.
const CONTROLLER: [CheckId; 4] =
    [CheckId::DnsController, CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp];

/// What it does that one resolver of several leads astray.
const SOMETIMES: &str = "Whenever the Connector asks such a resolver, it does not find the Controller.";

/// /etc/hosts leads elsewhere than the resolvers, and no Controller serves there.
fn by_hosts_file(e: &Evidence<'_>) -> Option<Fit> {
    let (name, file, resolvers) = hosts_file(e)?;
    let suffers = [CheckId::ControllerTcp, CheckId::ControllerTls, CheckId::ControllerHttp];
    let bad: Vec<&Finding> =
        e.findings.iter().filter(|f| suffers.contains(&f.check) && f.status == Status::Fail).collect();
    // Where nobody's 443 is reached, the address is not to blame.
    let blocked = e.status(CheckId::ControllerTcp) == Status::Fail && e.witnesses.https.is_empty();
    if bad.is_empty() || blocked {
        return None;
    }
    let shown = |ips: &[IpAddr]| text::list(&ips.iter().map(ToString::to_string).collect::<Vec<_>>());
    let title = format!("/etc/hosts leads {name} to {}, where no Controller serves", shown(&file));
    let fit = Fit::new(Confidence::Likely, title)
        .because(format!("The resolvers lead it to {}", shown(&resolvers)))
        .only(suffers);
    Some(bad.iter().fold(fit, |fit, f| fit.because(format!("{}: {}", f.check, f.summary))))
}

/// The name, where /etc/hosts leads it, where the resolvers do.
fn hosts_file(e: &Evidence<'_>) -> Option<(String, Vec<IpAddr>, Vec<IpAddr>)> {
    e.symptom(|s| match s {
        Symptom::ControllerHostsFile { name, file, resolvers } => {
            Some((name.clone(), file.clone(), resolvers.clone()))
        }
        _ => None,
    })
}

pub(super) fn right_names(e: &Evidence<'_>) -> Vec<Remedy> {
    let own = |name: &str| Remedy {
        action: "Look for an entry of this host's own".to_owned(),
        commands: vec![format!("grep -n -i {name} /etc/hosts")],
        needs_root: false,
    };
    if let Some((name, ..)) = hosts_file(e).filter(|(name, ..)| plain(name)) {
        let delete =
            Remedy::advice(format!("Take the line of {name} out of /etc/hosts: the resolvers know it"));
        return vec![own(&name), delete];
    }
    vec![
        Remedy::advice(
            "Allow *.twingate.com in the DNS filter (Pi-hole, AdGuard, router or firewall \"security\") that answers this",
        ),
        own("twingate"),
    ]
}

pub(super) fn hijacked(e: &Evidence<'_>) -> Option<Fit> {
    if let Some(fit) = by_hosts_file(e) {
        return Some(fit);
    }
    if let Some((name, resolvers, decides)) = e.symptom(|s| match s {
        Symptom::ControllerNameDiffers { name, resolvers, decides } => {
            Some((name.clone(), resolvers.clone(), *decides))
        }
        _ => None,
    }) {
        let public = e.witnesses.public_names;
        let (confidence, who) = if public {
            (Confidence::Certain, "This host's resolvers hide")
        } else {
            (Confidence::Likely, "Some resolvers hide")
        };
        let fit = Fit::new(confidence, format!("{who} {name}"))
            .because(format!("No such name, says {}; others know it", resolvers.join(", ")));
        return Some(if decides {
            let fit = fit.because("getaddrinfo, and with it the Connector, believes them").only(CONTROLLER);
            if controller_serves(e) { fit.impact(SOMETIMES) } else { fit }
        } else {
            fit.severity(Severity::Warning).impact(SOMETIMES).only(CONTROLLER)
        });
    }
    let misled = &e.witnesses.misled;
    let Some((name, addresses, by)) = e.symptom(|s| match s {
        Symptom::ControllerHijacked { name, addresses, by } => {
            Some((name.clone(), addresses.clone(), by.clone()))
        }
        _ => None,
    }) else {
        // A service's cause of its own says so; a relay has none.
        let names = misled.get(&CheckId::RelayTcp)?;
        let title = format!("The relays' names lead to a sinkhole: {}", names.join(", "));
        let said = e
            .findings
            .iter()
            .filter(|f| f.check == CheckId::RelayTcp)
            .flat_map(|f| f.evidence.iter().take(4));
        let fit = Fit::new(Confidence::Certain, title)
            .impact("Where peer-to-peer fails, nothing carries the traffic: the Connector finds no relay by name.")
            .only([CheckId::RelayTcp]);
        return Some(said.fold(fit, |fit, line| fit.because(line.clone())));
    };
    let kind = match addresses.first().map(|ip| scope(*ip)) {
        Some(Scope::Unspecified) => "a sinkhole",
        Some(Scope::Loopback) => "this host itself",
        _ => "a private address",
    };
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let some = e.status(CheckId::DnsController) < crate::model::Status::Fail;
    let by = if by.is_empty() { "getaddrinfo (see /etc/hosts)".to_owned() } else { by.join(", ") };
    let fit = Fit::new(Confidence::Certain, format!("{name} leads to {kind}: {}", shown.join(", ")))
        .because(format!("So says {by}; a Controller has a global address"));
    let fit = fit.only(CONTROLLER.into_iter().chain(misled.keys().copied()));
    let others: Vec<&str> = misled.values().flatten().map(String::as_str).collect();
    let fit = if others.is_empty() { fit } else { fit.because(format!("So do {}", others.join(", "))) };
    Some(if some {
        fit.severity(Severity::Warning).impact(SOMETIMES)
    } else if controller_serves(e) {
        fit.impact("Whoever looks the Controller up now is led to the wrong machine, or to none.")
    } else {
        fit
    })
}
