//! Which sizes pass to a STUN server that answers (protocols.md F): requests padded by an attribute that servers skip; judges nothing.

use std::time::Duration;

use super::ends;
use crate::env::Env;
use crate::model::facts::{PathMtu, SizeTried, TooBig};
use crate::model::observation::Observation;
use crate::probes::nat::Choice;
use crate::probes::udp::{Arrival, UdpPort};
use crate::proto::stun::TransactionId;
use crate::proto::stun::message::Message;
use crate::proto::{IcmpKind, Transmit};

/// Larger packets are no matter of the internet's.
const MOST: u32 = 1500;
/// Multiples of 4, as STUN wants them, that are told apart once the largest was not answered: Ethernet, `PPPoE`, tunnels, IPv6's least, and below.
const LADDER: [u32; 9] = [576, 700, 1000, 1200, 1280, 1300, 1400, 1448, 1492];
/// Rounds after the first; a size that none of them brought an answer to is held to be swallowed.
const ROUNDS: usize = 5;
/// What the message takes besides its filler: IPv4, UDP and STUN headers, the attribute's own.
const AROUND: u32 = 20 + 8 + 20 + 4;

/// Tries sizes against the chosen server, for at most `left`.
pub async fn observe(env: &Env, choice: &Choice, left: Duration) -> Observation<PathMtu> {
    let address = ends(choice).map(|(primary, _)| primary);
    choice.observed(env, address, try_sizes(env, choice, env.elapsed() + left)).await
}

async fn try_sizes(env: &Env, choice: &Choice, end: Duration) -> std::io::Result<PathMtu> {
    let Some((server, other)) = ends(choice) else { return Err(std::io::ErrorKind::AddrNotAvailable.into()) };
    let port = UdpPort::connected(server)?;
    let route_mtu = port.route_mtu()?.min(MOST);
    let mut seen = PathMtu { alternate: other.is_some(), route_mtu, sizes: Vec::new() };
    let mut ids: Vec<(TransactionId, u32)> = Vec::new();
    add(&mut seen, route_mtu & !3);
    let pause = choice.rtt + (choice.rtt / 4).max(Duration::from_millis(60));
    for round in 0..=ROUNDS {
        if round == 1 {
            LADDER.into_iter().filter(|size| *size < route_mtu).for_each(|size| add(&mut seen, size));
        }
        for tried in seen.sizes.iter_mut().filter(|tried| !tried.answered && tried.too_big.is_none()) {
            let id = env.random();
            ids.push((id, tried.size));
            tried.sent += 1;
            let fill = u16::try_from(tried.size.saturating_sub(AROUND)).unwrap_or(0);
            let request = Message { fill: Some(fill), ..Message::request(id) };
            let datagram = Transmit { dont_fragment: true, ..Transmit::new(server, request.encode()) };
            match port.send(&datagram).map_err(|error| error.raw_os_error()) {
                Ok(()) => {}
                Err(Some(libc::EMSGSIZE)) => {
                    tried.too_big = Some(TooBig { by: None, mtu: port.route_mtu().ok() });
                }
                // What did not leave this host says nothing of the path.
                Err(_) => tried.sent -= 1,
            }
        }
        let until = end.min(env.elapsed() + pause);
        while seen.sizes.iter().any(|tried| !tried.answered && tried.too_big.is_none()) {
            let left = until.saturating_sub(env.elapsed());
            let Ok(Ok(arrival)) = tokio::time::timeout(left, port.receive()).await else { break };
            take(&arrival, &ids, &mut seen);
        }
        let settled = seen.sizes.iter().all(|tried| tried.answered);
        if settled || env.elapsed() >= end {
            break;
        }
        // Told honestly: nothing is swallowed, and smaller packets need no trial.
        if round == 0 && seen.sizes.iter().any(|tried| tried.too_big.is_some()) {
            break;
        }
    }
    Ok(seen)
}

fn add(seen: &mut PathMtu, size: u32) {
    seen.sizes.push(SizeTried { size, sent: 0, answered: false, too_big: None });
}

fn take(arrival: &Arrival, ids: &[(TransactionId, u32)], seen: &mut PathMtu) {
    match arrival {
        Arrival::Datagram(bytes, _) => {
            let id = Message::decode(bytes).map(|message| message.id);
            let size = ids.iter().find(|(own, _)| Ok(*own) == id).map(|(_, size)| *size);
            for tried in seen.sizes.iter_mut().filter(|tried| Some(tried.size) == size) {
                tried.answered = true;
            }
        }
        Arrival::Error(error) => {
            if let IcmpKind::TooBig(mtu) = error.kind {
                // It says which size would pass: all larger ones were refused.
                let least = mtu.unwrap_or(0);
                for tried in seen.sizes.iter_mut().filter(|t| !t.answered && t.sent > 0 && t.size > least) {
                    tried.too_big = Some(TooBig { by: error.offender, mtu });
                }
            }
        }
    }
}
