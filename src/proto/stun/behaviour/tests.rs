//! Behaviour against the simulated network: every kind of NAT, every kind of server, with and without loss.

use std::net::SocketAddr;

use super::outlook::{Depends, NatType};
use super::simulation::{Kind, Middle, PORTS, World, at, ms, plan};
use super::*;
use crate::proto::stun::message::{Class, Message};
use crate::proto::stun::{Strays, TransactionId};
use crate::proto::{IcmpKind, Machine, Step};

const RTTS: [u64; 4] = [0, 1, 40, 300];
const KINDS: [Kind; 6] = [Kind::Full, Kind::Plain, Kind::Ignores, Kind::Refuses, Kind::Swallows, Kind::Alone];

/// What must be said of a NAT when nothing is lost.
fn truth(nat: NatType, kind: Kind) -> (Mapping, Filtering) {
    let mapping = match (nat.mapping, kind) {
        (_, Kind::Alone) => Mapping::NotMeasurable(Obstacle::AlternateSilent),
        (Depends::EndpointIndependent, _) => Mapping::EndpointIndependent,
        (_, Kind::Plain) => Mapping::DependentUnsplit,
        (Depends::AddressDependent, _) => Mapping::AddressDependent,
        (Depends::AddressAndPortDependent, _) => Mapping::AddressAndPortDependent,
    };
    let filtering = match kind {
        Kind::Full => match nat.filtering {
            Depends::EndpointIndependent => Filtering::EndpointIndependent,
            Depends::AddressDependent => Filtering::AddressDependent,
            Depends::AddressAndPortDependent => Filtering::AddressAndPortDependent,
        },
        Kind::Plain => Filtering::NotMeasurable(Obstacle::NoOtherAddress),
        Kind::Ignores => Filtering::NotMeasurable(Obstacle::ChangeIgnored),
        Kind::Refuses => Filtering::NotMeasurable(Obstacle::ChangeRefused(420)),
        Kind::Alone => Filtering::NotMeasurable(Obstacle::AlternateSilent),
        // Behind a mapping that depends on the destination nothing can prove that the server is able.
        Kind::Swallows if nat.mapping != Depends::EndpointIndependent => Filtering::AddressAndPortDependent,
        Kind::Swallows => Filtering::NotMeasurable(Obstacle::ChangeSwallowed),
    };
    (mapping, filtering)
}

#[derive(Default, Debug, PartialEq)]
struct Tally {
    right: usize,
    undecided: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn count<T: PartialEq + std::fmt::Debug>(&mut self, said: &T, truth: &T, less: &[T], of: &str) {
        if said == truth {
            self.right += 1;
        } else if less.contains(said) {
            self.undecided += 1;
        } else {
            self.wrong.push(format!("{of}: {said:?}, not {truth:?}"));
        }
    }

    fn all(&self) -> usize {
        self.right + self.undecided + self.wrong.len()
    }
}

/// Measures all nine NATs with each seed; `pairs` of the requests stay without an answer.
fn classify(kind: Kind, pairs: f64, seeds: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    for (seed, nat) in seeds.flat_map(|seed| NatType::all().map(move |nat| (seed, nat))) {
        let rtt = ms(RTTS[seed as usize % RTTS.len()]);
        let (seen, took, packets) = World::new(Middle::Nat(nat), kind, pairs, rtt, seed).measure();
        let of = format!("{nat:?} {kind:?} seed {seed}");
        let (mapping, filtering) = truth(nat, kind);
        // Saying less than the truth is no error; endpoint-independent for dependent would be.
        let dependent = matches!(mapping, Mapping::AddressDependent | Mapping::AddressAndPortDependent);
        let less = if dependent {
            &[Mapping::Undecided, Mapping::DependentUnsplit][..]
        } else {
            &[Mapping::Undecided]
        };
        tally.count(&judge::mapping(&seen), &mapping, less, &of);
        tally.count(&judge::filtering(&seen), &filtering, &[Filtering::Undecided], &of);
        let per_server = |ip| seen.asked.iter().filter(|o| o.to.ip() == ip).count();
        match &seen.plan {
            Plan::Alternate { .. } => assert!(packets <= Behaviour::PACKETS, "{of}: {packets} packets"),
            Plan::Several(paths) => {
                assert!(paths.iter().all(|path| per_server(path.to.ip()) <= Behaviour::PACKETS), "{of}");
            }
        }
        assert!(took <= ms(1000) + rtt * 6, "{of}: {took:?}");
    }
    tally
}

