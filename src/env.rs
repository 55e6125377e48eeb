//! The only reader of clocks, entropy and environment; frozen and seeded twins serve the tests.
//!
//! Times inside a run are [`Duration`]s since its start (monotonic), so that every other layer takes
//! time as an argument and a recorded run can be replayed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Clocks of one run.
pub trait Clock: Send + Sync {
    /// Monotonic time since the run began.
    fn elapsed(&self) -> Duration;
    /// The host's wall clock, nanoseconds since 1970-01-01T00:00:00Z; negative before it.
    fn wall_ns(&self) -> i64;
    /// Time since boot, a suspended host's included: never steps, never stands still while time goes by.
    fn boot(&self) -> Duration {
        self.elapsed()
    }
    /// What [`Self::wall_ns`] showed when the kernel's `CLOCK_REALTIME` showed `realtime_ns` (a packet's stamp);
    /// `None` for a clock that has nothing to do with the kernel's.
    fn wall_of_realtime_ns(&self, _realtime_ns: i64) -> Option<i64> {
        None
    }
}

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`; a system without entropy is not survivable and yields zeros.
    fn fill(&self, bytes: &mut [u8]);
}

/// Everything impure that is not a socket or a file's content: time, chance, variables, the root of files.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vars: Arc<BTreeMap<String, String>>,
    root: PathBuf,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Variables may hold secrets: their values are never printed.
        f.debug_struct("Env").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Env {
    /// The real thing. Variables that are not UTF-8 are read lossily.
    #[expect(clippy::disallowed_methods, reason = "env is the one reader of the environment")]
    pub fn system() -> Self {
        let vars = std::env::vars_os()
            .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
            .collect();
        Self {
            clock: Arc::new(SystemClock { start: Instant::now() }),
            entropy: Arc::new(SystemEntropy),
            vars: Arc::new(vars),
            root: PathBuf::from("/"),
        }
    }

    /// A twin for tests: the wall clock stands at `wall_ns`, entropy is a function of `seed`, no variables.
    pub fn frozen(wall_ns: i64, seed: u64) -> Self {
        Self {
            clock: Arc::new(FrozenClock { wall_ns }),
            entropy: Arc::new(SeededEntropy(AtomicU64::new(seed))),
            vars: Arc::default(),
            root: PathBuf::from("/"),
        }
    }

    /// The same environment whose wall clock is `shift_ns` off: for tests and for `lab`, never a host's clock.
    #[must_use]
    pub fn with_wall_shift(mut self, shift_ns: i64) -> Self {
        self.clock = Arc::new(ShiftedClock { inner: self.clock, shift_ns });
        self
    }

    /// The same environment with another clock: for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same environment with other variables.
    #[must_use]
    pub fn with_vars(mut self, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        self.vars = Arc::new(vars.into_iter().collect());
        self
    }

    /// The same environment that reads files below `root` (a fixture) instead of `/`.
    #[must_use]
    pub fn with_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }

    /// Monotonic time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Time since boot, a suspended host's included.
    pub fn boot(&self) -> Duration {
        self.clock.boot()
    }

    /// The host's wall clock, nanoseconds since 1970; negative before it.
    pub fn wall_ns(&self) -> i64 {
        self.clock.wall_ns()
    }

    /// What [`Self::wall_ns`] showed when the kernel stamped a packet with `realtime_ns`; `None` where that is unknown.
    pub fn wall_of_realtime_ns(&self, realtime_ns: i64) -> Option<i64> {
        self.clock.wall_of_realtime_ns(realtime_ns)
    }

    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A variable's value; an empty one counts as set.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str)
    }

    /// Every variable, by name.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// An absolute path below this environment's root: `/proc` is `root/proc`.
    pub fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    /// Where absolute paths begin; `/` but in tests.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "env is the one reader of clocks")]
    fn wall_ns(&self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        }
    }

    fn boot(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let boot = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map(Duration::from).ok();
        #[cfg(not(target_os = "linux"))]
        let boot = None;
        boot.unwrap_or_else(|| self.elapsed())
    }

    fn wall_of_realtime_ns(&self, realtime_ns: i64) -> Option<i64> {
        Some(realtime_ns)
    }
}

struct FrozenClock {
    wall_ns: i64,
}

impl Clock for FrozenClock {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn wall_ns(&self) -> i64 {
        self.wall_ns
    }
}

struct ShiftedClock {
    inner: Arc<dyn Clock>,
    shift_ns: i64,
}

impl Clock for ShiftedClock {
    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    fn boot(&self) -> Duration {
        self.inner.boot()
    }

    fn wall_ns(&self) -> i64 {
        self.inner.wall_ns().saturating_add(self.shift_ns)
    }

    fn wall_of_realtime_ns(&self, realtime_ns: i64) -> Option<i64> {
        Some(self.inner.wall_of_realtime_ns(realtime_ns)?.saturating_add(self.shift_ns))
    }
}

/// The time by which TLS sessions are made: none that matters, since certificates are judged beside, at every time. The library's own
/// reader of the clock panics before 1970.
#[derive(Clone, Copy, Debug)]
pub struct NoTime;

impl rustls::time_provider::TimeProvider for NoTime {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        Some(rustls::pki_types::UnixTime::since_unix_epoch(Duration::ZERO))
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "env is the one reader of entropy")]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            bytes.fill(0);
        }
    }
}

/// `SplitMix64`: small, well mixed, reproducible; never used outside tests.
struct SeededEntropy(AtomicU64);

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frozen_time_and_seeded_chance_repeat() {
        let (a, b) = (Env::frozen(-5, 7), Env::frozen(-5, 7));
        assert_eq!(a.wall_ns(), -5);
        assert_eq!(a.random::<12>(), b.random::<12>());
        assert_ne!(a.random::<12>(), Env::frozen(-5, 8).random::<12>());
    }

    #[test]
    fn a_root_takes_the_place_of_slash() {
        assert_eq!(Env::frozen(0, 0).with_root("/fix").path("/proc/stat"), Path::new("/fix/proc/stat"));
    }
}
