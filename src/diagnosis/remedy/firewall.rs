//! How to open this host's own firewall: a row a tool.

use std::net::IpAddr;

use crate::model::facts::Host;
use crate::model::report::Remedy;

/// A tool that makes or loads rules.
struct Tool {
    /// Its name in the facts.
    name: &'static str,
    /// Where the rule that drops stands, in this tool's words.
    where_: &'static str,
    /// Shows it.
    show: &'static [&'static str],
    /// What letting out means here, and how to make it last.
    how: &'static str,
    /// Lets UDP and the Connector's TCP out.
    open: &'static [&'static str],
}

/// The tools, those that manage the rules of others first.
const TOOLS: &[Tool] = &[
    Tool {
        name: "ufw",
        where_: "Find what ufw denies outwards: a rule with DENY OUT or REJECT OUT, or the default \"deny (outgoing)\"",
        show: &["sudo ufw status verbose", "sudo ufw status numbered"],
        how: "Let UDP, and TCP 443 and 30000-31000, out by ufw, before its other rules",
        open: &[
            "sudo ufw prepend allow out proto udp to any",
            "sudo ufw prepend allow out proto tcp to any port 443",
            "sudo ufw prepend allow out proto tcp to any port 30000:31000",
        ],
    },
    Tool {
        name: "firewalld",
        where_: "Find what firewalld drops outwards: a policy from HOST with target DROP or REJECT, or a direct rule of chain OUTPUT",
        show: &["sudo firewall-cmd --list-all-policies", "sudo firewall-cmd --direct --get-all-rules"],
        how: "Let UDP, and TCP 443 and 30000-31000, out by a policy of firewalld that comes first (direct rules come before it: remove those)",
        open: &[
            "sudo firewall-cmd --permanent --new-policy connector-out",
            "sudo firewall-cmd --permanent --policy connector-out --add-ingress-zone HOST",
            "sudo firewall-cmd --permanent --policy connector-out --add-egress-zone ANY",
            "sudo firewall-cmd --permanent --policy connector-out --set-priority -100",
            "sudo firewall-cmd --permanent --policy connector-out --add-port 1-65535/udp",
            "sudo firewall-cmd --permanent --policy connector-out --add-port 443/tcp",
            "sudo firewall-cmd --permanent --policy connector-out --add-port 30000-31000/tcp",
            "sudo firewall-cmd --reload",
        ],
    },
    Tool {
        name: "nftables",
        where_: "Find the drop or reject in a chain with \"hook output\", or such a chain with \"policy drop\"",
        show: &["sudo nft -a list ruleset"],
        how: "Let UDP, and TCP 443 and 30000-31000, out at the head of that chain (inet filter output is Debian's name of it), and write both rules into /etc/nftables.conf to make them last",
        open: &[
            "sudo nft insert rule inet filter output meta l4proto udp accept",
            "sudo nft insert rule inet filter output tcp dport '{ 443, 30000-31000 }' accept",
        ],
    },
    Tool {
        name: "iptables",
        where_: "Find the DROP or REJECT of chain OUTPUT whose packet counter rises, or its \"policy DROP\"",
        show: &[
            "sudo iptables -L OUTPUT -n -v --line-numbers",
            "sudo ip6tables -L OUTPUT -n -v --line-numbers",
        ],
        how: "Let UDP, and TCP 443 and 30000-31000, out at the head of OUTPUT (the same by ip6tables), and save it the way this host loads its rules",
        open: &[
            "sudo iptables -I OUTPUT -p udp -j ACCEPT",
            "sudo iptables -I OUTPUT -p tcp -m multiport --dports 443,30000:31000 -j ACCEPT",
        ],
    },
];

/// Finds the rule that drops, and lets UDP and the Connector's TCP out: by the tool that is in use here.
pub fn open_firewall(host: &Host) -> Vec<Remedy> {
    let used = TOOLS.iter().filter(|t| host.firewalls.iter().any(|f| f == t.name));
    let by_tool: Vec<Remedy> =
        used.flat_map(|t| [Remedy::root(t.where_, t.show), Remedy::root(t.how, t.open)]).collect();
    if !by_tool.is_empty() {
        return by_tool;
    }
    vec![
        Remedy::root(
            "Find the rule of the output chain that drops or rejects, and what made it (a script, a VPN's kill switch, fail2ban, a security agent)",
            &["sudo nft -a list ruleset", "sudo iptables -L OUTPUT -n -v --line-numbers"],
        ),
        Remedy::advice(
            "Allow outbound UDP to any address and port, and TCP 443 and 30000-31000, on this host, where that rule comes from",
        ),
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
            let remedies = open_firewall(&host);
            assert_eq!(remedies[0].commands, tool.show);
            assert_eq!(remedies[1].commands, tool.open);
            let all = tool.open.join("\n");
            assert!(all.contains("udp") && all.contains("443") && all.contains("31000"), "{}", tool.name);
        }
        assert_eq!(open_firewall(&Host::default())[0].commands.len(), 2);
    }
}
