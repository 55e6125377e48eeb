//! The client against servers on loopback that answer as no server should.

use super::*;
use crate::proto::ntp::packet::{ERA_PIVOT_NS, LEN, MODE_SERVER, Span, Timestamp};
use crate::proto::ntp::sample::Exchange;

const S: i64 = 1_000_000_000;

/// What an honest server whose clock stands at `now_ns` answers.
fn honest(request: &Packet, now_ns: i64) -> Packet {
    let now = Timestamp::from_unix_ns(now_ns);
    Packet {
        version: request.version,
        mode: MODE_SERVER,
        stratum: 2,
        precision: -20,
        root_delay: Span::from_ns(1_000_000),
        root_dispersion: Span::from_ns(1_000_000),
        refid: [192, 0, 2, 1],
        reference: Timestamp::from_unix_ns(now_ns - 60 * S),
        origin: request.transmit,
        receive: now,
        transmit: now,
        ..Packet::default()
    }
}

/// A server that sends what `script` makes of the n-th request (from 0) at its wall clock; lives as long as the test.
async fn serve(
    env: &Env,
    bind: &str,
    mut script: impl FnMut(u32, Packet, i64) -> Vec<Vec<u8>> + Send + 'static,
) -> SocketAddr {
    let (env, socket) = (env.clone(), tokio::net::UdpSocket::bind(bind).await.unwrap());
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 100];
        for n in 0.. {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let request = Packet::parse(&bytes[..length]).unwrap();
            assert_eq!((length, request.mode, request.version), (LEN, 3, 4));
            for reply in script(n, request, env.wall_ns()) {
                socket.send_to(&reply, from).await.unwrap();
            }
        }
    });
    address
}

/// Asks a server whose answers `change` spoils; the host's clock is right.
async fn ask_spoilt(change: impl Fn(&mut Packet) + Send + 'static) -> Observation<NtpAnswer> {
    let env = Env::system();
    let script = move |_, request: Packet, now_ns| {
        let mut reply = honest(&request, now_ns);
        change(&mut reply);
        vec![reply.encode().to_vec()]
    };
    let address = serve(&env, "127.0.0.1:0", script).await;
    ask(&env, "spoilt", address, Plan { timeout: Duration::from_millis(400), ..Plan::default() }).await
}

fn near(offset_ns: i64, wanted_ns: i64) -> bool {
    offset_ns.abs_diff(wanted_ns) < 50_000_000
}

#[tokio::test]
async fn an_honest_server_gives_a_signed_offset_and_a_kernel_stamp() {
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        for skew_ns in [7 * S, -5_400_000_000, 0] {
            let env = Env::system();
            let script = move |_, r, now_ns: i64| vec![honest(&r, now_ns + skew_ns).encode().to_vec()];
            let address = serve(&env, bind, script).await;
            let seen = ask(&env, "honest", address, Plan::default()).await;
            let answer = seen.seen().unwrap_or_else(|| panic!("{seen:?}"));
            assert!(near(answer.local_minus_ref_ns, -skew_ns), "{answer:?}");
            assert_eq!((&answer.standing, answer.sent, answer.strays), (&NtpStanding::Usable, 1, 0));
            assert_eq!((answer.stratum, answer.reference.as_str()), (2, "192.0.2.1"));
            assert!(answer.error_ns >= 2_500_000 && answer.error_ns < 50_000_000, "{answer:?}");
            assert_eq!(answer.kernel_stamp, cfg!(target_os = "linux"));
        }
    }
}

