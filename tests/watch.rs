//! `watch` as people run it, against the lab on loopback: what it says, what it keeps, and what it survives.
#![expect(clippy::disallowed_methods, reason = "the test's own clock")]
#![allow(unreachable_pub, reason = "a test crate has no outside")]

#[path = "watch/cheap.rs"]
mod cheap;
#[path = "watch/clocks.rs"]
mod clocks;
#[path = "watch/kills.rs"]
mod kills;
#[path = "watch/resources.rs"]
mod resources;
#[path = "watch/support.rs"]
mod support;
#[path = "watch/troubles.rs"]
mod troubles;

use std::time::Duration;

use support::{Lab, Watching, folder, once};

#[test]
fn public_servers_are_not_asked_too_often() {
    let (code, said) = once(&["watch", "--every", "5s"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("public servers are asked every 15s at most"), "{said}");
    let (code, said) = once(&["watch", "--every", "500ms", "--stun", "127.0.0.1", "--ntp", "127.0.0.1"]);
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn options_of_one_report_and_of_watch_are_told_apart() {
    for (words, expected) in [
        (&["watch", "--wait", "5s"][..], "--wait: not with watch"),
        (&["watch", "-f", "junit"], "--format: not with watch"),
        (&["check", "--every", "5s"], "--every: not with check"),
        (&["--store", "x"], "--store: not with check"),
        (&["lab", "--listen", "127.0.0.1:1"], "--listen: not with lab"),
        (&["watch", "--listen", "19808"], "127.0.0.1:19808"),
    ] {
        let (code, said) = once(words);
        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{words:?}: {said}");
    }
}

#[test]
fn a_healthy_watch_is_quiet_and_sigterm_ends_it_at_once() {
    let lab = Lab::up("healthy");
    let store = folder("quiet").join("w.db");
    let mut watching = Watching::start(&lab, &store, &[]);
    watching.until("five samples", |w| w.kept().len() >= 5);
    let (code, took) = watching.terminate();
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(1), "{took:?}");
    let loud: Vec<_> =
        watching.events().into_iter().filter(|e| e["event"] == "check" || e["event"] == "paused").collect();
    assert!(loud.is_empty(), "{loud:?}");
    let kept = support::Store::open(&store);
    assert_eq!(kept.one("SELECT count(*) FROM session WHERE ended = 'stopped'"), 1);
    assert_eq!(kept.one("SELECT samples FROM session"), watching.kept().len() as i64);
}

#[test]
fn sigterm_ends_a_run_that_waits_for_silent_servers() {
    let lab = Lab::up("udp-blocked");
    let mut watching = Watching::start(&lab, &folder("silent").join("w.db"), &[]);
    watching.until("it has begun", |w| !w.events().is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert!(watching.kept().is_empty(), "the run was to take seconds");
    let (code, took) = watching.terminate();
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_change_is_told_once_with_its_cause_and_again_when_it_is_over() {
    let store = folder("change").join("w.db");
    let lab = Lab::up("healthy");
    let mut watching = Watching::start(&lab, &store, &[]);
    watching.until("it is healthy", |w| w.kept().len() >= 2);
    lab.shut(true);
    watching.until("the change is told", |w| w.told("controller.tcp", "fail"));
    watching.until("the cause is told", |w| w.events().iter().any(|e| e["code"] == "controller-down"));
    let samples = watching.kept().len();
    watching.until("nothing is told again", |w| w.kept().len() >= samples + 3);
    lab.shut(false);
    watching.until("it is over", |w| w.told("controller.tcp", "pass"));
    watching.terminate();
    let told = |to: &str| {
        let of = |e: &&serde_json::Value| e["check"] == "controller.tcp" && e["to"] == to;
        watching.events().iter().filter(of).count()
    };
    assert_eq!((told("fail"), told("pass")), (1, 1), "{:#?}", watching.events());
    let kept = support::Store::open(&store);
    let incidents =
        "SELECT count(*) FROM incidents WHERE \"check\" = 'controller.tcp' AND cause = 'controller-down'";
    assert_eq!(kept.one(incidents), 1);
    assert!(kept.one("SELECT count(*) FROM facts") >= 2);
}

#[test]
fn a_second_process_remembers_what_stood() {
    let store = folder("remembers").join("w.db");
    let lab = Lab::up("healthy");
    lab.shut(true);
    for first in [true, false] {
        let mut watching = Watching::start(&lab, &store, &[]);
        watching.until("three samples", |w| w.kept().len() >= 3);
        watching.terminate();
        assert_eq!(watching.told("controller.tcp", "fail"), first);
    }
}

#[test]
fn what_is_accepted_is_no_incident_and_no_verdict() {
    let lab = Lab::up("udp-blocked");
    let folder = folder("accepted");
    let (store, config) = (folder.join("w.db"), folder.join("config.toml"));
    let allow = "[[allow]]\ncheck = \"stun.*\"\nreason = \"relays only, by design\"\n";
    let clock = "[[allow]]\ncheck = \"clock.*\"\nreason = \"so is the clock\"\n";
    support::write(&config, [allow, clock].concat().as_bytes());
    let mut watching = Watching::start(&lab, &store, &["--config", config.to_str().expect("UTF-8")]);
    watching.until("a cheap sample after full ones", |w| w.kept().len() >= 3);
    watching.terminate();
    let loud = |e: &&serde_json::Value| matches!(e["to"].as_str(), Some("fail" | "warn" | "unhealthy"));
    let events = watching.events();
    let loud: Vec<_> = events.iter().filter(loud).collect();
    assert!(loud.is_empty(), "{loud:?}");
    let verdicts: Vec<_> = events.iter().filter(|e| e["event"] == "verdict").map(|e| &e["to"]).collect();
    assert_eq!(verdicts, ["healthy"]);
    let (code, said) = once(&["history", "--json", "--store", store.to_str().expect("UTF-8")]);
    assert_eq!(code, Some(0), "{said}");
    let told: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(told["stun"]["downtime_s"], 0.0, "{}", told["stun"]);
    assert_eq!(support::Store::open(&store).one("SELECT count(*) FROM incidents"), 0);
}

#[test]
fn folders_that_may_name_a_user_are_hidden_with_the_rest() {
    let lab = Lab::up("healthy");
    let store = folder("home").join("canary-user").join("w.db");
    let mut watching = Watching::start(&lab, &store, &["--redact", "default"]);
    watching.until("it tells that nothing is kept", |w| w.errors().contains("its folder does not exist"));
    std::fs::create_dir(store.parent().expect("a folder")).expect("made");
    watching.until("it keeps", |w| !w.kept().is_empty());
    watching.terminate();
    let mut again = Watching::start(&lab, &store, &["--redact", "default"]);
    again.until("it keeps", |w| !w.kept().is_empty());
    again.terminate();
    let said = format!("{:?}{:?}{}", watching.events(), again.events(), watching.errors());
    assert!(said.contains("kept in w.db") && !said.contains("canary-user"), "{said}");
}
