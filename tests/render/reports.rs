//! Reports built by hand: what renderers must cope with, from the ordinary to the hostile.

use std::collections::BTreeMap;

use connector_doctor::model::allow::Allowed;
use connector_doctor::model::facts::*;
use connector_doctor::model::finding::Status;
use connector_doctor::model::observation::*;
use connector_doctor::model::report::*;
use connector_doctor::model::words::*;
use serde_json::json;

/// Every sample by the name that its golden files have.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("healthy", healthy()),
        ("clock-skew", clock_skew()),
        ("udp-blocked", udp_blocked()),
        ("symmetric", symmetric()),
        ("dns-unreachable", dns_unreachable()),
        ("container", container()),
        ("unknown", unknown()),
        ("allowed", allowed()),
        ("hostile", hostile()),
    ]
}

const SERVERS: [(&str, &str, u64); 3] = [
    ("stun.l.google.com:19302", "198.51.100.10:19302", 12_400),
    ("stun.cloudflare.com:3478", "198.51.100.20:3478", 15_800),
    ("global.stun.twilio.com:3478", "203.0.113.30:3478", 31_000),
];

/// An ordinary virtual machine behind a home-like NAT.
pub(crate) fn healthy() -> Report {
    use Status::{Pass, Skip};
    const NO_NETWORK: &str = "no network is named; --network NAME does";
    let checks = vec![
        check("host.hostname", "The host's name is read", Pass, "conn-ams-1, this machine's own"),
        check("host.addresses", "The host has an address", Pass, "10.0.0.5 eth0; 172.17.0.1 docker0"),
        check("host.route", "There is a default route", Pass, "IPv4 by 10.0.0.1 eth0; no IPv6"),
        check("host.uptime", "Uptime is read", Pass, "host 12 d 1 h, Connector 3 d 4 h"),
        check("host.limits", "Limits suffice", Pass, "524288 open files, 2.1 GB of memory free"),
        check("connector.process", "The Connector runs", Skip, "no Connector on this host"),
        check("connector.config", "Its configuration is complete", Skip, "no Connector on this host"),
        check("connector.log", "Its log shows no failure", Skip, "no Connector on this host"),
        check("clock.offset", "The clock is right", Pass, "+0.002 s +/- 0.011 s (limit +/-5 s)")
            .measured(&[("offset_s", 0.002), ("error_s", 0.011)]),
        check("clock.sources", "Time servers agree", Pass, "3 of 3 answered, spread 0.004 s"),
        check("clock.sync", "The clock is kept", Pass, "chrony keeps it"),
        check("dns.resolvers", "Every resolver answers", Pass, "10.0.0.53 answers in 3 ms"),
        check("dns.controller", "The Controller's name resolves", Skip, NO_NETWORK),
        check("controller.tcp", "The Controller is reached", Skip, NO_NETWORK),
        check("controller.tls", "Its certificate holds", Skip, NO_NETWORK),
        check("controller.http", "It answers", Skip, NO_NETWORK),
        check("relay.tcp", "Relays are reached", Pass, "443 in 14 ms; 30000-31000 not asked for"),
        check("services.tcp", "The event services are reached", Pass, "2 of 2, best 22 ms"),
        check("stun.discovery", "A STUN server told our address", Pass, "198.51.100.200:41552, best 12 ms"),
        check("stun.mapping", "The mapping is endpoint-independent", Pass, "endpoint-independent"),
        check("stun.filtering", "The filtering is known", Skip, "no server with two addresses"),
        check("nat.layers", "There is no second NAT", Pass, "1 NAT, 10.0.0.1"),
        check("public.address", "One public address", Pass, "198.51.100.200 by 3 of 3 servers"),
        check("path.mtu", "Full-size packets pass", Pass, "1500 bytes to 198.51.100.10"),
        check("path.loss", "Packets arrive", Pass, "0 of 42 pairs lost (below 6.9 %)"),
    ];
    report("CDR-M8VT-2Z6H", checks, vec![])
}

