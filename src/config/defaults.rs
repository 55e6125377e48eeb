//! The built-in defaults: the one table of names, ports and limits that are used where nobody says otherwise.

use std::time::Duration;

/// The configuration file of the system; it need not exist.
pub const SYSTEM_FILE: &str = "/etc/connector-doctor/config.toml";
/// A configuration file beyond this many bytes is refused.
pub const MAX_FILE: usize = 1 << 20;
/// At most this many servers of a kind.
pub const MAX_SERVERS: usize = 64;

/// At most this many Resources.
pub const MAX_RESOURCES: usize = 256;

/// STUN servers.
pub const STUN: &[&str] =
    &["stun.l.google.com:19302", "stun.cloudflare.com:3478", "global.stun.twilio.com:3478"];
/// Time servers, asked after those that the host's own time daemon is configured with. None of the pool: its rules forbid its names as
/// a program's default.
pub const NTP: &[&str] = &["time.cloudflare.com", "time.google.com", "time.aws.com", "time.facebook.com"];

/// QUIC servers: the vendor's own manual test, and two of the largest.
pub const QUIC: &[&str] = &["quic.nginx.org:443", "cloudflare-quic.com:443", "www.google.com:443"];

/// The domain below which the vendor's Controllers live.
pub const VENDOR_DOMAIN: &str = "twingate.com";
/// The vendor's relays, by the names that its list of destinations to allow gives (help article 1198271128,
/// second hand). Port 443 alone: nothing says that 30000-31000 listen at a balancer's name.
pub const VENDOR_RELAYS: &[&str] = &[
    "relays443.twingate.com:443",
    "relays443-prm.twingate.com:443",
    "relays-do.twingate.com:443",
    "relays-prm-do.twingate.com:443",
];
/// The event services that a Connector needs (same source).
pub const VENDOR_SERVICES: &[&str] = &["h2.pubnubapi.com:443", "pubsub.pubnub.com:443", "ps.pndsn.com:443"];
/// A public host that listens on every port: it stands in for relays' own ports where no relay's address is known (the vendor's own
/// manual test, help article 3646943674, second hand).
pub const STAND_IN: &str = "portquiz.net:30001";

/// Port of STUN over UDP (RFC 8489 2).
pub const STUN_PORT: u16 = 3478;
/// Port of NTP (RFC 5905 16).
pub const NTP_PORT: u16 = 123;
/// Port of DNS (RFC 1035 4.2).
pub const DNS_PORT: u16 = 53;
/// Port of HTTPS (RFC 9110 4.2.2).
pub const HTTPS_PORT: u16 = 443;

/// The longest that one try may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The same where `--lifetime` is given: five minutes of silence, and what is asked around it.
pub const TIMEOUT_LIFETIME: Duration = Duration::from_secs(320);
/// Bounds of `--timeout`.
pub const TIMEOUT_RANGE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(10));
/// Bounds of `--wait`.
pub const WAIT_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(24));
/// Pause between the tries of `--wait` where public servers are asked.
pub const WAIT_PUBLIC: Duration = Duration::from_secs(15);
/// Pause between the tries of `--wait` where every server was named.
pub const WAIT_NAMED: Duration = Duration::from_secs(2);

/// From one observation of `watch` to the next.
pub const EVERY: Duration = Duration::from_mins(1);
/// Bounds of `--every`.
pub const EVERY_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(24));

/// The format of the report on stdout.
pub const FORMAT: &str = "human";
/// Columns of the human report.
pub const WIDTH: u16 = 80;
/// Bounds of `--width`.
pub const WIDTH_RANGE: (u16, u16) = (40, 240);
