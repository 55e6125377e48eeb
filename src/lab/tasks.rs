//! The lab's servers while they run.

use std::any::Any;
use std::future::Future;

/// What runs and what is held open until the lab ends.
#[derive(Default)]
pub(super) struct Tasks {
    running: Vec<tokio::task::AbortHandle>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Tasks {
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.push(tokio::spawn(task).abort_handle());
    }

    pub(super) fn keep(&mut self, thing: impl Any + Send + Sync) {
        self.kept.push(Box::new(thing));
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.running.iter().for_each(tokio::task::AbortHandle::abort);
    }
}