/// A host 7 seconds in the past.
pub(crate) fn clock_skew() -> Report {
    let mut report = healthy();
    set(&mut report, "clock.offset", Status::Fail, "-7.003 s (limit +/-5 s)", Some("clock-skew"));
    set(
        &mut report,
        "clock.sync",
        Status::Warn,
        "no time service keeps this clock in sync",
        Some("clock-skew"),
    );
    report.connector_details.time_offset_s = Some(-7.003);
    report.facts.run.started_wall_ns -= 7_003_000_000;
    for answer in &mut report.facts.ntp {
        if let Outcome::Seen(answer) = &mut answer.outcome {
            answer.local_minus_ref_ns -= 7_005_000_000;
        }
    }
    report.facts.host.time_daemons.clear();
    report.causes = vec![Cause {
        because: vec!["3 of 3 time servers agree within 0.004 s".into(), "no time service runs".into()],
        impact:
            "The Controller tolerates at most 5 s: tokens are refused, the Connector goes offline and comes \
                 back at random."
                .into(),
        remedies: vec![Remedy::root(
            "Start the time service and set the clock at once",
            &["sudo systemctl enable --now chrony", "sudo chronyc makestep"],
        )],
        verify: "connector-doctor check 'clock.*' --wait 2m".into(),
        ..cause("clock-skew", Severity::Critical, "This host's clock is 7.003 s BEHIND the reference.")
    }];
    judged(report)
}

/// Outbound UDP dropped, TCP and DNS at work.
pub(crate) fn udp_blocked() -> Report {
    let mut report = healthy();
    let caused = Some("udp-blocked");
    set(&mut report, "stun.discovery", Status::Fail, "no answer from 3 servers in 2.2 s", caused);
    set(&mut report, "stun.mapping", Status::Skip, "needs stun.discovery", caused);
    set(&mut report, "stun.filtering", Status::Skip, "needs stun.discovery", caused);
    set(&mut report, "nat.layers", Status::Skip, "needs stun.discovery", caused);
    set(&mut report, "clock.offset", Status::Pass, "+0.4 s +/- 0.5 s by the Controller's Date", None);
    set(&mut report, "clock.sources", Status::Warn, "0 of 3 answered", caused);
    report.connector_details.stun_discovery = StunDiscovery::Unavailable;
    report.connector_details.public_ips.clear();
    report.connector_details.time_offset_s = Some(0.4);
    report.connector_details.time_offset_error_s = Some(0.5);
    report.connector_details.time_offset_source = Some(TimeSource::ControllerDate);
    let silence = || ProbeFailure { sent: 5, ..ProbeFailure::new(Phase::Receive, FailureKind::Timeout, "") };
    for seen in &mut report.facts.stun {
        seen.outcome = Outcome::Failed(silence());
    }
    for seen in &mut report.facts.ntp {
        seen.outcome = Outcome::Failed(silence());
    }
    report.causes = vec![Cause {
        because: vec![
            "15 requests to 3 STUN servers, ports 3478 and 19302, and to 3 time servers: 0 answers, 0 ICMP \
             errors, so a silent drop"
                .into(),
            "UDP to 10.0.0.53:53 answered in 3 ms, so this host can send".into(),
            "TCP 443 to the Controller works".into(),
        ],
        impact: "No peer-to-peer connections. Relays (checked: work) carry the traffic, slower.".into(),
        remedies: vec![Remedy {
            action: "Ask the network team to allow, outbound and stateful:\n\
                     UDP  10.0.0.5  ->  any:1-65535                peer-to-peer, QUIC\n\
                     UDP  10.0.0.5  ->  stun.cloudflare.com:3478   STUN\n\
                     UDP  10.0.0.5  ->  time.cloudflare.com:123    time"
                .into(),
            commands: vec![],
            needs_root: false,
        }],
        verify: "connector-doctor check 'stun.*' --wait 10m".into(),
        ..cause("udp-blocked", Severity::Critical, "Outbound UDP is dropped on the network path.")
    }];
    judged(report)
}

