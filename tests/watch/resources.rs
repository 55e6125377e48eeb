//! A Resource's incidents are its own, and never the Controller's downtime.

use connector_doctor::lab::scenario::find;
use tokio::runtime::Builder;

use crate::cheap::observed;
use crate::clocks::told_by;
use crate::support::folder;

#[test]
fn a_dead_resource_has_its_incident_and_the_controller_none() {
    let path = folder("resource-incident").join("w.db");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(observed(find("resource-refused").expect("a scenario"), &path));
    runtime.shutdown_background();
    let history = told_by(&path);
    assert!(history.controller.incidents.is_empty(), "{:?}", history.controller);
    assert!(history.controller.uptime_s > 0.0, "{:?}", history.controller);
    let [wiki, database] = &history.resources[..] else { panic!("{:?}", history.resources) };
    assert_eq!((wiki.name.as_str(), database.name.as_str()), ("Wiki", "Database"));
    assert!(wiki.availability.incidents.is_empty() && wiki.availability.uptime_s > 0.0, "{wiki:?}");
    let causes: Vec<_> = database.availability.incidents.iter().map(|one| one.cause.as_deref()).collect();
    assert_eq!(causes, [Some("resource-refused")], "{database:?}");
    assert!(database.availability.downtime_s > 0.0, "{database:?}");
}
