//! Steps of the host's clock, through an injected one, and a process that stands still: told, and no downtime.
#![expect(clippy::disallowed_methods, reason = "the injected clock reads the true one")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use connector_doctor::checks;
use connector_doctor::config::{Known, Meant, Said, SaidResource, Source};
use connector_doctor::env::{Clock, Env};
use connector_doctor::lab;
use connector_doctor::lab::scenario::HEALTHY;
use connector_doctor::model::history::{History, Moment};
use connector_doctor::watch::history::{history, load};
use connector_doctor::watch::latest::Latest;
use connector_doctor::watch::place::place;
use connector_doctor::watch::schedule::Pace;
use connector_doctor::watch::store::Reader;
use connector_doctor::watch::told::Told;
use connector_doctor::watch::{Watch, run};
use nix::sys::signal::Signal;

use crate::support::{Lab, Store, Watching, folder};

/// The true clocks, the wall clock shifted by a figure that may change.
struct Shifting {
    start: Instant,
    shift_ns: Arc<AtomicI64>,
}

impl Shifting {
    fn by(shift_ns: &Arc<AtomicI64>) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), shift_ns: Arc::clone(shift_ns) })
    }
}

impl Clock for Shifting {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall_ns(&self) -> i64 {
        Env::system().wall_ns() + self.shift_ns.load(Ordering::SeqCst)
    }

    fn wall_of_realtime_ns(&self, realtime_ns: i64) -> Option<i64> {
        Some(realtime_ns + self.shift_ns.load(Ordering::SeqCst))
    }
}

/// What the store tells of the last hour.
pub fn told_by(path: &Path) -> History {
    let reader = Reader::open(path).expect("the store opens");
    let loaded = load(&reader, Duration::from_hours(1), Env::system().wall_ns()).expect("it is read");
    history(&loaded.rows, loaded.since, loaded.now)
}

/// A healthy lab by one clock, a watch by another; `shift_ns` becomes what `steps` say, seconds after the beginning.
/// The store, and what was said.
fn watched(
    name: &str,
    host: &Env,
    servers: &Env,
    shift_ns: &AtomicI64,
    steps: &[(f64, i64)],
) -> (PathBuf, Vec<Told>) {
    let path = folder(name).join("w.db");
    let mut said = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let lab = lab::start(&HEALTHY, servers).expect("the lab");
        let watch = watch_of(&lab, host, &path);
        let stepping = async {
            let begun = host.elapsed();
            for (at_s, shift) in steps {
                let at = begun + Duration::from_secs_f64(*at_s);
                tokio::time::sleep(at.saturating_sub(host.elapsed())).await;
                shift_ns.store(*shift, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_secs(4)).await;
        };
        let (feed, _) = tokio::sync::watch::channel(Arc::new(Latest::default()));
        run(host, watch, &feed, &mut |told: &Told| said.push(told.clone()), stepping).await;
    });
    runtime.shutdown_background();
    (path, said)
}

#[test]
fn a_clock_that_steps_an_hour_either_way_makes_no_downtime_and_no_gap() {
    let hour = 3_600_000_000_000;
    let shift_ns = Arc::<AtomicI64>::default();
    let host = Env::system().with_clock(Shifting::by(&shift_ns));
    let steps = [(4.0, hour), (8.0, 0), (12.0, -hour), (16.0, 0)];
    let (path, said) = watched("steps", &host, &Env::system(), &shift_ns, &steps);
    let told: Vec<f64> = said
        .iter()
        .filter(|told| told.event == "clock-step")
        .filter_map(|told| told.fields["seconds"].as_f64())
        .collect();
    assert_eq!(
        told.iter().map(|s| s.round() as i64).collect::<Vec<_>>(),
        [3600, -3600, -3600, 3600],
        "{said:#?}"
    );
    let history = told_by(&path);
    assert!(history.controller.incidents.is_empty(), "{:?}", history.controller.incidents);
    assert!(history.controller.uptime_s > 15.0, "{:?}", history.controller);
    // But for the time since it was asked to end.
    assert!(history.gaps.iter().all(|gap| gap.reason == "stopped"), "{:?}", history.gaps);
    assert_eq!(history.watch.clock_steps.len(), 4);
    // That the clock was wrong meanwhile is true, and told.
    assert!(said.iter().any(|t| t.event == "cause" && t.text.contains("clock-skew")), "{said:#?}");
    Store::open(&path).is_sound();
}

