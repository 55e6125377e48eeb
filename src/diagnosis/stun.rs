//! Of the causes on the path: STUN ports that are blocked, servers that are down, answers from elsewhere. Pure functions; their rows stand in `network`.

use super::remedy::{Allow, ask_network_team};
use super::rule::{Evidence, Fit};
use super::symptoms::{by_relays, closed_by_servers, unanswered};
use crate::model::CheckId;
use crate::model::finding::{Status, Symptom};
use crate::model::report::{Confidence, Remedy};
use crate::model::text::{self, count};

pub(super) fn blocked(e: &Evidence<'_>) -> Option<Fit> {
    let w = e.witnesses;
    let fails = e.status(CheckId::StunDiscovery) == Status::Fail && unanswered(&w.stun);
    if !fails
        || !w.stun_elsewhere.is_empty()
        || closed_by_servers(&w.stun)
        || (w.ntp.answered == 0 && !closed_by_servers(&w.ntp))
    {
        return None;
    }
    let confidence = if w.stun.asked >= 2 && !w.second_opinion_answered {
        Confidence::Certain
    } else {
        Confidence::Likely
    };
    let ports: Vec<String> = w.stun.silent_ports.iter().map(u16::to_string).collect();
    let rejected = w.stun.icmp.iter().find(|i| !i.by_server).and_then(|i| i.offender);
    let how = rejected.map_or_else(|| "dropped".to_owned(), |ip| format!("rejected by {ip}"));
    Some(
        Fit::new(confidence, format!("UDP passes, but the STUN ports ({}) are {how}", text::list(&ports)))
            .because(format!(
                "{} to {}: 0 answers",
                count(w.stun.sent as usize, "request"),
                count(w.stun.asked, "STUN server")
            ))
            .because(format!("{} of {} time servers answered over UDP", w.ntp.answered, w.ntp.asked))
            .impact(format!(
                "The Connector cannot learn its public address: no peer-to-peer, {}.",
                by_relays(e)
            )),
    )
}

pub(super) fn allow(e: &Evidence<'_>) -> Vec<Remedy> {
    let row = |destination| Allow { protocol: "UDP", destination, purpose: "STUN" };
    let rows: Vec<Allow<'_>> = e.witnesses.stun.silent.iter().map(|name| row(name)).collect();
    vec![
        ask_network_team(e.host, &rows),
        Remedy::advice(
            "Ask which other ports of UDP are shut, too: Clients are reached on any, and this run tried no more",
        ),
    ]
}

pub(super) fn servers_down(e: &Evidence<'_>) -> Option<Fit> {
    let w = e.witnesses;
    if e.status(CheckId::StunDiscovery) != Status::Fail {
        return None;
    }
    // An answer that cannot be used is an answer: nothing is blocked.
    if !w.stun.wrong.is_empty() {
        let title = match w.stun.wrong.as_slice() {
            [one] if w.stun.asked == 1 => format!("The STUN server {one}"),
            all => format!("No STUN server is of use: {} of {} answer, but wrongly", all.len(), w.stun.asked),
        };
        let fit = Fit::new(Confidence::Certain, title)
            .impact(format!("No peer-to-peer connections while it lasts: {}.", by_relays(e)));
        let fit = w.stun.wrong.iter().take(4).fold(fit, |fit, line| fit.because(line.clone()));
        return Some(fit.because(match w.stun.wrong.len() {
            1 => "Packets to it pass both ways: its port is open",
            _ => "Packets to them pass both ways: their ports are open",
        }));
    }
    if w.stun.answered > 0 {
        return None;
    }
    if !w.stun_elsewhere.is_empty() {
        let title = "STUN answers come from another address or port than was asked, so no program hears them";
        let fit = Fit::new(Confidence::Certain, title)
            .impact(format!("No peer-to-peer connections while it lasts: {}.", by_relays(e)));
        let fit = w.stun_elsewhere.iter().take(4).fold(fit, |fit, line| fit.because(line.clone()));
        let closed = e.host.room.counted.map(|c| c.udp_no_ports).filter(|n| *n > 0);
        return Some(fit.because_some(closed.map(|n| {
            format!("{} came to closed ports of this host meanwhile (NoPorts)", count(n as usize, "datagram"))
        })));
    }
    closed_by_servers(&w.stun).then(|| {
        let title = match w.stun.asked {
            1 => "The STUN server is down: its port is closed".to_owned(),
            n => format!("All {n} STUN servers are down: their ports are closed"),
        };
        Fit::new(Confidence::Certain, title)
            .because(format!(
                "{} said so themselves, by ICMP port unreachable",
                count(w.stun.asked, "server")
            ))
            .impact(format!("No peer-to-peer connections while it lasts: {}.", by_relays(e)))
    })
}

pub(super) fn other_servers(e: &Evidence<'_>) -> Vec<Remedy> {
    let elsewhere = (!e.witnesses.stun_elsewhere.is_empty()).then(|| {
        Remedy::advice(
            "Look at who rewrites the way back: a NAT or load balancer before the server that answers from an address or port of its own",
        )
    });
    let others = Remedy::advice(
        "Ask other servers: connector-doctor check 'stun.*' --stun HOST:PORT; if those answer, this host is fine",
    );
    elsewhere.into_iter().chain([others]).collect()
}

pub(super) fn server_down(e: &Evidence<'_>) -> Option<Fit> {
    let (silent, wrong) = e.symptom(|s| match s {
        Symptom::StunServersDown { silent, wrong } => Some((silent.clone(), wrong.clone())),
        _ => None,
    })?;
    let total = e.witnesses.stun.asked;
    let title = match (silent.len(), wrong.len()) {
        (silent, 0) => format!("{silent} of {total} STUN servers did not answer"),
        (0, wrong) => format!("{wrong} of {total} STUN servers answered, but wrongly"),
        (silent, wrong) => {
            format!("Of {total} STUN servers {silent} did not answer, {wrong} answered wrongly")
        }
    };
    let silent = (!silent.is_empty()).then(|| format!("Silent: {}", silent.join(", ")));
    let fit = Fit::new(Confidence::Certain, title).because_some(silent);
    Some(wrong.into_iter().take(4).fold(fit, Fit::because))
}
