//! Check of QUIC with the listed servers, beside TLS over TCP with the same hosts. Pure.

use super::check::Check;
use super::needs::needs_stun;
use crate::inference::Inference;
use crate::inference::quic::{Server, Way, wanted};
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, WhenCheap};
use crate::model::finding::{Finding, QuicBlock, Status, Symptom};
use crate::model::text::count;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::QuicHandshake,
    title: "QUIC passes: a full handshake stands with a server",
    contacts: "QUIC servers, UDP and TCP 443",
    rights: "none",
    row: CheckRow::under(Topic::Nat).when_cheap(WhenCheap::Never),
    page: include_str!("../../docs/checks/quic.handshake.md"),
    eval: handshake,
}];

fn handshake(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::QuicHandshake;
    let (facts, quic) = (run.facts, &run.quic);
    if !wanted(facts) {
        return vec![Finding::new(ID, Status::Skip, "not observed: no QUIC server was asked")];
    }
    if !facts.stun.iter().any(|o| o.seen().is_some()) {
        return needs_stun(ID);
    }
    let took = facts.quic.handshakes.iter().map(|o| o.took_us).max().unwrap_or(0);
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary).evidence_all(quic.servers.iter().map(line)).took(took)
    };
    if quic.servers.is_empty() {
        return vec![finding(Status::Skip, "no QUIC server's name was resolved".to_owned())];
    }
    let blocked: Vec<bool> = [false, true].into_iter().filter(|v6| quic.blocked(*v6)).collect();
    if !blocked.is_empty() {
        let block = block(run, &blocked);
        return vec![finding(Status::Warn, summary(&block)).symptom(Symptom::QuicBlocked(block))];
    }
    if quic.only_small() {
        let block = QuicBlock { only_small: true, ..QuicBlock::default() };
        return vec![finding(Status::Warn, summary(&block)).symptom(Symptom::QuicBlocked(block))];
    }
    let stood: Vec<&Server<'_>> = quic.servers.iter().filter(|s| s.way == Way::Passes).collect();
    let Some(first) = stood.iter().min_by_key(|s| s.handshake_us) else {
        let cut = facts
            .quic
            .handshakes
            .iter()
            .all(|o| o.seen().is_none() && o.failure().is_none_or(|f| !f.conclusive));
        return vec![if cut {
            finding(Status::Unknown, "the run was too short to tell".to_owned())
        } else if quic.servers.iter().all(|s| s.way == Way::NoQuic) {
            finding(Status::Skip, "not measurable: none of these servers speaks QUIC".to_owned())
        } else {
            finding(Status::Skip, "not measurable: no QUIC server was reached, by TCP neither".to_owned())
        }];
    };
    let ms = first.handshake_us.unwrap_or(0) as f64 / 1000.0;
    let told = quic.servers.iter().filter(|s| !matches!(s.way, Way::NoQuic | Way::Unknown)).count();
    let summary = format!("{} of {} stand, {ms:.1} ms", stood.len(), count(told, "handshake"));
    vec![finding(Status::Pass, summary).measure("handshake_s", ms / 1000.0)]
}

fn block(run: &Inference<'_>, blocked: &[bool]) -> QuicBlock {
    let all = || blocked.iter().flat_map(|v6| run.quic.telling(*v6));
    let every = |is: fn(&Way) -> bool| all().all(|s| is(&s.way));
    QuicBlock {
        servers: all().map(|s| s.name.to_owned()).collect(),
        ipv4: blocked.contains(&false),
        ipv6: blocked.contains(&true),
        versions_pass: all().any(|s| matches!(s.way, Way::Silent { versions: true, .. })),
        by_name: every(|way| matches!(way, Way::Silent { by_name: true, .. })),
        dies: every(|way| *way == Way::Dies),
        rejected_by: all().find_map(|s| if let Way::Rejected(by) = s.way { Some(by) } else { None }),
        only_small: false,
    }
}

/// What happens to QUIC.
fn summary(block: &QuicBlock) -> String {
    let family = match (block.ipv4, block.ipv6) {
        (true, false) => " over IPv4",
        (false, true) => " over IPv6",
        _ => "",
    };
    if block.only_small {
        return "QUIC passes in small packets alone: full-size ones are dropped".to_owned();
    }
    match block {
        QuicBlock { rejected_by: Some(by), .. } => {
            format!("QUIC{family} is rejected by {by}, TLS over TCP passes")
        }
        QuicBlock { dies: true, .. } => {
            format!("QUIC{family} dies after its first packets, TLS over TCP passes")
        }
        QuicBlock { by_name: true, .. } => format!("QUIC{family} is dropped by the server's name"),
        QuicBlock { versions_pass: true, .. } => {
            format!(
                "QUIC handshakes{family} are dropped, while the servers' UDP port and TLS over TCP answer"
            )
        }
        _ => format!("QUIC{family} is dropped, while STUN and TLS over TCP pass"),
    }
}

fn line(server: &Server<'_>) -> String {
    let what = match &server.way {
        Way::Passes => format!("handshake in {:.1} ms", server.handshake_us.unwrap_or(0) as f64 / 1000.0),
        Way::Silent { versions, by_name } => format!(
            "handshakes unanswered, TLS over TCP works; version probe {}{}",
            if *versions { "answered" } else { "unanswered" },
            if *by_name { "; another name in the handshake is answered" } else { "" }
        ),
        Way::Dies => "answers begin and cease; TLS over TCP works".to_owned(),
        Way::Rejected(by) => format!("rejected by {by}; TLS over TCP works"),
        Way::NoQuic => "nothing listens on this UDP port, as the host itself says".to_owned(),
        Way::Unknown => {
            "not told: TLS over TCP does not reach it either, or the time was too short".to_owned()
        }
    };
    let size = match server.full_size {
        Some(true) => "; full-size packets pass",
        Some(false) => "; full-size packets are unanswered",
        None => "",
    };
    format!("{} at {}: {what}{size}", server.name, server.address.ip())
}
