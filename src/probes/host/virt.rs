//! Virtual machine and cloud, recognised offline: CPU flag, DMI, /sys/hypervisor, the kernel's version.

use super::files;
use crate::env::Env;
use crate::model::facts::{Cloud, Machine};

/// Words in DMI's vendor or product, and the machine they stand for.
const MACHINES: &[(&str, Machine)] = &[
    ("VMware", Machine::Vmware),
    ("VirtualBox", Machine::VirtualBox),
    ("innotek", Machine::VirtualBox),
    ("Parallels", Machine::Parallels),
    ("Xen", Machine::Xen),
    ("BHYVE", Machine::Bhyve),
    ("Virtual Machine", Machine::HyperV),
    ("KVM", Machine::Kvm),
    ("QEMU", Machine::Kvm),
    ("Bochs", Machine::Kvm),
    ("Amazon EC2", Machine::Kvm),
    ("Google", Machine::Kvm),
    ("OpenStack", Machine::Kvm),
    ("Apple Virtualization", Machine::Apple),
];

/// Words in DMI's fields that clouds write; Azure is told from a Hyper-V of one's own by its asset tag.
const CLOUDS: &[(&str, Cloud)] = &[
    ("Amazon EC2", Cloud::Aws),
    ("amazon", Cloud::Aws),
    ("Google", Cloud::Gcp),
    ("7783-7084-3265-9085-8269-3286-77", Cloud::Azure),
    ("OracleCloud", Cloud::Other),
    ("DigitalOcean", Cloud::Other),
    ("Hetzner", Cloud::Other),
    ("Alibaba Cloud", Cloud::Other),
    ("Tencent Cloud", Cloud::Other),
    ("OpenStack", Cloud::Other),
    ("Scaleway", Cloud::Other),
    ("Vultr", Cloud::Other),
    ("Linode", Cloud::Other),
    ("Akamai", Cloud::Other),
    ("UpCloud", Cloud::Other),
    ("Exoscale", Cloud::Other),
];

/// The virtual machine (none on bare metal or where it cannot be told) and the cloud.
pub(super) fn discover(env: &Env) -> (Option<Machine>, Option<Cloud>) {
    let dmi = ["sys_vendor", "product_name", "bios_version", "chassis_asset_tag"]
        .iter()
        .filter_map(|field| files::line(env, &format!("/sys/class/dmi/id/{field}")))
        .collect::<Vec<_>>()
        .join("\n");
    let cloud = CLOUDS.iter().find(|(word, _)| dmi.contains(word)).map(|(_, cloud)| *cloud);
    (machine(env, &dmi), cloud)
}

fn machine(env: &Env, dmi: &str) -> Option<Machine> {
    let version = files::line(env, "/proc/version").unwrap_or_default().to_ascii_lowercase();
    if version.contains("microsoft") {
        let second = version.contains("wsl2") || version.contains("microsoft-standard");
        return Some(if second { Machine::Wsl2 } else { Machine::Wsl1 });
    }
    if let Some(kind) = files::line(env, "/sys/hypervisor/type") {
        // The privileged domain of Xen is the host itself.
        let host = files::line(env, "/proc/xen/capabilities").is_some_and(|c| c.contains("control_d"));
        return (kind == "xen" && !host).then_some(Machine::Xen);
    }
    // One page names the flags of the first CPU; the whole file takes long on a big machine.
    let flagged = files::read(env, "/proc/cpuinfo", 8192)
        .and_then(|text| {
            let flags = text.lines().find(|l| l.starts_with("flags"))?;
            Some(flags.split_whitespace().any(|f| f == "hypervisor"))
        })
        // Not every architecture has the flag: there DMI alone speaks.
        .or_else(|| (!cfg!(any(target_arch = "x86_64", target_arch = "x86"))).then_some(true));
    if flagged != Some(true) || dmi.contains("metal") {
        return None;
    }
    let named = MACHINES.iter().find(|(word, _)| dmi.contains(word)).map(|(_, machine)| machine.clone());
    let clocks = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    named.or_else(|| {
        let kvm = files::line(env, clocks).is_some_and(|c| c.contains("kvm-clock"));
        let flag = cfg!(any(target_arch = "x86_64", target_arch = "x86")) || kvm;
        flag.then_some(if kvm { Machine::Kvm } else { Machine::NotTold })
    })
}
