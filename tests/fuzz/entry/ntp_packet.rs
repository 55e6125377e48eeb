//! Arbitrary datagrams against the NTP header, the judgement of a sample, the selection and the Date clock. Panics when
//! a promise is broken.

use connector_doctor::proto::date::{self, DateClock, DateSample, Planner};
use connector_doctor::proto::ntp::packet::{ERA_PIVOT_NS, LEN, Packet, Timestamp};
use connector_doctor::proto::ntp::sample::{self, Exchange, Rejection};
use connector_doctor::proto::ntp::select::{Interval, Selection, select};

/// The datagram as the answer to the very request that it names; what follows the header is times and intervals.
pub(crate) fn run(data: &[u8]) {
    let Some(packet) = Packet::parse(data) else {
        assert!(data.len() < LEN);
        let exchange = Exchange { origin: Timestamp::ZERO, t1_wall_ns: 0, t4_wall_ns: 0, elapsed_ns: 0 };
        assert_eq!(sample::judge(data, &exchange), Err(Rejection::TooShort));
        http_date(data);
        return;
    };
    assert_eq!(packet.encode(), data[..LEN], "what was read is written as it was read");
    for time in [packet.origin, packet.receive, packet.transmit, packet.reference] {
        let again = Timestamp::from_unix_ns(time.unix_ns(ERA_PIVOT_NS));
        assert!(again.since_ns(time).abs() <= 1, "{time:?} {again:?}");
    }
    let numbers: Vec<i64> =
        data[LEN..].chunks_exact(8).map(|n| i64::from_be_bytes(n.try_into().expect("eight bytes"))).collect();
    // A plausible exchange first, then one whose clocks show anything.
    let t1_wall_ns = packet.origin.unix_ns(ERA_PIVOT_NS);
    let plausible = numbers.first().copied().unwrap_or(31_000_000).rem_euclid(2_000_000_000);
    let whole = Exchange {
        origin: packet.origin,
        t1_wall_ns,
        t4_wall_ns: t1_wall_ns + plausible,
        elapsed_ns: plausible,
    };
    judge(data, &packet, &whole);
    if let [t1_wall_ns, t4_wall_ns, elapsed_ns, ..] = numbers[..] {
        judge(data, &packet, &Exchange { origin: packet.origin, t1_wall_ns, t4_wall_ns, elapsed_ns });
        dates(&[DateSample {
            date_s: t1_wall_ns >> 30,
            sent_wall_ns: t1_wall_ns,
            heard_wall_ns: t4_wall_ns,
            elapsed_ns,
        }]);
    }
    intervals(&numbers);
}

fn judge(data: &[u8], packet: &Packet, exchange: &Exchange) {
    let forged = Exchange { origin: Timestamp(exchange.origin.0 ^ 1), ..*exchange };
    assert_eq!(sample::judge(data, &forged), Err(Rejection::WrongOrigin), "origin comes first");
    let shown = sample::measure(packet, exchange);
    assert!(shown.refid.len() <= 15 && shown.refid.bytes().all(|b| b.is_ascii_graphic()));
    match sample::judge(data, exchange) {
        Ok(sample) => {
            assert_eq!(sample, shown);
            assert!((2_500_000..sample::MAX_DISTANCE_NS).contains(&sample.error_bound_ns), "{sample:?}");
            assert!((1..=15).contains(&sample.stratum) && sample.leap < 3 && packet.mode == 4, "{sample:?}");
            assert!(
                sample.delay_ns >= -1_000_000 && sample.error_bound_ns >= sample.delay_ns / 2,
                "{sample:?}"
            );
            assert!(packet.receive != Timestamp::ZERO && packet.transmit != Timestamp::ZERO);
        }
        Err(Rejection::KissOfDeath(code)) => {
            assert!(code.len() == 4 && code.bytes().all(|b| b.is_ascii_alphanumeric()), "{code}");
        }
        Err(rejection) => assert!(!rejection.to_string().contains(char::is_control)),
    }
}

/// Pairs of numbers as sources.
fn intervals(numbers: &[i64]) {
    let sources: Vec<_> = numbers.chunks_exact(2).take(64).map(|n| Interval::around(n[0], n[1])).collect();
    match select(&sources) {
        Selection::NoSource => assert!(sources.is_empty()),
        Selection::Single(interval) => assert_eq!(sources, [interval]),
        Selection::Agreed { interval, falsetickers } => {
            assert!(interval.lo_ns <= interval.hi_ns && falsetickers.len() * 2 < sources.len());
            let agree = |s: &&Interval| s.intersection(interval).is_some();
            assert_eq!(sources.iter().filter(agree).count() + falsetickers.len(), sources.len());
        }
        Selection::Disagreed { hull } => {
            assert!(sources.len() > 1 && sources.iter().all(|s| s.intersection(hull) == Some(*s)));
        }
    }
}

fn dates(samples: &[DateSample]) {
    let mut planner = Planner::new([3_000_000_000, 5_000_000_000]);
    for sample in samples {
        planner.add(sample);
        if let DateClock::Within(interval) = planner.clock() {
            assert!(interval.lo_ns <= interval.hi_ns, "{sample:?}");
        }
        if let Some(at) = planner.next_send_ns(sample.heard_wall_ns) {
            assert!(at.saturating_sub(sample.heard_wall_ns) <= 1_000_000_000, "{at}");
        }
    }
}

fn http_date(data: &[u8]) {
    if let Some(second) = std::str::from_utf8(data).ok().and_then(date::parse) {
        // The years 0000 to 9999.
        assert!((-62_167_219_200..253_402_300_800).contains(&second), "{second}");
    }
}
