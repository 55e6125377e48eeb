//! Questions to hostile resolvers on loopback: what is believed, what is dropped, how long it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::{Reading, Record, Until, ask, read};
use crate::env::Env;
use crate::model::facts::{DnsAnswer, DnsTransport};
use crate::model::observation::{FailureKind, Observation, Phase};

const LONG: Duration = Duration::from_secs(5);
const NAME: &str = "acme.example.net";
/// TC, QR, RD, RA; no error.
const TRUNCATED: [u8; 2] = [0x83, 0x80];
const FINE: [u8; 2] = [0x81, 0x80];

/// An answer to `query` with these flags and records; the question is the query's own.
fn reply(query: &[u8], flags: [u8; 2], records: &[&[u8]]) -> Vec<u8> {
    let mut bytes = query.to_vec();
    bytes[2..4].copy_from_slice(&flags);
    bytes[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
    for record in records {
        bytes.extend_from_slice(record);
    }
    bytes
}

/// An A record for the question's own name, by pointer.
fn a(last: u8) -> Vec<u8> {
    [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4][..], &[192, 0, 2, last]].concat()
}

/// Asks a server on loopback that answers each datagram by what `respond` makes of it.
async fn asked(
    timeout: Duration,
    respond: impl Fn(&[u8], u32) -> Vec<Vec<u8>> + Send + 'static,
) -> Observation<DnsAnswer> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut buffer = [0; 600];
        for n in 0.. {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            for answer in respond(&buffer[..length], n) {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
    });
    let observed = ask(&Env::system(), address, NAME, Record::A, timeout, Until::Judged).await;
    server.abort();
    observed
}

#[tokio::test]
async fn an_answer_is_read_and_an_error_code_is_an_answer() {
    let o = asked(LONG, |q, _| vec![reply(q, FINE, &[&a(1), &a(2), &a(1)])]).await;
    let answer = o.seen().unwrap();
    assert_eq!(answer.addresses, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap(), [192, 0, 2, 2].into()]);
    assert_eq!((answer.rcode, answer.sent, answer.strays, answer.transport), (0, 1, 0, DnsTransport::Udp));
    for rcode in [2, 3, 5] {
        let o = asked(LONG, move |q, _| vec![reply(q, [0x81, 0x80 | rcode], &[])]).await;
        assert_eq!(o.seen().unwrap().rcode, u16::from(rcode));
    }
}

#[tokio::test]
async fn wrong_ids_wrong_questions_and_queries_are_strays() {
    let o = asked(LONG, |q, _| {
        let mut wrong_id = reply(q, FINE, &[&a(66)]);
        wrong_id[0] ^= 0xff;
        let mut wrong_name = reply(q, FINE, &[&a(66)]);
        wrong_name[13] = b'x';
        let mut wrong_type = reply(q, FINE, &[&a(66)]);
        wrong_type[q.len() - 3] = 28;
        let echo = q.to_vec();
        vec![wrong_id, wrong_name, wrong_type, echo, vec![], vec![0; 5], reply(q, FINE, &[&a(1)])]
    })
    .await;
    let answer = o.seen().unwrap();
    assert_eq!(answer.addresses, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(answer.strays, 6);
}

#[tokio::test]
async fn another_source_is_never_heard() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut buffer = [0; 600];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            other.send_to(&reply(&buffer[..length], FINE, &[&a(66)]), from).await.unwrap();
        }
    });
    let o = ask(&Env::system(), address, NAME, Record::A, LONG, Until::Judged).await;
    server.abort();
    assert_eq!(o.failure().unwrap().kind, FailureKind::Timeout);
}

#[tokio::test]
async fn silence_takes_the_whole_profile_and_is_conclusive_in_full_only() {
    let o = asked(LONG, |_, _| vec![]).await;
    let failure = o.failure().unwrap();
    assert_eq!((failure.kind, failure.sent, failure.conclusive), (FailureKind::Timeout, 5, true));
    assert!(o.took() < Duration::from_millis(2600), "{:?}", o.took());
    let o = asked(Duration::from_millis(500), |_, _| vec![]).await;
    let failure = o.failure().unwrap();
    assert_eq!((failure.kind, failure.sent, failure.conclusive), (FailureKind::Timeout, 3, false));
}