#[test]
fn without_loss_every_nat_and_server_is_told_right() {
    for kind in KINDS {
        let tally = classify(kind, 0.0, 0..12);
        assert_eq!(tally, Tally { right: tally.all(), ..Tally::default() }, "{kind:?}");
    }
}

#[test]
fn at_ten_percent_loss_99_in_100_are_told_and_none_wrong() {
    for (kind, seeds) in
        [(Kind::Full, 0..1000), (Kind::Plain, 0..100), (Kind::Ignores, 0..100), (Kind::Refuses, 0..100)]
    {
        let tally = classify(kind, 0.10, seeds);
        println!("{kind:?}: {} right, {} undecided, {:?}", tally.right, tally.undecided, tally.wrong);
        assert_eq!(tally.wrong, Vec::<String>::new());
        assert!(tally.right * 100 >= tally.all() * 99, "{kind:?}: {} of {}", tally.right, tally.all());
    }
}

#[test]
fn at_28_percent_loss_it_rather_says_undecided() {
    let tally = classify(Kind::Full, 0.28, 0..200);
    println!("{} right, {} undecided, {:?}", tally.right, tally.undecided, tally.wrong);
    assert!(tally.right * 100 >= tally.all() * 97, "{} of {}", tally.right, tally.all());
    assert!(tally.wrong.len() * 1000 <= tally.all(), "{:?}", tally.wrong);
}

#[test]
fn a_symmetric_nat_is_never_endpoint_independent() {
    for nat in NatType::all().filter(|nat| nat.mapping != Depends::EndpointIndependent) {
        for (seed, kind) in (0..30).flat_map(|seed| KINDS.map(|kind| (seed, kind))) {
            let (seen, ..) = World::new(Middle::Nat(nat), kind, 0.4, ms(20), seed).measure();
            let said = judge::mapping(&seen);
            let good = [Mapping::EndpointIndependent, Mapping::NoNat];
            assert!(!good.contains(&said), "{nat:?} {kind:?} seed {seed}: {said:?}");
        }
    }
}

#[test]
fn healthy_runs_take_what_the_design_says() {
    use Depends::{AddressAndPortDependent as Port, EndpointIndependent as Free};
    for (rtt, filtering, most) in
        [(0, Port, 120), (40, Port, 180), (300, Port, 680), (40, Free, 60), (300, Free, 400)]
    {
        let nat = NatType { mapping: Free, filtering };
        let (_, took, packets) = World::new(Middle::Nat(nat), Kind::Full, 0.0, ms(rtt), 1).measure();
        println!("round trip {rtt} ms, filtering {filtering:?}: {took:?}, {packets} packets");
        assert!(took <= ms(most), "round trip {rtt} ms, filtering {filtering:?}: {took:?}");
    }
}

#[test]
fn no_nat_is_recognised_by_the_true_local_address() {
    for (filter, filtering) in [
        (Depends::EndpointIndependent, Filtering::EndpointIndependent),
        (Depends::AddressDependent, Filtering::AddressDependent),
        (Depends::AddressAndPortDependent, Filtering::AddressAndPortDependent),
    ] {
        let (seen, ..) = World::new(Middle::Firewall(filter), Kind::Full, 0.0, ms(1), 1).measure();
        assert_eq!((judge::mapping(&seen), judge::filtering(&seen)), (Mapping::NoNat, filtering));
    }
}

#[test]
fn a_kept_port_that_is_taken_once_shows_under_contention() {
    let calm = World::new(Middle::PortPreserving { taken: None }, Kind::Full, 0.0, ms(1), 1).measure().0;
    assert_eq!(judge::mapping(&calm), Mapping::EndpointIndependent);
    assert_eq!(judge::filtering(&calm), Filtering::AddressAndPortDependent);
    for socket in MAP {
        let taken = Some((PORTS[socket], at("198.51.100.1:3478")));
        let seen = World::new(Middle::PortPreserving { taken }, Kind::Full, 0.0, ms(1), 1).measure().0;
        let said = judge::mapping(&seen);
        // On the first socket the difference shows at once, and is put down to the NAT unless another is the same.
        let never = [Mapping::EndpointIndependent, Mapping::NoNat];
        assert!(!never.contains(&said), "socket {socket}: {said:?}");
        if socket != MAP[0] {
            assert_eq!(said, Mapping::EndpointIndependentButNotUnderContention);
        }
    }
}

