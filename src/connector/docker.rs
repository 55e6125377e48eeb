//! What docker keeps of a container (`config.v2.json`, `hostconfig.json`): whether it is a Connector, and how it
//! ended. Pure; of the tokens in it nothing is kept.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::secret::Tokens;
use super::{config, image};
use crate::model::facts::{Compose, Deployment, DeploymentKind, KeptConnector, KeptState};
use crate::model::text;

/// Longest sentence of docker's that is kept.
const ERROR: usize = 200;

#[derive(Deserialize)]
struct File {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default, rename = "Name")]
    name: String,
    #[serde(default, rename = "State")]
    state: State,
    #[serde(default, rename = "Config")]
    config: Config,
    #[serde(default, rename = "RestartCount")]
    restarts: u32,
    #[serde(default, rename = "HasBeenManuallyStopped")]
    by_hand: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "as docker writes it")]
struct State {
    running: bool,
    paused: bool,
    restarting: bool,
    #[serde(rename = "OOMKilled")]
    oom_killed: bool,
    dead: bool,
    pid: u32,
    exit_code: i64,
    error: Option<String>,
    started_at: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: String,
    env: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default)]
    restart_policy: Policy,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Policy {
    name: String,
}

/// A Connector, if this is one's file, its tokens for as long as they are compared, and the process that docker names.
pub fn container(place: &str, file: &str, host: Option<&str>) -> Option<(KeptConnector, Tokens, u32)> {
    let file: File = serde_json::from_str(file).ok()?;
    let variables = file.config.env.unwrap_or_default();
    if !image::is_connector(&file.config.image, &variables) || !is_id(&file.id) {
        return None;
    }
    let policy = host.and_then(|host| serde_json::from_str::<HostConfig>(host).ok());
    let read = config::kept(place, &variables);
    let state = &file.state;
    let never = state.started_at.as_deref().is_none_or(|at| at.is_empty() || at.starts_with("0001"));
    let label = |name: &str| {
        let labels = file.config.labels.as_ref()?;
        image::name(labels.get(&format!("com.docker.compose.{name}"))?)
    };
    let compose = label("project").zip(label("service"));
    let name = image::name(file.name.trim_start_matches('/'));
    let kept = KeptConnector {
        place: place.to_owned(),
        deployment: Deployment {
            kind: DeploymentKind::Docker,
            id: Some(file.id),
            name,
            restarts: Some(file.restarts),
            compose: compose.map(|(project, service)| Compose { project, service }),
            ..Deployment::default()
        },
        state: match state {
            State { restarting: true, .. } => KeptState::Restarting,
            State { paused: true, .. } => KeptState::Paused,
            State { running: true, .. } => KeptState::Running,
            State { dead: true, .. } => KeptState::Failed,
            // What docker could not start has an error, and no time of start.
            _ if never && state.error.as_deref().is_some_and(|e| !e.is_empty()) => KeptState::Failed,
            _ if never => KeptState::Declared,
            _ => KeptState::Exited,
        },
        exit_code: i32::try_from(state.exit_code).ok().filter(|_| !never || state.exit_code != 0),
        oom_killed: state.oom_killed,
        stopped_by_hand: file.by_hand,
        restarts_itself: policy.map(|host| !matches!(host.restart_policy.name.as_str(), "" | "no")),
        error: state.error.as_deref().map(plain).filter(|error| !error.is_empty()),
        version: image::version(&file.config.image),
        settings: vec![read.settings],
        ..KeptConnector::default()
    };
    Some((kept, read.tokens, file.state.pid))
}

/// 64 hexadecimal digits: no path leads out of them.
fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A runtime's sentence without words that may be secrets.
fn plain(sentence: &str) -> String {
    let words = sentence.split_whitespace().map(|word| {
        let hides = text::looks_secret(word) || word.contains("TOKEN=");
        if hides { "[masked]" } else { word }
    });
    text::clean(&words.collect::<Vec<_>>().join(" "), ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn file(state: &str, more: &str) -> Option<KeptConnector> {
        let text = format!(
            r#"{{"ID":"{ID}","Name":"/twingate-1","State":{state},"Config":{{"Image":"twingate/connector:1.80.0",
            "Env":["PATH=/","TWINGATE_NETWORK=acme","TWINGATE_ACCESS_TOKEN=canaryA1canaryA1canaryA1","TWINGATE_REFRESH_TOKEN=canaryB1"],
            "Labels":{{"com.docker.compose.project":"office","com.docker.compose.service":"connector"}}}}{more}}}"#
        );
        let policy = r#"{"RestartPolicy":{"Name":"unless-stopped"}}"#;
        let (kept, tokens, _) = container("f", &text, Some(policy))?;
        assert!(!format!("{kept:?}{tokens:?}").contains("canary"), "{kept:?}");
        Some(kept)
    }

    #[test]
    fn each_state_is_read() {
        use KeptState::{Declared, Exited, Failed, Paused, Restarting, Running};
        let at = r#""StartedAt":"2026-11-20T10:00:00Z""#;
        for (state, expected, code, oom) in [
            (format!(r#"{{"Running":true,"Pid":7,{at}}}"#), Running, Some(0), false),
            (format!(r#"{{"Running":true,"Restarting":true,"ExitCode":1,{at}}}"#), Restarting, Some(1), false),
            (format!(r#"{{"Running":true,"Paused":true,{at}}}"#), Paused, Some(0), false),
            (format!(r#"{{"ExitCode":137,"OOMKilled":true,{at}}}"#), Exited, Some(137), true),
            (format!(r#"{{"Dead":true,"ExitCode":-1,{at}}}"#), Failed, Some(-1), false),
            (r#"{"StartedAt":"0001-01-01T00:00:00Z"}"#.to_owned(), Declared, None, false),
            (
                r#"{"ExitCode":128,"Error":"OCI runtime: eyJcanary TWINGATE_ACCESS_TOKEN=canary","StartedAt":"0001-01-01T00:00:00Z"}"#.to_owned(),
                Failed,
                Some(128),
                false,
            ),
            ("{}".to_owned(), Declared, None, false),
        ] {
            let kept = file(&state, r#","RestartCount":4"#).expect("a Connector");
            assert_eq!((kept.state, kept.exit_code, kept.oom_killed), (expected, code, oom), "{state}");
            assert_eq!((kept.deployment.restarts, kept.restarts_itself), (Some(4), Some(true)));
        }
        let kept = file("{}", r#","HasBeenManuallyStopped":true"#).expect("a Connector");
        assert_eq!(kept.deployment.name.as_deref(), Some("twingate-1"));
        assert_eq!(kept.deployment.compose.map(|c| c.service).as_deref(), Some("connector"));
        assert_eq!((kept.version.as_deref(), kept.stopped_by_hand), (Some("1.80.0"), true));
        assert_eq!(kept.settings[0].network.as_deref(), Some("acme"));
    }

    #[test]
    fn what_is_no_connectors_is_none() {
        for text in ["", "{}", "[]", r#"{"ID":"../../etc","Config":{"Image":"twingate/connector"}}"#] {
            assert!(container("f", text, None).is_none(), "{text}");
        }
        let other = format!(r#"{{"ID":"{ID}","Config":{{"Image":"nginx","Env":null}}}}"#);
        assert!(container("f", &other, Some("rubbish")).is_none());
    }
}
