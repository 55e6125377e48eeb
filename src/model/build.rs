//! What this binary is: its version, and what it was built from and for (`.ci/build.rs`).

/// The package's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `--version` prints after the name: also the commit (`unknown` in a debug build), the target, and the C library.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (commit ",
    env!("DOCTOR_BUILD_COMMIT"),
    ", ",
    env!("DOCTOR_BUILD_TARGET"),
    ", ",
    env!("DOCTOR_BUILD_LIBC"),
    ")"
);
