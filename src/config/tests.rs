//! Tests of what several sources mean together.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;

const CHECKS: [&str; 4] = ["clock.offset", "clock.sync", "stun.discovery", "stun.mapping"];
const KNOWN: Known<'_> = Known { checks: &CHECKS, formats: &["human", "json", "junit"] };

fn command_line(toml: &str) -> Source {
    Source::command_line(toml::from_str(toml).unwrap())
}

fn in_file(toml: &str) -> Source {
    file(Path::new("/c.toml"), toml.as_bytes()).unwrap()
}

fn in_env(pairs: &[(&str, &str)]) -> Source {
    let vars = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    environment(&vars.collect::<BTreeMap<_, _>>()).unwrap()
}

fn meant(sources: &[Source]) -> Meant {
    Meant::of(sources, KNOWN).unwrap()
}

fn error(source: Source) -> String {
    Meant::of(&[source], KNOWN).unwrap_err().to_string()
}

fn shown<T: ToString>(list: &[Named<T>]) -> Vec<String> {
    list.iter().map(|named| named.at.to_string()).collect()
}

#[test]
fn nothing_said_means_the_contracts_defaults() {
    let meant = meant(&[]);
    assert_eq!(
        shown(&meant.stun),
        ["stun.l.google.com:19302", "stun.cloudflare.com:3478", "global.stun.twilio.com:3478"]
    );
    assert_eq!(
        shown(&meant.ntp),
        ["time.cloudflare.com:123", "time.google.com:123", "time.aws.com:123", "time.facebook.com:123"]
    );
    assert!(meant.stun.iter().all(|named| named.origin == Origin::Default));
    assert_eq!((meant.controller, meant.dns.len(), meant.relay.len(), meant.service.len()), (None, 0, 0, 0));
    assert_eq!((meant.timeout, meant.wait), (Duration::from_secs(10), None));
    assert_eq!((meant.fail_on, meant.exit_codes), (FailOn::Fail, ExitCodes::Standard));
    assert_eq!((meant.redact, meant.color, meant.family), (Redact::None, Color::Auto, Family::Any));
    assert_eq!((meant.width, meant.verbose, meant.quiet, meant.ask_gateway), (80, 0, false, false));
    assert_eq!(meant.formats, [FormatSpec { format: "human".into(), file: None }]);
    assert!(CHECKS.iter().all(|id| meant.policy.selects(id)));
}

#[test]
fn every_row_of_the_built_in_table_is_readable() {
    let lists = [defaults::STUN, defaults::VENDOR_RELAYS, defaults::VENDOR_SERVICES];
    for row in lists.concat() {
        assert_eq!(HostPort::parse(row, None).unwrap().to_string(), row);
    }
    for row in defaults::NTP {
        assert!(HostPort::parse(row, Some(123)).is_ok());
    }
}

#[test]
fn the_stronger_source_decides_each_setting_by_itself() {
    let all = [
        command_line("stun = ['cli']"),
        in_env(&[("CONNECTOR_DOCTOR_STUN", "env"), ("CONNECTOR_DOCTOR_NTP", "env,env:124,env")]),
        in_file("stun = ['file']\nntp = ['file']\ntimeout = '3s'\ndns = ['10.0.0.53']"),
    ];
    let meant = meant(&all);
    assert_eq!(shown(&meant.stun), ["cli:3478"]);
    assert_eq!(meant.stun[0].origin.to_string(), "--stun");
    assert_eq!(shown(&meant.ntp), ["env:123", "env:124"], "the same target twice is one");
    assert_eq!(meant.ntp[0].origin.to_string(), "CONNECTOR_DOCTOR_NTP");
    assert_eq!(meant.dns[0].origin.to_string(), "/c.toml:4");
    assert_eq!(meant.timeout, Duration::from_secs(3));
}

#[test]
fn an_empty_list_replaces_the_defaults() {
    let meant = meant(&[in_file("stun = []\nntp = []\nnetwork = 'acme'\nrelay = []")]);
    assert!(meant.stun.is_empty() && meant.ntp.is_empty() && meant.relay.is_empty());
    let with_host = meant.with_host(Said::default(), &["ntp.lan".to_owned()]);
    assert!(with_host.ntp.is_empty());
}

