//! The kernel's own opinion of its clock (adjtimex, read only); the only unsafe code of this crate.

#[cfg(target_os = "linux")]
use super::width::i64_of;
use crate::model::facts::KernelClock;
use crate::model::observation::Outcome;
#[cfg(target_os = "linux")]
use crate::model::observation::{FailureKind, Phase, ProbeFailure};

/// Reads the clock's state; needs no rights. Where a sandbox forbids even that, the failure is of kind
/// `Rights`.
#[cfg(target_os = "linux")]
pub fn read() -> Outcome<KernelClock> {
    match adjtimex() {
        Ok((state, clock)) => Outcome::Seen(interpret(state, &clock)),
        Err(error) => {
            let kind = match error.raw_os_error() {
                Some(libc::EPERM | libc::EACCES | libc::ENOSYS) => FailureKind::Rights,
                _ => FailureKind::Io,
            };
            Outcome::Failed(ProbeFailure::new(Phase::Read, kind, format!("adjtimex: {error}")))
        }
    }
}

/// Other systems keep this elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn read() -> Outcome<KernelClock> {
    Outcome::NotRun(crate::model::observation::NotRun::Unsupported("not Linux".to_owned()))
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "no crate at hand wraps adjtimex")]
fn adjtimex() -> std::io::Result<(libc::c_int, libc::timex)> {
    // SAFETY: a timex is integers and padding, for which all zeros are valid; modes = 0 makes the kernel only fill it.
    let (state, clock) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut clock), clock)
    };
    if state < 0 { Err(std::io::Error::last_os_error()) } else { Ok((state, clock)) }
}

/// Synchronised means that neither the returned state nor the status says otherwise.
#[cfg(target_os = "linux")]
fn interpret(state: libc::c_int, clock: &libc::timex) -> KernelClock {
    KernelClock {
        synchronised: state != libc::TIME_ERROR && clock.status & libc::STA_UNSYNC == 0,
        max_error_us: i64_of(clock.maxerror),
        estimated_error_us: i64_of(clock.esterror),
        // The unit is 2^-16 parts per million.
        frequency_ppm: i64_of(clock.freq) as f64 / 65_536.0,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_an_ordinary_user() {
        match read() {
            Outcome::Seen(clock) => {
                assert!((0..=16_000_000).contains(&clock.max_error_us), "{clock:?}");
                assert!(clock.frequency_ppm.abs() <= 512.0, "{clock:?}");
            }
            Outcome::Failed(failure) => assert_eq!(failure.kind, FailureKind::Rights, "{failure:?}"),
            Outcome::NotRun(_) => panic!("reading is always tried"),
        }
    }

    #[test]
    fn either_sign_of_trouble_means_unsynchronised() {
        let (_, mut clock) = adjtimex().unwrap();
        (clock.status, clock.freq, clock.maxerror, clock.esterror) =
            (libc::STA_PLL, -65_536 * 3 / 2, 700, 20);
        let kept = interpret(libc::TIME_OK, &clock);
        assert_eq!((kept.synchronised, kept.max_error_us, kept.estimated_error_us), (true, 700, 20));
        assert!((kept.frequency_ppm + 1.5).abs() < 1e-9);
        assert!(!interpret(libc::TIME_ERROR, &clock).synchronised);
        clock.status |= libc::STA_UNSYNC;
        assert!(!interpret(libc::TIME_OK, &clock).synchronised);
    }
}
