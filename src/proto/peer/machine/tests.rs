//! Two machines behind simulated NATs: they meet where the outlook's table says so, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::proto::peer::check::leads;
use crate::proto::peer::line::{Candidate, Kind, Line, Mapping, hash};
use crate::proto::peer::pair::Place;
use crate::proto::peer::search;
use crate::proto::stun::behaviour::outlook::{Depends, NatType, direct};

const STUN: [&str; 2] = ["198.51.100.1:3478", "198.51.100.2:3478"];
const DELAY: Duration = Duration::from_millis(20);

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// One side: its NAT, its sockets behind it.
struct Side {
    nat: Option<NatType>,
    inside: IpAddr,
    outside: IpAddr,
    /// (socket, what the mapping depends on) to the outer port.
    outer: BTreeMap<(usize, Option<(IpAddr, u16)>), u16>,
    /// (outer port, destination) spoken to.
    open: BTreeSet<(u16, SocketAddr)>,
    random: u64,
    /// The NAT counts its ports up instead of drawing them.
    counts: bool,
}

impl Side {
    fn new(n: u8, nat: Option<NatType>) -> Self {
        Self {
            nat,
            inside: IpAddr::from([10, n, 0, 5]),
            outside: IpAddr::from([203, 0, 113, n]),
            outer: BTreeMap::new(),
            open: BTreeSet::new(),
            random: u64::from(n) << 32 | 0x9E37_79B9,
            counts: false,
        }
    }

    fn draw(&mut self) -> u16 {
        loop {
            self.random =
                self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let port = if self.counts { 5000 + self.outer.len() as u16 } else { (self.random >> 40) as u16 };
            if port >= 1024 && self.outer.values().all(|taken| *taken != port) {
                return port;
            }
        }
    }

    /// What the world sees as the source of a datagram.
    fn send(&mut self, socket: usize, to: SocketAddr) -> SocketAddr {
        let port = match self.nat.map(|nat| nat.mapping) {
            None => 4000 + socket as u16,
            Some(mapping) => {
                let key = match mapping {
                    Depends::EndpointIndependent => None,
                    Depends::AddressDependent => Some((to.ip(), 0)),
                    Depends::AddressAndPortDependent => Some((to.ip(), to.port())),
                };
                if let Some(port) = self.outer.get(&(socket, key)) {
                    *port
                } else {
                    let port = self.draw();
                    self.outer.insert((socket, key), port);
                    port
                }
            }
        };
        self.open.insert((port, to));
        SocketAddr::new(if self.nat.is_some() { self.outside } else { self.inside }, port)
    }

    /// The socket that a datagram to `to` reaches, if it is let in.
    fn receive(&self, from: SocketAddr, to: SocketAddr) -> Option<usize> {
        let Some(nat) = self.nat else {
            return (to.ip() == self.inside).then(|| usize::from(to.port() - 4000));
        };
        let known = |open: &SocketAddr| match nat.filtering {
            Depends::EndpointIndependent => true,
            Depends::AddressDependent => open.ip() == from.ip(),
            Depends::AddressAndPortDependent => *open == from,
        };
        let inside = self.open.iter().any(|(port, open)| *port == to.port() && known(open));
        let socket = self.outer.iter().find(|(_, port)| **port == to.port()).map(|((socket, _), _)| *socket);
        socket.filter(|_| inside && to.ip() == self.outside)
    }

    fn line(&mut self, name: &[u8], hard: bool) -> Line {
        let mapped = STUN.map(|server| self.send(0, at(server)));
        let mapping = match self.nat {
            None => Mapping::NoNat,
            Some(_) if mapped[0] == mapped[1] => Mapping::Independent,
            Some(_) => Mapping::Dependent,
        };
        let host = Candidate { kind: Kind::Host, address: SocketAddr::new(self.inside, 4000) };
        let mapped = mapped.map(|address| Candidate { kind: Kind::ServerReflexive, address });
        let candidates = [vec![host], mapped.to_vec()].concat();
        Line { made_s: 0, certificate: hash(name), mapping, hard, answers: None, candidates }
    }
}

/// To which side, from where, to where, what.
type Flying = (usize, SocketAddr, SocketAddr, Vec<u8>);

struct Outcome {
    proven: [Option<Duration>; 2],
    sent: [usize; 2],
    machines: [Punch; 2],
}

