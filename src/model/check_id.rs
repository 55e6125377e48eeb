//! The ids of checks, spelt once. A new check has its line here, its row in a topic of `checks`, its page and its cases.

use super::spelling::spelling;

spelling! {
    /// The permanent id of a check, `topic.name`, in the order of the report.
    CheckId {
        HostHostname = "host.hostname",
        HostAddresses = "host.addresses",
        HostRoute = "host.route",
        HostUptime = "host.uptime",
        HostLimits = "host.limits",
        ConnectorProcess = "connector.process",
        ConnectorConfig = "connector.config",
        ConnectorIdentity = "connector.identity",
        ConnectorLog = "connector.log",
        ConnectorConnections = "connector.connections",
        ClockOffset = "clock.offset",
        ClockSources = "clock.sources",
        ClockSync = "clock.sync",
        DnsResolvers = "dns.resolvers",
        DnsController = "dns.controller",
        ControllerTcp = "controller.tcp",
        ControllerTls = "controller.tls",
        ControllerHttp = "controller.http",
        RelayTcp = "relay.tcp",
        ServicesTcp = "services.tcp",
        StunDiscovery = "stun.discovery",
        NatLayers = "nat.layers",
        StunMapping = "stun.mapping",
        StunFiltering = "stun.filtering",
        PublicAddress = "public.address",
        QuicHandshake = "quic.handshake",
        PathMtu = "path.mtu",
        PathLoss = "path.loss",
        ResourceDns = "resource.dns",
        ResourceTcp = "resource.tcp",
        ResourceReply = "resource.reply",
    }
}

impl CheckId {
    /// The part before the dot.
    pub fn topic(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(topic, _)| topic)
    }
}
