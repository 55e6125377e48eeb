//! How this very Connector is started, read and restarted: by whom it was deployed, and by what runs this host.

use super::family::Service;
use super::word::plain;
use crate::model::facts::{Deployment, DeploymentKind as Kind, Host, LxcTool};
use crate::model::report::Remedy;

/// The unit as the package names it.
const UNIT: &str = "twingate-connector";

/// The Connector that a remedy is about.
#[derive(Debug)]
pub struct Act<'a> {
    host: &'a Host,
    deployment: Deployment,
}

/// What is done.
#[derive(Clone, Copy)]
enum What {
    Start,
    Restart,
    Read,
}

impl<'a> Act<'a> {
    /// The first that runs; else the worst of those at rest, another user's last; else the package's.
    pub fn of(host: &'a Host) -> Self {
        let connector = &host.connector;
        let own = |its: &Deployment| its.owner.is_none() || its.owner == host.uid;
        let running = connector.processes.iter().find(|p| p.runs()).map(|p| &p.deployment);
        let resting = || {
            connector
                .at_rest()
                .max_by_key(|kept| (own(&kept.deployment), kept.state))
                .map(|kept| &kept.deployment)
        };
        // What is kept of a container knows more of it than its process.
        let known = |its: &Deployment| {
            connector
                .kept
                .iter()
                .map(|kept| &kept.deployment)
                .find(|own| own.id.is_some() && own.id == its.id)
                .cloned()
        };
        let deployment = running.map(|its| known(its).unwrap_or_else(|| its.clone()));
        let deployment = deployment.or_else(|| resting().cloned());
        let kind = Kind::Systemd;
        Self { host, deployment: deployment.unwrap_or(Deployment { kind, ..Deployment::default() }) }
    }

    /// Runs on this host itself, not in a container.
    pub fn native(&self) -> bool {
        self.deployment.kind.native()
    }

    /// Starts it, now and at every boot, and shows what it says.
    pub fn start(&self, action: &str) -> Remedy {
        self.remedy(action, &[What::Start, What::Read])
    }

    /// Starts it anew.
    pub fn restart(&self, action: &str) -> Remedy {
        self.remedy(action, &[What::Restart])
    }

    /// Shows what it says.
    pub fn read(&self, action: &str) -> Remedy {
        self.remedy(action, &[What::Read])
    }

    fn remedy(&self, action: &str, what: &[What]) -> Remedy {
        let commands: Vec<String> = what.iter().flat_map(|what| self.commands(*what)).collect();
        let action = match self.deployment.owner {
            // Another user's containers are not root's to see.
            Some(uid) => format!("{action} (as user {uid}, whose it is, without sudo)"),
            None => action.to_owned(),
        };
        if commands.is_empty() {
            return Remedy::advice(format!("{action}, with the tool that made its container"));
        }
        let needs_root = commands.iter().any(|command| command.starts_with("sudo "));
        Remedy { action, commands, needs_root }
    }

    fn unit(&self) -> &str {
        self.deployment.unit.as_deref().filter(|unit| plain(unit)).unwrap_or(UNIT)
    }

    fn name(&self) -> Option<&str> {
        let deployment = &self.deployment;
        let id = deployment.id.as_deref().map(|id| id.get(..12).unwrap_or(id));
        deployment.name.as_deref().filter(|name| plain(name)).or(id.filter(|id| plain(id)))
    }

