//! Where this process runs: the container's runtime, the virtual machine, and what they keep it from seeing.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Who made a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Kubernetes, whatever makes its containers.
    Kubernetes,
    /// LXC, LXD, Incus.
    Lxc,
    /// systemd-nspawn.
    SystemdNspawn,
    /// A container of a kind not told.
    Container,
    /// Another one, by the name that it gives itself.
    #[serde(untagged)]
    Other(String),
}

impl Runtime {
    /// Its name.
    pub fn word(&self) -> &str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Kubernetes => "kubernetes",
            Self::Lxc => "lxc",
            Self::SystemdNspawn => "systemd-nspawn",
            Self::Container => "container",
            Self::Other(name) => name,
        }
    }
}

/// The virtual machine that this host is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Machine {
    /// KVM, QEMU.
    #[serde(rename = "KVM guest")]
    Kvm,
    /// `VMware`.
    #[serde(rename = "VMware guest")]
    Vmware,
    /// `VirtualBox`.
    #[serde(rename = "VirtualBox guest")]
    VirtualBox,
    /// Parallels.
    #[serde(rename = "Parallels guest")]
    Parallels,
    /// Xen, its privileged domain left out.
    #[serde(rename = "Xen guest")]
    Xen,
    /// bhyve.
    #[serde(rename = "bhyve guest")]
    Bhyve,
    /// Hyper-V.
    #[serde(rename = "Hyper-V guest")]
    HyperV,
    /// Apple's framework.
    #[serde(rename = "Apple Virtualization guest")]
    Apple,
    /// Windows' Linux of the first kind: no kernel of its own.
    #[serde(rename = "WSL 1")]
    Wsl1,
    /// Windows' Linux of the second kind.
    #[serde(rename = "WSL 2")]
    Wsl2,
    /// One of a kind not told.
    #[serde(rename = "virtual machine")]
    NotTold,
    /// One that another version of this tool named.
    #[serde(untagged)]
    Other(String),
}

impl Machine {
    /// Its name for people.
    pub fn word(&self) -> &str {
        match self {
            Self::Kvm => "KVM guest",
            Self::Vmware => "VMware guest",
            Self::VirtualBox => "VirtualBox guest",
            Self::Parallels => "Parallels guest",
            Self::Xen => "Xen guest",
            Self::Bhyve => "bhyve guest",
            Self::HyperV => "Hyper-V guest",
            Self::Apple => "Apple Virtualization guest",
            Self::Wsl1 => "WSL 1",
            Self::Wsl2 => "WSL 2",
            Self::NotTold => "virtual machine",
            Self::Other(name) => name,
        }
    }
}

/// What this process could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unseen {
    /// The machine's interfaces, addresses and routes: the container has a network of its own.
    MachineNetwork,
    /// The time daemon of the machine that runs this container.
    MachineTimeDaemon,
    /// The machine's processes and firewall, from inside a container.
    MachineProcesses,
    /// Processes and the kernel's tables: /proc is not there.
    Proc,
    /// Other users' processes: /proc is mounted with hidepid.
    OtherUsersProcesses,
    /// Details of the interfaces beyond those that are described.
    FurtherInterfaces,
    /// Something that another version of this tool knows.
    Other,
}

/// Each with its word, and how the sentence begins that format 1.0 had in its place.
const UNSEEN: [(Unseen, &str, &str); 6] = [
    (Unseen::MachineNetwork, "machine-network", "the machine's own interfaces"),
    (Unseen::MachineTimeDaemon, "machine-time-daemon", "the time daemon of the machine"),
    (Unseen::MachineProcesses, "machine-processes", "the machine's processes"),
    (Unseen::Proc, "proc", "processes and the kernel's tables"),
    (Unseen::OtherUsersProcesses, "other-users-processes", "other users' processes"),
    (Unseen::FurtherInterfaces, "further-interfaces", "details of "),
];

impl<'de> Deserialize<'de> for Unseen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let row = UNSEEN.iter().find(|(_, word, begins)| text == *word || text.starts_with(begins));
        Ok(row.map_or(Self::Other, |(unseen, ..)| *unseen))
    }
}

impl Unseen {
    /// The kernel's processes, or some of them.
    pub fn is_of_processes(self) -> bool {
        matches!(self, Self::MachineProcesses | Self::Proc | Self::OtherUsersProcesses)
    }

    /// Interfaces.
    pub fn is_of_interfaces(self) -> bool {
        matches!(self, Self::MachineNetwork | Self::FurtherInterfaces)
    }

    /// What and why, in words: of a process in such a container, and of so many interfaces more than are described.
    pub fn words(self, runtime: Option<&Runtime>, more: usize) -> String {
        let inside = match runtime {
            None | Some(Runtime::Container) => "container".to_owned(),
            Some(runtime) => format!("{} container", runtime.word()),
        };
        match self {
            Self::MachineNetwork => format!(
                "the machine's own interfaces, addresses and routes: this {inside} has a network of its own"
            ),
            Self::MachineTimeDaemon => format!(
                "the time daemon of the machine that runs this {inside}, which keeps the clock of both"
            ),
            Self::MachineProcesses => {
                format!("the machine's processes and firewall, from inside this {inside}")
            }
            Self::Proc => "processes and the kernel's tables: /proc is not there".to_owned(),
            Self::OtherUsersProcesses => "other users' processes: /proc is mounted with hidepid".to_owned(),
            Self::FurtherInterfaces => format!("details of {more} further interfaces"),
            Self::Other => "more, which this version has no words for".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_format_1_0_said_in_sentences_is_read_as_the_same() {
        for runtime in ["docker", "kubernetes", "container"] {
            let runtime: Runtime = serde_json::from_value(runtime.into()).unwrap();
            for (unseen, word, _) in UNSEEN {
                let text = serde_json::to_value(unseen).unwrap();
                assert_eq!(text, word);
                assert_eq!(serde_json::from_value::<Unseen>(text).unwrap(), unseen);
                let sentence = serde_json::json!(unseen.words(Some(&runtime), 9936));
                assert_eq!(serde_json::from_value::<Unseen>(sentence).unwrap(), unseen);
            }
        }
        assert_eq!(serde_json::from_str::<Unseen>("\"a later word\"").unwrap(), Unseen::Other);
        // As that version wrote it, of any kind of container.
        let old = "\"the machine's processes and firewall, from inside this container container\"";
        assert_eq!(serde_json::from_str::<Unseen>(old).unwrap(), Unseen::MachineProcesses);
    }

    #[test]
    fn a_runtime_or_machine_of_another_name_keeps_it() {
        for name in ["docker", "systemd-nspawn", "container", "wasm-thing"] {
            let runtime: Runtime = serde_json::from_value(name.into()).unwrap();
            assert_eq!((runtime.word(), serde_json::to_value(&runtime).unwrap()), (name, name.into()));
            assert_eq!(matches!(runtime, Runtime::Other(_)), name == "wasm-thing");
        }
        for name in ["KVM guest", "WSL 2", "virtual machine", "z/VM guest"] {
            let machine: Machine = serde_json::from_value(name.into()).unwrap();
            assert_eq!((machine.word(), serde_json::to_value(&machine).unwrap()), (name, name.into()));
            assert_eq!(matches!(machine, Machine::Other(_)), name == "z/VM guest");
        }
    }
}