#[tokio::test]
async fn any_year_of_the_host_is_measured() {
    let now_ns = Env::system().wall_ns();
    // Ten seconds before 1970, five after; one second before era 1 begins; 2040; 2106.
    for host_ns in [-10 * S, 5 * S, 2_085_978_495 * S, 2_208_988_800 * S, 4_300_000_000 * S] {
        let host = Env::system().with_wall_shift(host_ns - now_ns);
        // A server in 2026, and one as far in time as the host (within the reach of the pivot).
        for server in
            [Env::system(), host.clone()].into_iter().take(if host_ns > 4_000_000_000 * S { 1 } else { 2 })
        {
            let truth_ns = host.wall_ns() - server.wall_ns();
            let address =
                serve(&server, "127.0.0.1:0", |_, r, now_ns| vec![honest(&r, now_ns).encode().to_vec()])
                    .await;
            let seen = ask(&host, "honest", address, Plan::default()).await;
            let answer = seen.seen().unwrap_or_else(|| panic!("{host_ns}: {seen:?}"));
            assert_eq!(answer.standing, NtpStanding::Usable, "{host_ns}");
            assert!(near(answer.local_minus_ref_ns, truth_ns), "{host_ns}: {answer:?}");
            assert!(answer.error_ns < 50_000_000, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn broken_answers_have_no_vote() {
    let standing = |seen: Observation<NtpAnswer>| seen.seen().map(|answer| answer.standing.clone()).unwrap();
    let implausible = |why: Rejection| NtpStanding::Implausible(why.to_string());
    assert_eq!(standing(ask_spoilt(|p| p.receive = Timestamp::ZERO).await), implausible(Rejection::T2Zero));
    assert_eq!(standing(ask_spoilt(|p| p.transmit = Timestamp::ZERO).await), implausible(Rejection::T3Zero));
    assert_eq!(standing(ask_spoilt(|p| p.transmit.0 -= 3 << 32).await), implausible(Rejection::T3BeforeT2));
    assert_eq!(
        standing(ask_spoilt(|p| p.receive.0 -= 3 << 32).await),
        implausible(Rejection::NegativeDelay(0))
    );
    assert_eq!(standing(ask_spoilt(|p| p.version = 5).await), implausible(Rejection::WrongVersion(5)));
    assert_eq!(standing(ask_spoilt(|p| p.leap = 3).await), NtpStanding::Unsynchronised);
    let kiss = ask_spoilt(|p| (p.stratum, p.refid) = (0, *b"DENY")).await;
    assert_eq!(kiss.seen().unwrap().sent, 1);
    assert_eq!(standing(kiss), NtpStanding::KissOfDeath("DENY".into()));
    let unsynchronised = ask_spoilt(|p| p.stratum = 16).await;
    assert!(near(unsynchronised.seen().unwrap().local_minus_ref_ns, 0), "shown, not counted");
    assert_eq!(standing(unsynchronised), NtpStanding::Unsynchronised);
}

#[tokio::test]
async fn answers_to_another_question_are_wrong_answers_and_counted() {
    let seen = ask_spoilt(|p| p.origin.0 ^= 1).await;
    let failure = seen.failure().unwrap_or_else(|| panic!("{seen:?}"));
    // No silence: the packets pass both ways.
    assert_eq!((failure.phase, failure.kind), (Phase::Response, FailureKind::Malformed));
    // The timeout of 400 ms leaves time for two sends.
    assert_eq!((failure.sent, failure.strays, failure.conclusive), (2, 2, true));
}

#[tokio::test]
async fn spoofs_and_junk_before_the_answer_change_nothing() {
    let env = Env::system();
    let script = |_, request: Packet, now_ns| {
        let good = honest(&request, now_ns);
        let lie = Packet { origin: Timestamp(good.origin.0 ^ 1), ..honest(&request, now_ns + 90 * S) };
        let kiss = Packet { stratum: 0, refid: *b"DENY", ..lie };
        let request_as_answer = Packet { mode: 3, ..good };
        let mut long = good.encode().to_vec();
        long.extend([0xFF; 1400]);
        let junk = [vec![], vec![0x24; LEN - 1], b"\x1b[2J".to_vec()];
        let forged = [lie, kiss, request_as_answer].map(|p| p.encode().to_vec());
        junk.into_iter().chain(forged).chain([long]).collect()
    };
    let address = serve(&env, "127.0.0.1:0", script).await;
    let seen = ask(&env, "spoofed", address, Plan::default()).await;
    let answer = seen.seen().unwrap_or_else(|| panic!("{seen:?}"));
    assert!(near(answer.local_minus_ref_ns, 0), "{answer:?}");
    assert_eq!((&answer.standing, answer.sent, answer.strays), (&NtpStanding::Usable, 1, 6));
}

#[tokio::test]
async fn a_lost_request_is_sent_again_and_a_late_answer_counts() {
    let env = Env::system();
    let mut first = None;
    // The first request is answered only when the second has come: as a late answer would.
    let script = move |_, request, now_ns| match first.take() {
        None => {
            first = Some((request, now_ns));
            vec![]
        }
        Some((request, then_ns)) => {
            let late = Packet { transmit: Timestamp::from_unix_ns(now_ns), ..honest(&request, then_ns) };
            vec![late.encode().to_vec()]
        }
    };
    let address = serve(&env, "127.0.0.1:0", script).await;
    let seen = ask(&env, "late", address, Plan::default()).await;
    let answer = seen.seen().unwrap_or_else(|| panic!("{seen:?}"));
    assert_eq!((&answer.standing, answer.sent, answer.strays), (&NtpStanding::Usable, 2, 0));
    assert!(near(answer.local_minus_ref_ns, 0), "{answer:?}");
}

#[tokio::test]
async fn of_several_samples_the_fastest_counts_and_replays_are_strays() {
    let env = Env::system();
    // Each answer comes twice; all but the third are 20 ms on their way, and each tells another time.
    let script = |n, request: Packet, now_ns| {
        if n != 2 {
            std::thread::sleep(Duration::from_millis(20));
        }
        let reply = honest(&request, now_ns + i64::from(n) * S).encode().to_vec();
        vec![reply.clone(), reply]
    };
    let address = serve(&env, "127.0.0.1:0", script).await;
    let plan = Plan { samples: 4, spacing: Duration::from_millis(5), ..Plan::default() };
    let seen = ask(&env, "four", address, plan).await;
    let answer = seen.seen().unwrap_or_else(|| panic!("{seen:?}"));
    assert_eq!((answer.sent, answer.strays), (4, 3));
    assert!(near(answer.local_minus_ref_ns, -2 * S) && answer.delay_ns < 20_000_000, "{answer:?}");
}

#[tokio::test]
async fn a_closed_port_is_refused_by_name_and_soon() {
    for bind in ["127.0.0.1:0", "[::1]:0"] {
        let closed = std::net::UdpSocket::bind(bind).unwrap().local_addr().unwrap();
        let seen = ask(&Env::system(), "closed", closed, Plan::default()).await;
        let failure = seen.failure().unwrap_or_else(|| panic!("{seen:?}"));
        assert_eq!((failure.phase, failure.kind, failure.sent), (Phase::Receive, FailureKind::Refused, 2));
        assert!(seen.took() < SILENCE, "{seen:?}");
        if cfg!(target_os = "linux") {
            let port_unreachable = if closed.is_ipv4() { 3 << 8 | 3 } else { 1 << 8 | 4 };
            assert_eq!((failure.offender, failure.code), (Some(closed.ip()), Some(port_unreachable)));
        }
    }
}

#[tokio::test]
async fn silence_is_five_requests_and_conclusive() {
    let env = Env::system();
    let address = serve(&env, "127.0.0.1:0", |_, _, _| vec![]).await;
    let seen = ask(&env, "silent", address, Plan::default()).await;
    let failure = seen.failure().unwrap();
    assert_eq!((failure.kind, failure.sent, failure.conclusive), (FailureKind::Timeout, 5, true));
    assert!(seen.took() >= SILENCE);
}

/// Both implementations read the same packet alike; theirs has microseconds.
#[tokio::test]
async fn sntpc_computes_the_same_offset() {
    let env = Env::system();
    let address = serve(&env, "127.0.0.1:0", |_, _, _| vec![]).await;
    let socket = UdpPort::connected(address).unwrap();
    let sent = client::send(&env, &socket, address).unwrap();
    for skew_ns in [-90 * S, 7 * S + 123_456_789, -9 * 31_557_600 * S] {
        // They count from the T1 on the wire, which is read a little before ours.
        let t1_wall_ns = sent.origin.unix_ns(ERA_PIVOT_NS);
        let exchange = Exchange { t1_wall_ns, ..sent.exchange(&env, None).0 };
        let reply = honest(&Packet::request(sent.origin), exchange.t4_wall_ns + skew_ns).encode();
        let ours = client::check(&sent, &exchange, address, &reply).unwrap();
        let theirs = client::process(&sent, &exchange, address, &reply).unwrap();
        // Theirs is reference minus host.
        assert!((ours.local_minus_ref_ns + theirs.offset * 1000).abs() < 3_000, "{ours:?} {theirs:?}");
        assert!(ours.delay_ns.abs_diff(theirs.roundtrip.cast_signed() * 1000) < 3_000, "{ours:?} {theirs:?}");
    }
}

#[test]
fn the_probe_may_run_on_any_executor() {
    fn send<T: Send>(_: &T) {}
    let env = Env::frozen(0, 0);
    send(&ask(&env, "", ([127, 0, 0, 1], 9).into(), Plan::default()));
}
