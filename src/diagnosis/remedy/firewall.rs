//! How to open this host's own firewall: a row a tool.

use std::net::IpAddr;

use crate::model::facts::Host;
use crate::model::report::Remedy;
use crate::model::text;

/// What is to be let out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Opening {
    /// UDP to any port.
    AnyUdp,
    /// UDP to this port.
    Udp(u16),
    /// TCP to this port.
    Tcp(u16),
    /// TCP to the relays' high ports.
    RelayPorts,
}

impl Opening {
    /// Protocol, and ports written with this mark between the ends of a range; none: any.
    fn parts(self, to: char) -> (&'static str, Option<String>) {
        match self {
            Self::AnyUdp => ("udp", None),
            Self::Udp(port) => ("udp", Some(port.to_string())),
            Self::Tcp(port) => ("tcp", Some(port.to_string())),
            Self::RelayPorts => ("tcp", Some(format!("30000{to}31000"))),
        }
    }

    /// In words: `TCP 443`.
    fn words(self) -> String {
        let (protocol, ports) = self.parts('-');
        let ports = ports.map_or_else(String::new, |ports| format!(" {ports}"));
        format!("{}{ports}", protocol.to_uppercase())
    }
}

/// What a Connector needs, where nothing tells which of it is refused.
const ALL: [Opening; 3] = [Opening::AnyUdp, Opening::Tcp(443), Opening::RelayPorts];

/// A tool that makes or loads rules.
struct Tool {
    /// Its name in the facts.
    name: &'static str,
    /// Where the rule that drops stands, in this tool's words.
    where_: &'static str,
    /// Shows it.
    show: &'static [&'static str],
    /// By what means it lets out, and how to make it last.
    how: &'static str,
    /// Commands before the rules.
    begin: &'static [&'static str],
    /// Lets one thing out.
    rule: fn(Opening) -> String,
    /// Commands after the rules.
    end: &'static [&'static str],
}

/// The tools, those that manage the rules of others first.
const TOOLS: &[Tool] = &[
    Tool {
        name: "ufw",
        where_: "Find what ufw denies outwards: a rule with DENY OUT or REJECT OUT, or the default \"deny (outgoing)\"",
        show: &["sudo ufw status verbose", "sudo ufw status numbered"],
        how: "out by ufw, before its other rules",
        begin: &[],
        rule: |opening| {
            let (protocol, ports) = opening.parts(':');
            let ports = ports.map_or_else(String::new, |ports| format!(" port {ports}"));
            format!("sudo ufw prepend allow out proto {protocol} to any{ports}")
        },
        end: &[],
    },
    Tool {
        name: "firewalld",
        where_: "Find what firewalld drops outwards: a policy from HOST with target DROP or REJECT, or a direct rule of chain OUTPUT",
        show: &["sudo firewall-cmd --list-all-policies", "sudo firewall-cmd --direct --get-all-rules"],
        how: "out by a policy of firewalld that comes first (direct rules come before it: remove those)",
        begin: &[
            "sudo firewall-cmd --permanent --new-policy connector-out",
            "sudo firewall-cmd --permanent --policy connector-out --add-ingress-zone HOST",
            "sudo firewall-cmd --permanent --policy connector-out --add-egress-zone ANY",
            "sudo firewall-cmd --permanent --policy connector-out --set-priority -100",
        ],
        rule: |opening| {
            let (protocol, ports) = opening.parts('-');
            let ports = ports.unwrap_or_else(|| "1-65535".to_owned());
            format!("sudo firewall-cmd --permanent --policy connector-out --add-port {ports}/{protocol}")
        },
        end: &["sudo firewall-cmd --reload"],
    },
    Tool {
        name: "nftables",
        where_: "Find the drop or reject in a chain with \"hook output\", or such a chain with \"policy drop\"",
        show: &["sudo nft -a list ruleset"],
        how: "out at the head of that chain (inet filter output is Debian's name of it), and write the same into /etc/nftables.conf to make it last",
        begin: &[],
        rule: |opening| match opening.parts('-') {
            (protocol, None) => {
                format!("sudo nft insert rule inet filter output meta l4proto {protocol} accept")
            }
            (protocol, Some(ports)) => {
                format!("sudo nft insert rule inet filter output {protocol} dport {ports} accept")
            }
        },
        end: &[],
    },
    Tool {
        name: "iptables",
        where_: "Find the DROP or REJECT of chain OUTPUT whose packet counter rises, or its \"policy DROP\"",
        show: &[
            "sudo iptables -L OUTPUT -n -v --line-numbers",
            "sudo ip6tables -L OUTPUT -n -v --line-numbers",
        ],
        how: "out at the head of OUTPUT (the same by ip6tables), and save it the way this host loads its rules",
        begin: &[],
        rule: |opening| {
            let (protocol, ports) = opening.parts(':');
            let ports = ports.map_or_else(String::new, |ports| format!(" --dport {ports}"));
            format!("sudo iptables -I OUTPUT -p {protocol}{ports} -j ACCEPT")
        },
        end: &[],
    },
];