/// A symmetric NAT, a second warning and a notice.
pub(crate) fn symmetric() -> Report {
    let mut report = healthy();
    set(
        &mut report,
        "stun.mapping",
        Status::Warn,
        "address- and port-dependent: 3 destinations, 3 mapped ports",
        Some("nat-endpoint-dependent"),
    );
    set(&mut report, "nat.layers", Status::Warn, "2 NATs: 10.0.0.1, 100.64.0.1", Some("cgnat"));
    report.causes = vec![
        Cause {
            because: vec!["3 destinations saw the ports 41552, 41553 and 41559 of one socket".into()],
            impact: "Peer-to-peer connections fail with peers that are behind such a NAT too.".into(),
            remedies: vec![Remedy::advice(
                "Configure the NAT for endpoint-independent mapping, or give the Connector a public address",
            )],
            verify: "connector-doctor check 'stun.*' 'nat.*'".into(),
            ..cause(
                "nat-endpoint-dependent",
                Severity::Warning,
                "The NAT maps one socket to another port for each destination (symmetric NAT)",
            )
        },
        Cause {
            confidence: Confidence::Likely,
            because: vec!["the second hop is 100.64.0.1, of 100.64.0.0/10".into()],
            impact: "No port can be forwarded to this host.".into(),
            remedies: vec![Remedy::advice("Ask the carrier for a public IPv4 address, or use IPv6")],
            verify: "connector-doctor check 'nat.*'".into(),
            ..cause("cgnat", Severity::Warning, "The outer NAT is the carrier's.")
        },
        Cause {
            because: vec!["chrony is installed but not running".into()],
            impact: "The clock will drift.".into(),
            remedies: vec![Remedy::root("Start chrony", &["sudo systemctl enable --now chrony"])],
            verify: "connector-doctor check clock.sync".into(),
            ..cause(
                "clock-unsynchronised",
                Severity::Notice,
                "The clock is correct, but no time service keeps it in sync.",
            )
        },
    ];
    judged(report)
}

/// No resolver answers, so nearly nothing can be tried.
pub(crate) fn dns_unreachable() -> Report {
    let mut report = healthy();
    let caused = Some("dns-unreachable");
    set(&mut report, "dns.resolvers", Status::Fail, "0 of 2 resolvers answer", caused);
    set(&mut report, "clock.offset", Status::Unknown, "no time server's name resolves", caused);
    set(&mut report, "clock.sources", Status::Skip, "needs dns.resolvers", caused);
    set(&mut report, "stun.discovery", Status::Skip, "needs dns.resolvers", caused);
    set(&mut report, "stun.mapping", Status::Skip, "needs stun.discovery", caused);
    set(&mut report, "nat.layers", Status::Skip, "needs stun.discovery", caused);
    report.connector_details = ConnectorDetails {
        stun_discovery: StunDiscovery::Unknown,
        public_ips: vec![],
        time_offset_s: None,
        time_offset_error_s: None,
        time_offset_source: None,
        ..report.connector_details
    };
    report.started_at = "2026-11-22T09:26:53Z".into();
    report.facts.stun.clear();
    report.facts.ntp.clear();
    report.causes = vec![Cause {
        because: vec![
            "10.0.0.53:53 and 10.0.0.54:53 gave 0 answers to 10 questions, by UDP and TCP".into(),
            "TCP to 198.51.100.1:443 works, so the network is up".into(),
        ],
        impact: "No name resolves: neither the Controller nor a relay is found.".into(),
        remedies: vec![Remedy::root(
            "Name a resolver that answers",
            &["sudo resolvectl dns eth0 192.0.2.53", "sudo resolvectl flush-caches"],
        )],
        verify: "connector-doctor check 'dns.*' --wait 2m".into(),
        ..cause("dns-unreachable", Severity::Critical, "No configured resolver answers.")
    }];
    judged(report)
}

