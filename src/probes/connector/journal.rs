//! The Connector's journal, by `journalctl`: the one program that is ever started. Fixed arguments, no shell, bounded
//! in bytes and time; what comes back is read as any other log.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use crate::config::Meant;
use crate::connector::log::Reader;
use crate::env::Env;
use crate::model::facts::{ConnectorLog, Target, TargetRole};
use crate::model::observation::{FailureKind, NotRun, Observation, Outcome, Phase, ProbeFailure};
use crate::probes::{micros, since_us};

/// Where it may be: no search along `PATH`, which anybody may have set.
const PLACES: &[&str] = &["/usr/bin/journalctl", "/bin/journalctl", "/run/current-system/sw/bin/journalctl"];
/// What is asked: the last lines of a week, each with its time in UTC.
const ARGUMENTS: &[&str] = &[
    "--no-pager",
    "--utc",
    "--output=short-iso-precise",
    "--unit=twingate-connector",
    "--since=-7d",
    "--lines=5000",
];
/// The log's name in the report.
pub(crate) const NAME: &str = "journalctl -u twingate-connector";
/// Most bytes that are read.
const MOST: usize = 16 << 20;
/// Most bytes of its complaints.
const COMPLAINTS: u64 = 4096;
/// Bytes taken at once.
const BLOCK: usize = 64 * 1024;
/// A log that ended so long ago tells nothing of the relays in use now, nanoseconds.
const DAY_NS: i64 = 86_400_000_000_000;
/// Most relays of the log that are asked.
const RELAYS: usize = 4;
/// Who names them.
pub(crate) const ORIGIN: &str = "the Connector's log";
/// What it says where it has nothing.
const NOTHING: &[u8] = b"-- No entries --";

/// Relays that the log names and that `meant` lets be asked: none where a person named relays, few, and none twice.
pub(crate) fn relays(log: &Observation<ConnectorLog>, meant: &Meant) -> Vec<SocketAddr> {
    if meant.relay.iter().any(|named| named.origin.is_said()) {
        return Vec::new();
    }
    let known: Vec<String> = meant.relay.iter().map(|named| named.at.to_string()).collect();
    let is_fresh = |log: &&ConnectorLog| {
        log.read_at_ns.zip(log.last.at_ns).is_some_and(|(now, last)| now.saturating_sub(last) <= DAY_NS)
    };
    let named = log.seen().filter(is_fresh).into_iter().flat_map(|log| log.relays.iter().copied());
    named
        .filter(|relay| meant.family.allows(relay.ip()) && !known.contains(&relay.to_string()))
        .take(RELAYS)
        .collect()
}

/// A relay that the log names, as a target.
pub(crate) fn target(relay: SocketAddr) -> Target {
    Target {
        role: TargetRole::Relay,
        host: relay.ip().to_string(),
        port: relay.port(),
        origin: ORIGIN.to_owned(),
        addresses: vec![relay.ip()],
        ..Target::default()
    }
}

/// Reads the journal, within `limit`.
pub(crate) async fn read(env: &Env, limit: Duration) -> Observation<ConnectorLog> {
    let begun = env.elapsed();
    let outcome = match PLACES.iter().map(|place| env.path(place)).find(|path| path.exists()) {
        None => Outcome::NotRun(NotRun::Unsupported("journalctl is not on this host".to_owned())),
        Some(program) => match tokio::time::timeout(limit, run(env, program)).await {
            Ok(Ok(log)) => Outcome::Seen(log),
            Ok(Err(failure)) => Outcome::Failed(failure),
            // The newest lines come last: what was read until now would mislead.
            Err(_) => Outcome::Failed(ProbeFailure::new(Phase::Read, FailureKind::Timeout, "no end in time")),
        },
    };
    Observation {
        target: NAME.to_owned(),
        address: None,
        at_us: micros(begun),
        took_us: since_us(env, begun),
        outcome,
    }
}

