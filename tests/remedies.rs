//! Every remedy's command for Debian against what Debian's packages hold: programs and services exist by these names.
//!
//! Other families' packages were not at hand where this was written; their names are as their documentation has them.

use std::collections::BTreeSet;

use connector_doctor::diagnosis::{self, Evidence, remedy};
use connector_doctor::model::facts::Host;
use connector_doctor::model::report::Remedy;
use connector_doctor::model::witness::Witnesses;

const PACKAGES: &str = include_str!("fixtures/packages/debian-12.txt");

/// What a shell brings, and what alternatives link (iptables' postinst), and this tool.
const ELSEWHERE: &[&str] = &["iptables", "ip6tables", "connector-doctor", "kubectl"];
/// Found in no package of Debian 12: ntpd-rs came with Debian 13; ntp was a package of its own until Debian 11.
const LATER_OR_EARLIER: &[&str] = &["ntp-ctl", "ntpd-rs", "ntp"];

/// Programs that are on the path, and services.
fn packaged() -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let paths =
        || PACKAGES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    let last = |path: &'static str| path.rsplit('/').next().unwrap_or(path);
    let programs = paths().filter(|(_, path)| path.contains("bin/")).map(|(_, path)| last(path)).collect();
    let services = paths().filter_map(|(_, path)| last(path).strip_suffix(".service")).collect();
    (programs, services)
}

/// Remedies of every cause, on every system that has a word of its own, as far as they need no finding.
fn all() -> Vec<(String, Remedy)> {
    let witnesses = Witnesses::default();
    let mut all = Vec::new();
    for (label, host) in remedy::systems().into_iter().chain([("any".to_owned(), Host::default())]) {
        // The others' commands are theirs.
        let other = ["RedHat", "Suse", "Arch", "Alpine"].contains(&label.as_str());
        // Debian has systemd and apt, and no container runtime of its own.
        if other || label.contains(" and ") || label.starts_with("a Connector ") {
            continue;
        }
        let mut host = host;
        "debian".clone_into(&mut host.os.id);
        let evidence = Evidence { findings: &[], witnesses: &witnesses, host: &host };
        for cause in diagnosis::all() {
            let of_cause = (cause.remedies)(&evidence);
            all.extend(of_cause.into_iter().map(|r| (format!("{} on {label}", cause.code), r)));
        }
    }
    all
}

#[test]
fn every_command_for_debian_is_in_debians_packages() {
    let (programs, services) = packaged();
    assert!(programs.contains("chronyc") && services.contains("chrony"), "the list is there");
    let mut seen = 0;
    for (what, remedy) in all() {
        for line in &remedy.commands {
            for command in line.split(" | ") {
                let words: Vec<&str> = command.split_whitespace().skip_while(|w| *w == "sudo").collect();
                let Some((program, rest)) = words.split_first() else { panic!("{what}: an empty command") };
                let known = programs.contains(program)
                    || ELSEWHERE.contains(program)
                    || LATER_OR_EARLIER.contains(program);
                assert!(known, "{what}: no package has {program} ({line})");
                let unit = rest.iter().rev().find(|w| !w.starts_with('-'));
                let of_unit = ["enable", "restart", "start", "unmask"].iter().any(|verb| rest.contains(verb));
                if let (&"systemctl", true, Some(unit)) = (program, of_unit, unit) {
                    let vendor = unit.starts_with("twingate-");
                    let known = services.contains(unit) || LATER_OR_EARLIER.contains(unit) || vendor;
                    assert!(known, "{what}: no package has the service {unit} ({line})");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} commands were looked at");
}
