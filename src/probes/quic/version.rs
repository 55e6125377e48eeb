//! Asks a server for a QUIC version that nobody speaks: whoever speaks QUIC says which versions it knows (RFC 9000 6.1), without
//! any cryptography. Nothing is judged.

use std::net::SocketAddr;
use std::time::Duration;

use crate::env::Env;
use crate::model::facts::QuicVersions;
use crate::model::observation::{FailureKind, Outcome, Phase, ProbeFailure};
use crate::probes::micros;
use crate::probes::udp::{Arrival, UdpPort, kind_of_send};
use crate::proto::{IcmpKind, SENDS, SILENCE, Transmit};

/// RFC 9000 14.1: the least size of a client's first datagram, bytes.
const SIZE: usize = 1200;
/// RFC 9000 15: versions of the form 0x?a?a?a?a are never spoken.
const RESERVED: u32 = 0x1A2A_3A4A;
const MOST_VERSIONS: usize = 16;

/// Asks, for at most `left`.
pub(super) async fn versions(env: &Env, server: SocketAddr, left: Duration) -> Outcome<QuicVersions> {
    let port = match UdpPort::connected(server) {
        Ok(port) => port,
        Err(error) => return Outcome::Failed(ProbeFailure::from_io(Phase::Socket, &error)),
    };
    let begun = env.elapsed();
    let end = begun + left.min(SILENCE);
    let mut sent: Vec<([u8; 8], Duration)> = Vec::new();
    let mut error: Option<(IcmpKind, Option<std::net::IpAddr>, u16)> = None;
    loop {
        let now = env.elapsed();
        let due = SENDS.get(sent.len()).map(|delay| begun + *delay);
        if now >= end || error.is_some() {
            break;
        }
        if due.is_some_and(|due| due <= now) {
            let own: [u8; 8] = env.random();
            sent.push((own, now));
            if let Err(why) = port.send(&Transmit::new(server, question(own, env.random()))) {
                error = Some((kind_of_send(&why), None, 0));
            }
            continue;
        }
        let until = due.unwrap_or(end).min(end);
        let Ok(Ok(arrival)) = tokio::time::timeout(until.saturating_sub(now), port.receive()).await else {
            continue;
        };
        match arrival {
            Arrival::Datagram(bytes, _) => {
                if let Some((at, versions)) = answer(&bytes, &sent) {
                    return Outcome::Seen(QuicVersions {
                        versions,
                        rtt_us: micros(env.elapsed().saturating_sub(at)),
                    });
                }
            }
            Arrival::Error(told) => error = Some((told.kind, told.offender, told.code)),
        }
    }
    let kind = match error.map(|(kind, ..)| kind) {
        None => FailureKind::Timeout,
        Some(IcmpKind::Denied) => FailureKind::Denied,
        Some(IcmpKind::PortUnreachable) => FailureKind::Refused,
        Some(_) => FailureKind::Unreachable,
    };
    Outcome::Failed(ProbeFailure {
        offender: error.and_then(|(_, offender, _)| offender),
        code: error.map(|(.., code)| code).filter(|code| *code > 0),
        sent: sent.len() as u32,
        conclusive: kind != FailureKind::Timeout || left >= SILENCE,
        ..ProbeFailure::new(Phase::Receive, kind, "")
    })
}

/// A long header (RFC 8999 5.1) of a version that is never spoken, padded.
fn question(own: [u8; 8], theirs: [u8; 8]) -> Vec<u8> {
    let mut bytes = vec![0xC0];
    bytes.extend(RESERVED.to_be_bytes());
    for id in [theirs, own] {
        bytes.push(8);
        bytes.extend(id);
    }
    bytes.resize(SIZE, 0);
    bytes
}

/// The versions of an answer to one of `sent`, and when that was sent (RFC 9000 17.2.1).
fn answer(bytes: &[u8], sent: &[([u8; 8], Duration)]) -> Option<(Duration, Vec<u32>)> {
    let (&[first, v0, v1, v2, v3, length], rest) = bytes.split_first_chunk()?;
    if first & 0x80 == 0 || [v0, v1, v2, v3] != [0; 4] || length != 8 {
        return None;
    }
    let (id, rest) = rest.split_first_chunk::<8>()?;
    let (_, at) = sent.iter().find(|(own, _)| own == id)?;
    let (&length, rest) = rest.split_first()?;
    let versions = rest.get(usize::from(length)..)?.chunks_exact(4).take(MOST_VERSIONS);
    Some((*at, versions.map(|v| v.iter().fold(0, |all, byte| all << 8 | u32::from(*byte))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_believed_by_its_connection_id_alone() {
        let sent = [([7; 8], Duration::from_millis(3))];
        let mut good = vec![0x80, 0, 0, 0, 0, 8];
        good.extend([7; 8]);
        good.extend([2, 9, 9, 0, 0, 0, 1, 0x6B, 0x33, 0x43, 0xCF, 0xFF]);
        assert_eq!(answer(&good, &sent), Some((Duration::from_millis(3), vec![1, 0x6B33_43CF])));
        for at in [0, 1, 5, 6] {
            let mut bad = good.clone();
            bad[at] ^= 0x80;
            assert_eq!(answer(&bad, &sent), None, "{at}");
        }
        for length in 0..15 {
            assert_eq!(answer(&good[..length], &sent), None);
        }
        assert_eq!(question([7; 8], [9; 8]).len(), SIZE);
    }
}