/// Finds the rule that drops, and lets out what was refused (all that a Connector needs where that is not known): by
/// the tool that is in use here.
pub fn open_firewall(host: &Host, refused: &[Opening]) -> Vec<Remedy> {
    let refused = if refused.is_empty() { &ALL[..] } else { refused };
    let words: Vec<String> = refused.iter().map(|opening| opening.words()).collect();
    let words = text::list(&words);
    let used = TOOLS.iter().filter(|t| host.firewalls.iter().any(|f| f == t.name));
    let open = |tool: &Tool| {
        let rules: Vec<String> = refused.iter().map(|opening| (tool.rule)(*opening)).collect();
        let rules = rules.iter().map(String::as_str);
        let all: Vec<&str> =
            tool.begin.iter().copied().chain(rules).chain(tool.end.iter().copied()).collect();
        Remedy::root(format!("Let {words} {}", tool.how), &all)
    };
    let by_tool: Vec<Remedy> = used.flat_map(|t| [Remedy::root(t.where_, t.show), open(t)]).collect();
    if !by_tool.is_empty() {
        return by_tool;
    }
    vec![
        Remedy::root(
            "Find the rule of the output chain that drops or rejects, and what made it (a script, a VPN's kill switch, fail2ban, a security agent)",
            &["sudo nft -a list ruleset", "sudo iptables -L OUTPUT -n -v --line-numbers"],
        ),
        Remedy::advice(format!("Let {words} out of this host, where that rule comes from")),
    ]
}

/// Takes back a route or rule of this host's own that refuses to send to `ip`.
pub fn delete_refusal(ip: IpAddr) -> Vec<Remedy> {
    let show = [format!("ip route get {ip}"), "ip rule".to_owned(), "ip route show table all".to_owned()];
    vec![
        Remedy {
            action: "Find the route or the rule that refuses (unreachable, prohibit, blackhole, throw)"
                .to_owned(),
            commands: show.to_vec(),
            needs_root: false,
        },
        Remedy::advice(
            "Delete it where it was made (ip route del, ip rule del, the network's configuration, a VPN's kill switch)",
        ),
    ]
}

/// Lets the answers in: a filter of incoming packets that forgets what this host asked.
pub fn let_answers_in(host: &Host) -> Remedy {
    let used = TOOLS.iter().find(|t| host.firewalls.iter().any(|f| f == t.name));
    let show: &[&str] = match used.map(|t| t.name) {
        Some("ufw") => &["sudo ufw show raw"],
        Some("firewalld") => &["sudo firewall-cmd --list-all-zones", "sudo nft list ruleset"],
        Some("iptables") => &["sudo iptables -L INPUT -n -v --line-numbers"],
        _ => &["sudo nft -a list ruleset", "sudo iptables -L INPUT -n -v --line-numbers"],
    };
    Remedy::root(
        "First see whether this host's own input filter lets answers in: before any drop it needs \"ct state established,related accept\"",
        show,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_shows_its_own_rules() {
        for tool in TOOLS {
            let host = Host { firewalls: vec![tool.name.to_owned()], ..Host::default() };
            let remedies = open_firewall(&host, &[]);
            assert_eq!(remedies[0].commands, tool.show);
            let all = remedies[1].commands.join("\n");
            assert!(all.contains("udp") && all.contains("443") && all.contains("31000"), "{}", tool.name);
            let time = open_firewall(&host, &[Opening::Udp(123)]);
            let time = time[1].commands.join("\n");
            assert!(time.contains("123") && !time.contains("443") && !time.contains("tcp"), "{time}");
        }
        assert_eq!(open_firewall(&Host::default(), &[])[0].commands.len(), 2);
    }
}
