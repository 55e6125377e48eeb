//! Made-up stores, told.

use std::time::Duration;

use super::*;
use crate::watch::record::{Ended, State as Kept, state};

const S: i64 = 1_000_000_000;

fn session(id: i64, from_s: i64, to_s: i64, ended: Option<Ended>) -> Session {
    Session {
        id,
        run: id,
        boot_id: "boot-1".to_owned(),
        version: "0.1.0".to_owned(),
        every: Duration::from_secs(10),
        started_ns: from_s * S,
        boot: Duration::ZERO,
        last_ns: to_s * S,
        by_reference: true,
        samples: ((to_s - from_s) / 10 + 1) as u64,
        ended,
    }
}

/// `session at name value[@cause]`; a `~` before the value: it never settled.
fn states(lines: &[&str]) -> Vec<Kept> {
    let kept = |line: &&str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [session, at_s, name, value] = words.as_slice() else { panic!("{line}") };
        let (settled, value) = value.strip_prefix('~').map_or((true, *value), |value| (false, value));
        let (value, cause) = value.split_once('@').map_or((value, None), |(v, c)| (v, Some(c)));
        Kept {
            name: (*name).to_owned(),
            session: session.parse().unwrap(),
            at_ns: at_s.parse::<i64>().unwrap() * S,
            value: value.to_owned(),
            cause: cause.map(str::to_owned),
            settled,
        }
    };
    lines.iter().map(kept).collect()
}

fn told(sessions: Vec<Session>, lines: &[&str], since_s: i64, now_s: i64) -> History {
    let rows = Rows { sessions, states: states(lines), ..Rows::default() };
    history(&rows, Moment(since_s * S), Moment(now_s * S))
}

fn seconds(a: &crate::model::history::Availability) -> (f64, f64, f64) {
    (a.uptime_s, a.downtime_s, a.unknown_s)
}

#[test]
fn the_controller_is_down_from_its_first_failure_to_its_first_answer() {
    let told = told(
        vec![session(1, 0, 1000, None)],
        &[
            "1 0 dns.controller pass",
            "1 0 controller.tcp pass",
            "1 0 controller.tls pass",
            "1 0 controller.http pass",
            "1 100 controller.http ~fail@controller-down", // a moment's
            "1 300 controller.tcp fail@controller-port-blocked",
            "1 300 controller.tls skip@controller-port-blocked",
            "1 300 controller.http skip@controller-port-blocked",
            "1 450 controller.tcp pass",
            "1 450 controller.tls pass",
            "1 450 controller.http pass",
        ],
        0,
        1005,
    );
    assert_eq!(seconds(&told.controller), (850.0, 150.0, 0.0));
    let [incident] = told.controller.incidents.as_slice() else { panic!("{:?}", told.controller) };
    assert_eq!((incident.started_at, incident.ended_at), (Moment(300 * S), Some(Moment(450 * S))));
    assert_eq!(incident.cause.as_deref(), Some("controller-port-blocked"));
    assert!(told.gaps.is_empty(), "{:?}", told.gaps);
    assert_eq!(told.until, Moment(1000 * S), "the last observation");
    assert_eq!((told.watch.samples, told.watch.starts), (101, 1));
}

#[test]
fn what_was_not_asked_for_is_unknown_and_what_could_not_be_reached_is_down() {
    for (lines, expected) in [
        (&["1 0 controller.http skip"][..], (0.0, 0.0, 100.0)),
        (&["1 0 controller.http unknown"], (0.0, 0.0, 100.0)),
        (&["1 0 controller.http skip@no-network"], (0.0, 100.0, 0.0)),
        (&["1 0 controller.http skip", "1 0 dns.controller fail@dns-hijacked"], (0.0, 100.0, 0.0)),
        // Reached although a resolver lies: reached.
        (&["1 0 controller.http pass", "1 0 dns.controller fail@dns-hijacked"], (100.0, 0.0, 0.0)),
        (&["1 0 controller.http warn@controller-clock-skew"], (100.0, 0.0, 0.0)),
        (&[], (0.0, 0.0, 100.0)),
    ] {
        let told = told(vec![session(1, 0, 100, None)], lines, 0, 100);
        assert_eq!(seconds(&told.controller), expected, "{lines:?}");
    }
}

