//! A cheap observation agrees with the full one before it, whatever is broken: what it does not ask is no news.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use connector_doctor::env::Env;
use connector_doctor::lab::{self, scenario::SCENARIOS, scenario::Scenario};
use connector_doctor::watch::latest::Latest;
use connector_doctor::watch::schedule::Pace;
use connector_doctor::watch::{Watch, run};
use tokio::runtime::Builder;

use crate::clocks::watch_of;
use crate::support::{Store, folder};

/// As many observations, of which the first two or three are full.
const SAMPLES: u64 = 6;

#[test]
fn cheap_observations_agree_with_full_ones_whatever_is_broken() {
    let folder = folder("cheap");
    let mut wrong = Vec::new();
    // A few at a time: two cores serve them all.
    for some in SCENARIOS.chunks(3) {
        let path = |one: &Scenario| folder.join(format!("{}.db", one.name));
        thread::scope(|scope| {
            for one in some {
                let path = path(one);
                scope.spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
                    runtime.block_on(observed(one, &path));
                    runtime.shutdown_background();
                });
            }
        });
        for one in some {
            wrong.extend(news(&path(one)).into_iter().map(|news| format!("{}: {news}", one.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Watches a scenario for some observations.
pub async fn observed(scenario: &Scenario, path: &Path) {
    let env = Env::system();
    let lab = lab::start(scenario, &env).expect("the lab");
    let every = Duration::from_millis(300);
    let watch = Watch { pace: Pace { every, hurried: every }, ..watch_of(&lab, &env, path) };
    let (feed, mut latest) = tokio::sync::watch::channel(Arc::new(Latest::default()));
    let enough = async {
        let _ = latest.wait_for(|latest| latest.counted.samples >= SAMPLES).await;
    };
    run(&env, watch, &feed, &mut |_| (), enough).await;
}

/// What was first seen in a cheap observation.
fn news(path: &Path) -> Vec<String> {
    let store = Store::open(path);
    assert!(store.one("SELECT count(*) FROM sample WHERE NOT full") >= 2, "{}", path.display());
    store.texts(
        "SELECT name.name || ' ' || value || ' at ' || t_ms || ' ms' FROM state
         JOIN sample USING (session, t_ms) JOIN name ON name.id = state.name WHERE NOT sample.full",
    )
}
