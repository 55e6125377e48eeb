//! Blocking work on a thread of its own, which nobody waits for; where no thread is to be had, that is said.
//!
//! The runtime's own pool would panic there. Whoever asks again and again sees to it that threads do not pile up (`resolve::system`).

use std::io;

use tokio::sync::oneshot;

use crate::model::observation::{FailureKind, Phase, ProbeFailure};

/// Why work was not done.
#[derive(Debug)]
pub enum NotDone {
    /// No thread was to be had: the system's word.
    NoThread(io::Error),
    /// The work panicked.
    BrokeOff,
}

impl NotDone {
    /// The same as a failure of `phase`.
    pub fn failure(&self, phase: Phase) -> ProbeFailure {
        match self {
            Self::NoThread(why) => {
                ProbeFailure::new(phase, FailureKind::Exhausted, format!("no thread to ask from: {why}"))
            }
            Self::BrokeOff => ProbeFailure::new(phase, FailureKind::Io, "broke off"),
        }
    }
}

/// The name of a thread on which another's code runs, whose panic is its own: it ends that work alone.
pub const FOREIGN: &str = "second opinion";

/// Does `work` aside.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
    on(std::thread::Builder::new(), work).await
}

/// Does work of another's code aside.
pub async fn foreign<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
    on(std::thread::Builder::new().name(FOREIGN.to_owned()), work).await
}

async fn on<T: Send + 'static>(
    thread: std::thread::Builder,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NotDone> {
    let (sender, result) = oneshot::channel();
    let spawned = thread.spawn(move || {
        // Nobody listens any more when the run is over; that is no fault.
        let _ = sender.send(work());
    });
    spawned.map_err(NotDone::NoThread)?;
    result.await.map_err(|_| NotDone::BrokeOff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_aside_comes_back_and_what_breaks_off_is_said() {
        assert_eq!(aside(|| 7).await.expect("done"), 7);
        let broken = aside(|| [1][std::env::args().count() + 1]).await;
        assert!(matches!(broken, Err(NotDone::BrokeOff)));
        let failure = NotDone::NoThread(io::Error::from_raw_os_error(libc::EAGAIN)).failure(Phase::Resolve);
        // EAGAIN would else pass for a timeout.
        assert_eq!(failure.kind, FailureKind::Exhausted);
    }
}