#[test]
fn gaps_are_neither_up_nor_down_and_tell_why() {
    let mut rebooted = session(5, 700, 800, Some(Ended::Stopped));
    rebooted.boot_id = "boot-2".to_owned();
    let sessions = vec![
        session(1, 0, 100, Some(Ended::Stopped)),
        session(2, 200, 300, None), // killed
        session(3, 400, 500, Some(Ended::Paused)),
        session(4, 600, 650, Some(Ended::Stopped)),
        rebooted,
    ];
    let lines: Vec<String> = (1..=5).map(|n| format!("{n} {} controller.http pass", n * 200 - 200)).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines[4] = "5 700 controller.http pass";
    let told = told(sessions, &lines, -500, 1000);
    let gaps: Vec<(i64, i64, &str)> =
        told.gaps.iter().map(|gap| (gap.started_at.0 / S, gap.ended_at.0 / S, gap.reason.as_str())).collect();
    assert_eq!(
        gaps,
        [
            (100, 200, "stopped"),
            (300, 400, "killed"),
            (500, 600, "paused"),
            (650, 700, "reboot"),
            (800, 1000, "stopped")
        ]
    );
    assert_eq!(seconds(&told.controller), (450.0, 0.0, 0.0));
    assert_eq!((told.watch.covered_s, told.watch.gap_s), (450.0, 550.0));
    // Before the first session nobody could have looked: that is no gap.
    assert_eq!((told.since, told.until), (Moment(0), Moment(1000 * S)));
}

#[test]
fn only_the_time_asked_for_is_told() {
    let sessions = vec![session(1, 0, 100, Some(Ended::Stopped)), session(2, 400, 500, None)];
    let lines = ["1 0 controller.http fail@controller-down", "2 400 controller.http pass"];
    let told = told(sessions, &lines, 200, 505);
    assert_eq!(told.gaps.len(), 1);
    assert_eq!((told.gaps[0].started_at, told.gaps[0].ended_at), (Moment(200 * S), Moment(400 * S)));
    assert_eq!(seconds(&told.controller), (100.0, 0.0, 0.0));
    assert_eq!(told.watch.samples, 11);
}

#[test]
fn sessions_whose_clocks_overlap_tell_no_time_twice() {
    let sessions = vec![session(1, 0, 300, Some(Ended::Clock)), session(2, 200, 500, None)];
    let lines = ["1 0 controller.http pass", "2 200 controller.http fail@controller-down"];
    let told = told(sessions, &lines, 0, 500);
    assert_eq!(seconds(&told.controller), (300.0, 200.0, 0.0));
    assert!((told.watch.covered_s - 500.0).abs() < 1e-9 && told.gaps.is_empty());
}

#[test]
fn a_clock_that_is_set_back_makes_no_time() {
    let told = told(vec![session(1, 0, 100, None)], &["1 0 controller.http pass"], 0, 40);
    assert_eq!(seconds(&told.controller), (100.0, 0.0, 0.0));
    assert_eq!((told.until, told.gaps.len()), (Moment(100 * S), 0));
}

#[test]
fn nothing_kept_is_told_as_nothing() {
    let told = told(vec![], &[], 0, 100);
    assert_eq!(seconds(&told.controller), (0.0, 0.0, 0.0));
    assert_eq!((told.controller.availability, told.time_offset.last_s), (None, None));
    assert!(told.gaps.is_empty() && told.addresses.is_empty());
}

#[test]
fn addresses_and_the_nat_change_when_another_takes_their_place() {
    let told = told(
        vec![session(1, 0, 1000, None)],
        &[
            "1 0 ipv4 198.51.100.1",
            "1 0 ipv6 2001:db8::1",
            "1 0 stun.mapping pass",
            "1 100 ipv4 ", // nobody told it for a while
            "1 200 ipv4 198.51.100.1",
            "1 300 ipv4 198.51.100.2,198.51.100.3",
            "1 300 stun.mapping skip",
            "1 400 ipv4 ~203.0.113.9",
            "1 400 stun.mapping warn@nat-endpoint-dependent",
            "1 500 ipv4 198.51.100.3",
        ],
        0,
        1000,
    );
    let spans: Vec<String> = told
        .addresses
        .iter()
        .map(|s| format!("{} {} {:?}", s.address, s.started_at.0 / S, s.ended_at.map(|e| e.0 / S)))
        .collect();
    assert_eq!(
        spans,
        [
            "198.51.100.1 0 Some(300)",
            "198.51.100.2 300 Some(500)",
            "198.51.100.3 300 None",
            "2001:db8::1 0 None"
        ]
    );
    let nat: Vec<(&str, i64)> = told.nat.iter().map(|n| (n.mapping.as_str(), n.started_at.0 / S)).collect();
    assert_eq!(nat, [("endpoint-independent", 0), ("endpoint-dependent", 400)]);
}

