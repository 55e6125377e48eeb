//! Runs a protocol's machine over real sockets; knows no protocol and judges nothing.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::udp::{Arrival, IcmpError, UdpPort, kind_of_send};
use crate::env::Env;
use crate::proto::{Machine, Step};

/// Arrivals waiting for a machine; a flood beyond this waits in the kernel, which drops it.
const QUEUE: usize = 64;

/// Polls `machine` to its end. `ports` are its sockets by index. Returns the errors that arrived or that sending met.
pub async fn drive(machine: &mut impl Machine, ports: &[Arc<UdpPort>], env: &Env) -> Vec<IcmpError> {
    let (sender, mut arrivals) = mpsc::channel(QUEUE);
    let mut readers = JoinSet::new();
    for port in ports {
        let (port, sender) = (Arc::clone(port), sender.clone());
        readers.spawn(async move {
            while let Ok(arrival) = port.receive().await {
                if sender.send(arrival).await.is_err() {
                    return;
                }
            }
        });
    }
    drop(sender);
    let mut errors = Vec::new();
    // A connected socket's errors may come without a destination: it has only one.
    let only = ports.first().and_then(|p| p.peer());
    loop {
        match machine.poll(env.elapsed()) {
            Step::Transmit(datagram) => {
                let sent = match ports.get(datagram.socket) {
                    Some(port) => port.send(&datagram),
                    None => Err(std::io::ErrorKind::AddrNotAvailable.into()),
                };
                if let Err(error) = sent {
                    let error = IcmpError {
                        to: Some(datagram.to),
                        kind: kind_of_send(&error),
                        offender: None,
                        code: 0,
                    };
                    machine.handle_unsent(datagram.to, error.kind, env.elapsed());
                    errors.push(error);
                }
            }
            Step::Wait(until) => {
                let left = until.saturating_sub(env.elapsed());
                match tokio::time::timeout(left, arrivals.recv()).await {
                    Ok(Some(Arrival::Datagram(bytes, from))) => machine.handle(&bytes, from, env.elapsed()),
                    Ok(Some(Arrival::Error(error))) => {
                        if let Some(to) = error.to.or(only) {
                            machine.handle_error(to, error.kind, env.elapsed());
                        }
                        errors.push(error);
                    }
                    // Every socket is gone: only time passes.
                    Ok(None) => tokio::time::sleep(left).await,
                    Err(_) => {}
                }
            }
            Step::Done => return errors,
        }
    }
}