#[test]
fn the_vendors_relays_come_with_the_vendors_controller_alone() {
    let acme = meant(&[command_line("network = 'acme'")]);
    assert_eq!(shown(&acme.relay)[0], "relays443.twingate.com:443");
    assert_eq!(shown(&acme.service), ["h2.pubnubapi.com:443", "pubsub.pubnub.com:443", "ps.pndsn.com:443"]);
    assert!(meant(&[command_line("controller = 'https://127.0.0.1:8443'")]).relay.is_empty());
    let own = meant(&[command_line("network = 'acme'\nrelay = ['r.lan:30001']")]);
    assert_eq!(shown(&own.relay), ["r.lan:30001"]);
    assert_eq!(own.service.len(), 3);
}

#[test]
fn the_host_fills_what_nobody_said() {
    let connector = || Said {
        network: Some("acme".into()),
        dns: Some(vec!["10.0.0.2".into()]),
        stun: Some(vec!["ignored".into()]),
        ..Said::default()
    };
    let time = ["ntp.lan".to_owned(), "not a host".to_owned(), "time.google.com".to_owned()];
    let filled = meant(&[]).with_host(connector(), &time);
    let controller = filled.controller.clone().unwrap();
    assert_eq!(controller.at.url(), "https://acme.twingate.com");
    assert_eq!(controller.origin, Origin::HostConnector);
    assert_eq!(shown(&filled.dns), ["10.0.0.2:53"]);
    assert_eq!(filled.stun.len(), 3);
    assert_eq!(
        shown(&filled.ntp),
        [
            "ntp.lan:123",
            "time.google.com:123",
            "time.cloudflare.com:123",
            "time.aws.com:123",
            "time.facebook.com:123"
        ]
    );
    assert_eq!(filled.ntp[1].origin, Origin::HostTime);
    assert!(!filled.relay.is_empty(), "the Connector's Controller is the vendor's");

    let said = [command_line("network = 'own'\nntp = ['n']\ndns = ['::1']")];
    assert_eq!(meant(&said).with_host(connector(), &time), meant(&said));
    let in_use =
        || Said { relay: Some(vec!["203.0.113.9:30005".into(), "nonsense".into()]), ..Said::default() };
    assert!(meant(&[]).with_host(in_use(), &[]).relay.is_empty(), "what cannot be read is left out");
    let in_use = Said { relay: Some(vec!["203.0.113.9:30005".into()]), ..connector() };
    let relays = shown(&meant(&[]).with_host(in_use.clone(), &[]).relay);
    assert!(relays.len() > 1 && relays.contains(&"203.0.113.9:30005".to_owned()), "{relays:?}");
    assert_eq!(shown(&meant(&[command_line("relay = ['r:1']")]).with_host(in_use, &[]).relay), ["r:1"]);
    let broken = Said { network: Some("://".into()), dns: Some(vec!["x".into()]), ..Said::default() };
    assert_eq!(meant(&[]).with_host(broken, &[]), meant(&[]));
}

#[test]
fn a_thing_that_two_keys_say_is_decided_by_the_stronger_source() {
    let all = [command_line("ipv6 = true\nquiet = true"), in_file("ipv4 = true\nverbose = 2\njson = true")];
    let both = meant(&all);
    assert_eq!((both.family, both.quiet, both.verbose), (Family::V6, true, 0));
    assert_eq!(both.formats[0].format, "json");
    let url = [command_line("controller = 'https://c.example'"), in_file("network = 'acme'")];
    assert_eq!(meant(&url).controller.unwrap().at.url(), "https://c.example");
    assert_eq!(meant(&[in_file("ipv4 = false\njson = false")]), meant(&[]));
}

#[test]
fn one_format_goes_to_stdout_and_files_are_named_on_the_command_line_alone() {
    let spec = |format: &str, file: Option<&str>| FormatSpec {
        format: format.to_owned(),
        file: file.map(PathBuf::from),
    };
    for (said, expected) in [
        ("format = ['json']", vec![spec("json", None)]),
        ("json = true\nformat = ['json', 'json=-']", vec![spec("json", None)]),
        ("format = ['junit=a.xml']", vec![spec("human", None), spec("junit", Some("a.xml"))]),
        ("format = ['junit=a=b']\njson = true", vec![spec("junit", Some("a=b")), spec("json", None)]),
    ] {
        assert_eq!(meant(&[command_line(said)]).formats, expected, "{said}");
    }
    for (said, part) in [
        ("format = ['json', 'human']", "--format: json and human cannot both go to stdout"),
        ("format = ['human']\njson = true", "--json: human and json cannot both go to stdout"),
        ("format = ['json=f', 'human=f']", "--format: json and human cannot both go to f"),
        ("format = ['json=']", "--format: \"json=\" names no file"),
        ("format = ['jsn']", "--format: unknown format \"jsn\"; the nearest is json"),
    ] {
        let error = error(command_line(said));
        assert!(error.starts_with(part), "{said}: {error}");
    }
    assert_eq!(
        error(in_file("format = ['human', 'json=/etc/passwd']")),
        "/c.toml:1: format: a file to write is named on the command line alone"
    );
}

