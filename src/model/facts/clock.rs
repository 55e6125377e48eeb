//! What was observed of time: NTP exchanges, the kernel's clock, the daemons that keep it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One NTP server's answer, already reduced to numbers (RFC 5905 8).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NtpAnswer {
    /// Host minus reference, nanoseconds: **negative = the host is in the past**.
    pub local_minus_ref_ns: i64,
    /// Round trip without the server's own time, nanoseconds; a negative one is kept as measured.
    pub delay_ns: i64,
    /// Root distance: the offset is off by at most this, nanoseconds.
    pub error_ns: u64,
    /// Stratum as sent (1 to 15 are usable).
    pub stratum: u8,
    /// Leap indicator as sent (3 = unsynchronised).
    pub leap: u8,
    /// Reference id: a name at stratum 1, an address otherwise; cleaned.
    pub reference: String,
    /// Root delay, nanoseconds.
    pub root_delay_ns: u64,
    /// Root dispersion, nanoseconds.
    pub root_dispersion_ns: u64,
    /// Whether the sample may vote.
    pub standing: NtpStanding,
    /// Packets sent until this answer.
    pub sent: u32,
    /// Datagrams dropped as not the answer.
    pub strays: u32,
    /// Whether the kernel stamped the arrival.
    pub kernel_stamp: bool,
}

/// Whether an NTP answer may vote, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NtpStanding {
    /// It may.
    Usable,
    /// The server says that its own clock is not synchronised (leap 3, stratum 16).
    Unsynchronised,
    /// A kiss code: the server asks to be left alone (RFC 5905 7.4).
    KissOfDeath(String),
    /// Numbers that cannot be true: T2 = 0, T3 < T2, a root distance beyond 16 s, a clock that was stepped.
    Implausible(String),
}

/// The kernel's own opinion of its clock (`adjtimex`, read only).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KernelClock {
    /// The kernel considers the clock synchronised. A clear flag is no proof of a right clock.
    pub synchronised: bool,
    /// Maximum error, microseconds; grows by 500 a second when nothing disciplines the clock.
    pub max_error_us: i64,
    /// Estimated error, microseconds.
    pub estimated_error_us: i64,
    /// Frequency correction, parts per million.
    pub frequency_ppm: f64,
}

/// A program that keeps clocks: running, or installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TimeDaemon {
    /// `chrony`, `systemd-timesyncd`, `ntpd`, `ntpsec`, `openntpd`, `ntpd-rs`, `ptp4l`, `vmtoolsd`, …
    pub name: String,
    /// Seen running.
    pub running: bool,
    /// Started at boot: systemd's wants, `OpenRC`'s runlevels or `SysV`'s links say so.
    pub enabled: bool,
    /// The service's name on this host, as `systemctl` or `rc-service` takes it: `chrony`, `chronyd`.
    pub unit: Option<String>,
    /// Says that it has synchronised; null where it does not say.
    pub synchronised: Option<bool>,
    /// Servers and pools of its configuration.
    pub sources: Vec<String>,
}
