//! Names resolved against resolvers on loopback, and errors of getaddrinfo sorted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;

use super::system::{UnderWay, shared, sorted};
use super::{Resolvers, Wanted, in_order, resolve};
use crate::env::Env;
use crate::model::facts::{ResolvedBy, SystemLookup, TargetRole};
use crate::model::observation::FailureKind;

const LONG: Duration = Duration::from_secs(5);

fn wanted(host: &str) -> Wanted {
    Wanted { role: TargetRole::Controller, host: host.into(), port: 443, origin: "--controller".into() }
}

/// A resolver that answers A with 192.0.2.`last` (AAAA with nothing), or with this rcode; none: silence.
async fn resolver(answer: Option<Result<u8, u8>>) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut buffer = [0; 600];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut reply = buffer[..length].to_vec();
            let is_a = reply[length - 3] == 1;
            reply[2..4].copy_from_slice(&[0x81, 0x80]);
            match answer {
                None => continue,
                Some(Err(rcode)) => reply[3] |= rcode,
                Some(Ok(last)) if is_a => {
                    reply[7] = 1;
                    reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
                }
                Some(Ok(_)) => {}
            }
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    (address, server)
}

async fn by(resolvers: &[SocketAddr], timeout: Duration) -> super::Resolution {
    let resolvers = Resolvers { addresses: resolvers.to_vec(), only: true };
    resolve(&Env::system(), wanted("acme.example.net"), &resolvers, timeout).await
}

#[tokio::test]
async fn an_address_stands_for_itself() {
    for (host, ip) in
        [("192.0.2.7", "192.0.2.7"), ("[2001:db8::1]", "2001:db8::1"), ("::ffff:192.0.2.7", "192.0.2.7")]
    {
        let resolution = resolve(&Env::system(), wanted(host), &Resolvers::default(), LONG).await;
        assert_eq!(resolution.target.addresses, [ip.parse::<IpAddr>().unwrap()]);
        assert_eq!(resolution.target.resolved_by, ResolvedBy::Literal);
        assert!(resolution.asked.is_empty() && resolution.target.system.is_none());
    }
}

#[tokio::test]
async fn getaddrinfo_is_preferred_where_it_is_quick() {
    let (address, _server) = resolver(Some(Ok(66))).await;
    let resolvers = Resolvers { addresses: vec![address], only: false };
    let resolution = resolve(&Env::system(), wanted("localhost"), &resolvers, LONG).await;
    let target = resolution.target;
    assert_eq!(target.resolved_by, ResolvedBy::System);
    assert!(target.addresses.iter().all(IpAddr::is_loopback) && !target.addresses.is_empty());
    assert_eq!(target.system.unwrap().addresses, target.addresses);
}

#[tokio::test]
async fn a_dead_resolver_beside_a_live_one_costs_nothing() {
    let (dead, _a) = resolver(None).await;
    let (live, _b) = resolver(Some(Ok(1))).await;
    let resolution = by(&[dead, live], LONG).await;
    assert_eq!(resolution.target.addresses, [IpAddr::from([192, 0, 2, 1])]);
    assert_eq!(resolution.target.resolved_by, ResolvedBy::Resolvers);
    assert!(resolution.target.resolve_us < 1_000_000);
}

#[tokio::test]
async fn the_ways_of_having_no_address_are_told_apart() {
    for (answer, kind) in [
        (Some(Err(3)), FailureKind::NotFound),
        (Some(Err(2)), FailureKind::ResolverFailed),
        (Some(Err(0)), FailureKind::NoAddress),
        (None, FailureKind::Timeout),
    ] {
        let (address, _server) = resolver(answer).await;
        let target = by(&[address], LONG).await.target;
        assert_eq!(target.failure.unwrap().kind, kind);
        assert!(target.addresses.is_empty());
    }
    let (address, _server) = resolver(None).await;
    let target = by(&[address], Duration::from_millis(300)).await.target;
    assert!(!target.failure.unwrap().conclusive);
}

#[test]
fn words_of_getaddrinfo_are_sorted() {
    let of = |words: &str, seconds| {
        let error = std::io::Error::other(format!("failed to lookup address information: {words}"));
        sorted(&error, Duration::from_secs(seconds)).kind
    };
    assert_eq!(of("Name or service not known", 0), FailureKind::NotFound);
    assert_eq!(of("Name does not resolve", 0), FailureKind::NotFound);
    assert_eq!(of("No address associated with hostname", 0), FailureKind::NoAddress);
    assert_eq!(of("Temporary failure in name resolution", 0), FailureKind::ResolverFailed);
    assert_eq!(of("Temporary failure in name resolution", 10), FailureKind::Timeout);
    assert_eq!(of("Try again", 5), FailureKind::Timeout);
    assert_eq!(of("something new", 5), FailureKind::Io);
}