#[test]
fn faults_are_told_with_their_place() {
    for (source, line) in [
        (command_line("stun = ['a:b']"), "--stun: the port of \"a:b\" is not a number from 1 to 65535"),
        (command_line("relay = ['r']"), "--relay: \"r\" lacks a port; write HOST:PORT"),
        (command_line("dns = ['dns.lan']"), "--dns: \"dns.lan\" is not an address"),
        (command_line("timeout = '10'"), "--timeout: \"10\" has no unit; write 10s, 500ms, 2m or 1h30m"),
        (command_line("timeout = '1h'"), "--timeout: \"1h\" is not from 100ms to 10m"),
        (command_line("wait = '2d'"), "--wait: \"2d\" is not from 1s to 1d"),
        (command_line("fail-on = 'warning'"), "--fail-on: unknown outcome \"warning\"; the nearest is warn"),
        (command_line("width = 20"), "--width: 20 is not from 40 to 240"),
        (command_line("ipv4 = true\nipv6 = true"), "--ipv4: cannot stand beside ipv6"),
        (command_line("quiet = true\nverbose = 1"), "--quiet: cannot stand beside verbose"),
        (command_line("ca-file = ''"), "--ca-file: names no file"),
        (command_line("skip = ['clokc.*']"), "--skip: unknown check \"clokc.*\"; the nearest is clock."),
        (command_line("skip = ['*']"), "--skip: leaves no check to report"),
        (
            command_line("network = 'a'\ncontroller = 'https://a.b'"),
            "--controller: network and controller say",
        ),
        (command_line("controller = 'http://a.b'"), "--controller: \"http://a.b\" is not https"),
        (in_env(&[("TWINGATE_NETWORK", "https://acme.example/x")]), "TWINGATE_NETWORK: "),
        (
            in_env(&[("CONNECTOR_DOCTOR_TIMEOUT", "x")]),
            "CONNECTOR_DOCTOR_TIMEOUT: \"x\" is not from 100ms to 10m",
        ),
        (in_file("\nstun = [\n'ok',\n'a b']"), "/c.toml:4: stun: \"a b\" is not a host's name"),
        (in_file("[[allow]]\ncheck = 'nope'\nreason = 'x'"), "/c.toml:2: allow.check: unknown check"),
        (in_file("\n[[allow]]\ncheck = 'clock.*'"), "/c.toml:2: allow.reason: is missing"),
        (in_file("[[allow]]\nreason = 'x'"), "/c.toml:1: allow.check: is missing"),
        (
            in_file("[[allow]]\ncheck = 'clock.*'\nreason = 'x'\nuntil = 'soon'"),
            "/c.toml:4: allow.until: is not a day; write YYYY-MM-DD",
        ),
    ] {
        let error = error(source);
        assert!(error.starts_with(line), "{error}");
    }
    let many: Vec<String> = (0..65).map(|i| format!("h{i}")).collect();
    let said = Said { stun: Some(many), ..Said::default() };
    assert_eq!(error(Source::command_line(said)), "--stun: more than 64 are given");
}

#[test]
fn selection_and_acceptance_become_the_policy() {
    let said = Said { select: Some(vec!["clock.*".into()]), ..Said::default() };
    let file = in_file("skip = ['*.sync']\n[[allow]]\ncheck = 'clock.*'\nreason = 'lab'\nuntil = 2027-02-03");
    let meant = meant(&[Source::command_line(said), file]);
    let selected: Vec<&str> = CHECKS.into_iter().filter(|id| meant.policy.selects(id)).collect();
    assert_eq!(selected, ["clock.offset"]);
    assert_eq!(meant.policy.allow[0].until.as_deref(), Some("2027-02-03"));
    let unknown = Said { select: Some(vec!["clock.ofset".into()]), ..Said::default() };
    assert_eq!(
        error(Source::command_line(unknown)),
        "command line: unknown check \"clock.ofset\"; the nearest is clock.offset"
    );
}

#[test]
fn public_servers_are_not_asked_every_two_seconds() {
    assert_eq!(meant(&[]).pause(), Duration::from_secs(15));
    assert_eq!(meant(&[command_line("stun = ['a']")]).pause(), Duration::from_secs(15));
    assert_eq!(meant(&[command_line("stun = ['a']\nntp = ['b']")]).pause(), Duration::from_secs(2));
}