async fn run(env: &Env, program: PathBuf) -> Result<ConnectorLog, ProbeFailure> {
    let failed = |e: std::io::Error| ProbeFailure::from_io(Phase::Read, &e);
    let now_ns = env.wall_ns();
    let mut child = Command::new(program)
        .args(ARGUMENTS)
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (output, complaints) = (child.stdout.take(), child.stderr.take());
    let said = async {
        let mut said = Vec::new();
        if let Some(complaints) = complaints {
            complaints.take(COMPLAINTS).read_to_end(&mut said).await.map_err(failed)?;
        }
        Ok(said)
    };
    let mut reader = Reader::new(now_ns);
    let (whole, said) = tokio::try_join!(async { feed(&mut reader, output).await.map_err(failed) }, said)?;
    let mut log = reader.finish();
    log.read_at_ns = Some(now_ns);
    if !whole {
        return Err(ProbeFailure::new(Phase::Read, FailureKind::TooLarge, "more than 16 MiB"));
    }
    let status = child.wait().await.map_err(failed)?;
    let said = String::from_utf8_lossy(&said);
    let barred = ["permission", "not seeing messages", "Permission"].iter().any(|word| said.contains(word));
    match (log.recognised, status.success(), barred) {
        (true, ..) => Ok(log),
        (_, _, true) => Err(ProbeFailure::new(Phase::Read, FailureKind::Rights, "not in systemd-journal")),
        (_, true, _) => Ok(ConnectorLog { read_at_ns: log.read_at_ns, ..ConnectorLog::default() }),
        _ => Err(ProbeFailure::new(Phase::Read, FailureKind::Io, "journalctl failed")),
    }
}

/// Feeds the reader; whether the end came before the bound.
async fn feed(reader: &mut Reader, output: Option<impl AsyncRead + Unpin>) -> std::io::Result<bool> {
    let Some(mut output) = output else { return Ok(true) };
    let (mut block, mut read) = (vec![0; BLOCK], 0);
    loop {
        let n = output.read(&mut block).await?;
        if n == 0 {
            return Ok(true);
        }
        read += n;
        if read > MOST {
            return Ok(false);
        }
        if !block[..n].starts_with(NOTHING) {
            reader.feed(&block[..n]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::Signature;
    use std::os::unix::fs::PermissionsExt;

    /// A host whose journalctl is this script.
    fn host(name: &str, script: &str) -> Env {
        let root =
            std::env::temp_dir().join(format!("connector-doctor-journal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(root.join("usr/bin")).unwrap();
        let program = root.join("usr/bin/journalctl");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Env::system().with_root(root)
    }

    async fn outcome(name: &str, script: &str) -> Outcome<ConnectorLog> {
        let env = host(name, script);
        let observed = read(&env, Duration::from_mins(1)).await;
        std::fs::remove_dir_all(env.root()).unwrap();
        observed.outcome
    }

    #[tokio::test(flavor = "current_thread")]
    async fn it_is_asked_with_the_same_words_always_and_its_answer_is_read_as_a_log() {
        // It answers with its own arguments, and with the variables that it was given.
        let script = "echo \"2026-11-24T14:00:00.000000+0000 h twingate-connector[7]: failed to get SD: Gone, code 410 $*\"; \
            echo \"2026-11-24T14:00:01.000000+0000 h twingate-connector[7]: sdwan_state: Offline $(env | grep -c TOKEN)\"";
        let Outcome::Seen(log) = outcome("asked", script).await else { panic!("it was read") };
        assert_eq!((log.lines, log.own.signs[0].signature), (2, Signature::TokensGone));
        for argument in ["--utc", "--unit", "--lines"] {
            assert!(ARGUMENTS.iter().any(|a| a.starts_with(argument)));
        }
        assert!(log.read_at_ns.is_some() && log.zone_known);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_forbidden_empty_endless_or_not_there_is_data() {
        let barred = "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1";
        let kind = |outcome: Outcome<ConnectorLog>| match outcome {
            Outcome::Failed(failure) => failure.kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(outcome("barred", barred).await), FailureKind::Rights);
        assert_eq!(kind(outcome("broken", "exit 3").await), FailureKind::Io);
        let Outcome::Seen(empty) = outcome("empty", "echo '-- No entries --'").await else {
            panic!("it was read")
        };
        assert_eq!(empty.lines, 0);
        assert_eq!(
            kind(outcome("endless", "yes \"twingate $(printf %01000d 0)\"").await),
            FailureKind::TooLarge
        );
        let env = host("slow", "sleep 60");
        let observed = read(&env, Duration::from_millis(200)).await;
        assert_eq!(kind(observed.outcome), FailureKind::Timeout);
        assert!(observed.took_us < 5_000_000);
        std::fs::remove_dir_all(env.root()).unwrap();
        let env = Env::system().with_root("/nonexistent");
        assert!(matches!(
            read(&env, Duration::from_secs(1)).await.outcome,
            Outcome::NotRun(NotRun::Unsupported(_))
        ));
    }
}
