//! A transaction against silent, refusing, slow and hostile servers.

use super::*;
use crate::proto::stun::Discovery;
use crate::proto::stun::message::{kind, push_attribute};

const IDS: [TransactionId; 5] = [[1; 12], [2; 12], [3; 12], [4; 12], [5; 12]];
const OURS: &str = "203.0.113.9:40000";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn server() -> SocketAddr {
    at("198.51.100.1:3478")
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn begun() -> Transaction {
    Transaction::new(server(), IDS, ms(1000), Schedule::FULL)
}

/// Polls as a driver would until `until`, letting time jump; the times of the sends.
fn run(machine: &mut impl Machine, mut now: Duration, until: Duration) -> Vec<Duration> {
    let mut sends = Vec::new();
    while now <= until {
        match machine.poll(now) {
            Step::Transmit(_) => sends.push(now),
            Step::Wait(time) => now = time,
            Step::Done => break,
        }
    }
    sends
}

fn good(id: TransactionId) -> Vec<u8> {
    Message::success(id, at(OURS)).encode()
}

/// One request sent; then each datagram in turn; then the true answer 40 ms after the request.
fn hostile(datagrams: &[(Vec<u8>, SocketAddr)]) -> Outcome {
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    for (bytes, from) in datagrams {
        machine.handle(bytes, *from, ms(1010));
        assert_ne!(machine.poll(ms(1010)), Step::Done, "a stray ended the wait");
    }
    machine.handle(&good(IDS[0]), server(), ms(1040));
    assert_eq!(machine.poll(ms(1040)), Step::Done);
    let outcome = machine.outcome();
    let answer = outcome.result.clone().expect("the true answer counts");
    assert_eq!((answer.mapped, answer.rtt), (at(OURS), ms(40)));
    outcome
}

#[test]
fn silence_takes_five_sends_and_2200_ms() {
    let mut machine = begun();
    let sends = run(&mut machine, ms(1000), ms(9000));
    assert_eq!(sends, [1000, 1100, 1300, 1700, 2500].map(ms));
    assert_eq!(machine.poll(ms(3199)), Step::Done);
    let outcome = machine.outcome();
    assert_eq!((outcome.result, outcome.sent, outcome.conclusive), (Err(Failure::Timeout), 5, true));
}

#[test]
fn a_short_run_says_that_its_silence_means_little() {
    let mut machine = Transaction::new(server(), IDS, ms(0), Schedule::within(ms(1000)));
    assert_eq!(run(&mut machine, ms(0), ms(9000)), [0, 100, 300, 700].map(ms));
    let outcome = machine.outcome();
    assert_eq!((outcome.result, outcome.conclusive), (Err(Failure::Timeout), false));
    assert!(Schedule::within(ms(10_000)).conclusive());
}

#[test]
fn every_answer_gives_a_true_round_trip() {
    // The answer to the first send comes after the second was sent: 150 ms, not 50.
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1100));
    machine.handle(&good(IDS[0]), server(), ms(1150));
    machine.handle(&good(IDS[1]), server(), ms(1250));
    let outcome = machine.outcome();
    assert_eq!(outcome.result.unwrap().rtt, ms(150));
    assert_eq!((outcome.sent, outcome.answered, outcome.strays), (2, 2, Strays::default()));
    assert!(outcome.conclusive);
}

#[test]
fn a_wrong_transaction_id_is_not_believed() {
    let forged = Message::success([9; 12], at("203.0.113.66:6666")).encode();
    assert_eq!(hostile(&[(forged, server())]).strays, Strays { id: 1, ..Strays::default() });
}

#[test]
fn an_answer_from_elsewhere_is_not_believed() {
    let forged = Message::success(IDS[0], at("203.0.113.66:6666")).encode();
    let elsewhere = [at("198.51.100.2:3478"), at("198.51.100.1:3479")];
    let strays = hostile(&elsewhere.map(|from| (forged.clone(), from))).strays;
    assert_eq!(strays, Strays { source: 2, ..Strays::default() });
}

#[test]
fn a_request_is_no_answer() {
    let forged = |class| Message { class, ..Message::success(IDS[0], at("203.0.113.66:6666")) }.encode();
    let strays = hostile(&[(forged(Class::Request), server()), (forged(Class::Indication), server())]).strays;
    assert_eq!(strays, Strays { class: 2, ..Strays::default() });
}

