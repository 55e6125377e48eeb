//! A way that loses packets: the loss is named, and nothing that lives is called dead.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use crate::control::Control;
use crate::pairs::times;
use crate::support::{Net, Run, Wire};

/// Runs the whole check so often over ways that lose this share of packets each way; how often the loss was named.
fn runs(test: &'static str, lost_percent: u64, ways: usize) -> usize {
    let (mut named, mut undecided) = (0, BTreeMap::<String, usize>::new());
    let each = times().div_ceil(ways);
    for seed in 1..=ways as u64 {
        let wire = Wire { delay: Duration::from_millis(5), lost_percent, seed };
        let Some(control) = Control::open(Net::plan(test).wire(wire), 0.0) else { return 1 };
        for time in 1..=each {
            let run = control.doctor(&[]);
            let what = format!("{lost_percent} % each way, seed {seed}, time {time}");
            assert_nothing_dead(&run, &what);
            named += run.causes().len();
            for check in run.json["checks"].as_array().expect("checks") {
                if check["outcome"] == "unknown" {
                    *undecided.entry(check["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
                }
            }
        }
    }
    // For who runs a soak.
    let total = each * ways;
    let _ = writeln!(
        std::io::stderr(),
        "{lost_percent} % each way: {total} runs, loss named in {named}, unknown: {undecided:?}"
    );
    named
}

/// Everything is alive: whatever is said besides the loss is an error.
fn assert_nothing_dead(run: &Run, what: &str) {
    assert!(run.causes().iter().all(|cause| *cause == "packet-loss"), "{what}\n{run}");
    assert!(run.notices().iter().all(|notice| *notice == "clock-unsynchronised"), "{what}\n{run}");
    for check in run.json["checks"].as_array().expect("checks") {
        let (id, outcome) = (&check["id"], check["outcome"].as_str().unwrap_or_default());
        let allowed =
            ["pass", "skip", "unknown"].contains(&outcome) || id == "path.loss" && outcome == "warn";
        assert!(allowed, "{what}: {id} is {outcome}\n{run}");
    }
    assert_eq!(run.detail("stun_discovery"), "available", "{what}\n{run}");
    assert!(run.detail("time_offset_s").as_f64().expect("measured").abs() < 1.1, "{what}\n{run}");
    assert!(run.wall < Duration::from_millis(10_200), "{what}\n{run}");
}

#[test]
fn ten_percent_of_the_pairs_lost() {
    runs("loss: 10 %", 5, 2);
}

#[test]
fn a_quarter_of_the_pairs_lost_is_named_and_nothing_else_cries_wolf() {
    // 15 % each way: 28 % of the pairs.
    assert!(runs("loss: 28 %", 15, 4) > 0, "28 % of the pairs are lost, and no run says so");
}