/// As after a pause of a virtual machine, which neither of its own clocks sees: the reference alone moves.
#[test]
fn a_reference_that_moves_an_hour_either_way_is_told_and_makes_no_downtime() {
    let hour = 3_600_000_000_000;
    let shift_ns = Arc::<AtomicI64>::default();
    let servers = Env::system().with_clock(Shifting::by(&shift_ns));
    let steps = [(4.0, hour), (8.0, 0), (18.0, -hour), (22.0, 0), (30.0, 0)];
    let (path, said) = watched("moves", &Env::system(), &servers, &shift_ns, &steps);

    let moves: Vec<f64> = said
        .iter()
        .filter(|told| told.event == "clock-moved")
        .filter_map(|told| told.fields["seconds"].as_f64())
        .collect();
    let hours: Vec<f64> = moves.iter().map(|s| (s / 3600.0 * 100.0).round() / 100.0).collect();
    assert_eq!(hours, [1.0, -1.0, -1.0, 1.0], "{said:#?}");
    assert!(said.iter().all(|told| told.event != "paused"), "{said:#?}");
    // That the clock is wrong by what the servers say is true, and told.
    assert!(said.iter().any(|t| t.event == "cause" && t.text.contains("clock-skew")), "{said:#?}");
    let history = told_by(&path);
    assert!(history.controller.incidents.is_empty(), "{:?}", history.controller.incidents);
    assert_eq!((history.controller.downtime_s, history.stun.downtime_s), (0.0, 0.0));
    // Nothing is told twice, nothing from beyond now, and what the first and the last reference dated is there.
    assert!((18.0..34.0).contains(&history.controller.uptime_s), "{:#?}", history.controller);
    assert!(history.until <= Moment(Env::system().wall_ns()), "{}", history.until);
    let store = Store::open(&path);
    store.is_sound();
    assert_eq!(store.one("SELECT count(*) FROM session WHERE ended = 'clock'"), 4);
}

#[test]
fn one_wild_answer_of_the_reference_moves_nothing() {
    let shift_ns = Arc::<AtomicI64>::default();
    let servers = Env::system().with_clock(Shifting::by(&shift_ns));
    let hour = 3_600_000_000_000;
    // Shorter than the pace, each of them: one observation sees it at most.
    let steps = [(4.0, hour), (4.8, 0), (8.0, -hour), (8.8, 0), (12.0, hour), (12.8, 0)];
    let (path, said) = watched("wild", &Env::system(), &servers, &shift_ns, &steps);
    assert!(said.iter().all(|told| told.event != "clock-moved"), "{said:#?}");
    assert_eq!(Store::open(&path).one("SELECT count(*) FROM session"), 1);
}

/// A watch of a lab, each second.
pub fn watch_of(lab: &lab::Lab, env: &Env, path: &Path) -> Watch {
    let named = |addresses: &[SocketAddr]| Some(addresses.iter().map(SocketAddr::to_string).collect());
    let said = Said {
        controller: Some(lab.controller_url()),
        relay: named(&lab.relays),
        service: Some(vec![lab.service_name()]),
        stun: named(&lab.stun),
        ntp: named(&lab.ntp),
        dns: named(&[lab.dns]),
        resource: Some(lab.resources.iter().cloned().map(SaidResource::from).collect())
            .filter(|all: &Vec<_>| !all.is_empty()),
        every: Some("1s".into()),
        ..Said::default()
    };
    let ids: Vec<&str> = checks::all().map(|check| check.id.as_str()).collect();
    let known = Known { checks: &ids, formats: &["human"] };
    let mut meant = Meant::of(&[Source::command_line(said)], known).expect("options");
    meant.inner_dns = lab.inner_dns;
    meant.ca_pem = Some(lab.ca_pem.clone());
    let pace = Pace::of(&meant).expect("named servers");
    Watch { meant, pace, place: place(env, Some(path)) }
}

#[test]
fn a_process_that_was_stopped_for_30_s_leaves_a_gap_and_no_downtime() {
    let lab = Lab::up("healthy");
    let path = folder("stopped").join("w.db");
    let mut watching = Watching::start(&lab, &path, &[]);
    watching.until("three samples", |w| w.kept().len() >= 3);
    watching.signal(Signal::SIGSTOP);
    thread::sleep(Duration::from_secs(30));
    watching.signal(Signal::SIGCONT);
    let samples = watching.kept().len();
    watching.until("three more", |w| w.kept().len() >= samples + 3);
    watching.terminate();
    let paused: Vec<f64> = watching
        .events()
        .iter()
        .filter(|e| e["event"] == "paused")
        .filter_map(|e| e["seconds"].as_f64())
        .collect();
    assert!(paused.len() == 1 && (28.0..33.0).contains(&paused[0]), "{paused:?}");
    let history = told_by(&path);
    assert!(history.controller.incidents.is_empty(), "{:?}", history.controller.incidents);
    let paused: Vec<_> = history.gaps.iter().filter(|gap| gap.reason == "paused").collect();
    let lasted = |gap: &connector_doctor::model::history::Gap| gap.ended_at.seconds_since(gap.started_at);
    assert!(paused.len() == 1 && (29.0..35.0).contains(&lasted(paused[0])), "{:?}", history.gaps);
    assert!(history.controller.uptime_s < 20.0, "{:?}", history.controller);
    Store::open(&path).is_sound();
}