#[test]
fn another_method_is_no_answer() {
    let allocate = Message { method: 3, ..Message::success(IDS[0], at("203.0.113.66:6666")) };
    assert_eq!(hostile(&[(allocate.encode(), server())]).strays, Strays { method: 1, ..Strays::default() });
}

#[test]
fn a_stale_answer_is_not_believed() {
    // An earlier run on the same port asked with other ids; its answer is late.
    let stale = Message::success(IDS[4], at("203.0.113.9:1002")).encode();
    assert_eq!(hostile(&[(stale, server())]).strays, Strays { id: 1, ..Strays::default() });
}

#[test]
fn a_screenful_of_escape_codes_is_cleaned() {
    let mut bytes = good(IDS[0]);
    push_attribute(&mut bytes, kind::SOFTWARE, &b"\x1b[2J\x1b]0;pwned\x07".repeat(86)[..1200]);
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle(&bytes, server(), ms(1001));
    let software = machine.outcome().result.unwrap().software.unwrap();
    assert_eq!(software.chars().count(), 128);
    assert!(!software.contains(char::is_control), "{software:?}");
}

#[test]
fn truncated_attributes_are_dropped() {
    let whole = good(IDS[0]);
    let cut: Vec<_> = (0..whole.len()).map(|length| (whole[..length].to_vec(), server())).collect();
    // With the header's length mended, the attribute itself reaches beyond the message.
    let mut mended = whole[..whole.len() - 4].to_vec();
    mended[3] -= 4;
    let strays = hostile(&[cut, vec![(mended, server())]].concat()).strays;
    assert_eq!(strays, Strays { malformed: whole.len() as u32 + 1, ..Strays::default() });
}

#[test]
fn a_bad_fingerprint_is_discarded() {
    let mut bytes = Message { fingerprint: true, ..Message::success(IDS[0], at("203.0.113.66:1")) }.encode();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(hostile(&[(bytes, server())]).strays, Strays { fingerprint: 1, ..Strays::default() });
}

#[test]
fn nothing_but_garbage_is_malformed() {
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle(b"HTTP/1.1 400 Bad Request\r\n", server(), ms(1001));
    run(&mut machine, ms(1001), ms(9000));
    assert_eq!(machine.outcome().result, Err(Failure::Malformed(DecodeError::NotStun)));
}

#[test]
fn refusals_by_the_server_end_it() {
    let mut required = good(IDS[0]);
    push_attribute(&mut required, 0x7FFF, b"");
    let empty = Message::new(Class::Success, BINDING, IDS[0]).encode();
    let useless = ["0.0.0.0:0", "0.0.0.0:5", "203.0.113.9:0", "239.1.1.1:5", "255.255.255.255:5", "[::]:5"]
        .map(|mapped| {
            let mapped = at(mapped);
            let none = mapped.ip().is_unspecified();
            let failure = if none { Failure::NoAddress } else { Failure::Impossible(mapped) };
            (Message::success(IDS[0], mapped).encode(), failure)
        });
    let told = Message::refusal(IDS[0], 420, "Unknown\x1b[1m").encode();
    let untold = Message::new(Class::Error, BINDING, IDS[0]).encode();
    let rejected = |code, reason: &str| Failure::Rejected { code, reason: reason.into() };
    for (bytes, failure) in [
        (told, rejected(420, "Unknown[1m")),
        (untold, rejected(0, "")),
        (required, Failure::UnknownRequired(vec![0x7FFF])),
        (empty, Failure::NoAddress),
        (Message::success(IDS[0], at("127.0.0.1:4000")).encode(), Failure::Impossible(at("127.0.0.1:4000"))),
    ]
    .into_iter()
    .chain(useless)
    {
        let mut machine = begun();
        run(&mut machine, ms(1000), ms(1000));
        machine.handle(&bytes, server(), ms(1040));
        assert_eq!(machine.poll(ms(1040)), Step::Done);
        assert_eq!(machine.outcome().result, Err(failure));
    }
}

