//! What to do about causes that the Connector's log shows.

use super::remedy::{Act, Package};
use super::rule::Evidence;
use crate::model::facts::Signature as S;
use crate::model::finding::Symptom;
use crate::model::report::Remedy;

/// Whether the log shows this.
fn shows(e: &Evidence<'_>, signature: S) -> bool {
    e.findings.iter().any(|f| matches!(&f.symptom, Some(Symptom::LogTrouble(t)) if t.signature == signature))
}

/// By what keeps it from running, where the log says so; then its last words.
pub(super) fn restarting(e: &Evidence<'_>) -> Vec<Remedy> {
    const KNOWN: &[(S, &str)] = &[
        (
            S::CannotExecute,
            "Use the image or package of this machine's processor (uname -m): take out a platform setting, then pull or install it again",
        ),
        (
            S::CannotStart,
            "Take out what the runtime refuses: rootless containers and many clusters forbid the sysctl net.ipv4.ping_group_range, which only ping to Resources needs; remove an old container that has the name",
        ),
        (
            S::ImageMissing,
            "Pull the image by hand and read what it says (docker pull twingate/connector:1): a registry's limit, a proxy, a misspelt tag",
        ),
        (
            S::SocketUnwritable,
            "Give it a folder that it can write: an emptyDir or tmpfs at /var/run/twingate",
        ),
    ];
    let known =
        KNOWN.iter().filter(|(signature, _)| shows(e, *signature)).map(|(_, advice)| Remedy::advice(*advice));
    let mut remedies: Vec<Remedy> = known.collect();
    let act = Act::of(e.host);
    remedies.push(act.read("Read its last words, and mend what they name"));
    if act.native() {
        remedies.push(Remedy::advice(
            "In a container: docker logs --tail 50 NAME, kubectl logs --previous POD, and its exit code by docker inspect or kubectl describe pod",
        ));
    }
    remedies
}

/// With new tokens: a service is started anew, a container is made anew, since its variables are fixed when it is made.
pub(super) fn anew(e: &Evidence<'_>) -> Remedy {
    let act = Act::of(e.host);
    if act.native() {
        return act.restart("Then restart it");
    }
    Remedy::advice(
        "Then make the container anew with them: a restart keeps the old ones (compose: docker compose up -d)",
    )
}

/// A newer version, by what it was installed with.
pub(super) fn update(e: &Evidence<'_>) -> Vec<Remedy> {
    let act = Act::of(e.host);
    let container = Remedy::advice(
        "In a container: pull the newest image (docker pull twingate/connector:1) and recreate the container with the same tokens",
    );
    if !act.native() {
        return vec![container];
    }
    let packages = Package::of(e.host).map(|packages| packages.upgrade("twingate-connector"));
    let package = packages.map(|mut commands| {
        commands.extend(act.restart("").commands);
        Remedy { action: "Update the package".to_owned(), commands, needs_root: true }
    });
    package.into_iter().chain([container]).collect()
}

/// Out past the proxy.
pub(super) fn past_the_proxy(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy::advice(
            "Let this host reach *.twingate.com directly, without the proxy: TCP 443 and 30000-31000 (ask the network team)",
        ),
        Remedy::advice(
            "Where the network lets it out without a proxy, take HTTPS_PROXY, HTTP_PROXY and ALL_PROXY out of the Connector's environment and restart it",
        ),
    ]
}

/// Fewer requests.
pub(super) fn ask_less(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy::advice(
            "Stop what asks again and again: a Connector that restarts in a loop, a second one with the same tokens, scripts that validate tokens",
        ),
        Remedy::advice("Then wait: the limit ends by itself"),
    ]
}
