//! How to open this host's own firewall: a row a tool.

use crate::model::facts::Host;
use crate::model::report::Remedy;

/// A tool: its name in the facts, what shows its rules, what lets the Connector out.
struct Tool {
    name: &'static str,
    show: &'static [&'static str],
    open: &'static [&'static str],
}

/// The tools, those that manage the rules of others first.
const TOOLS: &[Tool] = &[
    Tool {
        name: "ufw",
        show: &["sudo ufw status verbose"],
        open: &[
            "sudo ufw insert 1 allow out proto udp to any",
            "sudo ufw insert 1 allow out proto tcp to any port 443",
            "sudo ufw insert 1 allow out proto tcp to any port 30000:31000",
        ],
    },
    Tool {
        name: "firewalld",
        show: &["sudo firewall-cmd --list-all-policies", "sudo firewall-cmd --direct --get-all-rules"],
        open: &[],
    },
    Tool { name: "nftables", show: &["sudo nft list ruleset"], open: &[] },
    Tool {
        name: "iptables",
        show: &["sudo iptables -S OUTPUT"],
        open: &[
            "sudo iptables -I OUTPUT -p udp -j ACCEPT",
            "sudo iptables -I OUTPUT -p tcp -m multiport --dports 443,30000:31000 -j ACCEPT",
        ],
    },
];

/// Finds the rule that drops, and lets UDP and the Connector's TCP out.
pub fn open_firewall(host: &Host) -> Vec<Remedy> {
    let used: Vec<&Tool> = TOOLS.iter().filter(|t| host.firewalls.iter().any(|f| f == t.name)).collect();
    let show: Vec<&str> = match used.as_slice() {
        [] => vec!["sudo nft list ruleset", "sudo iptables -S OUTPUT"],
        used => used.iter().flat_map(|tool| tool.show).copied().collect(),
    };
    let mut remedies = vec![Remedy::root("Find the rule of the output chain that drops or rejects", &show)];
    match used.iter().find(|tool| !tool.open.is_empty()) {
        Some(tool) => remedies.push(Remedy::root(
            format!("Let UDP, and TCP 443 and 30000-31000, out by {}", tool.name),
            tool.open,
        )),
        None => remedies.push(Remedy::advice(
            "Allow outbound UDP to any address and port, and TCP 443 and 30000-31000, on this host",
        )),
    }
    remedies
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
        }
        assert_eq!(open_firewall(&Host::default())[0].commands.len(), 2);
    }
}