#[test]
fn a_port_refused_three_times_is_refused() {
    let mut machine = begun();
    let mut now = ms(1000);
    let mut sends = 0;
    loop {
        match machine.poll(now) {
            Step::Transmit(_) => {
                sends += 1;
                machine.handle_error(at("198.51.100.7:3478"), IcmpKind::HostUnreachable, now);
                machine.handle_error(server(), IcmpKind::PortUnreachable, now);
            }
            Step::Wait(time) => now = time,
            Step::Done => break,
        }
    }
    assert_eq!((sends, now), (3, ms(1300)));
    assert_eq!(machine.outcome().result, Err(Failure::Icmp(IcmpKind::PortUnreachable)));
}

#[test]
fn one_refusal_among_answers_is_chance_and_among_silence_it_is_the_reason() {
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle_error(server(), IcmpKind::Denied, ms(1000));
    run(&mut machine, ms(1000), ms(1100));
    machine.handle(&good(IDS[1]), server(), ms(1120));
    assert_eq!(machine.outcome().result.unwrap().rtt, ms(20));

    let mut silent = begun();
    run(&mut silent, ms(1000), ms(1000));
    silent.handle_error(server(), IcmpKind::NetUnreachable, ms(1000));
    run(&mut silent, ms(1000), ms(9000));
    assert_eq!(silent.outcome().result, Err(Failure::Icmp(IcmpKind::NetUnreachable)));
}

#[test]
fn second_answers_are_counted_and_told_apart() {
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle(&good(IDS[0]), server(), ms(1010));
    machine.handle(&good(IDS[0]), server(), ms(1011));
    machine.handle(&Message::success(IDS[0], at("203.0.113.66:1")).encode(), server(), ms(1012));
    let outcome = machine.outcome();
    assert_eq!(outcome.strays, Strays { duplicate: 1, conflict: 1, ..Strays::default() });
    assert_eq!(outcome.result.unwrap().mapped, at(OURS));
}

#[test]
fn an_answer_after_the_verdict_of_silence_still_counts() {
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(9000));
    machine.handle(&good(IDS[4]), server(), ms(3300));
    assert_eq!(machine.outcome().result.unwrap().rtt, ms(800));
}

#[test]
fn a_rewritten_mapped_address_is_kept_beside_the_other() {
    let rewritten = Message { mapped: Some(at("192.168.1.5:40000")), ..Message::success(IDS[0], at(OURS)) };
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle(&rewritten.encode(), server(), ms(1010));
    let answer = machine.outcome().result.unwrap();
    assert_eq!((answer.mapped, answer.xor, answer.mapped_plain), (at(OURS), true, rewritten.mapped));

    let old = Message { xor_mapped: None, mapped: Some(at(OURS)), ..rewritten };
    let mut machine = begun();
    run(&mut machine, ms(1000), ms(1000));
    machine.handle(&old.encode(), server(), ms(1010));
    let answer = machine.outcome().result.unwrap();
    assert_eq!((answer.mapped, answer.xor), (at(OURS), false));
}

#[test]
fn several_servers_share_a_socket() {
    let second = at("198.51.100.2:3478");
    let other_ids = IDS.map(|id| id.map(|byte| byte + 100));
    let mut machine = Discovery::default();
    machine.add(begun());
    machine.add(Transaction::new(second, other_ids, ms(1000), Schedule::FULL));
    assert_eq!(run(&mut machine, ms(1000), ms(1000)).len(), 2);
    machine.handle(&good([77; 12]), server(), ms(1005));
    machine.handle(&good(IDS[0]), second, ms(1005));
    machine.handle(b"\0", second, ms(1005));
    machine.handle(b"\0", at("198.51.100.3:3478"), ms(1005));
    machine.handle(&good(other_ids[0]), second, ms(1010));
    assert_eq!(machine.poll(ms(1010)), Step::Wait(ms(1100)), "the first is still awaited");
    machine.handle(&good(IDS[0]), server(), ms(1020));
    assert_eq!(machine.poll(ms(1020)), Step::Done);
    let outcomes = machine.outcomes();
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert_eq!(outcomes[0].strays, Strays { source: 1, ..Strays::default() });
    assert_eq!(outcomes[1].strays, Strays { malformed: 1, ..Strays::default() });
    assert_eq!(machine.strays(), Strays { id: 1, malformed: 1, ..Strays::default() });
}