#[tokio::test]
async fn a_lost_question_is_asked_again_with_another_id() {
    let ids = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = ids.clone();
    let o = asked(LONG, move |q, n| {
        seen.lock().unwrap().push([q[0], q[1]]);
        if n == 1 { vec![reply(q, FINE, &[&a(1)])] } else { vec![] }
    })
    .await;
    let answer = o.seen().unwrap();
    assert_eq!(answer.sent, 2);
    // Each question has an id of its own, so that the round trip is the second question's.
    assert!(answer.rtt_us < 90_000 && o.took_us > 95_000, "{} {}", answer.rtt_us, o.took_us);
    let ids = ids.lock().unwrap();
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_closed_port_refuses_at_once() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let o = ask(&Env::system(), address, NAME, Record::A, LONG, Until::Judged).await;
    assert_eq!(o.failure().unwrap().kind, FailureKind::Refused);
    assert!(o.took() < Duration::from_secs(1));
}

type Hostile = fn(&[u8]) -> Vec<u8>;

#[tokio::test]
async fn compression_loops_and_lying_counts_are_malformed() {
    let hostile: [Hostile; 5] = [
        // A name that points to itself, one that points forward, and two that point to each other.
        |q| reply(q, FINE, &[&[0xc0, q.len() as u8, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 1, 1, 1]]),
        |q| reply(q, FINE, &[&[0xc0, 250, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 1, 1, 1]]),
        |q| {
            let n = q.len() as u8;
            reply(q, FINE, &[&[0xc0, n + 2, 0xc0, n, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 1, 1, 1, 1]])
        },
        // 65,535 records are claimed, none is there.
        |q| {
            let mut bytes = reply(q, FINE, &[]);
            bytes[6..12].fill(0xff);
            bytes
        },
        // An address of 400 bytes.
        |q| reply(q, FINE, &[&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 1, 0x90, 1]]),
    ];
    for (n, make) in hostile.into_iter().enumerate() {
        let o = asked(Duration::from_millis(90), move |q, _| vec![make(q)]).await;
        let failure = o.failure().unwrap_or_else(|| panic!("{n} was believed"));
        assert_eq!((failure.kind, failure.strays), (FailureKind::Malformed, 1), "{n}");
    }
}

/// A resolver that truncates over UDP and does `serve` on TCP.
async fn truncating<F, Fut>(timeout: Duration, serve: F) -> Observation<DnsAnswer>
where
    F: Fn(Vec<u8>, tokio::net::TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let socket = UdpSocket::bind(address).await.unwrap();
    let server = tokio::spawn(async move {
        let mut buffer = [0; 600];
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        socket.send_to(&reply(&buffer[..length], TRUNCATED, &[]), from).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await.unwrap();
        serve(query, stream).await;
    });
    let o = ask(&Env::system(), address, NAME, Record::A, timeout, Until::Judged).await;
    server.abort();
    o
}

#[tokio::test]
async fn truncation_leads_to_tcp_and_64_kib_are_read_and_cut() {
    let o = truncating(LONG, |q, mut stream| async move {
        let records: Vec<Vec<u8>> = (0..4093).map(|n| [&a(0)[..15], &[(n % 256) as u8]].concat()).collect();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let message = reply(&q, FINE, &records);
        assert!(message.len() > 65_000 && message.len() <= 65_535, "{}", message.len());
        stream.write_u16(message.len() as u16).await.unwrap();
        stream.write_all(&message).await.unwrap();
    })
    .await;
    let answer = o.seen().unwrap();
    assert_eq!((answer.transport, answer.addresses.len(), answer.sent), (DnsTransport::Tcp, 32, 2));
}