/// Inside docker: a Connector's container with its network's name and user.
pub(crate) fn container() -> Report {
    let mut report = healthy();
    report.facts.host.hostname = Some("3f2a9c0de1b4".into());
    report.facts.host.container = Some(Container { runtime: Runtime::Docker, sign: "/.dockerenv".into() });
    report.facts.host.unseen = vec![Unseen::MachineProcesses];
    report.facts.run.network = Some("acme".into());
    report.connector_details.hostname = Some("3f2a9c0de1b4".into());
    report.connector_details.uptime_s = None;
    set(&mut report, "host.hostname", Status::Pass, "3f2a9c0de1b4, a docker container's", None);
    set(&mut report, "controller.tcp", Status::Pass, "acme.twingate.com:443 in 21 ms", None);
    set(&mut report, "controller.tls", Status::Pass, "TLS 1.3 in 32 ms, by Example Trust", None);
    set(&mut report, "controller.http", Status::Pass, "HTTP 302 in 25 ms", None);
    controller(&mut report, "acme.twingate.com", "Example Trust", "cloudfront");
    judged(report)
}

/// A Controller that was reached at its first address and refused at its second.
fn controller(report: &mut Report, name: &str, issuer: &str, server: &str) {
    let at = |seen: serde_json::Value, address: &str, at_us: u64, took_us: u64| json!({ "target": format!("{name}:443"), "address": address, "at_us": at_us, "took_us": took_us, "outcome": seen });
    let chain = json!({ "subject": name, "issuer": issuer, "names": [name, "*.twingate.com"],
        "not_before_s": 1_790_000_000, "not_after_s": 1_800_000_000, "problem": null });
    let trusted = json!({ "trusted": true, "windows": [[1_790_000_000, 1_800_000_000]], "problem": null });
    report.facts.targets.push(from_json(json!({
        "role": "controller", "host": name, "port": 443, "origin": "--network",
        "addresses": ["203.0.113.80", "203.0.113.81"], "resolve_us": 8_200, "failure": null
    })));
    let control = &mut report.facts.control;
    control.tcp = from_json(json!([
        at(
            json!({ "seen": { "local": "10.0.0.5:50112", "connect_us": 21_000 } }),
            "203.0.113.80:443",
            8_300,
            21_100
        ),
        at(json!({ "failed": { "phase": "connect", "kind": "refused" } }), "203.0.113.81:443", 8_300, 20_900),
    ]));
    control.tls = from_json(json!([at(
        json!({ "seen": { "version": "TLS 1.3", "cipher": "TLS13_AES_256_GCM_SHA384", "alpn": "http/1.1",
            "handshake_us": 32_000, "name": name, "chain": [chain], "name_matches": true, "system": trusted, "mozilla": trusted } }),
        "203.0.113.80:443",
        29_500,
        32_000
    )]));
    control.http = from_json(json!([at(
        json!({ "seen": { "status": 302, "method": "HEAD", "first_byte_us": 25_000, "date": null, "server": server,
            "location": format!("https://{name}/login"), "age_s": null } }),
        "203.0.113.80:443",
        61_600,
        25_100
    )]));
}

/// A warning that is accepted, with its cause, and one that was until a day that is over.
pub(crate) fn allowed() -> Report {
    let mut report = symmetric();
    let say = |reason: &str, until: Option<&str>, expired| {
        Some(Allowed { reason: reason.into(), until: until.map(Into::into), expired })
    };
    for check in &mut report.checks {
        check.allowed = match check.id.as_str() {
            "stun.mapping" => say("relays suffice | <here>", None, false),
            "nat.layers" => say("until the carrier gives us an address", Some("2026-10-31"), true),
            _ => None,
        };
    }
    report.causes[0].severity = Severity::Notice;
    report.causes.rotate_left(1);
    judged(report)
}

/// Nothing could be found out.
pub(crate) fn unknown() -> Report {
    let ids = ["host.hostname", "clock.offset", "clock.sources", "dns.resolvers", "stun.discovery"];
    let checks =
        ids.map(|id| check(id, "A claim", Status::Unknown, "the run ended before an answer")).to_vec();
    Report {
        connector_details: ConnectorDetails {
            stun_discovery: StunDiscovery::Unknown,
            ..ConnectorDetails::default()
        },
        started_at: "1970-01-01T00:00:00Z".into(),
        duration_ms: 0,
        facts: Facts { run: Run { interrupted: true, ..Run::default() }, ..Facts::default() },
        ..report("CDR-0000-0000", checks, vec![])
    }
}

