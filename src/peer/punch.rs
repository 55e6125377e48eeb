//! Drives the machine of [`Punch`] over its sockets until it has a pair or its time is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::env::Env;
use crate::probes::udp::{Arrival, UdpPort, kind_of_send};
use crate::proto::Step;
use crate::proto::peer::Punch;

/// Arrivals waiting for the machine; a flood beyond this waits in the kernel, which drops it.
const QUEUE: usize = 64;

/// Ends when both sides have chosen a pair, or at `until`.
pub(super) async fn punch(env: &Env, ports: &[Arc<UdpPort>], machine: &mut Punch, until: Duration) {
    let (sender, mut arrivals) = mpsc::channel(QUEUE);
    let mut readers = JoinSet::new();
    for (socket, port) in ports.iter().enumerate() {
        let (port, sender) = (Arc::clone(port), sender.clone());
        readers.spawn(async move {
            while let Ok(arrival) = port.receive().await {
                if sender.send((socket, arrival)).await.is_err() {
                    return;
                }
            }
        });
    }
    loop {
        let now = env.elapsed();
        if now >= until {
            return;
        }
        match machine.poll(now) {
            Step::Transmit(datagram) => {
                let Some(port) = ports.get(datagram.socket) else { continue };
                if let Err(error) = port.send(&datagram) {
                    machine.handle_error(datagram.socket, datagram.to, kind_of_send(&error));
                }
            }
            Step::Wait(next) => {
                let left = next.min(until).saturating_sub(now);
                let Ok(Some((socket, arrival))) = tokio::time::timeout(left, arrivals.recv()).await else {
                    continue;
                };
                hand_over(machine, socket, arrival, env.elapsed());
            }
            Step::Done => return,
        }
    }
}

fn hand_over(machine: &mut Punch, socket: usize, arrival: Arrival, now: Duration) {
    match arrival {
        Arrival::Datagram(bytes, from) => machine.handle(socket, &bytes, from, now),
        Arrival::Error(error) => {
            if let Some(to) = error.to {
                machine.handle_error(socket, SocketAddr::new(to.ip().to_canonical(), to.port()), error.kind);
            }
        }
    }
}
