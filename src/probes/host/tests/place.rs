//! Containers, virtual machines and clouds of fixtures, and what they hide.

use super::*;
use crate::model::facts::{Machine, Runtime};

const MOUNTS: &str = "600 500 0:70 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n\
                      610 600 254:1 /var/lib/x/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n";

/// Files of a root.
type Files = &'static [(&'static str, &'static str)];

#[test]
fn each_container_is_named_with_its_sign() {
    let cases: &[(Files, Option<(&str, &str)>)] = &[
        (&[("/.dockerenv", ""), ("/proc/self/mountinfo", MOUNTS)], Some(("docker", "/.dockerenv"))),
        (&[("/.dockerenv", "")], Some(("docker", "/.dockerenv"))),
        // A virtual machine made of an exported image.
        (&[("/.dockerenv", ""), ("/proc/self/mountinfo", "20 1 254:0 / / rw - ext4 /dev/vda rw\n")], None),
        (&[("/proc/self/mountinfo", MOUNTS)], Some(("docker", "the root's mount"))),
        (&[("/proc/1/cgroup", "0::/docker/0123\n")], Some(("docker", "/proc/1/cgroup"))),
        (&[("/run/.containerenv", "engine=\"podman-4.3.1\"\n")], Some(("podman", "/run/.containerenv"))),
        (
            &[("/var/run/secrets/kubernetes.io/serviceaccount/token", "x"), ("/.dockerenv", "")],
            Some(("kubernetes", "/var/run/secrets/kubernetes.io")),
        ),
        (&[("/run/systemd/container", "lxc\n")], Some(("lxc", "/run/systemd/container"))),
        (&[("/dev/lxd/sock", "")], Some(("lxc", "/dev/lxd"))),
        (&[("/proc/1/environ", "PATH=/bin\0container=lxc\0")], Some(("lxc", "container= of process 1"))),
        (
            &[("/run/systemd/container", "systemd-nspawn\n")],
            Some(("systemd-nspawn", "/run/systemd/container")),
        ),
        (
            &[("/run/host/container-manager", "systemd-nspawn\n")],
            Some(("systemd-nspawn", "/run/host/container-manager")),
        ),
        (
            &[("/proc/1/environ", "container=new\u{1b}[2Jkind\0")],
            Some(("new[2Jkind", "container= of process 1")),
        ),
        (&[("/run/systemd/container", "wsl\n")], None),
        (
            &[
                ("/proc/1/cgroup", "0::/init.scope\n"),
                ("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"),
            ],
            None,
        ),
        (&[], None),
    ];
    for (files, expected) in cases {
        let container = Root::new(files).host().container;
        let seen = container.as_ref().map(|c| (c.runtime.word(), c.sign.as_str()));
        assert_eq!(seen, *expected, "{files:?}");
    }
    let pod = [("KUBERNETES_SERVICE_HOST".to_owned(), "10.96.0.1".to_owned())];
    let root = Root::new(&[]);
    let container = discover(&root.env().with_vars(pod)).container.expect("a pod");
    assert_eq!(container.runtime, Runtime::Kubernetes);
}

#[test]
fn a_container_keeps_no_clock_and_says_what_it_hides() {
    let root = Root::new(&[
        ("/.dockerenv", ""),
        ("/proc/self/mountinfo", MOUNTS),
        ("/lib/systemd/system/chrony.service", ""),
        ("/etc/chrony/chrony.conf", "pool nobody.reads.this\n"),
        ("/etc/resolv.conf", "nameserver 127.0.0.11\noptions ndots:0\n# ExtServers: [host(10.0.0.53)]\n"),
    ]);
    let kernel = Fake {
        addresses: vec![address("lo", 1, "127.0.0.1", 8), address("eth0", 12, "172.17.0.2", 16)],
        links: BTreeMap::from([("eth0".to_owned(), link("veth", true))]),
        ..Fake::default()
    };
    let host = assemble(&root.env(), &kernel);
    assert_eq!(host.time_daemons[0].sources, [""; 0]);
    assert_eq!(host.interfaces[0].kind, InterfaceKind::Veth);
    assert_eq!(host.resolvers[0].origin.to_string(), "/etc/resolv.conf, docker's own, which asks 10.0.0.53");
    assert_eq!(host.unseen.len(), 3, "{:?}", host.unseen);
    // On the machine's own network (--network host) its interfaces are seen.
    let on_host = Fake { links: BTreeMap::from([("eth0".to_owned(), link("", true))]), ..kernel };
    assert_eq!(assemble(&root.env(), &on_host).unseen.len(), 2);
}

#[test]
fn machines_and_clouds_are_recognised_offline() {
    const FLAG: (&str, &str) = ("/proc/cpuinfo", "flags : fpu hypervisor\n");
    const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
    const PRODUCT: &str = "/sys/class/dmi/id/product_name";
    const TAG: &str = "/sys/class/dmi/id/chassis_asset_tag";
    const WSL: (&str, &str) =
        ("/proc/version", "Linux version 5.15.153.1-microsoft-standard-WSL2 (root@x) (gcc)\n");
    let cases: &[(Files, Option<&str>, Option<Cloud>)] = &[
        (&[WSL, FLAG], Some("WSL 2"), None),
        (&[FLAG, (VENDOR, "Amazon EC2\n"), (PRODUCT, "t3a.micro\n")], Some("KVM guest"), Some(Cloud::Aws)),
        (
            &[("/proc/cpuinfo", "flags : fpu\n"), (VENDOR, "Amazon EC2\n"), (PRODUCT, "c5.metal\n")],
            None,
            Some(Cloud::Aws),
        ),
        (
            &[("/sys/hypervisor/type", "xen\n"), ("/sys/class/dmi/id/bios_version", "4.11.amazon\n")],
            Some("Xen guest"),
            Some(Cloud::Aws),
        ),
        (
            &[FLAG, (VENDOR, "Google\n"), (PRODUCT, "Google Compute Engine\n")],
            Some("KVM guest"),
            Some(Cloud::Gcp),
        ),
        (
            &[
                FLAG,
                (VENDOR, "Microsoft Corporation\n"),
                (PRODUCT, "Virtual Machine\n"),
                (TAG, "7783-7084-3265-9085-8269-3286-77\n"),
            ],
            Some("Hyper-V guest"),
            Some(Cloud::Azure),
        ),
        (
            &[FLAG, (VENDOR, "Microsoft Corporation\n"), (PRODUCT, "Virtual Machine\n")],
            Some("Hyper-V guest"),
            None,
        ),
        (&[FLAG, (VENDOR, "VMware, Inc.\n")], Some("VMware guest"), None),
        (&[FLAG, (VENDOR, "Hetzner\n")], Some("virtual machine"), Some(Cloud::Other)),
        (&[("/proc/cpuinfo", "flags : fpu\n"), (VENDOR, "Dell Inc.\n")], None, None),
    ];
    for (files, machine, cloud) in cases {
        let host = Root::new(files).host();
        assert_eq!(
            (host.virtualisation.as_ref().map(Machine::word), host.cloud),
            (*machine, *cloud),
            "{files:?}"
        );
    }
}
