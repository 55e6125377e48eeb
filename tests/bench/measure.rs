//! What a process takes, and what a function does: wall clock, processor time, peak memory, packets.

use std::hint::black_box;
use std::io::Read as _;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// What one run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// The most memory that it had, KiB.
    pub peak_kib: u64,
    /// Packets that left the host.
    pub packets: u64,
}

/// Runs of which the median is shown.
const RUNS: usize = 7;

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Runs a program to its end; what it took and what it printed.
pub fn process(spawn: impl FnOnce() -> Child) -> (Cost, String) {
    let begun = now();
    let mut child = spawn();
    let pid = child.id();
    let mut stdout = child.stdout.take().expect("piped");
    // Peaks only rise until the end: the last word before it counts.
    let peak = thread::spawn(move || {
        let (path, mut peak) = (format!("/proc/{pid}/status"), 0);
        while let Ok(status) = std::fs::read_to_string(&path) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let Some(line) = line else { break };
            peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak).max(peak);
            thread::sleep(Duration::from_millis(2));
        }
        peak
    });
    let mut text = String::new();
    stdout.read_to_string(&mut text).expect("UTF-8");
    let cpu = end(pid);
    let wall = now().duration_since(begun);
    // Its end is known already: this only lets go of the handle.
    let _ = child.wait();
    let peak_kib = peak.join().expect("the watcher");
    (Cost { wall, cpu, peak_kib, packets: 0 }, text)
}

/// Waits for the process; its processor time.
#[expect(unsafe_code, reason = "wait4 has no safe wrapper, and alone tells what one child took")]
fn end(pid: u32) -> Duration {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to memory of ours of the right type; zeroed memory is a valid rusage.
    let usage = unsafe {
        libc::wait4(pid as libc::pid_t, &raw mut status, 0, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// The same of a command on this machine itself.
pub fn command(words: &[&str]) -> (Cost, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connector-doctor"));
    command.args(words).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    process(|| command.spawn().expect("the program runs"))
}

fn middle<T: Ord + Copy>(costs: &[Cost], of: impl Fn(&Cost) -> T) -> T {
    let mut all: Vec<T> = costs.iter().map(of).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// The median of each figure over several runs, after one that warms up.
pub fn median(mut run: impl FnMut() -> Cost) -> Cost {
    run();
    let costs: Vec<Cost> = (0..RUNS).map(|_| run()).collect();
    Cost {
        wall: middle(&costs, |c| c.wall),
        cpu: middle(&costs, |c| c.cpu),
        peak_kib: middle(&costs, |c| c.peak_kib),
        packets: middle(&costs, |c| c.packets),
    }
}

pub fn head() {
    println!("  {:<44} {:>9} {:>9} {:>8} {:>8}", "", "wall ms", "CPU ms", "peak MB", "packets");
}

/// One line; `target` is the longest wall clock that the design allows.
pub fn line(what: &str, cost: Cost, target: Option<Duration>) {
    let ms = |span: Duration| span.as_secs_f64() * 1000.0;
    let target = target.map_or_else(String::new, |most| {
        let word = if cost.wall <= most { "within" } else { "BEYOND" };
        format!("  {word} {:.0} ms", ms(most))
    });
    let packets = if cost.packets == 0 { "-".to_owned() } else { cost.packets.to_string() };
    let peak = cost.peak_kib as f64 / 1000.0;
    println!("  {what:<44} {:>9.1} {:>9.1} {peak:>8.1} {packets:>8}{target}", ms(cost.wall), ms(cost.cpu));
}

/// How long one call takes: as many calls as fill a third of a second, three times, the least of it.
pub fn function<T>(what: &str, mut call: impl FnMut() -> T) {
    let begun = now();
    black_box(call());
    let once = now().duration_since(begun).max(Duration::from_nanos(50));
    let calls = (Duration::from_millis(300).as_nanos() / once.as_nanos()).clamp(1, 10_000_000) as u32;
    let least = (0..3)
        .map(|_| {
            let begun = now();
            for _ in 0..calls {
                black_box(call());
            }
            now().duration_since(begun) / calls
        })
        .min()
        .unwrap_or_default();
    println!("  {what:<44} {least:>12.1?} a call");
}
