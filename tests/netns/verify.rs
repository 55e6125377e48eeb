//! Every cause's own `verify` command, over the faults that one world can make: it fails while the fault stands, and ends well
//! once it is mended.

use crate::control::{Control, site};
use crate::support::control::NAME;
use crate::support::{Net, Run, certificate, nginx};

/// What every world's resolver is.
const RESOLVER: &str = "198.51.100.53";

/// A fault that can be mended again.
enum Fault {
    /// A rule of the router on the way; packets from the host's side.
    Way(&'static str),
    /// Rules of the host's own firewall.
    Own(&'static str),
    /// A resolver that leads the Controller's name there; none: it says that there is no such name.
    Leads(&'static str, Option<&'static str>),
    /// A resolver at which nobody listens, alone or before one that works.
    Dead(&'static [&'static str]),
    /// Something of the host's own network, and what takes it away.
    Link(&'static str, &'static str),
}

/// Faults, each with the cause that it is, and whether CI has the time for it: silence takes seconds.
const FAULTS: &[(&str, bool, Fault)] = &[
    (
        "controller-port-blocked",
        true,
        Fault::Way("ip daddr 198.51.100.40 tcp dport 443 reject with tcp reset"),
    ),
    ("controller-port-blocked", false, Fault::Way("ip daddr 198.51.100.40 tcp dport 443 drop")),
    ("relay-ports-blocked", false, Fault::Way("tcp dport 30000-31000 drop")),
    ("service-blocked", false, Fault::Way("ip daddr 198.51.100.42 tcp dport 443 drop")),
    ("dns-unreachable", true, Fault::Way("udp dport 53 drop; iifname lan0 tcp dport 53 drop")),
    ("udp-blocked", true, Fault::Way("meta l4proto udp drop")),
    ("stun-blocked", false, Fault::Way("udp dport { 3478, 3479 } drop")),
    ("ntp-blocked", false, Fault::Way("udp dport 123 drop")),
    ("egress-blocked", true, Fault::Way("drop")),
    ("local-firewall", true, Fault::Own("udp dport { 3478, 3479 } reject")),
    ("controller-name-unknown", true, Fault::Leads("198.51.100.24", None)),
    ("dns-hijacked", true, Fault::Leads("198.51.100.25", Some("0.0.0.0"))),
    ("dns-hijacked", false, Fault::Leads("198.51.100.26", Some("192.168.7.7"))),
    ("controller-down", true, Fault::Leads("198.51.100.27", Some("198.51.100.44"))),
    ("controller-down", false, Fault::Leads("198.51.100.28", Some("198.51.100.45"))),
    ("tls-intercepted", true, Fault::Leads("198.51.100.29", Some("198.51.100.46"))),
    ("controller-certificate", true, Fault::Leads("198.51.100.31", Some("198.51.100.47"))),
    ("controller-certificate", false, Fault::Leads("198.51.100.32", Some("198.51.100.49"))),
    ("controller-clock-skew", true, Fault::Leads("198.51.100.33", Some("198.51.100.48"))),
    ("captive-portal", false, Fault::Leads("198.51.100.34", Some("198.51.100.43"))),
    ("resolver-down", false, Fault::Dead(&["198.51.100.35", RESOLVER])),
    (
        "address-overlap",
        true,
        Fault::Link(
            "link add lan1 type veth peer name peer1\nlink set lan1 up\nlink set peer1 up\naddr add 100.100.0.1/24 dev lan1\n",
            "link del lan1\n",
        ),
    ),
    (
        "local-firewall",
        false,
        Fault::Link("route add prohibit 198.51.100.40/32\n", "route del prohibit 198.51.100.40/32\n"),
    ),
];

impl Fault {
    fn make(&self, control: &Control) {
        match self {
            Self::Way(rule) => control.0.net.fault(&format!("iifname lan0 {rule}")),
            Self::Own(rule) => control.0.net.host_firewall(rule),
            Self::Leads(at, to) => control.resolver(at, *to),
            Self::Dead(resolvers) => control.resolvers(resolvers),
            Self::Link(make, _) => control.0.net.host.ip(make),
        }
    }

    fn mend(&self, control: &Control) {
        match self {
            Self::Way(_) => control.0.net.mend(),
            Self::Own(_) => control.0.net.host.nft("delete table inet own"),
            Self::Leads(..) | Self::Dead(_) => control.resolvers(&[RESOLVER]),
            Self::Link(_, take) => control.0.net.host.ip(take),
        }
    }
}

/// The words of a printed command, as a shell would split them; one try: what `--wait` would do is to try again.
fn words(command: &str) -> Vec<String> {
    let script = format!("for word in {command}; do printf '%s\\n' \"$word\"; done");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut words: Vec<String> =
        text.lines().skip_while(|word| *word != "check").map(str::to_owned).collect();
    if let Some(at) = words.iter().position(|word| word == "--wait") {
        words.drain(at..at + 2);
    }
    words
}

/// What is wrong with the verify command of this fault's cause, or nothing.
fn verified(control: &Control, cause: &str, fault: &Fault) -> Result<(), String> {
    let pasted = |command: &str| -> Run {
        let words = words(command);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        control.0.net.host.doctor(&[&words[..], &["--json"]].concat())
    };
    fault.make(control);
    let run = control.doctor(&[]);
    let found = run.json["causes"].as_array().and_then(|all| all.iter().find(|one| one["code"] == cause));
    let Some(verify) = found.and_then(|one| one["verify"].as_str()).map(str::to_owned) else {
        fault.mend(control);
        return Err(format!("not found, but {:?}\n{run}", run.causes()));
    };
    let before = pasted(&verify);
    fault.mend(control);
    let after = pasted(&verify);
    if (before.code, after.code) == (Some(1), Some(0)) {
        return Ok(());
    }
    Err(format!("exit {:?}, then {:?}: {verify}\n{before}\n{after}", before.code, after.code))
}

/// `VERIFY_ALL=1 cargo test --test netns verify` tries all rows; CI those that need no long silence.
#[test]
fn every_causes_verify_command_fails_while_the_fault_stands_and_ends_well_once_it_is_mended() {
    let Some(control) = Control::open(Net::plan("verify: every cause"), 0.0) else { return };
    let inet = &control.0.net.inet;
    certificate(inet, "intercepted", "stranger", NAME, -30, 90);
    certificate(inet, "expired", "known", NAME, -400, 90);
    let sites = [
        site("198.51.100.45:443", "controller", "503"),
        site("198.51.100.46:443", "intercepted", "200"),
        site("198.51.100.47:443", "expired", "200"),
        site("198.51.100.49:443", "other", "200"),
    ];
    nginx(inet, "sites", &sites, 0.0);
    nginx(inet, "skewed", &[site("198.51.100.48:443", "controller", "200")], 60.0);
    #[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the tool")]
    let all = std::env::var_os("VERIFY_ALL").is_some();
    let mut wrong = Vec::new();
    for (cause, _, fault) in FAULTS.iter().filter(|(_, quick, _)| all || *quick) {
        if let Err(why) = verified(&control, cause, fault) {
            wrong.push(format!("{cause}: {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FAULTS.len(), wrong.join("\n"));
}