/// Runs both machines for `until`; the second begins `late`.
fn meet(mut sides: [Side; 2], hard: bool, late: Duration, until: Duration, lost: u64) -> Outcome {
    let lines = [sides[0].line(b"first", hard), sides[1].line(b"second", hard)];
    let mut random = 7_u64;
    let mut machines = [0, 1].map(|i| {
        let (ours, theirs) = (&lines[i], &lines[1 - i]);
        let place =
            Place { networks: vec![(sides[i].inside, 24)], mapped: ours.mapped().map(|m| m.ip()).collect() };
        let seed = [i as u8 + 1; 32];
        let search = match search::part(ours, theirs) {
            Some(search::Part::Open) => search::openings(theirs, 1, search::MOST_SOCKETS),
            Some(search::Part::Guess) => search::guesses(theirs, 0, seed),
            None => Vec::new(),
        };
        Punch::new(Settings {
            leads: leads(ours, theirs).unwrap(),
            keys: Keys::of(ours, theirs),
            seed,
            start: if i == 0 { Duration::ZERO } else { late },
            sockets: [Some(0), None],
            remotes: place.remotes(ours.mapping, theirs).0,
            search,
        })
    });
    let named: [BTreeSet<IpAddr>; 2] =
        [0, 1].map(|i| lines[1 - i].candidates.iter().map(|c| c.address.ip()).collect());
    let mut flying: BTreeMap<(Duration, u64), Flying> = BTreeMap::new();
    let (mut proven, mut sent, mut n) = ([None; 2], [0; 2], 0);
    let mut wake = [Duration::ZERO, late];
    loop {
        let next = flying.keys().next().map_or(Duration::MAX, |(at, _)| *at);
        let now = next.min(wake[0]).min(wake[1]);
        if now > until || proven.iter().all(Option::is_some) {
            return Outcome { proven, sent, machines };
        }
        while let Some(((when, _), _)) = flying.first_key_value()
            && *when <= now
        {
            let (_, (side, from, to, bytes)) = flying.pop_first().unwrap();
            if let Some(socket) = sides[side].receive(from, to)
                && (side == 0 || now >= late)
            {
                machines[side].handle(socket, &bytes, from, now);
                wake[side] = now;
            }
        }
        for i in 0..2 {
            if wake[i] > now {
                continue;
            }
            wake[i] = loop {
                match machines[i].poll(now) {
                    Step::Transmit(datagram) => {
                        assert!(named[i].contains(&datagram.to.ip()), "a packet to an address of no line");
                        sent[i] += 1;
                        let from = sides[i].send(datagram.socket, datagram.to);
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        if (random >> 33) % 100 >= lost {
                            n += 1;
                            flying.insert((now + DELAY, n), (1 - i, from, datagram.to, datagram.bytes));
                        }
                    }
                    Step::Wait(later) => {
                        assert!(later > now, "it never spins");
                        break later;
                    }
                    Step::Done => {
                        proven[i].get_or_insert(now);
                        break Duration::MAX;
                    }
                }
            };
        }
    }
}

fn short(sides: [Side; 2]) -> Outcome {
    meet(sides, false, Duration::ZERO, Duration::from_secs(8), 0)
}

#[test]
fn all_pairs_of_nats_meet_where_the_outlook_says_so_and_nowhere_else() {
    for (a, b) in NatType::all().flat_map(|a| NatType::all().map(move |b| (a, b))) {
        let outcome = short([Side::new(1, Some(a)), Side::new(2, Some(b))]);
        let met = outcome.proven.iter().all(Option::is_some);
        assert_eq!(met, direct(a, b), "{a:?} {b:?}");
        if let [Some(first), Some(second)] = outcome.proven {
            assert!(first.max(second) < Duration::from_millis(1200), "{a:?} {b:?} {first:?} {second:?}");
            let [one, two] = outcome.machines.map(|m| m.chosen().unwrap());
            assert!(one.rtt.is_some() || two.rtt.is_some());
        }
        // 50 ms apart, answers and nominations besides.
        assert!(outcome.sent.iter().all(|sent| *sent < 400), "{:?}", outcome.sent);
    }
}

#[test]
fn whoever_comes_late_is_met_at_once() {
    let port = NatType { mapping: Depends::EndpointIndependent, filtering: Depends::AddressAndPortDependent };
    for late in [Duration::from_secs(3), Duration::from_mins(2)] {
        let sides = [Side::new(1, Some(port)), Side::new(2, Some(port))];
        let outcome = meet(sides, false, late, late + Duration::from_secs(8), 0);
        let met = outcome.proven[1].expect("it meets");
        assert!(met.saturating_sub(late) < Duration::from_millis(600), "{met:?}");
        // It waits, but not as eagerly as at first.
        assert!(outcome.sent[0] as u64 <= 3 * (late.as_secs() * 2 + 20), "{}", outcome.sent[0]);
    }
}

