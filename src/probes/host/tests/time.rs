//! Time daemons of fixtures: recognised, named, with their sources.

use super::*;

/// What it shows, the files, the expected daemon (name, enabled, unit, synchronised) and its sources.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    (&'static str, bool, Option<&'static str>, Option<bool>),
    &'static [&'static str],
);

const NTPD_RS: &str = "[[source]]\nmode = \"pool\"\naddress = \"pool.example:123\"\n[[source]]\nmode=\"nts\"\naddress=\"nts.example\"\n";

const CASES: &[Case] = &[
    (
        "Ubuntu with timesyncd, synchronised, its compiled default in a comment",
        &[
            ("/proc/5/comm", "systemd-timesyn\n"),
            ("/usr/lib/systemd/system/systemd-timesyncd.service", ""),
            ("/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service", ""),
            ("/etc/systemd/timesyncd.conf", "[Time]\n#NTP=\n#FallbackNTP=ntp.ubuntu.com\n"),
            ("/run/systemd/timesync/synchronized", ""),
        ],
        ("systemd-timesyncd", true, Some("systemd-timesyncd"), Some(true)),
        &["ntp.ubuntu.com"],
    ),
    (
        "timesyncd with drop-ins: a later namesake hides, an empty value forgets, DHCP's come first",
        &[
            ("/proc/5/comm", "systemd-timesyn\n"),
            ("/etc/systemd/timesyncd.conf", "[Time]\nNTP=forgotten.example\nFallbackNTP=unused.example\n"),
            ("/usr/lib/systemd/timesyncd.conf.d/10.conf", "[Time]\nNTP=hidden.example\n"),
            ("/etc/systemd/timesyncd.conf.d/10.conf", "[Time]\nNTP=\nNTP=a.example b.example\n"),
            ("/run/systemd/netif/links/2", "ADMIN_STATE=configured\nNTP=192.168.7.1\n"),
        ],
        ("systemd-timesyncd", false, None, Some(false)),
        &["192.168.7.1", "a.example", "b.example"],
    ),
    (
        "RHEL with chronyd",
        &[
            ("/proc/9/comm", "chronyd\n"),
            ("/usr/lib/systemd/system/chronyd.service", ""),
            ("/etc/systemd/system/multi-user.target.wants/chronyd.service", ""),
            ("/etc/chrony.conf", "pool 2.rhel.pool.ntp.org iburst\nsourcedir /run/chrony-dhcp\n"),
        ],
        ("chrony", true, Some("chronyd"), None),
        &["2.rhel.pool.ntp.org"],
    ),
    (
        "Alpine with openntpd",
        &[
            ("/proc/30/comm", "ntpd\n"),
            ("/proc/30/cmdline", "ntpd: ntp engine\0"),
            ("/etc/init.d/openntpd", ""),
            ("/etc/init.d/ntpd", ""),
            ("/etc/runlevels/default/openntpd", ""),
            ("/etc/ntpd.conf", "servers pool.ntp.org\nserver \"time.example\"\nsensor *\n"),
        ],
        ("openntpd", true, Some("openntpd"), None),
        &["pool.ntp.org", "time.example"],
    ),
    (
        "Alpine with busybox's ntpd",
        &[
            ("/proc/30/comm", "ntpd\n"),
            ("/proc/30/cmdline", "/usr/sbin/ntpd\0-n\0-N\0-p\0pool.ntp.org\0"),
            ("/etc/init.d/ntpd", ""),
            ("/etc/runlevels/default/ntpd", ""),
            ("/etc/conf.d/ntpd", "NTPD_OPTS=\"-N -p pool.ntp.org -p 10.1.1.1\"\n"),
        ],
        ("ntpd", true, Some("ntpd"), None),
        &["pool.ntp.org", "10.1.1.1"],
    ),
    (
        "NTPsec beside a left-over ntp.conf",
        &[
            ("/proc/30/comm", "ntpd\n"),
            ("/proc/30/cmdline", "/usr/sbin/ntpd\0-p\0/run/ntpd.pid\0-c\0/etc/ntpsec/ntp.conf\0"),
            ("/lib/systemd/system/ntpsec.service", ""),
            ("/etc/ntp.conf", "server wrong.example\n"),
            ("/etc/ntpsec/ntp.conf", "pool -4 0.debian.pool.ntp.org iburst\nserver 127.127.1.0\n"),
        ],
        ("ntpsec", false, Some("ntpsec"), None),
        &["0.debian.pool.ntp.org"],
    ),
    (
        "ntpd-rs",
        &[
            ("/proc/30/comm", "ntp-daemon\n"),
            ("/lib/systemd/system/ntpd-rs.service", ""),
            ("/etc/ntpd-rs/ntp.toml", NTPD_RS),
        ],
        ("ntpd-rs", false, Some("ntpd-rs"), None),
        &["pool.example", "nts.example"],
    ),
    (
        "chronyd behind hidepid, by its command socket",
        &[
            ("/proc/self/mounts", "proc /proc proc rw,nosuid,hidepid=invisible 0 0\n"),
            (
                "/proc/net/udp",
                "  sl  local_address rem_address   st tx rx tr tm retr   uid  timeout inode\n   \
                     7: 0100007F:0143 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 1\n",
            ),
            ("/etc/passwd", "root:x:0:0::/:/bin/sh\n_chrony:x:101:102::/:/bin/false\n"),
            ("/lib/systemd/system/chrony.service", ""),
        ],
        ("chrony", false, Some("chrony"), None),
        &[],
    ),
];

#[test]
fn each_time_daemon_is_told_with_its_service_and_sources() {
    for (what, files, (name, enabled, unit, synchronised), sources) in CASES {
        let host = Root::new(files).host();
        let daemon = running(&host, name).unwrap_or_else(|| panic!("{what}: {:?}", host.time_daemons));
        assert_eq!(host.time_daemons.iter().filter(|d| d.running).count(), 1, "{what}");
        assert_eq!(host.time_daemons[0].name, *name, "{what}: the running one comes first");
        assert_eq!((daemon.enabled, daemon.unit.as_deref()), (*enabled, *unit), "{what}");
        assert_eq!(daemon.synchronised, *synchronised, "{what}");
        assert_eq!(daemon.sources, *sources, "{what}");
    }
}
