//! `lab`: the whole check against the embedded internet; no network, no rights.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, bail};

use super::check::{check_lab, meant, runtime};
use super::exit::code;
use super::signals::{Signal, signals};
use super::{fit, output};
use crate::config::{
    Controller, ExitCodes, FailOn, HostPort, Meant, Named, Origin, Resource, Said, SaidResource,
    parse_resolver, unknown,
};
use crate::env::Env;
use crate::lab::scenario::{SCENARIOS, Scenario, find};
use crate::lab::{Lab, start};

/// Runs the check in a scenario.
pub(super) fn run(env: &Env, name: &str, said: Said) -> anyhow::Result<u8> {
    let scenario = scenario(name)?;
    let meant = meant(env, said)?;
    runtime(async {
        let lab = up(scenario, env).await?;
        check_lab(env, &inside(meant, &lab)?, scenario.name).await
    })
}

/// Names the scenarios.
pub(super) fn list(env: &Env) -> u8 {
    let width = SCENARIOS.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let lines: Vec<String> = SCENARIOS
        .iter()
        .map(|s| fit::hanging(&format!("{:width$}  ", s.name), s.summary, usize::from(fit::columns(env))))
        .collect();
    output::print(&lines.concat());
    0
}

/// Keeps a scenario up until interrupted, and prints the command that uses it.
pub(super) fn serve(env: &Env, name: &str, dir: &Path) -> anyhow::Result<u8> {
    let scenario = scenario(name)?;
    runtime(async {
        let lab = up(scenario, env).await?;
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        output::write_file(&dir.join("ca.pem"), &lab.ca_pem, 0o644)?;
        let ca_file = dir.join("ca.pem");
        let command = format!(
            "connector-doctor check {} --ca-file {}",
            lab.options().join(" "),
            ca_file.canonicalize().unwrap_or(ca_file).display()
        );
        output::write_file(&dir.join("check-command"), &format!("{command}\n"), 0o644)?;
        output::print(&format!("{command}\n"));
        output::complain(&format!("scenario {name} is up; Ctrl-C ends it"));
        match signals().await {
            Signal::Interrupt => Ok(0),
            signal @ Signal::Terminate => Ok(code(signal.end(), ExitCodes::Standard, FailOn::Fail)),
        }
    })
}

fn scenario(name: &str) -> anyhow::Result<&'static Scenario> {
    match find(name) {
        Some(scenario) => Ok(scenario),
        None => bail!("{}; see lab --list", unknown("scenario", name, SCENARIOS.iter().map(|s| s.name))),
    }
}

async fn up(scenario: &Scenario, env: &Env) -> anyhow::Result<Lab> {
    let lab = start(scenario, env).context("the lab does not start")?;
    match lab.self_check().await {
        Ok(()) => Ok(lab),
        Err(why) => bail!("the lab's own STUN responder is not to be trusted: {why}"),
    }
}

/// The same wishes, with the lab's servers in place of everybody else's.
fn inside(mut meant: Meant, lab: &Lab) -> anyhow::Result<Meant> {
    let origin = || Origin::Option("lab".to_owned());
    let at = |text: String| -> anyhow::Result<Named<HostPort>> {
        let at = HostPort::parse(&text, None).map_err(anyhow::Error::msg)?;
        Ok(Named { at, origin: origin() })
    };
    let all =
        |addresses: &[SocketAddr]| addresses.iter().map(|a| at(a.to_string())).collect::<Result<_, _>>();
    let dns = parse_resolver(&lab.dns.to_string(), 53).map_err(anyhow::Error::msg)?;
    let controller = Controller::of_url(&lab.controller_url()).map_err(anyhow::Error::msg)?;
    meant.stun = all(&lab.stun)?;
    meant.ntp = all(&lab.ntp)?;
    meant.dns = vec![Named { at: dns, origin: origin() }];
    meant.controller = Some(Named { at: controller, origin: origin() });
    meant.relay = all(&lab.relays)?;
    meant.quic = all(&lab.quic)?;
    meant.service = vec![at(lab.service_name())?];
    let resource = |text: &String| -> anyhow::Result<Named<Resource>> {
        let at = Resource::parse(&SaidResource::from(text.clone())).map_err(anyhow::Error::msg)?;
        Ok(Named { at, origin: origin() })
    };
    meant.resources = lab.resources.iter().map(resource).collect::<Result<_, _>>()?;
    meant.inner_dns = lab.inner_dns;
    meant.ca_pem = Some(lab.ca_pem.clone());
    Ok(meant)
}
