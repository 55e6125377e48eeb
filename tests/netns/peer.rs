//! Two hosts and what stands between them, by the kernel: who is proven to meet, who is refused, and in which words.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::now;
use crate::support::sites::{Ended, Peer, Site, Sites};

use Site::{
    AddressRestricted, Blocked, Double, Firewall, FullCone, OnlyIpv6, PortRestricted, Public, Random,
    Symmetric,
};

const ALL: [Site; 10] = [
    Public,
    FullCone,
    AddressRestricted,
    PortRestricted,
    Symmetric,
    Random,
    Double,
    OnlyIpv6,
    Firewall,
    Blocked,
];

/// The reason why two sites cannot meet, as this side's and the other's; `None` where they can.
fn refusal(a: Site, b: Site) -> Option<[&'static str; 2]> {
    let v4 = |site| site != OnlyIpv6;
    let v6 = |site| matches!(site, Public | OnlyIpv6);
    let dependent = |site| matches!(site, Symmetric | Random);
    // Lets in only the address and port that was spoken to.
    let strict = |site| matches!(site, PortRestricted | Double | Firewall) || dependent(site);
    if !(v4(a) && v4(b) || v6(a) && v6(b)) {
        return Some(["no-common-family"; 2]);
    }
    if v6(a) && v6(b) {
        return None;
    }
    match (a, b) {
        (Blocked, Blocked) => Some(["udp-blocked-here"; 2]),
        (Blocked, _) => Some(["udp-blocked-here", "udp-blocked-there"]),
        (_, Blocked) => Some(["udp-blocked-there", "udp-blocked-here"]),
        _ if dependent(a) && dependent(b) => Some(["both-endpoint-dependent"; 2]),
        _ if dependent(a) && strict(b) || strict(a) && dependent(b) => Some(["one-endpoint-dependent"; 2]),
        _ => None,
    }
}

fn proven(ended: &[Ended; 2]) -> bool {
    ended.iter().all(|end| end.code == Some(0) && end.json["proven"] == true && end.json["reason"].is_null())
}

/// How often each pair is tried: `PEER_RUNS`, else once.
fn runs() -> usize {
    crate::support::variable("PEER_RUNS").and_then(|n| n.parse().ok()).unwrap_or(1)
}