#[test]
fn a_connector_that_is_another_process_was_started_anew() {
    let told = told(
        vec![session(1, 0, 100, Some(Ended::Stopped)), session(2, 200, 300, None)],
        &[
            "1 0 connector 1700000000",
            "1 50 connector 1700000001", // the host's clock moved a little
            "2 200 connector ",
            "2 200 connector.process fail@connector-stopped",
            "2 210 connector 1700000200",
        ],
        0,
        300,
    );
    assert_eq!(told.process.restarts, [Moment(210 * S)]);
    assert_eq!(state::CONNECTOR, "connector");
    assert_eq!(seconds(&told.process.availability), (190.0, 10.0, 0.0));
}

fn offsets(n: i64, offset_s: impl Fn(i64) -> f64) -> Vec<Offset> {
    let one = |i: i64| {
        let offset_s = offset_s(i);
        let reading = Reading { at: Moment(i * 60 * S), offset_s, error_s: 0.01 };
        Offset { reading, min_s: offset_s, max_s: offset_s }
    };
    (0..n).map(one).collect()
}

#[test]
fn a_clock_that_runs_away_is_told_when_it_will_reach_the_limit() {
    let rows = Rows {
        sessions: vec![session(1, 0, 86_400, None)],
        // 20 ppm behind: 1.728 s a day.
        offsets: offsets(1441, |i| -20e-6 * 60.0 * i as f64),
        ..Rows::default()
    };
    let told = history(&rows, Moment(0), Moment(86_400 * S)).time_offset;
    assert!((told.drift_ppm.unwrap() + 20.0).abs() < 0.01, "{told:?}");
    let days = told.limit_in_s.unwrap() / 86_400.0;
    assert!((days - (5.0 - 1.728) / 1.728).abs() < 0.01, "{days}");
    assert!(told.points.len() <= 301 && told.points.len() >= 290, "{}", told.points.len());
    assert_eq!((told.min_s, told.max_s), (told.last_s, Some(0.0)));
    let kept = Rows { offsets: offsets(1441, |i| 0.001 * (i % 3) as f64), ..rows };
    let told = history(&kept, Moment(0), Moment(86_400 * S)).time_offset;
    assert!(told.drift_ppm.unwrap().abs() < 0.1 && told.limit_in_s.is_none(), "{told:?}");
}

#[test]
fn a_reference_that_was_taken_back_hides_nothing() {
    let hour = 3600;
    // An hour ahead for a minute; then back, for longer than that; then an hour behind for a minute.
    let sessions = vec![
        session(1, 0, 1000, Some(Ended::Clock)),
        session(2, 1000 + hour, 1060 + hour, Some(Ended::Clock)),
        session(3, 1060, 2000, Some(Ended::Clock)),
        session(4, 2000 - hour, 2060 - hour, Some(Ended::Clock)),
        session(5, 2060, 3000, None),
    ];
    let sessions = gaps::believed(sessions);
    let told = told(
        sessions,
        &[
            "1 0 controller.http pass",
            "2 4600 controller.http fail@a",
            "3 1060 controller.http pass",
            "5 2060 controller.http pass",
        ],
        0,
        3000,
    );
    assert_eq!(seconds(&told.controller), (1000.0 + 940.0 + 940.0, 0.0, 0.0));
    let gaps: Vec<_> = told.gaps.iter().map(|gap| gap.ended_at.seconds_since(gap.started_at)).collect();
    assert_eq!(gaps, [60.0, 60.0]);
    // A host's own clock that is behind does not cut off what a reference dated.
    let own = Session { by_reference: false, ..session(2, 500, 5000, None) };
    let sessions = gaps::believed(vec![session(1, 0, 1000, Some(Ended::Stopped)), own]);
    assert_eq!(sessions[0].last_ns, 1000 * S);
}

#[test]
fn of_a_session_that_began_earlier_its_share_of_observations_is_told() {
    let sessions = || vec![session(1, 0, 1000, Some(Ended::Stopped)), session(2, 2000, 2100, None)];
    assert_eq!(told(sessions(), &[], 0, 2100).watch.samples, 101 + 11);
    assert_eq!(told(sessions(), &[], 900, 2100).watch.samples, 10 + 11);
    assert_eq!(told(sessions(), &[], 2000, 2100).watch.samples, 11);
    assert_eq!(told(vec![session(1, 0, 0, None)], &[], 0, 10).watch.samples, 1);
}
