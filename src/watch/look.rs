//! One observation and the rest after it, watched for what would spoil them: a pause, a step of the host's clock.

use std::time::Duration;

use super::timeline::stepped;
use crate::config::Meant;
use crate::env::Env;
use crate::model::Report;
use crate::pipeline::{self, Board};

/// How late a short sleep may wake before this process, or the host, stood still meanwhile.
const LATE: Duration = Duration::from_secs(2);
/// Between looks at the clocks while observing, and while resting.
const BUSY_TICK: Duration = Duration::from_millis(200);
const IDLE_TICK: Duration = Duration::from_secs(1);

/// What came between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    /// The process or the host stood still for this long.
    Paused(Duration),
    /// The host's clock stepped, nanoseconds.
    Stepped(i64),
}

/// Observes once; what was disturbed is worth nothing: its silences are not the network's.
pub(super) async fn look(env: &Env, meant: &Meant) -> Result<Report, Disturbance> {
    let board = Board::default();
    tokio::select! {
        biased;
        disturbance = disturbed(env, BUSY_TICK) => Err(disturbance),
        report = pipeline::run(env, meant, None, 1, &board, std::future::pending()) => Ok(report),
    }
}

/// Rests until `until` (by `env.elapsed`), or until something comes between.
pub(super) async fn rest(env: &Env, until: Duration) -> Option<Disturbance> {
    let left = until.saturating_sub(env.elapsed());
    tokio::select! {
        biased;
        disturbance = disturbed(env, IDLE_TICK) => Some(disturbance),
        () = tokio::time::sleep(left) => None,
    }
}

async fn disturbed(env: &Env, tick: Duration) -> Disturbance {
    loop {
        let before = (env.boot(), env.wall_ns());
        tokio::time::sleep(tick).await;
        let now = (env.boot(), env.wall_ns());
        let late = now.0.saturating_sub(before.0 + tick);
        if late > LATE {
            return Disturbance::Paused(late);
        }
        if let Some(step) = stepped(before, now) {
            return Disturbance::Stepped(step);
        }
    }
}
