//! Arbitrary text as a peer's line, arbitrary datagrams as its checks, unsigned and signed right. Panics when a promise is
//! broken.

use std::net::SocketAddr;
use std::time::Duration;

use connector_doctor::proto::peer::line::{MOST_CANDIDATES, MOST_CHARACTERS, hash, is_a_hosts};
use connector_doctor::proto::peer::{
    Candidate, Check, Keys, Kind, Line, Mapping, Place, Punch, Settings, leads,
};
use connector_doctor::proto::stun::message::HEADER;
use connector_doctor::proto::{IcmpKind, Step};

/// The bytes as text, as what a line carries, and as datagrams of the other side.
pub(crate) fn run(data: &[u8]) {
    text(&String::from_utf8_lossy(data));
    let sum = hash(data);
    let carried = base58(&[data, &sum[..4]].concat());
    text(&format!("cdp1:{carried}"));
    datagrams(data);
}

fn text(text: &str) {
    match Line::read(text) {
        Ok(line) => {
            assert!(line.candidates.len() <= MOST_CANDIDATES);
            assert!(line.candidates.iter().all(|c| is_a_hosts(c.address)));
            let (written, kept) = line.clone().write();
            assert!(written.len() <= MOST_CHARACTERS && written.is_ascii());
            assert_eq!(Line::read(&written), Ok(kept), "what is written reads the same");
            let place =
                Place { networks: vec![("10.0.0.5".parse().expect("an address"), 24)], mapped: Vec::new() };
            let (remotes, left_out) = place.remotes(Mapping::Independent, &line);
            assert!(remotes.len() + left_out <= MOST_CANDIDATES + 8);
            assert!(remotes.iter().all(|r| !r.address.ip().is_loopback()));
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}

/// The alphabet again, by another hand.
fn base58(bytes: &[u8]) -> String {
    let alphabet = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut number: Vec<u32> = bytes.iter().map(|b| u32::from(*b)).collect();
    let mut letters = Vec::new();
    while number.iter().any(|digit| *digit != 0) && number.len() < 200 {
        let mut rest = 0;
        for digit in &mut number {
            let value = rest * 256 + *digit;
            (*digit, rest) = (value / 58, value % 58);
        }
        letters.push(alphabet[rest as usize]);
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    letters.extend(std::iter::repeat_n(b'1', zeros));
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

fn line(name: &[u8], address: &str) -> Line {
    let address = address.parse().expect("an address");
    Line {
        made_s: 1,
        certificate: hash(name),
        mapping: Mapping::Independent,
        hard: false,
        answers: None,
        candidates: vec![Candidate { kind: Kind::ServerReflexive, address }],
    }
}

/// Each piece of the data is one datagram; the first byte says how it comes.
fn datagrams(data: &[u8]) {
    let (ours, theirs) = (line(b"a", "198.51.100.1:1000"), line(b"b", "198.51.100.2:2000"));
    let (keys, others) = (Keys::of(&ours, &theirs), Keys::of(&theirs, &ours));
    assert_eq!(Check::decode(data, &keys), None, "unsigned");
    let mut punch = Punch::new(Settings {
        leads: leads(&ours, &theirs).expect("two lines"),
        keys,
        seed: [3; 32],
        start: Duration::ZERO,
        sockets: [Some(0), None],
        remotes: Place::default().remotes(Mapping::Independent, &theirs).0,
        search: Vec::new(),
    });
    let mut now = Duration::ZERO;
    let mut sent = 0_u32;
    for (n, piece) in data.split(|byte| *byte == b'/').take(64).enumerate() {
        let how = piece.first().copied().unwrap_or_default();
        let from = SocketAddr::from(([198, 51, 100, 2 + (how & 1)], 2000 + u16::from(how >> 4)));
        let mut datagram = piece.to_vec();
        if how & 2 == 0 {
            mend(&mut datagram, how);
            others.sign(&mut datagram);
        }
        punch.handle(0, &datagram, from, now);
        if how & 4 != 0 {
            punch.handle_error(0, from, IcmpKind::PortUnreachable);
        }
        for _ in 0..8 {
            match punch.poll(now) {
                Step::Transmit(datagram) => {
                    assert_eq!(datagram.to.ip(), SocketAddr::from(([198, 51, 100, 2], 0)).ip());
                    assert!(datagram.bytes.len() <= 96);
                    sent += 1;
                }
                Step::Wait(until) => {
                    assert!(until > now);
                    now = until.min(now + Duration::from_millis(u64::from(how) + 1));
                    break;
                }
                Step::Done => break,
            }
        }
        assert!(sent <= 8 * (n as u32 + 1) && punch.pairs().len() <= 64);
    }
    if let Some(chosen) = punch.chosen() {
        assert_eq!(chosen.remote.ip(), SocketAddr::from(([198, 51, 100, 2], 0)).ip());
    }
}

/// Gives the datagram a STUN header of a request or an answer with the right length.
fn mend(datagram: &mut Vec<u8>, how: u8) {
    datagram.truncate(512);
    datagram.resize(datagram.len().max(HEADER).next_multiple_of(4), 0);
    datagram[..2].copy_from_slice(if how & 8 == 0 { &[0, 1] } else { &[1, 1] });
    let length = (datagram.len() - HEADER) as u16;
    datagram[2..4].copy_from_slice(&length.to_be_bytes());
    datagram[4..8].copy_from_slice(&0x2112_A442_u32.to_be_bytes());
}