#[test]
fn losses_delay_and_do_not_prevent() {
    let port = NatType { mapping: Depends::EndpointIndependent, filtering: Depends::AddressAndPortDependent };
    let outcome = meet(
        [Side::new(1, Some(port)), Side::new(2, Some(port))],
        false,
        Duration::ZERO,
        Duration::from_secs(8),
        30,
    );
    assert!(
        outcome.proven.iter().all(|p| p.is_some_and(|at| at < Duration::from_secs(4))),
        "{:?}",
        outcome.proven
    );
}

#[test]
fn a_counting_nat_is_met_by_its_next_port() {
    let easy = NatType { mapping: Depends::EndpointIndependent, filtering: Depends::AddressAndPortDependent };
    let hard =
        NatType { mapping: Depends::AddressAndPortDependent, filtering: Depends::AddressAndPortDependent };
    let counting = Side { counts: true, ..Side::new(2, Some(hard)) };
    let outcome = short([Side::new(1, Some(easy)), counting]);
    assert!(outcome.proven.iter().all(Option::is_some), "{:?}", outcome.proven);
}

#[test]
fn a_search_meets_an_easy_and_a_hard_nat_whoever_is_first() {
    let easy = NatType { mapping: Depends::EndpointIndependent, filtering: Depends::AddressAndPortDependent };
    let hard =
        NatType { mapping: Depends::AddressAndPortDependent, filtering: Depends::AddressAndPortDependent };
    for late in [Duration::ZERO, Duration::from_secs(9)] {
        for swap in [false, true] {
            let [a, b] = if swap { [hard, easy] } else { [easy, hard] };
            let sides = [Side::new(1, Some(a)), Side::new(2, Some(b))];
            let outcome = meet(sides, true, late, late + Duration::from_secs(28), 0);
            assert!(outcome.proven.iter().all(Option::is_some), "{late:?} {swap}: {:?}", outcome.proven);
            let (_, all) = outcome.machines[usize::from(swap)].searched();
            assert_eq!(all, search::MOST_PROBES);
        }
    }
    let sides = [Side::new(1, Some(hard)), Side::new(2, Some(hard))];
    let outcome = meet(sides, true, Duration::ZERO, Duration::from_secs(8), 0);
    assert_eq!(outcome.machines.map(|m| m.searched().1), [0, 0], "never between two hard sides");
}

#[test]
fn strangers_are_counted_and_never_answered() {
    let outcome = short([Side::new(1, None), Side::new(2, None)]);
    let [mut machine, _] = outcome.machines;
    let (a, b) = (Side::new(1, None).line(b"x", false), Side::new(2, None).line(b"y", false));
    let forged = Check::Request { id: [1; 12], priority: 1, nominate: true }.encode(&Keys::of(&a, &b));
    let before = machine.strangers();
    for n in 0..1000_u32 {
        machine.handle(0, &forged, at("10.2.0.5:4000"), Duration::from_secs(9));
        machine.handle(0, &n.to_be_bytes(), at("10.2.0.5:4000"), Duration::from_secs(9));
    }
    assert_eq!(machine.strangers() - before, 2000);
    assert_eq!(machine.poll(Duration::from_secs(9)), Step::Done);
}

#[test]
fn the_holder_of_the_line_at_an_address_of_no_line_is_told_and_not_answered() {
    let (mut a, mut b) = (Side::new(1, None), Side::new(2, None));
    let (ours, theirs) = (a.line(b"first", false), b.line(b"second", false));
    let place = Place { networks: vec![(a.inside, 8)], mapped: Vec::new() };
    let mut machine = Punch::new(Settings {
        leads: true,
        keys: Keys::of(&ours, &theirs),
        seed: [1; 32],
        start: Duration::ZERO,
        sockets: [Some(0), None],
        remotes: place.remotes(ours.mapping, &theirs).0,
        search: Vec::new(),
    });
    let check =
        Check::Request { id: [1; 12], priority: 1, nominate: false }.encode(&Keys::of(&theirs, &ours));
    machine.handle(0, &check, at("192.0.2.77:9"), Duration::from_millis(1));
    assert_eq!(machine.elsewhere(), [at("192.0.2.77:9")]);
    while let Step::Transmit(datagram) = machine.poll(Duration::from_millis(1)) {
        assert_ne!(datagram.to.ip(), at("192.0.2.77:9").ip());
    }
    // An answer counts from where it was asked alone, and once.
    machine.handle(0, &check, at("10.2.0.5:4000"), Duration::from_millis(2));
    let heard: u32 = machine.pairs().iter().map(|p| p.heard).sum();
    assert_eq!(heard, 1);
}
