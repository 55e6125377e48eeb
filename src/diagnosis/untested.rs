//! What was not tested, why, and the one command that would test it. Pure.

use crate::model::CheckId;
use crate::model::facts::Run;
use crate::model::invocation::quoted;
use crate::model::report::{CheckResult, NotTested};
use crate::model::verdict::Lack;

/// What the verdict lacks, and what was tested in part; where no check has an outcome, all that lack one. `failed` are
/// the places, `HOST:PORT`, that the Connector's log calls failed.
pub fn not_tested(checks: &[CheckResult], run: &Run, failed: &[String]) -> Vec<NotTested> {
    let nothing = !checks.iter().any(|check| check.lacks.is_none());
    let said = |check: &&CheckResult| {
        // What a cause has stopped is tested once that is mended: its own command is what to do.
        if check.lacks == Some(Lack::Step) && check.caused_by.is_some() {
            return false;
        }
        let weighed = check.weighed();
        weighed.open() || weighed.lacks.is_some_and(Lack::is_aside) || (nothing && weighed.lacks.is_some())
    };
    let row = |check: &CheckResult| {
        let lack = check.lacks?;
        let command = command(check, lack, run, failed);
        Some(NotTested { check: check.id.clone(), reason: check.summary.clone(), command })
    };
    checks.iter().filter(said).filter_map(row).collect()
}

/// The whole run again where it knew too little; the check alone where it had no answer.
fn command(check: &CheckResult, lack: Lack, run: &Run, failed: &[String]) -> String {
    let given = &run.given;
    let selected: Vec<String> = run.select.iter().map(|glob| quoted(glob)).collect();
    let selected = selected.join(" ");
    match lack {
        Lack::Network => given.and(&["--network", "NAME"], &selected, ""),
        Lack::Rights => given.as_root(&selected, ""),
        // Root finds the relays in the Connector's log and among its sockets; else somebody must name one.
        Lack::Part if check.id == CheckId::RelayTcp && given.root => {
            given.and(&["--relay", "HOST:30000"], &check.id, "")
        }
        Lack::Named => {
            let words: Vec<&str> = failed.iter().flat_map(|place| ["--resource", place]).collect();
            given.and(&words, "'resource.*'", "")
        }
        Lack::Part => given.as_root(&check.id, ""),
        Lack::Step | Lack::Answer => given.check(&check.id, "--wait 2m"),
    }
}
