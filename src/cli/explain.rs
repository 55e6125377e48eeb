//! `explain`: the page of a cause or a check, and what is done on which system, this one first; without a name, what there is.

use std::fmt::Write as _;

use anyhow::bail;

use super::{fit, output};
use crate::config::defaults;
use crate::config::unknown;
use crate::diagnosis::{CauseRule, Evidence, Layer};
use crate::env::Env;
use crate::model::CauseCode;
use crate::model::facts::Host;
use crate::model::report::Remedy;
use crate::model::witness::Witnesses;
use crate::probes::host;
use crate::{checks, diagnosis};

/// The page of words.
const GLOSSARY: &str = "glossary";
/// How deep a cause lies, in words.
const LAYERS: [(Layer, &str); 6] = [
    (Layer::Viewpoint, "Where this run looks from"),
    (Layer::Link, "Links, addresses and routes"),
    (Layer::Host, "This host"),
    (Layer::Path, "Firewalls, NAT and the path"),
    (Layer::Names, "DNS"),
    (Layer::Service, "Controller, relays, Resources and the Connector"),
];
/// The vendor's own pages (connector-facts.md: documentation and help centre, second hand).
const VENDOR_PAGES: &[(CauseCode, &str)] = &[
    (CauseCode::UdpBlocked, "https://www.twingate.com/docs/troubleshooting-p2p"),
    (CauseCode::StunBlocked, "https://www.twingate.com/docs/troubleshooting-p2p"),
    (CauseCode::QuicBlocked, "https://www.twingate.com/docs/troubleshooting-p2p"),
    (CauseCode::NatEndpointDependent, "https://www.twingate.com/docs/troubleshooting-p2p"),
    (CauseCode::ResourceRefused, "https://www.twingate.com/docs/connector-failures"),
    (CauseCode::ResourceUnreachable, "https://www.twingate.com/docs/connector-failures"),
    (CauseCode::ResourceUnresolved, "https://www.twingate.com/docs/connector-failures"),
    (CauseCode::FdExhausted, "https://help.twingate.com/articles/1422554451"),
    (CauseCode::FdLimitLow, "https://help.twingate.com/articles/1422554451"),
    (CauseCode::RelayPortsBlocked, "https://help.twingate.com/articles/1198271128"),
    (CauseCode::ServiceBlocked, "https://help.twingate.com/articles/1198271128"),
];

/// Prints the page; a misspelt name is told the nearest; no name, what there is.
pub(super) fn run(env: &Env, name: Option<&str>) -> anyhow::Result<u8> {
    let Some(name) = name else {
        output::print(&listed(usize::from(fit::columns(env))));
        return Ok(0);
    };
    let Some((_, page)) = pages().find(|(known, _)| *known == name) else {
        bail!("{}; see explain", unknown("cause or check", name, pages().map(|(known, _)| known)));
    };
    let cause = diagnosis::all().find(|cause| cause.code.as_str() == name);
    let systems =
        cause.map_or_else(String::new, |cause| systems(cause, &host::look_here(env, defaults::TIMEOUT)));
    let vendor = VENDOR_PAGES.iter().find(|(code, _)| code.as_str() == name);
    let vendor = vendor.map_or_else(String::new, |(_, at)| format!("\n## The vendor's page\n{at}\n"));
    output::print(&fit::page(&format!("{page}{systems}{vendor}"), fit::prose(env)));
    Ok(0)
}

/// What is done here, then on systems that have a word of their own.
fn systems(cause: &CauseRule, host: &Host) -> String {
    let witnesses = Witnesses::default();
    let here = (cause.remedies)(&Evidence { findings: &[], witnesses: &witnesses, host });
    let here = diagnosis::remedy::with_cloud(host, here);
    let mut text = String::new();
    if !here.is_empty() {
        let system = if host.os.name.is_empty() { String::new() } else { format!(" ({})", host.os.name) };
        let _ = writeln!(text, "\n## On this system{system}");
        steps(&mut text, &here);
    }
    let others = diagnosis::by_system(cause).into_iter().filter(|(_, remedies)| *remedies != here);
    for (n, (label, remedies)) in others.enumerate() {
        if n == 0 {
            text.push_str("\n## On other systems\n");
        }
        let _ = writeln!(text, "\n### {label}");
        steps(&mut text, &remedies);
    }
    text
}

fn steps(text: &mut String, remedies: &[Remedy]) {
    for remedy in remedies {
        let _ = writeln!(text, "- {}", remedy.action.replace('\n', "\n  "));
        for command in &remedy.commands {
            let _ = writeln!(text, "      {command}");
        }
    }
}

/// Every page by its name, the one of what no rule explains included.
fn pages() -> impl Iterator<Item = (&'static str, &'static str)> {
    let causes = diagnosis::all().map(|c| (c.code.as_str(), c.page));
    let checks = checks::all().map(|c| (c.id.as_str(), c.page));
    causes.chain(checks).chain([
        (CauseCode::Unexplained.as_str(), include_str!("../../docs/causes/unexplained.md")),
        (GLOSSARY, include_str!("../../docs/glossary.md")),
    ])
}

/// Checks by heading, causes by where they lie.
fn listed(width: usize) -> String {
    let widest = pages().map(|(name, _)| name.len()).max().unwrap_or(0);
    let row = |name: &str, title: &str| fit::hanging(&format!("    {name:widest$}  "), title, width);
    let mut text = "connector-doctor explain NAME prints the page of one of these:\n".to_owned();
    text.push_str("\nWORDS\n");
    text.push_str(&row(GLOSSARY, "Controller, relay, STUN, NAT and its kinds, outlook"));
    text.push_str("\nCHECKS\n");
    let mut heading = "";
    for check in checks::all() {
        let topic = check.row.standing.topic.heading();
        if topic != heading {
            let _ = writeln!(text, "  {topic}");
            heading = topic;
        }
        text.push_str(&row(check.id.as_str(), check.title));
    }
    text.push_str("\nCAUSES\n");
    for (layer, words) in LAYERS {
        let _ = writeln!(text, "  {words}");
        for cause in diagnosis::all().filter(|cause| cause.layer == layer) {
            text.push_str(&row(cause.code.as_str(), cause.title));
        }
    }
    text
}
