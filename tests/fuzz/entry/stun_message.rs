//! Arbitrary datagrams against the STUN codec and a transaction. Panics when a promise is broken.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use connector_doctor::proto::stun::message::{BINDING, FILL_MAX, HEADER, push_fingerprint};
use connector_doctor::proto::stun::{Class, Message, Schedule, Transaction, TransactionId};
use connector_doctor::proto::{Machine, Step};

/// The datagram as it is, then with the header mended, then signed: chance alone seldom gets past those.
pub(crate) fn run(data: &[u8]) {
    exercise(data);
    let mut mended = data.to_vec();
    mend(&mut mended);
    exercise(&mended);
    push_fingerprint(&mut mended);
    exercise(&mended);
}

/// Gives the datagram a right cookie and length.
fn mend(datagram: &mut Vec<u8>) {
    datagram.truncate(2048);
    datagram.resize(datagram.len().max(HEADER).next_multiple_of(4), 0);
    datagram[0] &= 0x3f;
    let length = (datagram.len() - HEADER) as u16;
    datagram[2..4].copy_from_slice(&length.to_be_bytes());
    datagram[4..8].copy_from_slice(&0x2112_A442_u32.to_be_bytes());
}

fn exercise(datagram: &[u8]) {
    let decoded = Message::decode(datagram);
    if let Ok(message) = &decoded {
        assert!(message.padding.max(message.fill).unwrap_or_default() <= FILL_MAX);
        for text in
            [&message.software, &message.error.as_ref().map(|e| e.reason.clone())].into_iter().flatten()
        {
            assert!(text.chars().count() <= 128 && !text.contains(char::is_control), "{text:?}");
        }
        let again = Message { unknown_required: Vec::new(), ..message.clone() };
        assert_eq!(Message::decode(&again.encode()), Ok(again), "what was read is written as it was read");
    }
    transact(datagram, decoded.ok());
}

/// The datagram arrives at a transaction that waits for exactly its id; twice, and from two places.
fn transact(datagram: &[u8], decoded: Option<Message>) {
    let server = SocketAddr::from((Ipv4Addr::new(198, 51, 100, 1), 3478));
    let elsewhere = SocketAddr::from((Ipv4Addr::new(198, 51, 100, 2), 3478));
    let id: TransactionId = datagram.get(8..HEADER).and_then(|id| id.try_into().ok()).unwrap_or_default();
    let ids = [id, [1; 12], [2; 12], [3; 12], [4; 12]];
    let mut machine = Transaction::new(server, ids, Duration::ZERO, Schedule::FULL);
    assert!(matches!(machine.poll(Duration::ZERO), Step::Transmit(_)));
    machine.handle(datagram, elsewhere, Duration::from_millis(1));
    assert_eq!(machine.outcome().answered, 0, "believed an answer from elsewhere");
    machine.handle(datagram, server, Duration::from_millis(2));
    machine.handle(datagram, server, Duration::from_millis(3));

    let outcome = machine.outcome();
    assert_eq!(outcome.strays.conflict, 0, "the same bytes say the same");
    if let Ok(answer) = &outcome.result {
        let message = decoded.expect("believed what is no message");
        assert_eq!((message.class, message.method), (Class::Success, BINDING));
        assert!(message.unknown_required.is_empty());
        assert_eq!(Some(answer.mapped), message.xor_mapped.or(message.mapped));
        assert!(answer.mapped.port() != 0 && !answer.mapped.ip().is_unspecified());
        assert_eq!(answer.rtt, Duration::from_millis(2));
    }
    let mut now = Duration::from_millis(3);
    for _ in 0..20 {
        match machine.poll(now) {
            Step::Transmit(_) => {}
            Step::Wait(until) => now = until,
            Step::Done => return,
        }
    }
    panic!("the transaction does not end");
}