/// What breaks formats, in one string.
pub(crate) const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;pwned\u{7}<script>alert(1)</script>]]>::error::x|`\"'&\n\r\n```\n\
                           * # HELP x\\{a=\"\u{202e}gpj\u{2066}\u{200b}\u{feff}\u{fffd}\u{9b}31m% \u{e9}\u{1f600}\t";

/// A host, a network and servers that try every trick in every string.
pub(crate) fn hostile() -> Report {
    let long = "x".repeat(500);
    let mut report = healthy();
    report.tool.version = HOSTILE.into();
    report.facts.host.hostname = Some(HOSTILE.into());
    report.connector_details.hostname = Some(HOSTILE.into());
    report.facts.host.os.name = HOSTILE.into();
    report.facts.host.interfaces[0].name = HOSTILE.into();
    report.facts.host.interfaces[1].name.clone_from(&long);
    report.facts.run.network = Some(HOSTILE.into());
    report.facts.run.lab = Some(HOSTILE.into());
    report.facts.run.select = vec![HOSTILE.into(); 9];
    for (n, seen) in report.facts.stun.iter_mut().enumerate() {
        seen.target = format!("{n}{HOSTILE}");
        if let Outcome::Seen(answer) = &mut seen.outcome {
            answer.software = Some(HOSTILE.into());
        }
    }
    for check in &mut report.checks {
        check.summary = format!("{HOSTILE} {long}");
        check.evidence = vec![HOSTILE.into(); 40];
    }
    controller(&mut report, HOSTILE, HOSTILE, HOSTILE);
    set(&mut report, "clock.sync", Status::Warn, HOSTILE, Some(HOSTILE));
    set(&mut report, "clock.sources", Status::Unknown, HOSTILE, None);
    report.checks.push(check(HOSTILE, HOSTILE, Status::Fail, &long));
    report.checks.push(check(&long, &long, Status::Fail, HOSTILE).measured(&[(HOSTILE, 1.0)]));
    report.causes = vec![
        Cause {
            because: vec![HOSTILE.into(); 40],
            impact: format!("{HOSTILE} {long}"),
            checks: vec![HOSTILE.into()],
            remedies: vec![
                Remedy { action: HOSTILE.into(), commands: vec![HOSTILE.into(); 40], needs_root: true },
                Remedy::advice(long.clone()),
            ],
            verify: format!("{HOSTILE} {long}"),
            docs: HOSTILE.into(),
            ..cause(HOSTILE, Severity::Critical, HOSTILE)
        },
        cause("a-code-that-is-long", Severity::Warning, &long),
        cause("short", Severity::Notice, &long),
    ];
    judged(report)
}

/// 10,000 interfaces (64 of them in detail), 500 servers.
pub(crate) fn huge() -> Report {
    let mut report = healthy();
    report.facts.host.interface_count = 10_000;
    for n in 0..62_u8 {
        let ip = std::net::IpAddr::from([10, 1, n, 1]);
        report.facts.host.interfaces.push(interface(
            &format!("veth{n}"),
            InterfaceKind::Veth,
            &ip.to_string(),
        ));
        report.connector_details.private_ips.push(ip);
    }
    let (first_stun, first_ntp) = (report.facts.stun[0].clone(), report.facts.ntp[0].clone());
    for n in 0..500 {
        report
            .facts
            .stun
            .push(Observation { target: format!("stun-{n}.example:3478"), ..first_stun.clone() });
        report.facts.ntp.push(Observation { target: format!("ntp-{n}.example:123"), ..first_ntp.clone() });
        if let Some(check) = report.checks.iter_mut().find(|check| check.id == "stun.discovery") {
            check.evidence.push(format!("stun-{n}.example:3478 answered in 12 ms"));
        }
    }
    report
}

