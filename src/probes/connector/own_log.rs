//! Which log on this host is the Connector's, and reading it: the journal, or the end of what its runtime writes.

use std::io::Read as _;
use std::time::Duration;

use super::journal;
use crate::connector::log::Reader;
use crate::env::Env;
use crate::model::facts::{Connector, ConnectorLog, KeptConnector};
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::probes::aside::aside;
use crate::probes::host::tree::Tree;
use crate::probes::{micros, since_us};

/// Most bytes that are read, from the end.
const MOST: u64 = 8 << 20;
/// Bytes taken at once.
const BLOCK: usize = 64 * 1024;

/// A log of a Connector's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OwnLog {
    /// The journal of its unit.
    Journal,
    /// A file that its runtime writes.
    File {
        /// In words.
        name: String,
        /// Where it lies.
        path: String,
    },
}

impl OwnLog {
    /// The one that tells most: of one that runs on this host itself its journal, then of one that dies again and
    /// again, then of a container that runs, then of one at rest.
    pub(crate) fn of(connector: &Connector) -> Option<Self> {
        let running = || connector.processes.iter().filter(|p| p.runs());
        let journal = connector.unit.as_ref().map(|_| Self::Journal);
        if running().any(|p| p.deployment.kind.native()) && journal.is_some() {
            return journal;
        }
        let dying = connector.at_rest().filter(|kept| kept.dies_again());
        let held = connector.kept.iter().filter(|kept| running().any(|p| kept.is(&p.deployment)));
        let resting = connector.at_rest();
        let file = dying.chain(held).find_map(file);
        file.or(journal).or_else(|| resting.into_iter().find_map(self::file))
    }

    /// The log's name in the report.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Journal => journal::NAME,
            Self::File { name, .. } => name,
        }
    }

    /// Reads it, within `limit`.
    pub(crate) async fn read(&self, env: &Env, limit: Duration) -> Observation<ConnectorLog> {
        let Self::File { name, path } = self else { return journal::read(env, limit).await };
        let begun = env.elapsed();
        let (own, at) = (env.clone(), path.clone());
        let outcome = match tokio::time::timeout(limit, aside(move || end_of(&own, &at))).await {
            Ok(Ok(Ok(log))) => Outcome::Seen(log),
            Ok(Ok(Err(why))) => Outcome::Failed(ProbeFailure::from_io(Phase::Read, &why)),
            Ok(Err(undone)) => Outcome::Failed(undone.failure(Phase::Read)),
            Err(_) => Outcome::Failed(ProbeFailure::new(Phase::Read, FailureKind::Timeout, "no end in time")),
        };
        Observation {
            target: name.clone(),
            address: None,
            at_us: micros(begun),
            took_us: since_us(env, begun),
            outcome,
        }
    }
}

fn file(kept: &KeptConnector) -> Option<OwnLog> {
    let deployment = &kept.deployment;
    let short = deployment.id.as_deref().map(|id| id.get(..12).unwrap_or(id));
    let of = deployment.name.as_deref().or(short).unwrap_or("a container");
    Some(OwnLog::File { name: format!("the log of {of}"), path: kept.log.clone()? })
}

fn end_of(env: &Env, path: &str) -> std::io::Result<ConnectorLog> {
    let now_ns = env.wall_ns();
    let (mut file, cut) = Tree::open(env, "/")?.end_of(path, MOST)?;
    let mut reader = Reader::new(now_ns);
    let mut block = vec![0; BLOCK];
    // The first line may have no beginning.
    let mut skips = cut;
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            break;
        }
        let mut bytes = &block[..n];
        if skips {
            let Some(end) = memchr::memchr(b'\n', bytes) else { continue };
            (bytes, skips) = (&bytes[end + 1..], false);
        }
        reader.feed(bytes);
    }
    let mut log = reader.finish();
    log.read_at_ns = Some(now_ns);
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::Signature;

    #[tokio::test(flavor = "current_thread")]
    async fn the_end_of_dockers_log_is_read() {
        let root = std::env::temp_dir().join(format!("connector-doctor-own-log-{}", std::process::id()));
        std::fs::create_dir_all(root.join("c")).unwrap();
        let line = |log: &str| {
            format!("{{\"log\":\"{log}\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-24T14:00:00.1Z\"}}\n")
        };
        let filler = line("[INFO] [libsdwan] processing").repeat(100_000);
        let text = format!("{filler}{}", line("[ERROR] [connector] failed to get SD: Gone, code 410"));
        std::fs::write(root.join("c/x.log"), text).unwrap();
        let env = Env::system().with_root(&root);
        let log = OwnLog::File { name: "the log of x".into(), path: "/c/x.log".into() };
        let Outcome::Seen(seen) = log.read(&env, Duration::from_mins(1)).await.outcome else {
            panic!("read")
        };
        assert!(seen.lines < 100_000 && seen.cut_lines == 0, "{} lines", seen.lines);
        assert_eq!(seen.own.signs.first().map(|sign| sign.signature), Some(Signature::TokensGone));
        let log = OwnLog::File { name: "x".into(), path: "/c".into() };
        assert!(matches!(log.read(&env, Duration::from_secs(9)).await.outcome, Outcome::Failed(_)));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn the_log_that_tells_most_is_taken() {
        use crate::model::facts::{ConnectorUnit, Deployment, DeploymentKind, KeptState};
        let kept = |name: &str, state| KeptConnector {
            state,
            log: Some(format!("/{name}")),
            deployment: Deployment {
                kind: DeploymentKind::Docker,
                name: Some(name.into()),
                ..Deployment::default()
            },
            ..KeptConnector::default()
        };
        let mut connector = Connector {
            kept: vec![kept("a", KeptState::Exited), kept("b", KeptState::Restarting)],
            ..Connector::default()
        };
        assert_eq!(OwnLog::of(&connector).map(|log| log.name().to_owned()).as_deref(), Some("the log of b"));
        connector.kept.pop();
        assert_eq!(OwnLog::of(&connector).map(|log| log.name().to_owned()).as_deref(), Some("the log of a"));
        connector.unit = Some(ConnectorUnit::default());
        assert_eq!(OwnLog::of(&connector), Some(OwnLog::Journal));
        assert_eq!(OwnLog::of(&Connector::default()), None);
    }
}