#[test]
fn files_are_read_where_they_are_named() {
    let read = |path: &Path| match path.to_str() {
        Some("/own.toml") => Ok(b"network = 'own'".to_vec()),
        Some("/etc/connector-doctor/config.toml") => Ok(b"network = 'system'\nwidth = 90".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let vars = |path: &str| BTreeMap::from([("CONNECTOR_DOCTOR_CONFIG".to_owned(), path.to_owned())]);
    let all = sources(Said::default(), &vars("/own.toml"), true, read).unwrap();
    let both = meant(&all);
    assert_eq!(both.controller.unwrap().at.network.as_deref(), Some("own"));
    assert_eq!(both.width, 90);

    let missing = sources(Said::default(), &vars("/none.toml"), true, read).unwrap_err().to_string();
    assert!(missing.starts_with("CONNECTOR_DOCTOR_CONFIG: cannot read /none.toml: "), "{missing}");

    let none = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
    assert_eq!(sources(Said::default(), &BTreeMap::new(), true, none).unwrap().len(), 2);
    let denied = |_: &Path| Err(io::Error::from_raw_os_error(13));
    assert_eq!(
        sources(Said::default(), &BTreeMap::new(), true, denied).unwrap_err().to_string(),
        "/etc/connector-doctor/config.toml: cannot be read: Permission denied"
    );
}

#[test]
fn a_users_own_file_is_read_before_the_systems_and_never_for_root() {
    let vars = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let files = |path: &Path| match path.to_str() {
        Some("/home/u/.config/connector-doctor/config.toml") => Ok(b"network = 'home'".to_vec()),
        Some("/xdg/connector-doctor/config.toml") => Ok(b"network = 'xdg'".to_vec()),
        Some("/etc/connector-doctor/config.toml") => Ok(b"network = 'etc'".to_vec()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let home = [("HOME", "/home/u")];
    for (pairs, root, network) in [
        (&home[..], false, "home"),
        (&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "/xdg")][..], false, "xdg"),
        (&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "relative")][..], false, "home"),
        (&home[..], true, "etc"),
        (&[][..], false, "etc"),
    ] {
        let all = sources(Said::default(), &vars(pairs), root, files).unwrap();
        let first = all.iter().find_map(|source| source.said.network.clone());
        assert_eq!(first.as_deref(), Some(network), "{pairs:?} {root}");
    }
}

#[test]
fn what_makes_the_same_run_again_is_every_target_that_a_person_named() {
    let given = |sources: &[Source]| meant(sources).given().join(" ");
    let said = "network = 'acme'\nstun = ['a.test']\nntp = ['b.test']\nrelay = ['c.test:30000']\nservice = ['d.test:443']\n\
                quic = ['e.test']\nresource = ['Wiki=f.test:443']\ndns = ['192.0.2.53']\nca-file = '/ca.pem'\nno-fallback = true\nipv4 = true";
    assert_eq!(
        given(&[command_line(said)]),
        "--network acme --stun a.test:3478 --ntp b.test:123 --dns 192.0.2.53:53 --relay c.test:30000 \
         --service d.test:443 --quic e.test:443 --resource Wiki=f.test:443 --no-fallback --ca-file /ca.pem -4"
    );
    // What a file says is said by naming it, once, whatever stands between.
    assert_eq!(given(&[in_file(said)]), "--config /c.toml -4");
    let variables = [("CONNECTOR_DOCTOR_NO_FALLBACK", "true"), ("TWINGATE_NETWORK", "acme")];
    assert_eq!(given(&[in_env(&variables)]), "--network acme --no-fallback");
    assert_eq!(given(&[]), "");
}

#[test]
fn who_is_asked_for_nothing_that_is_selected_is_not_asked() {
    let known = Known { checks: &["clock.offset", "quic.handshake", "resource.tcp"], ..KNOWN };
    let of = |select: &[&str], skip: &[&str]| {
        let some = |globs: &[&str]| {
            let all: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            Some(all).filter(|all| !all.is_empty())
        };
        let resources = toml::from_str("resource = ['f.test:443']").unwrap();
        let said = Said { select: some(select), skip: some(skip), ..resources };
        let meant = Meant::of(&[Source::command_line(said)], known).unwrap();
        (!meant.quic.is_empty(), !meant.resources.is_empty())
    };
    assert_eq!(of(&[], &[]), (true, true));
    assert_eq!(of(&[], &["quic.*"]), (false, true));
    assert_eq!(of(&[], &["resource.*"]), (true, false));
    assert_eq!(of(&["clock.*"], &[]), (false, false));
    assert_eq!(of(&["resource.tcp"], &[]), (false, true));
}
