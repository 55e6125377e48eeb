//! How to set this host's clock right and keep it so: tables by daemon, distribution, container and cloud.

use super::family::{Family, Service};
use super::package::Package;
use crate::model::facts::{Appliance, Cloud, Host, Machine, Runtime, TimeDaemon};
use crate::model::report::Remedy;

/// A program that keeps clocks.
struct Daemon {
    /// Its name in the facts.
    name: &'static str,
    /// Its service by family; the last row serves every other one.
    units: &'static [(Family, &'static str)],
    /// Shows why it does not correct the clock.
    see: &'static [&'static str],
    /// Corrects the clock at once; none: a restart does.
    step: Option<&'static str>,
}

/// Where the facts do not tell the service's name. Checked in Debian's packages (tests/remedies.rs); Fedora's, SUSE's,
/// Arch's and Alpine's are as their documentation has them.
const DAEMONS: &[Daemon] = &[
    Daemon {
        name: "chrony",
        units: &[(Family::Debian, "chrony"), (Family::Other, "chronyd")],
        see: &["chronyc tracking", "chronyc sources"],
        step: Some("sudo chronyc makestep"),
    },
    Daemon {
        name: "systemd-timesyncd",
        units: &[(Family::Other, "systemd-timesyncd")],
        see: &["timedatectl timesync-status"],
        step: None,
    },
    Daemon {
        name: "ntpsec",
        units: &[(Family::Debian, "ntpsec"), (Family::Other, "ntpd")],
        see: &["ntpq -pn"],
        step: None,
    },
    Daemon {
        name: "ntpd",
        // Debian's own ntp is a name for ntpsec since Debian 12.
        units: &[(Family::Debian, "ntp"), (Family::Other, "ntpd")],
        see: &["ntpq -pn"],
        step: None,
    },
    Daemon { name: "openntpd", units: &[(Family::Other, "openntpd")], see: &["ntpctl -s all"], step: None },
    Daemon { name: "ntpd-rs", units: &[(Family::Other, "ntpd-rs")], see: &["ntp-ctl status"], step: None },
];

/// Where the clock of a container is: it is the machine's, and cannot be set from inside.
const CONTAINERS: &[(Runtime, &str)] = &[
    (Runtime::Kubernetes, "the node that runs this pod"),
    (Runtime::Lxc, "the machine that runs this LXC container"),
    (Runtime::SystemdNspawn, "the machine that runs this systemd-nspawn container"),
    (Runtime::Docker, "the machine that runs this docker container"),
    (Runtime::Podman, "the machine that runs this podman container"),
];

/// Systems whose clock is set up in a way of their own.
const APPLIANCES: &[(Appliance, &str)] = &[
    (
        Appliance::NixOs,
        "Set services.chrony.enable = true in /etc/nixos/configuration.nix, then run nixos-rebuild switch",
    ),
    (
        Appliance::Flatcar,
        "Use systemd-timesyncd, which is there; its servers stand in /etc/systemd/timesyncd.conf (by Ignition, so that they stay)",
    ),
    (Appliance::Unraid, "Set Use NTP and the time servers in Settings, Date and Time"),
    (
        Appliance::Synology,
        "Set the time server in Control Panel, Regional Options, Time, and press Update Now",
    ),
    (Appliance::TrueNas, "Set the NTP servers in System, General, and check that they are reached"),
];

/// What sets a guest's clock behind its time daemon's back.
const GUESTS: &[(Machine, &str)] = &[
    (
        Machine::Vmware,
        "VMware Tools may set this clock, too: switch that off where a time daemon runs (vmware-toolbox-cmd timesync disable)",
    ),
    (
        Machine::HyperV,
        "Hyper-V's time synchronisation may set this clock, too: switch it off for this guest where a time daemon runs, or correct the host",
    ),
    (
        Machine::Wsl2,
        "WSL's clock falls behind while Windows sleeps: sudo hwclock -s sets it, wsl --shutdown cures it",
    ),
    (Machine::Wsl1, "WSL 1 has Windows' own clock: set it there"),
];

