//! How QUIC is dropped, as far as a run shows.

/// How QUIC is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent signs of one filter")]
pub struct QuicBlock {
    /// Servers to which it does not pass, while TLS over TCP does.
    pub servers: Vec<String>,
    /// Over IPv4.
    pub ipv4: bool,
    /// Over IPv6.
    pub ipv6: bool,
    /// A server answers version probes.
    pub versions_pass: bool,
    /// Every server answers a handshake that names another host.
    pub by_name: bool,
    /// Answers begin and cease.
    pub dies: bool,
    /// Who rejects it by ICMP.
    pub rejected_by: Option<std::net::IpAddr>,
    /// Packets of full size alone are dropped.
    pub only_small: bool,
}
