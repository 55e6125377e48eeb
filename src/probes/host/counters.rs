//! How many IPv4 packets came to this host alone and reached nobody, by `/proc/net/snmp` and `/proc/net/netstat`; counts only,
//! draws no conclusion.

use super::files;
use crate::env::Env;

/// Most bytes read of the counters.
const TABLE: usize = 64 * 1024;

/// Packets received, and those of them that were delivered, forwarded, put together or known to be bad (RFC 4293).
/// What is left between the two was dropped on the way up: by the packet filter, mostly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    received: u64,
    accounted: u64,
}

/// The counters as they stand now; none where they cannot be read.
pub fn counted(env: &Env) -> Option<Counted> {
    let own = parse(&files::read(env, "/proc/net/snmp", TABLE)?)?;
    let shared = files::read(env, "/proc/net/netstat", TABLE).map_or(0, |text| to_many(&text));
    Some(Counted { accounted: own.accounted.saturating_add(shared), ..own })
}

/// Packets to many: a link's chatter answers nothing that this host sent, and filters drop it as a rule. What of it was
/// delivered is accounted for twice, so that rather too little is left than too much.
fn to_many(netstat: &str) -> u64 {
    let of = |name: &str| column(netstat, "IpExt", name).unwrap_or(0);
    of("InMcastPkts").saturating_add(of("InBcastPkts"))
}

/// A figure of a table whose lines come in pairs: names, then values.
pub(super) fn column(text: &str, table: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(table)?.strip_prefix(": "));
    let (names, values) = (lines.next()?, lines.next()?);
    let at = names.split_whitespace().position(|n| n == name)?;
    values.split_whitespace().nth(at)?.parse().ok()
}

impl Counted {
    /// How many came since `before` and reached nobody.
    pub fn unheard_since(self, before: Self) -> u64 {
        let came = self.received.saturating_sub(before.received);
        came.saturating_sub(self.accounted.saturating_sub(before.accounted))
    }
}

fn parse(text: &str) -> Option<Counted> {
    const ACCOUNTED: [&str; 7] = [
        "InDelivers",
        "ForwDatagrams",
        "InHdrErrors",
        "InAddrErrors",
        "InUnknownProtos",
        "InDiscards",
        "ReasmReqds",
    ];
    let of = |name: &str| column(text, "Ip", name);
    let accounted: u64 = ACCOUNTED.iter().filter_map(|name| of(name)).fold(0, u64::saturating_add);
    // A datagram in pieces was delivered once, and its pieces are counted as such.
    let accounted = accounted.saturating_sub(of("ReasmOKs").unwrap_or(0));
    Some(Counted { received: of("InReceives")?, accounted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_nobody_is_the_difference() {
        let text = |received: u64, delivered: u64| {
            format!(
                "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards \
                 InDelivers OutRequests ReasmReqds ReasmOKs\nIp: 1 64 {received} 1 2 3 0 0 {delivered} 9 6 2\nIcmp: x\n"
            )
        };
        let (before, after) = (parse(&text(100, 80)).unwrap(), parse(&text(150, 95)).unwrap());
        assert_eq!(after.unheard_since(before), 35);
        assert_eq!(before.unheard_since(after), 0, "counters that went back tell nothing");
        let netstat = "TcpExt: InMcastPkts\nTcpExt: 9\nIpExt: InNoRoutes InMcastPkts OutMcastPkts InBcastPkts\nIpExt: 1 20 4 3\n";
        assert_eq!((to_many(netstat), to_many("IpExt: InMcastPkts\n")), (23, 0));
        for rubbish in ["", "Ip: a\n", "Ip: InReceives\nIp: many\n", "Udp: InReceives\nUdp: 1\n"] {
            assert_eq!(parse(rubbish), None, "{rubbish}");
        }
    }
}