fn pairs_with(a: Site) {
    let first = ALL.iter().position(|site| *site == a).expect("in the list");
    for &b in &ALL[first..] {
        let Some(sites) = Sites::open("two sites", a, b) else { return };
        let expected = refusal(a, b);
        let mut met = 0;
        let mut slowest = 0.0_f64;
        for _ in 0..runs() {
            let ended = if expected.is_some() {
                sites.meet(&["--timeout", "3s"])
            } else {
                sites.meet(&["--timeout", "8s", "--for", "300ms"])
            };
            let Some(reasons) = expected else {
                met += usize::from(proven(&ended));
                assert!(runs() > 1 || proven(&ended), "{a:?} {b:?}\n{}\n{}", ended[0], ended[1]);
                slowest =
                    ended.iter().filter_map(|e| e.json["connected_ms"].as_f64()).fold(slowest, f64::max);
                continue;
            };
            for (end, reason) in ended.iter().zip(reasons) {
                assert_eq!(end.json["reason_code"], reason, "{a:?} {b:?}\n{}\n{}", ended[0], ended[1]);
                assert_eq!((end.code, &end.json["proven"]), (Some(1), &false.into()), "{end}");
            }
        }
        if expected.is_none() {
            crate::support::tell(&format!(
                "{a:?} {b:?}: proven in {met} of {} runs, the slowest after {slowest:.0} ms",
                runs()
            ));
            assert!(met * 50 >= runs() * 49 && slowest < 5000.0, "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_public_host() {
    pairs_with(Public);
}

#[test]
fn a_full_cone() {
    pairs_with(FullCone);
}

#[test]
fn an_address_restricted_nat() {
    pairs_with(AddressRestricted);
}

#[test]
fn a_port_restricted_nat() {
    pairs_with(PortRestricted);
}

#[test]
fn a_symmetric_nat() {
    pairs_with(Symmetric);
}

#[test]
fn a_symmetric_nat_that_draws_its_ports() {
    pairs_with(Random);
}

#[test]
fn two_nats_in_a_row() {
    pairs_with(Double);
}

#[test]
fn ipv6_alone_a_firewall_and_no_udp() {
    pairs_with(OnlyIpv6);
    pairs_with(Firewall);
    pairs_with(Blocked);
}

#[test]
fn one_router_one_link_two_links_hairpin() {
    for (apart, hairpin, reason) in
        [(false, false, None), (true, true, None), (true, false, Some("no-hairpin"))]
    {
        let Some(sites) = Sites::one_router("one router", apart, hairpin) else { return };
        for _ in 0..runs() {
            let ended = sites.meet(&["--timeout", "4s", "--for", "300ms"]);
            match reason {
                None => assert!(proven(&ended), "{apart} {hairpin}\n{}\n{}", ended[0], ended[1]),
                Some(reason) => {
                    assert!(
                        ended.iter().all(|end| end.json["reason_code"] == reason),
                        "{}\n{}",
                        ended[0],
                        ended[1]
                    );
                }
            }
        }
    }
}

#[test]
fn a_search_of_ports_meets_an_easy_and_a_hard_nat() {
    let Some(sites) = Sites::open("search", PortRestricted, Random) else { return };
    let all = runs();
    let met =
        (0..all).filter(|_| proven(&sites.meet(&["--hard", "--timeout", "20s", "--for", "300ms"]))).count();
    crate::support::tell(&format!("search: {met} of {all}"));
    assert!(met * 100 >= all * 95, "{met} of {all}");
}

#[test]
fn lines_that_are_of_no_use_end_with_two() {
    let Some(sites) = Sites::open("lines", Public, Public) else { return };
    let mut first = Peer::start(&sites.a, &["--with", "-"]);
    let line = first.line.clone();
    first.hand(&line);
    let own = first.end();
    assert!(own.code == Some(2) && own.stderr.contains("this host's own line"), "{own}");
    let edited = format!("{}{}", &line[..40], line[41..].to_owned() + "z");
    for (wrong, words) in [
        (edited.as_str(), "the line is damaged"),
        ("cdp9:abc", "version cdp9"),
        ("hello", "begins with cdp1:"),
    ] {
        let run = sites.b.doctor(&["peer", "--json", "--with", wrong]);
        assert_eq!(run.code, Some(2), "{run}");
        assert!(run.stderr.contains(words) && run.stdout.is_empty(), "{run}");
    }
}

#[test]
fn a_replayed_line_a_stranger_and_a_flood_are_told_and_nothing_is_accepted() {
    let Some(sites) = Sites::open("strangers", Public, Public) else { return };
    // The line of a run that has ended: nobody holds its certificate any more.
    let gone = Peer::start(&sites.a, &["--with", "-"]);
    let old = gone.line.clone();
    kill(Pid::from_raw(gone.child.id() as i32), Signal::SIGINT).expect("it runs");
    let ended = gone.end();
    assert_eq!((ended.code, &ended.json["reason_code"]), (Some(130), &"interrupted".into()), "{ended}");
    let alone = Peer::start(&sites.b, &["--with", &old, "--timeout", "2s"]).end();
    assert_eq!((alone.code, &alone.json["reason_code"]), (Some(1), &"nothing-heard".into()), "{alone}");
    // Another run at the same place answers the line of the first: its keys are others.
    let mut third = Peer::start(&sites.a, &["--with", "-", "--timeout", "3s"]);
    let second = Peer::start(&sites.b, &["--with", &old, "--timeout", "3s"]);
    third.hand(&second.line);
    for end in [third.end(), second.end()] {
        assert_eq!((end.code, &end.json["proven"]), (Some(1), &false.into()), "{end}");
    }
    // 100,000 datagrams of noise while two others meet.
    let mut a = Peer::start(&sites.a, &["--with", "-", "--timeout", "20s", "--for", "300ms"]);
    let known = connector_doctor::proto::peer::Line::read(&a.line).expect("its own line");
    let port =
        known.candidates.iter().map(|c| c.address).find(std::net::SocketAddr::is_ipv4).expect("IPv4").port();
    let flood = std::thread::scope(|scope| {
        let noise = scope.spawn(|| {
            sites.inet.run(move || {
                let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
                let check = [&[0, 1, 0, 8, 0x21, 0x12, 0xA4, 0x42][..], &[9; 20]].concat();
                (0..100_000).filter(|_| socket.send_to(&check, ("203.0.113.18", port)).is_ok()).count()
            })
        });
        let b = Peer::start(&sites.b, &["--with", &a.line, "--timeout", "20s", "--for", "300ms"]);
        a.hand(&b.line);
        let ended = [a.end(), b.end()];
        assert!(proven(&ended), "{}\n{}", ended[0], ended[1]);
        assert!(ended[0].json["strangers"].as_u64().is_some_and(|n| n > 0), "{}", ended[0]);
        noise.join().expect("sent")
    });
    assert!(flood > 90_000, "{flood}");
}

#[test]
fn a_peer_that_goes_silent_and_one_that_is_interrupted_end_in_time() {
    let Some(sites) = Sites::open("silence", Public, Public) else { return };
    for (signal, code, reason) in [(Signal::SIGKILL, 1, "connection-lost"), (Signal::SIGINT, 0, "")] {
        let mut a = Peer::start(&sites.a, &["--with", "-", "--for", "4s"]);
        let b = Peer::start(&sites.b, &["--with", &a.line, "--for", "4s"]);
        a.hand(&b.line);
        std::thread::sleep(Duration::from_millis(1500));
        let begun = now();
        kill(Pid::from_raw(b.child.id() as i32), signal).expect("it runs");
        let end = a.end();
        assert!(now().saturating_sub(begun) < Duration::from_secs(7), "{end}");
        assert_eq!(end.code, Some(code), "{end}");
        assert_eq!(end.json["reason_code"].as_str().unwrap_or_default(), reason, "{end}");
        let other = b.end();
        assert_eq!(other.code, (signal == Signal::SIGINT).then_some(130), "{other}");
    }
}

#[test]
fn quic_dropped_between_the_two_is_told_apart() {
    let Some(sites) = Sites::open("no QUIC", PortRestricted, Public) else { return };
    // The fixed bit of QUIC (RFC 9000 17.2, 17.3): STUN passes.
    sites.routers[0].nft(
        "table inet dpi { chain f { type filter hook forward priority -300; meta l4proto udp @th,64,8 & 0x40 == 0x40 drop; }; }",
    );
    for end in sites.meet(&["--timeout", "8s"]) {
        assert_eq!((end.code, &end.json["reason_code"]), (Some(1), &"quic-blocked".into()), "{end}");
    }
}