#[test]
fn a_second_port_of_one_server_splits_the_dependent_mappings() {
    let mut paths = plan(Kind::Plain).destinations();
    paths.push(Path { to: at("198.51.100.1:443"), ..paths[0] });
    for (mapping, truth) in [
        (Depends::EndpointIndependent, Mapping::EndpointIndependent),
        (Depends::AddressDependent, Mapping::AddressDependent),
        (Depends::AddressAndPortDependent, Mapping::AddressAndPortDependent),
    ] {
        let nat = NatType { mapping, filtering: Depends::AddressAndPortDependent };
        let mut world = World::new(Middle::Nat(nat), Kind::Plain, 0.0, ms(1), 1);
        let ids = (1..=100).map(|n| [n; 12]).collect();
        let mut machine = Behaviour::new(Plan::Several(paths.clone()), PORTS, ids, ms(1), ms(500));
        assert_eq!(judge::mapping(&world.run(&mut machine).0), truth);
    }
}

/// Observations as if a NAT had said so: destination, local address, mapped address.
fn recorded(rows: &[(&str, &str, &str)]) -> Observations {
    let paths = rows.iter().map(|(to, local, _)| Path { to: at(to), from: at(local).ip() }).collect();
    let mut seen = Observations::new(Plan::Several(paths), ms(61));
    seen.asked = rows
        .iter()
        .map(|(to, local, mapped)| Observation {
            socket: MAP[0],
            local: at(local),
            to: at(to),
            ask: Ask::Plain,
            sent: ms(0),
            reply: Some(Reply::Mapped { from: at(to), mapped: at(mapped), at: ms(1) }),
        })
        .collect();
    seen
}

#[test]
fn the_hosts_own_routing_is_no_nat_behaviour() {
    let two_uplinks = recorded(&[
        ("198.51.100.1:3478", "10.0.0.5:4000", "203.0.113.1:4000"),
        ("192.0.2.1:3478", "10.9.0.5:4000", "203.0.113.99:5000"),
    ]);
    assert_eq!(judge::mapping(&two_uplinks), Mapping::NotMeasurable(Obstacle::HostRouting));
    let one_uplink = recorded(&[
        ("198.51.100.1:3478", "10.0.0.5:4000", "203.0.113.1:4000"),
        ("192.0.2.1:3478", "10.0.0.5:4000", "203.0.113.99:4000"),
    ]);
    assert_eq!(judge::mapping(&one_uplink), Mapping::DependentUnsplit);
}

#[test]
fn one_address_is_not_enough() {
    let alike = recorded(&[
        ("198.51.100.1:3478", "10.0.0.5:4000", "203.0.113.1:4000"),
        ("198.51.100.1:443", "10.0.0.5:4000", "203.0.113.1:4000"),
    ]);
    assert_eq!(judge::mapping(&alike), Mapping::NotMeasurable(Obstacle::OneAddress));
    let contradicting = recorded(&[
        ("198.51.100.1:3478", "10.0.0.5:4000", "203.0.113.1:4000"),
        ("198.51.100.1:3478", "10.0.0.5:4000", "203.0.113.1:4001"),
        ("192.0.2.1:3478", "10.0.0.5:4000", "203.0.113.1:4000"),
    ]);
    assert_eq!(judge::mapping(&contradicting), Mapping::Undecided);
}

#[test]
fn an_interrupted_run_is_undecided() {
    let nat = NatType { mapping: Depends::EndpointIndependent, filtering: Depends::AddressAndPortDependent };
    let (whole, ..) = World::new(Middle::Nat(nat), Kind::Full, 0.0, ms(40), 1).measure();
    let cut = Observations { ended: ms(600), ..whole };
    assert_eq!(judge::mapping(&cut), Mapping::EndpointIndependent);
    assert_eq!(judge::filtering(&cut), Filtering::Undecided);
}

#[test]
fn other_address_is_believed_only_where_it_can_be_true() {
    let row = |primary: &str, other: &str| usable_other(at(primary), at(other));
    assert!(row("198.51.100.1:3478", "198.51.100.2:3479"));
    assert!(row("127.0.0.1:3478", "127.0.0.2:3479"), "the lab");
    assert!(row("192.168.1.1:3478", "10.0.0.2:3479"));
    assert!(row("[2001:db8::1]:3478", "[2001:db8::2]:3479"));
    for other in [
        "198.51.100.1:3479",
        "198.51.100.2:3478",
        "198.51.100.2:0",
        "10.0.0.2:3479",
        "100.64.0.2:3479",
        "169.254.0.2:3479",
        "127.0.0.1:3479",
        "0.0.0.0:3479",
        "239.0.0.1:3479",
        "255.255.255.255:3479",
        "[2001:db8::2]:3479",
    ] {
        assert!(!row("198.51.100.1:3478", other), "{other}");
    }
    assert!(!row("[2001:db8::1]:3478", "[fd00::2]:3479"));
    assert!(!row("10.0.0.1:3478", "127.0.0.1:3479"), "nobody sends us to our own loopback");
}

