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

/// Both clocks, as they were seen last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks((Duration, i64));

impl Clocks {
    pub(super) fn now(env: &Env) -> Self {
        Self((env.boot(), env.wall_ns()))
    }

    /// What came between since they were seen last, when this should have been `due` later.
    fn disturbed(&mut self, env: &Env, due: Duration) -> Option<Disturbance> {
        let before = std::mem::replace(self, Self::now(env)).0;
        let late = self.0.0.saturating_sub(before.0 + due);
        if late > LATE {
            return Some(Disturbance::Paused(late));
        }
        stepped(before, self.0).map(Disturbance::Stepped)
    }

    /// The same without a due time: a slow disk between looks is no standstill.
    fn stepped(&mut self, env: &Env) -> Option<Disturbance> {
        let passed = env.boot().saturating_sub(self.0.0);
        self.disturbed(env, passed)
    }
}

/// Observes once; what was disturbed is worth nothing: its silences are not the network's.
pub(super) async fn look(env: &Env, meant: &Meant, clocks: &mut Clocks) -> Result<Report, Disturbance> {
    if let Some(step) = clocks.stepped(env) {
        return Err(step);
    }
    let board = Board::default();
    let disturbance = async {
        loop {
            tokio::time::sleep(BUSY_TICK).await;
            if let Some(disturbance) = clocks.disturbed(env, BUSY_TICK) {
                return disturbance;
            }
        }
    };
    let report = tokio::select! {
        biased;
        disturbance = disturbance => return Err(disturbance),
        report = pipeline::run(env, meant, None, 1, &board, std::future::pending()) => report,
    };
    clocks.disturbed(env, BUSY_TICK).map_or(Ok(report), Err)
}

/// Rests until `until` (by `env.elapsed`), or until something comes between.
pub(super) async fn rest(env: &Env, until: Duration, clocks: &mut Clocks) -> Option<Disturbance> {
    if let Some(step) = clocks.stepped(env) {
        return Some(step);
    }
    loop {
        let left = until.saturating_sub(env.elapsed()).min(IDLE_TICK);
        tokio::time::sleep(left).await;
        let disturbance = clocks.disturbed(env, left);
        if disturbance.is_some() || env.elapsed() >= until {
            return disturbance;
        }
    }
}