/// Time servers that no firewall stands before.
const CLOUDS: &[(Cloud, &str)] = &[
    (
        Cloud::Aws,
        "Let the time daemon ask 169.254.169.123, Amazon's own time server: no firewall stands before it",
    ),
    (
        Cloud::Gcp,
        "Let the time daemon ask metadata.google.internal, Google's own time server: no firewall stands before it",
    ),
    (Cloud::Azure, "Let chrony read the host's clock: refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0"),
];

/// How to set this host's clock right and keep it so; `deaf`: no time server's answer comes through.
pub fn keep_clock(host: &Host, deaf: bool) -> Vec<Remedy> {
    if let Some(container) = &host.container {
        let row = CONTAINERS.iter().find(|(runtime, _)| *runtime == container.runtime);
        let machine = row.map(|(_, machine)| *machine);
        let machine = machine.unwrap_or("the machine that runs this container");
        return vec![Remedy::advice(format!(
            "Fix the clock of {machine}, not of the container: run connector-doctor check 'clock.*' there"
        ))];
    }
    let cloud = CLOUDS.iter().find(|(cloud, _)| host.cloud == Some(*cloud)).map(|(_, advice)| *advice);
    let unheard = cloud.unwrap_or(
        "No time server's answer comes through: have UDP 123 allowed, or point the time daemon at a server inside the network; until then it has nothing to go by",
    );
    if let Some((_, advice)) = APPLIANCES.iter().find(|(of, _)| host.manager.appliance == Some(*of)) {
        let before = deaf.then_some(unheard).map(Remedy::advice);
        return before.into_iter().chain([Remedy::advice(*advice)]).collect();
    }
    let guest = GUESTS.iter().find(|(machine, _)| host.virtualisation.as_ref() == Some(machine));
    let before = deaf.then_some(unheard).map(Remedy::advice);
    let after = guest.map(|(_, advice)| Remedy::advice(*advice));
    before.into_iter().chain([by_daemon(host)]).chain(after).collect()
}

fn by_daemon(host: &Host) -> Remedy {
    let family = Family::of(host);
    let row = |d: &TimeDaemon| DAEMONS.iter().find(|row| row.name == d.name);
    if let Some(daemon) = host.time_daemons.iter().find(|d| d.running) {
        let Some(row) = row(daemon) else {
            return Remedy::advice(format!("See why {} does not correct the clock", daemon.name));
        };
        let mut commands: Vec<String> = row.see.iter().map(|see| (*see).to_owned()).collect();
        commands.push(
            row.step.map_or_else(|| Service::of(host).restart(unit(row, daemon, family)), str::to_owned),
        );
        return remedy(format!("See why {} does not correct the clock, then make it", row.name), commands);
    }
    if let Some((daemon, row)) = host.time_daemons.iter().find_map(|d| Some((d, row(d)?))) {
        return remedy(
            format!("Start {}, which is installed", row.name),
            begin(row, unit(row, daemon, family), Service::of(host)),
        );
    }
    let chrony = &DAEMONS[0];
    let install = Package::of(host).map(|package| package.install("chrony"));
    let action = match install {
        Some(_) => "Install and start a time daemon",
        None => "Install chrony with this system's own package manager, then start it",
    };
    let begin = begin(chrony, unit(chrony, &TimeDaemon::default(), family), Service::of(host));
    remedy(action.to_owned(), install.into_iter().chain(begin).collect())
}

/// Starts a daemon, and makes it correct the clock at once. A start steps the clock where there is no other way.
fn begin(row: &Daemon, unit: &str, service: Service) -> Vec<String> {
    let mut commands = service.start(unit);
    commands.extend(row.step.map(str::to_owned));
    commands
}

/// The service's name: as found on this host, else as the family has it.
fn unit<'a>(row: &Daemon, daemon: &'a TimeDaemon, family: Family) -> &'a str {
    let known =
        row.units.iter().find(|(of, _)| *of == family).or(row.units.last()).map_or(row.name, |(_, u)| *u);
    // A name out of a file's name is safe in a shell only if it looks like one.
    let found = daemon
        .unit
        .as_deref()
        .filter(|u| u.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b)));
    found.unwrap_or(known)
}

