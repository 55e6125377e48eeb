//! Which processes of a Connector's name are believed: anybody may call a process so. Pure.
//!
//! What is believed steers a run (whom it asks, what it reads), so it must be beyond the reach of other users: a unit of the
//! system named for a Connector, a container that no user's session runs, a process of this run's own user.

use crate::model::facts::{Deployment, DeploymentKind};

/// Words of which one stands in the name of a Connector's unit: a unit runs what its file says, but cron's, sshd's and a web
/// server's run what their users make them.
const UNITS: &[&str] = &["twingate", "connector"];

/// Who runs, and where.
#[derive(Clone, Copy, Debug)]
pub struct Suspect<'a> {
    /// The user that it runs as.
    pub uid: Option<u32>,
    /// /proc/PID/cgroup.
    pub groups: &'a str,
    /// The same, read.
    pub deployment: &'a Deployment,
}

/// Whether a run of user `own` believes it; `in_container`: this run is in a container, which has one purpose. Where nobody
/// says who this run is (files of another root), there is nothing to be steered.
pub fn believed(suspect: &Suspect<'_>, own: Option<u32>, in_container: bool) -> bool {
    let Some(own) = own else { return true };
    if suspect.uid == Some(own) {
        return true;
    }
    if of_a_user(suspect.groups) {
        return false;
    }
    match suspect.deployment.kind {
        DeploymentKind::Bare => in_container,
        DeploymentKind::Systemd => suspect.deployment.unit.as_deref().is_some_and(|unit| {
            let unit = unit.to_ascii_lowercase();
            UNITS.iter().any(|word| unit.contains(word))
        }),
        _ => true,
    }
}

/// Whether any of its control groups is of a user's session (systemd's `user.slice`): below it a user makes any group.
fn of_a_user(groups: &str) -> bool {
    let paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.map(|path| path.trim_start_matches('/')).any(|path| path.split('/').next() == Some("user.slice"))
}

#[cfg(test)]
mod tests {
    use super::super::cgroup::deployment;
    use super::*;

    #[test]
    fn only_what_other_users_cannot_make_is_believed() {
        let id = "0123456789abcdef".repeat(4);
        let unit = "0::/system.slice/twingate-connector.service\n".to_owned();
        let docker = format!("0::/system.slice/docker-{id}.scope\n");
        let rootless = format!(
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container\n"
        );
        let named = format!("0::/user.slice/user-1000.slice/user@1000.service/docker-{id}.scope\n");
        let session = "0::/user.slice/user-1000.slice/session-3.scope\n".to_owned();
        let posing =
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/twingate-connector.service\n"
                .to_owned();
        let old =
            format!("4:memory:/docker/{id}\n1:name=systemd:/user.slice/user-1000.slice/session-1.scope\n");
        let (cron, bare) = ("0::/system.slice/cron.service\n".to_owned(), "0::/\n".to_owned());
        // Believed by root, by the same user, by another user, by root in a container.
        for (groups, uid, [root, same, other, inside]) in [
            (&unit, 998, [true; 4]),
            (&docker, 0, [true; 4]),
            (&docker, 65532, [true; 4]),
            (&rootless, 1000, [false, true, false, false]),
            (&named, 1000, [false, true, false, false]),
            (&session, 1000, [false, true, false, false]),
            (&posing, 1000, [false, true, false, false]),
            (&old, 1000, [false, true, false, false]),
            (&cron, 1000, [false, true, false, false]),
            (&bare, 1000, [false, true, false, true]),
            (&bare, 0, [true, true, false, true]),
        ] {
            let deployment = deployment(groups);
            let suspect = Suspect { uid: Some(uid), groups, deployment: &deployment };
            let seen = [
                believed(&suspect, Some(0), false),
                believed(&suspect, Some(uid), false),
                believed(&suspect, Some(4242), false),
                believed(&suspect, Some(0), true),
            ];
            assert_eq!(seen, [root, same, other, inside], "{groups} {uid}");
            let unknown = Suspect { uid: None, ..suspect };
            assert_eq!(believed(&unknown, Some(1000), false), other, "{groups}: of nobody known");
        }
    }
}
