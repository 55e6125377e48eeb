//! Of `host.limits`: local ports, buffers and the table of tracked connections. Pure.

use crate::inference::Inference;
use crate::model::CheckId;
use crate::model::facts::Counted;
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::count;

const ID: CheckId = CheckId::HostLimits;

/// What of these is gone, a finding each.
pub(super) fn gone(run: &Inference<'_>) -> Vec<Finding> {
    let want = &run.want;
    let mut found = Vec::new();
    if want.ports_gone() || want.no_buffers > 0 {
        let tries = match (want.no_port, want.no_buffers) {
            (0, 0) => "none is left for UDP".to_owned(),
            (0, n) => format!("{} could not be made for want of buffers", count(n, "try")),
            (n, _) => format!("{} could not be made for want of one", count(n, "try")),
        };
        let ports = want.ports.map_or_else(String::new, |ports| {
            format!(
                "{} local ports ({}-{}), {} in use by UDP: ",
                ports.given(),
                ports.first,
                ports.last,
                ports.udp
            )
        });
        let summary = format!("{ports}{tries}");
        let symptom = Symptom::PortsGone { ports: want.ports, tries: want.no_port, buffers: want.no_buffers };
        found.push(Finding::new(ID, Status::Fail, summary).symptom(symptom));
    }
    if let Some(table) = want.conntrack_full() {
        let summary = format!("the table of tracked connections is full: {} of {}", table.count, table.max);
        let symptom = Symptom::ConntrackFull { count: table.count, max: table.max };
        found.push(Finding::new(ID, Status::Fail, summary).symptom(symptom));
    }
    found
}

/// What is left, and what was counted, a line each.
pub(super) fn lines(run: &Inference<'_>) -> Vec<String> {
    let room = &run.facts.host.room;
    let ports = room.ports.map(|p| {
        format!(
            "local ports: {} to be given ({}-{}), {} in use by UDP, {} by TCP",
            p.given(),
            p.first,
            p.last,
            p.udp,
            p.tcp
        )
    });
    let table = room.conntrack.map(|t| format!("tracked connections: {} of {}", t.count, t.max));
    let counted = room.counted.map(counted).filter(|line| !line.is_empty());
    ports.into_iter().chain(table).chain(counted).collect()
}

/// Counters that rose while the run asked; other programs' traffic is among it.
fn counted(counted: Counted) -> String {
    let named = [
        (counted.udp_no_ports, "UDP to a closed port"),
        (counted.udp_in_errors, "UDP not delivered"),
        (counted.udp_receive_buffer, "UDP for want of a buffer"),
        (counted.reverse_path, "dropped by the reverse-path filter"),
        (counted.listen_drops, "connections that a listener dropped"),
    ];
    let rose: Vec<String> =
        named.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if rose.is_empty() { String::new() } else { format!("counted meanwhile: {}", rose.join(", ")) }
}