    fn commands(&self, what: What) -> Vec<String> {
        let sudo = if self.deployment.owner.is_some() { "" } else { "sudo " };
        let unit = self.unit();
        let service = Service::of(self.host);
        match (self.deployment.kind, self.name()) {
            (Kind::Docker, name) => self.docker(what, sudo, name),
            (Kind::Podman, _) if self.deployment.unit.is_some() => {
                let (user, journal) = match self.deployment.owner {
                    Some(_) => (" --user", "journalctl --user"),
                    None => ("", "sudo journalctl"),
                };
                vec![match what {
                    What::Start => format!("{sudo}systemctl{user} start {unit}"),
                    What::Restart => format!("{sudo}systemctl{user} restart {unit}"),
                    What::Read => format!("{journal} -u {unit} -n 50 --no-pager"),
                }]
            }
            (Kind::Podman, Some(name)) => vec![match what {
                What::Start => format!("{sudo}podman start {name}"),
                What::Restart => format!("{sudo}podman restart {name}"),
                What::Read => format!("{sudo}podman logs -t --tail 50 {name}"),
            }],
            (Kind::Kubernetes, name) => self.kubernetes(what, name),
            (Kind::Lxc, name) => self.enter_lxc(what, name),
            (Kind::SystemdNspawn, Some(name)) => vec![match what {
                What::Start => format!("sudo systemctl -M {name} enable --now {UNIT}"),
                What::Restart => format!("sudo systemctl -M {name} restart {UNIT}"),
                What::Read => format!("sudo journalctl -M {name} -u {UNIT} -n 50 --no-pager"),
            }],
            (Kind::Container | Kind::Podman | Kind::SystemdNspawn, _) => Vec::new(),
            (Kind::OpenRc, _) => own(Service::OpenRc, what, unit),
            (Kind::Runit, _) => own(Service::Runit, what, unit),
            (Kind::S6, _) => own(Service::S6, what, unit),
            (Kind::Systemd | Kind::Bare, _) => {
                let mut commands = Vec::new();
                let masked = self.host.connector.unit.as_ref().is_some_and(|own| own.masked);
                if masked && matches!(what, What::Start) {
                    commands.push(format!("sudo systemctl unmask {unit}"));
                }
                commands.extend(own(service, what, unit));
                commands
            }
        }
    }

    fn docker(&self, what: What, sudo: &str, name: Option<&str>) -> Vec<String> {
        let compose = self.deployment.compose.as_ref();
        let compose = compose.filter(|compose| plain(&compose.project) && plain(&compose.service));
        let (docker, name) = match (compose, name) {
            (Some(compose), _) => {
                (format!("docker compose -p {}", compose.project), compose.service.as_str())
            }
            (None, Some(name)) => ("docker".to_owned(), name),
            (None, None) => return Vec::new(),
        };
        vec![match what {
            What::Start => format!("{sudo}{docker} start {name}"),
            What::Restart => format!("{sudo}{docker} restart {name}"),
            What::Read => format!("{sudo}{docker} logs -t --tail 50 {name}"),
        }]
    }

    fn kubernetes(&self, what: What, name: Option<&str>) -> Vec<String> {
        let namespace = self.deployment.namespace.as_deref().filter(|name| plain(name));
        let namespace = namespace.map(|name| format!(" -n {name}")).unwrap_or_default();
        let Some(pod) = name.filter(|_| self.deployment.name.is_some()) else { return Vec::new() };
        match what {
            // Its Deployment makes another at once.
            What::Start | What::Restart => vec![format!("kubectl{namespace} delete pod {pod}")],
            What::Read => vec![
                format!("kubectl{namespace} describe pod {pod}"),
                format!("kubectl{namespace} logs --previous --tail=50 {pod}"),
            ],
        }
    }

    fn enter_lxc(&self, what: What, name: Option<&str>) -> Vec<String> {
        let Some(name) = name else { return Vec::new() };
        let tool = self.host.manager.lxc.unwrap_or(LxcTool::Lxc);
        let enter = match tool {
            LxcTool::Pct => format!("sudo pct exec {name}"),
            LxcTool::Incus => format!("sudo incus exec {name}"),
            LxcTool::Lxc => format!("sudo lxc exec {name}"),
            LxcTool::LxcAttach => format!("sudo lxc-attach -n {name}"),
        };
        vec![match what {
            What::Start => format!("{enter} -- systemctl enable --now {UNIT}"),
            What::Restart => format!("{enter} -- systemctl restart {UNIT}"),
            What::Read => format!("{enter} -- journalctl -u {UNIT} -n 50 --no-pager"),
        }]
    }
}

fn own(service: Service, what: What, unit: &str) -> Vec<String> {
    match what {
        What::Start => service.start(unit),
        What::Restart => vec![service.restart(unit)],
        What::Read => vec![service.read(unit)],
    }
}
