//! What this process cannot see, and why: sentences for people.

use super::interfaces::MOST;
use super::processes::Processes;
use crate::model::facts::{Host, InterfaceKind};

/// Kinds of interfaces that a container has of its own; any other is the machine's.
const OWN: &[InterfaceKind] = &[
    InterfaceKind::Loopback,
    InterfaceKind::Veth,
    InterfaceKind::Macvlan,
    InterfaceKind::Other,
    InterfaceKind::Tunnel,
    InterfaceKind::Vpn,
    InterfaceKind::Dummy,
];

/// The sentences, without periods.
pub(super) fn sentences(host: &Host, processes: &Processes) -> Vec<String> {
    let mut unseen = Vec::new();
    if let Some(container) = &host.container {
        let kind = &container.runtime;
        if host.interfaces.iter().all(|i| OWN.contains(&i.kind)) {
            unseen.push(format!(
                "the machine's own interfaces, addresses and routes: this {kind} container has a network of its own"
            ));
        }
        if !host.time_daemons.iter().any(|d| d.running) {
            unseen.push(format!(
                "the time daemon of the machine that runs this {kind} container, which keeps the clock of both"
            ));
        }
        unseen.push(format!("the machine's processes and firewall, from inside this {kind} container"));
    }
    if !processes.readable {
        unseen.push("processes and the kernel's tables: /proc is not there".to_owned());
    } else if processes.hidden && host.uid != Some(0) {
        unseen.push("other users' processes: /proc is mounted with hidepid".to_owned());
    }
    if host.interface_count as usize > MOST {
        unseen.push(format!("details of {} further interfaces", host.interface_count as usize - MOST));
    }
    unseen
}
