//! Says on stderr, on a terminal alone, what a run still awaits.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::probes::board::Board;

/// A healthy run is over before this: nothing flickers.
const DELAY: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);

/// Shows what `board` awaits until dropped from the run's `select`.
pub(super) async fn show(board: Board, quiet: bool) {
    if quiet || !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    tokio::time::sleep(DELAY).await;
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(
        ProgressStyle::with_template("{spinner} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let _clear = Clear(bar.clone());
    loop {
        let awaited: Vec<String> =
            board.awaited().iter().map(|(label, n)| format!("{label} ({n})")).collect();
        bar.set_message(format!("awaiting {}", awaited.join(", ")));
        bar.tick();
        tokio::time::sleep(TICK).await;
    }
}

/// Leaves a clean line, however the run ends.
struct Clear(ProgressBar);

impl Drop for Clear {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