fn report(id: &str, checks: Vec<CheckResult>, causes: Vec<Cause>) -> Report {
    let report = Report {
        format_version: FORMAT_VERSION.into(),
        id: id.into(),
        tool: Tool {
            name: "connector-doctor".into(),
            version: "0.1.0".into(),
            target: "linux-x86_64".into(),
        },
        started_at: "2026-11-22T09:26:53Z".into(),
        duration_ms: 512,
        verdict: Verdict::Healthy,
        not_tested: vec![],
        redaction: "none".into(),
        connector_details: ConnectorDetails {
            uptime_s: Some(273_700.0),
            host_uptime_s: Some(1_040_500.0),
            downtime_s: None,
            time_offset_s: Some(0.002),
            time_offset_error_s: Some(0.011),
            time_offset_source: Some(TimeSource::Ntp),
            stun_discovery: StunDiscovery::Available,
            hostname: Some("conn-ams-1".into()),
            public_ips: vec!["198.51.100.200".parse().unwrap()],
            private_ips: vec!["10.0.0.5".parse().unwrap(), "172.17.0.1".parse().unwrap()],
        },
        p2p_outlook: Some(P2pOutlook {
            expect: P2pExpect::DependsOnClient,
            none: false,
            reason: "mapping endpoint-independent, filtering not known".into(),
        }),
        checks,
        causes,
        resources: Vec::new(),
        facts: facts(id),
    };
    judged(report)
}

fn facts(id: &str) -> Facts {
    Facts {
        run: Run {
            id: id.into(),
            version: "0.1.0".into(),
            target: "linux-x86_64".into(),
            started_wall_ns: 1_795_339_613_002_000_000,
            duration_us: 512_000,
            timeout_us: 10_000_000,
            tries: 1,
            ..Run::default()
        },
        host: Host {
            hostname: Some("conn-ams-1".into()),
            os: Os {
                id: "debian".into(),
                name: "Debian 12".into(),
                kernel: "6.1.0".into(),
                architecture: "x86_64".into(),
                ..Os::default()
            },
            virtualisation: Some(Machine::Kvm),
            uid: Some(1000),
            interfaces: vec![
                interface("eth0", InterfaceKind::Ethernet, "10.0.0.5"),
                interface("docker0", InterfaceKind::ContainerBridge, "172.17.0.1"),
            ],
            interface_count: 3,
            default_routes: vec![Route {
                gateway: Some("10.0.0.1".parse().unwrap()),
                ipv6: false,
                interface: "eth0".into(),
                metric: 100,
            }],
            resolvers: vec![Resolver {
                address: "10.0.0.53:53".parse().unwrap(),
                origin: ResolverOrigin::System("/etc/resolv.conf".into()),
            }],
            time_daemons: vec![TimeDaemon {
                name: "chrony".into(),
                running: true,
                synchronised: Some(true),
                sources: vec!["2.debian.pool.ntp.org".into()],
                ..TimeDaemon::default()
            }],
            ..Host::default()
        },
        stun: SERVERS.iter().map(|(name, address, rtt)| stun(name, address, *rtt)).collect(),
        ntp: ["time.cloudflare.com:123", "time.google.com:123", "0.pool.ntp.org:123"].map(ntp).to_vec(),
        ..Facts::default()
    }
}

/// From JSON, as saved reports are: a fact that is added later must have a default.
fn from_json<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("facts saved by this version load in later ones")
}

fn stun(target: &str, address: &str, rtt_us: u64) -> Observation<StunAnswer> {
    from_json(json!({
        "target": target, "address": address, "at_us": 1000, "took_us": rtt_us,
        "outcome": {"seen": {
            "local": "10.0.0.5:41552", "mapped": "198.51.100.200:41552", "mapped_plain": null, "xor": true,
            "rtt_us": rtt_us, "sent": 1, "strays": 0, "response_origin": address, "other_address": null,
            "software": "Coturn-4.6.1"
        }}
    }))
}

fn ntp(target: &str) -> Observation<NtpAnswer> {
    from_json(json!({
        "target": target, "address": "203.0.113.123:123", "at_us": 1000, "took_us": 14000,
        "outcome": {"seen": {
            "local_minus_ref_ns": 2_000_000, "delay_ns": 14_000_000, "error_ns": 11_000_000, "stratum": 2,
            "leap": 0, "reference": "203.0.113.1", "root_delay_ns": 3_000_000,
            "root_dispersion_ns": 1_000_000, "standing": "usable", "sent": 1, "strays": 0,
            "kernel_stamp": true
        }}
    }))
}

