//! Steps of the host's clock, through an injected one, and a process that stands still: told, and no downtime.
#![expect(clippy::disallowed_methods, reason = "the injected clock reads the true one")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use connector_doctor::checks;
use connector_doctor::config::{Known, Meant, Said, Source};
use connector_doctor::env::{Clock, Env};
use connector_doctor::lab;
use connector_doctor::lab::scenario::HEALTHY;
use connector_doctor::model::history::History;
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
fn told_by(path: &Path) -> History {
    let reader = Reader::open(path).expect("the store opens");
    let loaded = load(&reader, Duration::from_hours(1), Env::system().wall_ns()).expect("it is read");
    history(&loaded.rows, loaded.since, loaded.now)
}

#[test]
fn a_clock_that_steps_an_hour_either_way_makes_no_downtime_and_no_gap() {
    let path = folder("steps").join("w.db");
    let shift_ns = Arc::<AtomicI64>::default();
    let said = Arc::<Mutex<Vec<Told>>>::default();
    let hour = 3_600_000_000_000;
    let steps = [(4, hour), (8, 0), (12, -hour), (16, 0)];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let lab = lab::start(&HEALTHY, &Env::system()).expect("the lab");
        let clock = Shifting { start: Instant::now(), shift_ns: Arc::clone(&shift_ns) };
        let env = Env::system().with_clock(Arc::new(clock));
        let watch = watch_of(&lab, &env, &path);
        let stepping = async {
            let begun = env.elapsed();
            for (at_s, shift) in steps {
                tokio::time::sleep((begun + Duration::from_secs(at_s)).saturating_sub(env.elapsed())).await;
                shift_ns.store(shift, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_secs(4)).await;
        };
        let (feed, _) = tokio::sync::watch::channel(Arc::new(Latest::default()));
        let mut tell = |told: &Told| said.lock().expect("one thread").push(told.clone());
        run(&env, watch, &feed, &mut tell, stepping).await;
    });
    runtime.shutdown_background();

    let said = said.lock().expect("one thread");
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

fn watch_of(lab: &lab::Lab, env: &Env, path: &Path) -> Watch {
    let named = |addresses: &[SocketAddr]| Some(addresses.iter().map(SocketAddr::to_string).collect());
    let said = Said {
        controller: Some(lab.controller_url()),
        relay: named(&lab.relays),
        service: Some(vec![lab.service_name()]),
        stun: named(&lab.stun),
        ntp: named(&lab.ntp),
        dns: named(&[lab.dns]),
        every: Some("1s".into()),
        ..Said::default()
    };
    let ids: Vec<&str> = checks::all().map(|check| check.id).collect();
    let known = Known { checks: &ids, formats: &["human"] };
    let mut meant = Meant::of(&[Source::command_line(said)], known).expect("options");
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