#[tokio::test]
async fn tcp_that_stalls_or_lies_ends_in_time() {
    let o = truncating(Duration::from_millis(600), |_, mut stream| async move {
        stream.write_u16(65_535).await.unwrap();
        stream.write_all(b"and then nothing").await.unwrap();
        tokio::time::sleep(LONG).await;
    })
    .await;
    let failure = o.failure().unwrap();
    assert_eq!((failure.phase, failure.kind), (Phase::Response, FailureKind::Timeout));
    assert!(o.took() < Duration::from_millis(900), "{:?}", o.took());
    let o = truncating(LONG, |_, mut stream| async move {
        stream.write_u16(40).await.unwrap();
        stream.write_all(&[0x55; 40]).await.unwrap();
    })
    .await;
    assert_eq!(o.failure().unwrap().kind, FailureKind::Malformed);
}

#[test]
fn a_name_that_the_dns_cannot_carry_is_said() {
    for name in ["a..b", &"x".repeat(64), &"abcdefg.".repeat(40)] {
        assert!(super::query(1, name, Record::A).is_err(), "{name}");
    }
}

mod any_bytes {
    use super::{NAME, Reading, Record, read};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn are_read_without_panic_and_never_believed_without_our_question(
            mut bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            if bytes.len() > 3 {
                bytes[..4].copy_from_slice(&[0, 1, 0x80, 0]);
            }
            let reading = read(&bytes, &[1], NAME, Record::A);
            prop_assert!(!matches!(reading, Reading::Answer { rcode: 0 | 3, .. }), "{reading:?}");
        }
    }
}

#[test]
fn a_refusal_may_leave_the_question_out_but_good_news_may_not() {
    let bare = |rcode: u8| [0, 1, 0x81, 0x80 | rcode, 0, 0, 0, 0, 0, 0, 0, 0];
    assert!(matches!(read(&bare(1), &[1], NAME, Record::A), Reading::Answer { rcode: 1, .. }));
    assert_eq!(read(&bare(0), &[1], NAME, Record::A), Reading::Stray);
    assert_eq!(read(&bare(3), &[1], NAME, Record::A), Reading::Stray);
}

/// A resolver that answers over TCP and swallows UDP.
async fn over_tcp_alone(until: Until) -> Observation<DnsAnswer> {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = tcp.local_addr().expect("bound");
    let deaf = UdpSocket::bind(address).await.expect("the same port");
    let serve = async {
        let (mut stream, _) = tcp.accept().await.expect("a connection");
        let length = stream.read_u16().await.expect("a length");
        let mut question = vec![0; usize::from(length)];
        stream.read_exact(&mut question).await.expect("a question");
        let answer = reply(&question, FINE, &[&a(7)]);
        stream.write_u16(answer.len() as u16).await.expect("written");
        stream.write_all(&answer).await.expect("written");
        std::future::pending::<()>().await;
    };
    let env = Env::system();
    let observed = tokio::select! {
        observed = ask(&env, address, NAME, Record::A, LONG, until) => observed,
        () = serve => unreachable!("it waits for ever"),
    };
    drop(deaf);
    observed
}

#[tokio::test]
async fn where_udp_is_silent_tcp_tells_that_the_resolver_lives() {
    let judged = over_tcp_alone(Until::Judged).await;
    let answer = judged.seen().expect("over TCP");
    let udp = answer.over_udp.as_ref().expect("what stopped UDP");
    assert_eq!((answer.transport, answer.addresses.len()), (DnsTransport::Tcp, 1));
    assert!(udp.kind == FailureKind::Timeout && udp.conclusive && udp.sent == 5, "{udp:?}");
    assert!(judged.took_us >= 2_200_000, "UDP had all its time: {judged:?}");

    let wanted = over_tcp_alone(Until::Answered).await;
    let answer = wanted.seen().expect("over TCP");
    assert!(answer.over_udp.as_ref().is_some_and(|udp| udp.sent == 0), "{answer:?}");
    assert!(wanted.took_us < 1_500_000, "a name is wanted: {wanted:?}");
}
