//! Says on stderr, on a terminal alone, what a run still awaits.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::text::span;
use crate::probes::board::Board;

/// A healthy run is over before this: nothing flickers.
const DELAY: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);

/// Shows what `board` awaits until dropped from the run's `select`; also with `-q`, since a wait looks like a fault.
pub(super) async fn show(board: Board) {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    tokio::time::sleep(DELAY).await;
    let bar = Clear(bar());
    loop {
        let awaited: Vec<String> =
            board.awaited().iter().map(|(label, n)| format!("{label} ({n})")).collect();
        bar.0.set_message(format!("waiting for {}", awaited.join(", ")));
        bar.0.tick();
        tokio::time::sleep(TICK).await;
    }
}

/// Counts down to the next try until dropped, and says what is still bad.
pub(super) async fn count_down(still: &str, pause: Duration, left: Duration) {
    if !std::io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let bar = Clear(bar());
    let mut gone = Duration::ZERO;
    loop {
        let (next, end) = (pause.saturating_sub(gone), left.saturating_sub(gone));
        let (next, end) = (next.as_millis().div_ceil(1000), span(end.as_secs()));
        bar.0.set_message(format!("{still}; next try in {next} s, giving up in {end}"));
        bar.0.tick();
        tokio::time::sleep(TICK).await;
        gone += TICK;
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(
        ProgressStyle::with_template("{spinner} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar
}

/// Leaves a clean line, however the run ends.
struct Clear(ProgressBar);

impl Drop for Clear {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
