//! What is said of a Connector that does not run, by what its runtime keeps of it. Pure.

use crate::model::CheckId;
use crate::model::facts::{KeptConnector, KeptState};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::text::count;

/// `a docker container (twingate-1)`, `an OpenRC service (twingate-connector)`.
pub(super) fn name(kept: &KeptConnector) -> String {
    let deployment = &kept.deployment;
    let short = deployment.id.as_deref().map(|id| id.get(..12).unwrap_or(id));
    let name = deployment.name.as_deref().or(deployment.unit.as_deref()).or(short);
    let of = deployment.owner.map(|uid| format!(" of user {uid}")).unwrap_or_default();
    match name {
        Some(name) => format!("{}{of} ({name})", deployment.kind.words()),
        None => format!("{}{of}", deployment.kind.words()),
    }
}

/// It, and its state.
pub(super) fn words(kept: &KeptConnector) -> String {
    format!("{} {}", name(kept), state(kept))
}

fn state(kept: &KeptConnector) -> String {
    let code = kept.exit_code.map(|code| format!(" with exit code {code}")).unwrap_or_default();
    match kept.state {
        KeptState::Restarting => format!("starts and dies again and again{}", last(kept)),
        KeptState::Paused => "is paused".to_owned(),
        KeptState::Declared => "was never started".to_owned(),
        KeptState::Failed => format!("could not be started{code}"),
        KeptState::Exited if kept.stopped_by_hand => format!("was stopped by hand{code}"),
        KeptState::Exited => format!("has ended{code}"),
        KeptState::Running => "runs by its runtime's file, and has no process".to_owned(),
        KeptState::Untold => "has no process".to_owned(),
    }
}

fn last(kept: &KeptConnector) -> String {
    kept.exit_code.map(|code| format!(", the last time with exit code {code}")).unwrap_or_default()
}

/// What an exit code most often means.
fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        125 => "125: its runtime refused a setting",
        126 => "126: its program cannot be executed, of another processor perhaps",
        127 => "127: its program is not found",
        128 => "128: its runtime could not start it",
        132 => "132: it crashed, by an instruction that this processor does not have",
        134 => "134: it crashed (SIGABRT)",
        137 => "137: it was killed, by hand or for want of memory",
        139 => "139: it crashed (SIGSEGV)",
        143 => "143: it was told to end (SIGTERM)",
        1 => "1: its configuration, most often; its last words say what",
        _ => return None,
    })
}

/// What shows it, a line each.
fn shown(kept: &KeptConnector) -> Vec<String> {
    let restarts = kept.deployment.restarts.filter(|n| *n > 0);
    let lines = [
        Some(format!("{}, by {}", words(kept), kept.place)),
        kept.exit_code.and_then(meaning).map(|words| format!("exit code {words}")),
        restarts.map(|n| format!("started anew {} by its runtime", count(n as usize, "time"))),
        kept.error.as_ref().map(|error| format!("its runtime says: {error}")),
        kept.version.as_ref().map(|version| format!("version {version}, by its image")),
    ];
    lines.into_iter().flatten().collect()
}

/// The finding of `connector.process` on one that does not run.
pub(super) fn finding(id: CheckId, kept: &KeptConnector) -> Finding {
    let lines = shown(kept);
    let symptom = if kept.oom_killed {
        let line = format!("{}: killed by the kernel for want of memory", name(kept));
        Symptom::HostExhausted(vec![line])
    } else if kept.dies_again() {
        Symptom::ConnectorRestarting(lines.clone())
    } else {
        Symptom::ConnectorStopped(lines.clone())
    };
    let killed = if kept.oom_killed { ", killed for want of memory" } else { "" };
    Finding::new(id, Status::Fail, format!("{}{killed}", words(kept))).evidence_all(lines).symptom(symptom)
}