/// A run whose first datagrams were sent, and their ids by what they asked.
fn started() -> (Behaviour, Vec<(usize, Ask, SocketAddr, TransactionId)>) {
    let ids = (1..=39).map(|n| [n; 12]).collect();
    let mut machine = Behaviour::new(plan(Kind::Full), PORTS, ids, ms(1), ms(0));
    let mut sent = Vec::new();
    while let Step::Transmit(datagram) = machine.poll(ms(0)) {
        let message = Message::decode(&datagram.bytes).unwrap();
        let ask = match message.change {
            None => Ask::Plain,
            Some(change) if change.ip => Ask::ChangeBoth,
            Some(_) => Ask::ChangePort,
        };
        sent.push((datagram.socket, ask, datagram.to, message.id));
    }
    (machine, sent)
}

#[test]
fn forged_answers_are_counted_and_not_believed() {
    let (mut machine, sent) = started();
    let (.., primary, id) = *sent.iter().find(|(_, ask, ..)| *ask == Ask::Plain).unwrap();
    let forged = |id| Message::success(id, at("203.0.113.66:6")).encode();
    machine.handle(&forged([99; 12]), primary, ms(1));
    machine.handle(&forged(id), at("198.51.100.66:3478"), ms(1));
    machine.handle(&forged(id), at("198.51.100.2:3479"), ms(1));
    machine.handle(b"nonsense", primary, ms(1));
    machine.handle(
        &Message { class: Class::Request, ..Message::success(id, primary) }.encode(),
        primary,
        ms(1),
    );
    // An id of a request that has not been sent yet.
    machine.handle(&forged([39; 12]), primary, ms(1));
    let (.., change) = *sent.iter().find(|(_, ask, ..)| *ask == Ask::ChangeBoth).unwrap();
    machine.handle(&forged(change), at("198.51.100.66:3479"), ms(1));
    let seen = machine.observations(ms(1));
    assert!(seen.asked.iter().all(|o| o.reply.is_none()));
    let counted = Strays { id: 2, source: 3, malformed: 1, class: 1, ..Strays::default() };
    assert_eq!(seen.strays, counted);

    machine.handle(&Message::success(id, at("203.0.113.9:9")).encode(), primary, ms(2));
    machine.handle(&Message::success(id, at("203.0.113.9:9")).encode(), primary, ms(2));
    machine.handle(&forged(id), primary, ms(3));
    let seen = machine.observations(ms(3));
    assert_eq!((seen.strays.duplicate, seen.strays.conflict), (1, 1));
    assert_eq!(seen.asked.iter().filter(|o| o.mapped().is_some()).count(), 1);
}

#[test]
fn the_filter_socket_speaks_to_one_address_only() {
    let (machine, sent) = started();
    let of = |socket| sent.iter().filter(move |(s, ..)| *s == socket);
    assert!(of(FILTER).count() >= 3 && of(FILTER).all(|(.., to, _)| *to == at("198.51.100.1:3478")));
    assert_eq!(of(MAP[0]).count(), 3);
    assert_eq!(machine.sockets(), [0, 1, 2, 3]);
    let several = Behaviour::new(plan(Kind::Plain), PORTS, vec![[1; 12]; 99], ms(1), ms(0));
    assert_eq!(several.sockets(), MAP);
}

#[test]
fn a_refused_alternate_is_not_asked_for_ever() {
    let (mut machine, _) = started();
    for alternate in ["198.51.100.2:3478", "198.51.100.2:3479"] {
        (0..5).for_each(|_| machine.handle_error(at(alternate), IcmpKind::PortUnreachable, ms(1)));
    }
    let mut world = World::new(Middle::PortPreserving { taken: None }, Kind::Alone, 0.0, ms(1), 1);
    let (seen, ..) = world.run(&mut machine);
    assert_eq!(judge::mapping(&seen), Mapping::NotMeasurable(Obstacle::AlternateSilent));
    let asked = seen.asked.iter().filter(|o| o.to.ip() == at("198.51.100.2:0").ip()).count();
    assert_eq!(asked, 4, "those of the first round");
}