fn interface(name: &str, kind: InterfaceKind, ip: &str) -> Interface {
    Interface {
        name: name.into(),
        kind,
        up: true,
        mtu: Some(1500),
        addresses: vec![InterfaceAddress { ip: ip.parse().unwrap(), prefix: 24 }],
    }
}

fn check(id: &str, title: &str, outcome: Status, summary: &str) -> CheckResult {
    CheckResult {
        id: id.into(),
        title: title.into(),
        standing: connector_doctor::checks::all()
            .find(|row| row.id.as_str() == id)
            .map(|row| row.row.standing)
            .unwrap_or_default(),
        outcome,
        summary: summary.into(),
        evidence: vec![format!("what was seen for {id}")],
        by: Vec::new(),
        lacks: (outcome == Status::Unknown).then_some(connector_doctor::model::verdict::Lack::Answer),
        caused_by: None,
        allowed: None,
        duration_ms: 31,
        measurements: BTreeMap::new(),
    }
}

trait Measured {
    fn measured(self, figures: &[(&str, f64)]) -> Self;
}

impl Measured for CheckResult {
    fn measured(mut self, figures: &[(&str, f64)]) -> Self {
        self.measurements.extend(figures.iter().map(|(name, value)| ((*name).to_owned(), *value)));
        self
    }
}

fn set(report: &mut Report, id: &str, outcome: Status, summary: &str, caused_by: Option<&str>) {
    let check = report.checks.iter_mut().find(|check| check.id == id).expect("a check of this id");
    check.outcome = outcome;
    check.summary = summary.into();
    check.caused_by = caused_by.map(Into::into);
}

fn cause(code: &str, severity: Severity, title: &str) -> Cause {
    Cause {
        code: code.into(),
        severity,
        confidence: Confidence::Certain,
        title: title.into(),
        because: vec![],
        impact: String::new(),
        checks: vec![],
        remedies: vec![],
        verify: String::new(),
        docs: format!("docs/causes/{code}.md"),
    }
}

/// Verdict and the causes' lists of checks, as the pipeline would fill them.
fn judged(mut report: Report) -> Report {
    report.verdict = Report::verdict_of(&report.checks);
    report.not_tested =
        connector_doctor::diagnosis::untested::not_tested(&report.checks, &report.facts.run, &[]);
    for cause in &mut report.causes {
        let explained = report.checks.iter().filter(|check| check.caused_by.as_ref() == Some(&cause.code));
        cause.checks = explained.map(|check| check.id.clone()).collect();
    }
    report
}

/// Values that no redacted report may tell, by the level that hides them.
pub(crate) const CANARIES_DEFAULT: &[&str] = &[
    "198.51.100.200",
    "198.51.100.10",
    "203.0.113.123",
    "2001:db8:77::5",
    "db8:77",
    "conn-ams-1",
    "corp.example",
    "canarynet",
    "52:54:00:12:34:56",
    "5054:ff:fe12:3456",
    "alice",
    "canary wiki",
    "canarycorp",
    "10.77.0.30",
    "198.51.100.31",
];
/// The same for `strict`, beyond those of `default`.
pub(crate) const CANARIES_STRICT: &[&str] = &[
    "10.0.0.5",
    "10.0.0.1",
    "172.17.0.1",
    "100.100.7.7",
    "eth0",
    "docker0",
    "stun.cloudflare.com",
    "time.google.com",
    "2.debian.pool.ntp.org",
    "fd77::5",
];