#[test]
fn ipv4_comes_first_and_repetitions_go() {
    let ips = ["2001:db8::1", "192.0.2.2", "192.0.2.1", "192.0.2.2"].map(|ip| ip.parse::<IpAddr>().unwrap());
    assert_eq!(in_order(ips.into_iter()), [ips[1], ips[2], ips[0]]);
}

/// A resolver that answers AAAA alone, with an address or without: each question for A is lost `lost` times.
async fn lossy(ipv6: bool, lost: usize) -> super::Resolution {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut buffer, mut asked) = ([0; 600], 0);
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let mut reply = buffer[..length].to_vec();
            reply[2..4].copy_from_slice(&[0x81, 0x80]);
            if reply[length - 3] == 1 {
                asked += 1;
                if asked <= lost {
                    continue;
                }
                reply[7] = 1;
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            } else if ipv6 {
                reply[7] = 1;
                reply.extend([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0xd, 0xb8]);
                reply.extend([0; 12]);
            }
            socket.send_to(&reply, from).await.unwrap();
        }
    });
    let resolution = by(&[address], LONG).await;
    server.abort();
    resolution
}

#[tokio::test]
async fn a_lost_answer_about_ipv4_is_waited_for() {
    let resolution = lossy(true, 3).await;
    assert!(resolution.target.addresses.contains(&[192, 0, 2, 7].into()), "{resolution:?}");
}

#[tokio::test]
async fn without_an_answer_about_ipv4_nobody_says_that_there_is_no_address() {
    let resolution = lossy(false, usize::MAX).await;
    let failure = resolution.target.failure.unwrap();
    assert_eq!((failure.kind, failure.sent), (FailureKind::Timeout, 5));
}

#[tokio::test]
async fn a_name_that_is_being_asked_for_is_not_asked_for_anew() {
    static UNDER_WAY: UnderWay = UnderWay::new(std::collections::BTreeMap::new());
    let found = |last| SystemLookup { addresses: vec![[192, 0, 2, last].into()], ..SystemLookup::default() };
    let (release, held) = tokio::sync::oneshot::channel();
    let first = tokio::spawn(shared(&UNDER_WAY, "a.test", async { held.await.unwrap() }));
    tokio::task::yield_now().await;
    let mut second = tokio::spawn(shared(&UNDER_WAY, "a.test", async { unreachable!("one is under way") }));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut second).await.is_err());
    // Another name does not wait.
    assert_eq!(shared(&UNDER_WAY, "b.test", async { found(2) }).await, found(2));
    release.send(found(1)).unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (found(1), found(1)));
    assert_eq!(shared(&UNDER_WAY, "a.test", async { found(3) }).await, found(3));
    assert!(UNDER_WAY.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_old_silence_says_nothing_of_now_and_who_gives_up_makes_room() {
    static UNDER_WAY: UnderWay = UnderWay::new(std::collections::BTreeMap::new());
    let (release, held) = tokio::sync::oneshot::channel::<()>();
    let silent = async {
        held.await.unwrap();
        let failure = sorted(&std::io::Error::other("Try again"), Duration::from_secs(9));
        SystemLookup { failure: Some(failure), ..SystemLookup::default() }
    };
    let silent = tokio::spawn(shared(&UNDER_WAY, "a.test", silent));
    tokio::task::yield_now().await;
    let late = tokio::spawn(shared(&UNDER_WAY, "a.test", async { SystemLookup::default() }));
    tokio::task::yield_now().await;
    release.send(()).unwrap();
    let conclusive = |lookup: SystemLookup| lookup.failure.unwrap().conclusive;
    assert!(conclusive(silent.await.unwrap()));
    assert!(!conclusive(late.await.unwrap()));
    // Whoever waited for one that was given up does not wait for ever.
    let given_up = tokio::spawn(shared(&UNDER_WAY, "a.test", std::future::pending()));
    tokio::task::yield_now().await;
    let late = tokio::spawn(shared(&UNDER_WAY, "a.test", async { SystemLookup::default() }));
    tokio::task::yield_now().await;
    given_up.abort();
    assert!(!conclusive(late.await.unwrap()));
    assert!(UNDER_WAY.lock().unwrap().is_empty());
}

#[test]
fn a_hosts_file_is_read_as_the_library_reads_it() {
    let text = "127.0.0.1 localhost\n198.51.100.7\tacme.example.net acme # acme.example.org\n\
                ::ffff:198.51.100.8 ACME.example.net.\nrubbish acme.example.net\n";
    let addresses = |name| super::hosts_file(text, name).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addresses("acme.example.net"), ["198.51.100.7", "198.51.100.8"]);
    assert!(addresses("acme.example.org").is_empty() && addresses("example.net").is_empty());
}
