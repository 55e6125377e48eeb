//! Who may run, and when: root only, the needed programs only, four at a time. In CI nothing is skipped.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_doctor::env::Env;

const FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
/// They wait far more than they work, on two processors, too.
const MOST_AT_ONCE: usize = 4;

static ENV: LazyLock<Env> = LazyLock::new(Env::system);
static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// Monotonic time since the first call.
pub fn now() -> Duration {
    ENV.elapsed()
}

/// Says a figure, past the test harness' ears: a measurement is for whoever runs it.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A variable of whoever runs the tests.
pub fn variable(name: &str) -> Option<String> {
    ENV.var(name).map(str::to_owned)
}

/// The place among the tests that run at once; given back when dropped.
pub struct Ticket(());

impl Drop for Ticket {
    fn drop(&mut self) {
        *running() -= 1;
        ENDED.notify_one();
    }
}

fn running() -> MutexGuard<'static, usize> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a place; `None`, loudly, where this test cannot run. In CI (`CI=true`) it panics instead.
pub fn ticket(test: &str, programs: &[&str]) -> Option<Ticket> {
    let missing: Vec<&&str> = programs.iter().filter(|p| find(p).is_none()).collect();
    let why = match (nix::unistd::geteuid().is_root(), missing.as_slice()) {
        (true, []) => None,
        (false, _) => Some("needs root".to_owned()),
        (true, missing) => Some(format!("needs the programs {missing:?}, see .ci/run")),
    };
    if let Some(why) = why {
        assert!(ENV.var("CI").is_none_or(|v| v != "true"), "{test} may not be skipped in CI, but {why}");
        // Not eprintln!, which the test harness would swallow: a skip is loud.
        let _ = writeln!(std::io::stderr(), "SKIPPED ({why}): {test}");
        return None;
    }
    let mut running =
        ENDED.wait_while(running(), |n| *n >= MOST_AT_ONCE).unwrap_or_else(PoisonError::into_inner);
    *running += 1;
    Some(Ticket(()))
}

/// The absolute path of a program: `PATH` of the caller may lack the sbin folders.
pub fn program(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| panic!("{name} is not installed, see .ci/run"))
}

fn find(name: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|f| PathBuf::from(f).join(name)).find(|p| p.is_file())
}
