//! What is known of a Connector: its names and places on a host, its configuration, its log. Tables and pure
//! functions; each name and place is from connector-facts, easy to correct.

pub mod cgroup;
pub mod config;
pub mod docker;
mod env_file;
mod image;
pub mod log;
pub mod metrics;
mod network;
pub mod podman;
pub mod pods;
mod secret;
mod token;
pub mod trust;
pub mod unit;

pub use secret::Tokens;

pub use network::of_vendor;

/// The kernel's names (cut to 15 characters) of the Connector's process: native, and in its image.
pub const PROCESSES: &[&str] = &["twingate-connec", IMAGE_PROCESS];
/// The name that is not the vendor's alone: elsewhere than in a container, more must speak for it.
pub const IMAGE_PROCESS: &str = "connectord";
/// The systemd unit, without `.service`.
pub const UNIT: &str = "twingate-connector";
/// Where the package puts the program.
pub const PROGRAMS: &[&str] = &["/usr/bin/twingate-connector", "/usr/local/bin/twingate-connector"];
/// The configuration file of a native Connector.
pub const CONFIG_FILE: &str = "/etc/twingate/connector.conf";
/// The folder that holds it, which keeps others out of it.
pub const CONFIG_FOLDER: &str = "/etc/twingate";
/// The package.
pub const PACKAGE: &str = "twingate-connector";
/// Ports of relays beside 443.
pub const RELAY_PORTS: std::ops::RangeInclusive<u16> = 30_000..=31_000;