fn remedy(action: String, commands: Vec<String>) -> Remedy {
    Remedy { action, commands, needs_root: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{Container, Os};

    fn host(id: &str, like: &[&str]) -> Host {
        let id_like = like.iter().map(|s| (*s).to_owned()).collect();
        Host { os: Os { id: id.into(), id_like, ..Os::default() }, ..Host::default() }
    }

    fn daemon(name: &str, running: bool) -> TimeDaemon {
        TimeDaemon { name: name.into(), running, ..TimeDaemon::default() }
    }

    #[test]
    fn every_family_has_a_way_to_a_kept_clock() {
        for (id, like, first, last) in [
            ("debian", &[][..], "sudo apt-get install -y chrony", "sudo systemctl enable --now chrony"),
            (
                "zorin",
                &["ubuntu", "debian"][..],
                "sudo apt-get install -y chrony",
                "sudo systemctl enable --now chrony",
            ),
            (
                "rocky",
                &["rhel", "fedora"][..],
                "sudo dnf install -y chrony",
                "sudo systemctl enable --now chronyd",
            ),
            ("sles", &["suse"][..], "sudo zypper install -y chrony", "sudo systemctl enable --now chronyd"),
            ("arch", &[][..], "sudo pacman -S --noconfirm chrony", "sudo systemctl enable --now chronyd"),
            ("alpine", &[][..], "sudo apk add chrony", "sudo rc-service chronyd start"),
            ("", &[][..], "sudo systemctl enable --now chronyd", "sudo systemctl enable --now chronyd"),
        ] {
            let commands = &keep_clock(&host(id, like), false)[0].commands;
            assert_eq!(commands[0], first, "{id}");
            assert!(commands.contains(&last.to_owned()), "{id}: {commands:?}");
            assert_eq!(commands.last().map(String::as_str), Some("sudo chronyc makestep"), "{id}");
        }
    }

    #[test]
    fn every_daemon_is_started_and_corrected_by_its_own_name_on_every_family() {
        for id in ["debian", "fedora", "suse", "arch", "alpine", ""] {
            for row in DAEMONS {
                for running in [false, true] {
                    let mut host = host(id, &[]);
                    host.time_daemons = vec![daemon(row.name, running)];
                    let remedy = &keep_clock(&host, false)[0];
                    let all = remedy.commands.join("\n");
                    assert!(remedy.action.contains(row.name) && remedy.needs_root, "{id} {}", row.name);
                    assert!(
                        !all.is_empty() && all.contains("systemctl") != (id == "alpine")
                            || row.step.is_some(),
                        "{all}"
                    );
                    // What is found on the host is the name to use.
                    host.time_daemons[0].unit = Some("found-here".into());
                    let found = keep_clock(&host, false)[0].commands.join("\n").contains("found-here");
                    assert!(found || (running && row.step.is_some()), "{id} {}", row.name);
                }
            }
        }
    }

    #[test]
    fn a_container_is_told_to_mend_its_machine() {
        for (runtime, machine) in
            CONTAINERS.iter().chain(&[(Runtime::Container, "the machine that runs this container")])
        {
            let mut inside = host("alpine", &[]);
            inside.container = Some(Container { runtime: runtime.clone(), sign: "a file".into() });
            let remedies = keep_clock(&inside, true);
            assert!(remedies[0].action.contains(machine) && remedies[0].commands.is_empty(), "{runtime:?}");
        }
    }

    #[test]
    fn where_no_time_server_is_heard_that_is_said_first() {
        let mut deaf = host("debian", &[]);
        assert!(keep_clock(&deaf, true)[0].action.contains("UDP 123"));
        deaf.cloud = Some(Cloud::Aws);
        assert!(keep_clock(&deaf, true)[0].action.contains("169.254.169.123"));
        deaf.virtualisation = Some(Machine::Vmware);
        assert!(keep_clock(&deaf, true)[2].action.contains("VMware"));
    }
}