/// Every secret in every place where one may stand.
pub(crate) fn canaries() -> Report {
    let mut report = clock_skew();
    report.facts.run.network = Some("canarynet".into());
    let host = &mut report.facts.host;
    host.hostname = Some("conn-ams-1.corp.example".into());
    report.connector_details.hostname = Some("conn-ams-1.corp.example".into());
    for ip in ["2001:db8:77::5", "fd77::5", "fe80::5054:ff:fe12:3456", "100.100.7.7", "198.51.100.200"] {
        host.interfaces[0].addresses.push(InterfaceAddress { ip: ip.parse().unwrap(), prefix: 64 });
    }
    host.time_daemons = vec![TimeDaemon {
        name: "chrony".into(),
        sources: vec!["2.debian.pool.ntp.org".into(), "198.51.100.10".into()],
        ..TimeDaemon::default()
    }];
    host.interfaces_error = Some("eth0 (52:54:00:12:34:56): not read by /home/alice/x".into());
    host.routes_error = Some("198.51.100.200, [2001:db8:77::5]:443 and fe80::5054:ff:fe12:3456%eth0".into());
    for (role, name) in
        [(TargetRole::Controller, "CanaryNet.twingate.com"), (TargetRole::Stun, "stun.cloudflare.com")]
    {
        report.facts.targets.push(from_json(json!({
            "role": role, "host": name, "port": 443, "origin": "--config /home/alice/canarynet.toml",
            "addresses": ["198.51.100.10", "2001:db8:77::5", "10.0.0.1"], "resolve_us": 5, "failure": null
        })));
    }
    if let Outcome::Seen(answer) = &mut report.facts.stun[0].outcome {
        answer.software = Some("proxy of CanaryNet-gw at 203.0.113.123".into());
    }
    report.facts.resources.push(from_json(json!({
        "name": "Canary Wiki", "host": "wiki.canarycorp.test", "port": 443, "kind": "https", "kind_named": true, "expect": null,
        "origin": "--resource", "seen": { "seen": {
            "names": { "resolvers_by": "TWINGATE_DNS", "asked": ["wiki.canarycorp.test"], "full": "wiki.canarycorp.test",
                "resolver": "10.0.0.1:53", "addresses": ["10.77.0.30", "198.51.100.31"] },
            "tried": [{ "address": "10.77.0.30", "way": { "interface": "eth0", "source": "10.0.0.5", "gateway": "10.0.0.1" },
                "connect": { "failed": { "phase": "connect", "kind": "timeout", "sent": 9, "detail": "10.77.0.30:443" } },
                "greeting": { "seen": { "protocol": "http", "says": "200 OK",
                    "location": "https://wiki.canarycorp.test/login" } } }]
        } }
    })));
    report.resources.push(from_json(json!({
        "name": "Canary Wiki", "host": "wiki.canarycorp.test", "port": 443, "kind": "https", "address": "10.77.0.30",
        "resolver": "10.0.0.1:53", "source": "10.0.0.5", "interface": "eth0", "connect_ms": null,
        "reply": "HTTP, 200 OK, redirects to https://wiki.canarycorp.test/login", "outcome": "fail",
        "certificate": { "subject": "CN=wiki.canarycorp.test", "issuer": "CN=Corp", "days_left": 3.0, "name_matches": true,
            "trusted": true },
        "summary": "10.77.0.30 port 443: no answer, out of eth0 from 10.0.0.5 by 10.0.0.1", "caused_by": null
    })));
    let told = "conn-ams-1 (52-54-00-12-34-56) of https://canarynet.twingate.com:443/ saw 198.51.100.200:41552, \
                [2001:db8:77::5]:9, 10.0.0.5-10.0.0.1, eth0=198.51.100.10/32; CN=canarynet-ca, alice in /home/alice";
    // Three checks say what all would.
    report.checks.retain(|check| check.id.starts_with("clock."));
    for check in &mut report.checks {
        check.summary = format!("{} {told}", check.summary).replace("alice in ", "");
        check.evidence.push(told.replace("alice in ", ""));
        check.measurements.insert("rtt_s stun.cloudflare.com 198.51.100.10".into(), 0.012);
    }
    for cause in &mut report.causes {
        cause
            .because
            .push("CONN-AMS-1.corp.example asked 2.debian.pool.ntp.org at 198.51.100.10:123.".into());
        cause.impact.push_str(" See CANARYNET.");
        cause.title.push_str(" (conn-ams-1)");
        cause.remedies.push(Remedy::root("On conn-ams-1:", &["sudo ip addr show dev eth0 to 10.0.0.5"]));
    }
    report
}
