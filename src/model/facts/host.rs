//! What the host says of itself, read from /proc, /sys and a few files; nothing secret.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::{KernelClock, TimeDaemon};
use super::connector::Connector;
use super::manager::Manager;
use super::origin::ResolverOrigin;
use super::place::{Machine, Runtime, Unseen};
use super::resources::Resources;
use super::room::Room;
use super::routing::Routing;

/// The host as this process sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Host {
    /// The name that the kernel gives (`uname` nodename); a container's in a container.
    pub hostname: Option<String>,
    /// The container this process runs in, if it does.
    pub container: Option<Container>,
    /// Distribution and kernel.
    pub os: Os,
    /// The virtual machine that it is; none on bare metal or where it cannot be told.
    pub virtualisation: Option<Machine>,
    /// The cloud, recognised offline by DMI.
    pub cloud: Option<Cloud>,
    /// The user id that this process runs as.
    pub uid: Option<u32>,
    /// Time since boot, microseconds (boot clock, suspend included).
    pub uptime_us: Option<u64>,
    /// Uptime of the Connector's process, microseconds, where one was found.
    pub connector_uptime_us: Option<u64>,
    /// The Connector on this host.
    pub connector: Connector,
    /// What is left of memory and disks.
    pub resources: Resources,
    /// Details of at most 64 interfaces: the addressed and routed ones first.
    pub interfaces: Vec<Interface>,
    /// How many interfaces there are in all.
    pub interface_count: u32,
    /// The interfaces could not be read; why.
    pub interfaces_error: Option<String>,
    /// Default routes, best metric first.
    pub default_routes: Vec<Route>,
    /// Whether the gateway of the best IPv4 default route answers on its link (ARP), as the kernel knew when all was
    /// asked; none where it never tried.
    pub gateway_answers: Option<bool>,
    /// IPv4 packets that came to this host while all was asked and reached nobody; none where that is not counted.
    pub unheard: Option<u64>,
    /// What this host had left to open connections with, and what it counted meanwhile.
    pub room: Room,
    /// The kernel's route to each address of the run, and its next hops, as they stood when all was asked.
    pub routing: Routing,
    /// The route table could not be read; why.
    pub routes_error: Option<String>,
    /// Resolvers of /etc/resolv.conf and, behind 127.0.0.53, its upstreams.
    pub resolvers: Vec<Resolver>,
    /// Resolvers of /etc/resolv.conf beyond the third: the C library asks none of them.
    pub resolvers_unused: Vec<IpAddr>,
    /// Domains that this system appends to names (`search`, `domain`), in their order.
    pub search: Vec<String>,
    /// Names with fewer dots are tried with those first (`ndots`).
    pub ndots: u8,
    /// The kernel's opinion of its clock; none where it may not be asked.
    pub kernel_clock: Option<KernelClock>,
    /// Programs that keep clocks, running or installed.
    pub time_daemons: Vec<TimeDaemon>,
    /// Firewall tools in use: `ufw`, `firewalld`, `nftables`.
    pub firewalls: Vec<String>,
    /// Names (never values) of proxy variables that are set.
    pub proxy_variables: Vec<String>,
    /// Files and folders that did not answer in time, as those of a dead mount; without them the rest was read.
    pub hung: Vec<String>,
    /// By what this host is run.
    pub manager: Manager,
    /// What could not be seen.
    pub unseen: Vec<Unseen>,
}

impl Host {
    /// What this process could not see, and why, in words.
    pub fn unseen_in_words(&self) -> impl Iterator<Item = String> {
        self.unseen.iter().map(|what| self.in_words(*what))
    }

    /// One of these, in words.
    pub fn in_words(&self, what: Unseen) -> String {
        let runtime = self.container.as_ref().map(|container| &container.runtime);
        let more = (self.interface_count as usize).saturating_sub(self.interfaces.len());
        what.words(runtime, more)
    }
}

/// A container and how it was recognised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// Who made it.
    pub runtime: Runtime,
    /// The sign that gave it away: `/.dockerenv`.
    pub sign: String,
}

/// Distribution and kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Os {
    /// `ID` of os-release: `debian`.
    pub id: String,
    /// `ID_LIKE` of os-release.
    pub id_like: Vec<String>,
    /// Name and version for people: `Debian 12`.
    pub name: String,
    /// Kernel release.
    pub kernel: String,
    /// `x86_64`.
    pub architecture: String,
}

/// A cloud whose network needs advice of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
    /// Microsoft Azure.
    Azure,
    /// Another one that DMI names.
    Other,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interface {
    /// Its name, cleaned.
    pub name: String,
    /// What it is.
    pub kind: InterfaceKind,
    /// Administratively up and with a carrier (a tunnel without a state counts as up).
    pub up: bool,
    /// MTU in bytes.
    pub mtu: Option<u32>,
    /// Its addresses.
    pub addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterfaceAddress {
    /// The address.
    pub ip: IpAddr,
    /// Its network's prefix length.
    pub prefix: u8,
}

/// What an interface is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceKind {
    /// A real or virtual Ethernet card.
    Ethernet,
    /// Wi-Fi.
    Wireless,
    /// Mobile broadband.
    Wwan,
    /// Loopback.
    Loopback,
    /// A bridge that docker or podman made.
    ContainerBridge,
    /// Any other bridge.
    Bridge,
    /// One end of a virtual pair, as containers have.
    Veth,
    /// 802.1Q.
    Vlan,
    /// Several cards as one.
    Bond,
    /// macvlan or ipvlan.
    Macvlan,
    /// `WireGuard`, `OpenVPN`, Tailscale, …
    Vpn,
    /// Another tunnel: GRE, `IPIP`, SIT, VXLAN.
    Tunnel,
    /// PPP and `PPPoE`.
    Ppp,
    /// Made for tests and tricks.
    Dummy,
    /// Not told.
    Other,
}

impl InterfaceKind {
    /// The kind in words for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ethernet => "Ethernet",
            Self::Wireless => "Wi-Fi",
            Self::Wwan => "mobile broadband",
            Self::Loopback => "loopback",
            Self::ContainerBridge => "container bridge",
            Self::Bridge => "bridge",
            Self::Veth => "veth",
            Self::Vlan => "VLAN",
            Self::Bond => "bond",
            Self::Macvlan => "macvlan",
            Self::Vpn => "VPN",
            Self::Tunnel => "tunnel",
            Self::Ppp => "PPP",
            Self::Dummy => "dummy",
            Self::Other => "kind not told",
        }
    }
}

/// A default route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// The next hop; none on a point-to-point link.
    pub gateway: Option<IpAddr>,
    /// Whether it is an IPv6 route.
    pub ipv6: bool,
    /// The interface's name.
    pub interface: String,
    /// Less is better.
    pub metric: u32,
}

/// A configured resolver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolver {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// Who names it.
    pub origin: ResolverOrigin,
}
