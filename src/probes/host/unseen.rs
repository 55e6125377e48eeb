//! What this process cannot see.

use super::interfaces::MOST;
use super::processes::Processes;
use crate::model::facts::{Host, InterfaceKind, Unseen};

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

/// All of it.
pub(super) fn of(host: &Host, processes: &Processes) -> Vec<Unseen> {
    let mut unseen = Vec::new();
    if host.container.is_some() {
        if host.interfaces.iter().all(|i| OWN.contains(&i.kind)) {
            unseen.push(Unseen::MachineNetwork);
        }
        if !host.time_daemons.iter().any(|d| d.running) {
            unseen.push(Unseen::MachineTimeDaemon);
        }
        unseen.push(Unseen::MachineProcesses);
    }
    if !processes.readable {
        unseen.push(Unseen::Proc);
    } else if processes.hidden && host.uid != Some(0) {
        unseen.push(Unseen::OtherUsersProcesses);
    }
    if host.interface_count as usize > MOST {
        unseen.push(Unseen::FurtherInterfaces);
    }
    unseen
}
