//! Another implementation's word on our STUN server before a run; decides nothing about the host.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::fault::Conduct;
use super::sockets::{FIRST, SECOND};
use super::stun::{self, StunServer};
use super::tasks::Tasks;

/// Loopback answers within microseconds.
const PATIENCE: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(100);

/// Asks `stun1`, or a private server of the same code where `stun1` is to misbehave.
pub(super) async fn run(stun1: StunServer, address: Option<SocketAddr>) -> Result<(), String> {
    let mut tasks = Tasks::default();
    let server = match address {
        Some(address) if stun1.conduct == Conduct::Honest => address,
        _ => stun::start(stun::HONEST, FIRST, Some(SECOND), &mut tasks)
            .map_err(|error| format!("the lab's own STUN server does not start: {error}"))?,
    };
    let (send, answer) = tokio::sync::oneshot::channel();
    // `stunclient` blocks, and the servers run on this very thread.
    std::thread::Builder::new()
        .name("lab-self-check".into())
        .spawn(move || send.send(ask(server)))
        .map_err(|error| format!("no thread to check the lab's STUN server from: {error}"))?;
    match answer.await {
        Ok(Ok((local, mapped))) if local == mapped => Ok(()),
        Ok(Ok((local, mapped))) => {
            Err(format!("the lab's STUN server says {mapped} to `stunclient`, whose address is {local}"))
        }
        Ok(Err(error)) => Err(format!("`stunclient` cannot use the lab's STUN server: {error}")),
        Err(_) => Err("the check of the lab's STUN server broke off".into()),
    }
}

/// The client's own address, and the one that the server told it.
fn ask(server: SocketAddr) -> Result<(SocketAddr, SocketAddr), String> {
    let socket = UdpSocket::bind((FIRST, 0)).map_err(|error| error.to_string())?;
    socket.connect(server).map_err(|error| error.to_string())?;
    let mut client = stunclient::StunClient::new(server);
    client.set_timeout(PATIENCE).set_retry_interval(RETRY);
    let mapped = client.query_external_address(&socket).map_err(|error| error.to_string())?;
    Ok((socket.local_addr().map_err(|error| error.to_string())?, mapped))
}
