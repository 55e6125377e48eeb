//! Causes that lie with the Connector itself: its process, its configuration, its limits, the network that it is in.

use super::kept;
use super::remedy::{Act, plain};
use super::rule::{CauseRule, Evidence, Fit, Layer};
use super::vantage;
use crate::model::facts::{ConnectorProcess, DeploymentKind};
use crate::model::finding::Symptom;
use crate::model::report::{Confidence, Remedy, Severity};
use crate::model::text::count;
use crate::model::{CauseCode, CheckId};

/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::OtherNetwork,
        severity: Severity::Warning,
        title: "The Connector runs in another network, with other resolvers or another proxy, than this run",
        impact: "The Connector uses another network; these results may not apply.",
        layer: Layer::Viewpoint,
        explains: &[CheckId::ConnectorProcess],
        folds: &[],
        fits: other_network,
        remedies: vantage::remedies,
        verify: "connector-doctor check connector.process",
        page: include_str!("../../docs/causes/other-network.md"),
    },
    CauseRule {
        code: CauseCode::HostExhausted,
        severity: Severity::Critical,
        title: "This host's memory or disk is gone",
        impact: "The Connector is killed, or cannot write; it comes back at random, if at all.",
        layer: Layer::Host,
        explains: &[CheckId::HostLimits, CheckId::ConnectorProcess],
        folds: &[],
        fits: host_exhausted,
        remedies: make_room,
        verify: "connector-doctor check host.limits",
        page: include_str!("../../docs/causes/host-exhausted.md"),
    },
    CauseRule {
        code: CauseCode::FdExhausted,
        severity: Severity::Critical,
        title: "The Connector has no file descriptors left",
        impact: "New clients are refused, and its own connections to the Controller and to relays fail.",
        layer: Layer::Host,
        explains: &[CheckId::HostLimits],
        folds: &[CauseCode::FdLimitLow],
        fits: fd_exhausted,
        remedies: raise_limit,
        verify: "connector-doctor check host.limits",
        page: include_str!("../../docs/causes/fd-exhausted.md"),
    },
    CauseRule {
        code: CauseCode::FdLimitLow,
        severity: Severity::Warning,
        title: "The Connector's limit of open files is nearly reached",
        impact: "Each active client takes 8 descriptors: a few more clients, and new ones are refused.",
        layer: Layer::Host,
        explains: &[CheckId::HostLimits],
        folds: &[],
        fits: fd_limit_low,
        remedies: raise_limit,
        verify: "connector-doctor check host.limits",
        page: include_str!("../../docs/causes/fd-limit-low.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorMisconfigured,
        severity: Severity::Critical,
        title: "The Connector's configuration is incomplete or malformed",
        impact: "The Connector ends at once, or never comes online.",
        layer: Layer::Host,
        explains: &[
            CheckId::ConnectorConfig,
            CheckId::ConnectorIdentity,
            CheckId::ConnectorProcess,
            CheckId::ConnectorConnections,
        ],
        folds: &[],
        fits: misconfigured,
        remedies: configure,
        verify: "connector-doctor check 'connector.*'",
        page: include_str!("../../docs/causes/connector-misconfigured.md"),
    },
    CauseRule {
        code: CauseCode::ConnectorStopped,
        severity: Severity::Critical,
        title: "The Connector is installed but not running",
        impact: "No Resource behind it is reached through this host.",
        layer: Layer::Service,
        explains: &[CheckId::ConnectorProcess],
        folds: &[],
        fits: stopped,
        remedies: kept::start,
        verify: "connector-doctor check connector.process --wait 2m",
        page: include_str!("../../docs/causes/connector-stopped.md"),
    },
];

fn other_network(e: &Evidence<'_>) -> Option<Fit> {
    let differs = e.symptom(|s| if let Symptom::OtherNetwork(d) = s { Some(d.clone()) } else { None })?;
    let process = vantage::process(e)?;
    let namespace = process.view.same_network == Some(false);
    let resolvers = process.view.same_resolvers == Some(false);
    let (confidence, what) = if namespace {
        (Confidence::Certain, "in another network than this run")
    } else if resolvers {
        (Confidence::Certain, "with other resolvers than this run")
    } else {
        // Whether it heeds the variable is not documented.
        (Confidence::Possible, "with a proxy that this run does not use")
    };
    let title = format!("The Connector (process {}) runs {what}", process.pid);
    Some(differs.into_iter().fold(Fit::new(confidence, title), |fit, d| fit.because(format!("it {d}"))))
}

fn host_exhausted(e: &Evidence<'_>) -> Option<Fit> {
    let gone = e.symptom(|s| if let Symptom::HostExhausted(gone) = s { Some(gone.clone()) } else { None })?;
    let fit = Fit::new(Confidence::Certain, "This host has no room left for the Connector");
    Some(gone.into_iter().fold(fit, Fit::because).of_its_own())
}

fn make_room(_: &Evidence<'_>) -> Vec<Remedy> {
    vec![
        Remedy::root(
            "See what takes the memory and the disk",
            &[
                "ps -eo pid,rss,comm --sort=-rss | head",
                "df -h / /var/log /run",
                "sudo journalctl --disk-usage",
            ],
        ),
        Remedy::advice(
            "Free memory or disk, or raise the limit of the container or service (a Connector wants 2 GB); then restart the Connector",
        ),
    ]
}

/// Process, files in use, limit, whether none is left.
fn open_files(e: &Evidence<'_>, wanted: bool) -> Option<(u32, u64, u64)> {
    e.symptom(|s| match s {
        Symptom::OpenFiles { pid, used, limit, exhausted } if *exhausted == wanted => {
            Some((*pid, *used, *limit))
        }
        _ => None,
    })
}

fn fd_exhausted(e: &Evidence<'_>) -> Option<Fit> {
    let (pid, used, limit) = open_files(e, true)?;
    let title = format!("The Connector uses {used} of {limit} file descriptors");
    let fit = Fit::new(Confidence::Certain, title).because(format!(
        "process {pid} has {used} files open, its soft limit is {limit}, and one more client takes 8"
    ));
    Some(fit.of_its_own())
}

fn fd_limit_low(e: &Evidence<'_>) -> Option<Fit> {
    let (pid, used, limit) = open_files(e, false)?;
    let room = limit.saturating_sub(used) / 8;
    let title = format!("The Connector uses {used} of {limit} file descriptors");
    let fit = Fit::new(Confidence::Certain, title).because(format!(
        "process {pid} has {used} files open, its soft limit is {limit}: at 8 each that is room for {}",
        count(room as usize, "more client")
    ));
    Some(fit.of_its_own())
}

fn raise_limit(e: &Evidence<'_>) -> Vec<Remedy> {
    let kind = process_of_limit(e).map_or(DeploymentKind::Bare, |p| p.deployment.kind);
    let unit = process_of_limit(e).and_then(|p| p.deployment.unit.clone());
    let unit = unit.filter(|u| plain(u)).unwrap_or_else(|| "twingate-connector".to_owned());
    let how = match kind {
        DeploymentKind::Docker | DeploymentKind::Podman => Remedy::advice(
            "Make the container anew with --ulimit nofile=65536:65536 (compose: ulimits: nofile: 65536)",
        ),
        DeploymentKind::Kubernetes => Remedy::advice(
            "Raise LimitNOFILE of the node's container runtime (containerd, CRI-O), then restart the pod",
        ),
        _ => Remedy::root(
            "Raise the limit of the unit, and restart it",
            &[
                &format!("sudo mkdir -p /etc/systemd/system/{unit}.service.d"),
                &format!(
                    "printf '[Service]\\nLimitNOFILE=65536\\n' | sudo tee /etc/systemd/system/{unit}.service.d/nofile.conf"
                ),
                "sudo systemctl daemon-reload",
                &format!("sudo systemctl restart {unit}"),
            ],
        ),
    };
    vec![how, Remedy::advice("Or add a Connector: clients spread over those of one Remote Network")]
}

fn process_of_limit<'a>(e: &Evidence<'a>) -> Option<&'a ConnectorProcess> {
    let pid = e.symptom(|s| if let Symptom::OpenFiles { pid, .. } = s { Some(*pid) } else { None })?;
    e.host.connector.processes.iter().find(|p| p.pid == pid)
}

fn misconfigured(e: &Evidence<'_>) -> Option<Fit> {
    let (mut broken, mut flaws) = (Vec::new(), Vec::new());
    for symptom in e.findings.iter().filter_map(|finding| finding.symptom.as_ref()) {
        match symptom {
            Symptom::ConnectorMisconfigured { broken: more, flaws: others, .. } => {
                broken.extend(more.iter().cloned());
                flaws.extend(others.iter().cloned());
            }
            Symptom::TokensUnfit(more) => broken.extend(more.iter().cloned()),
            _ => {}
        }
    }
    let (title, fit) = match (broken.first(), flaws.first()) {
        (Some(first), _) => (first, Fit::new(Confidence::Certain, "")),
        (None, Some(first)) => (
            first,
            Fit::new(Confidence::Likely, "").severity(Severity::Warning).only([CheckId::ConnectorConfig]),
        ),
        (None, None) => return None,
    };
    let more = broken.len() + flaws.len() - 1;
    let more = if more > 0 { format!(", and {} more", count(more, "fault")) } else { String::new() };
    let mut fit = fit;
    fit.title = format!("Of the Connector's configuration: {title}{more}");
    Some(broken.into_iter().chain(flaws).fold(fit, Fit::because))
}

fn configure(e: &Evidence<'_>) -> Vec<Remedy> {
    let act = Act::of(e.host);
    let missing: Vec<&String> = e.host.connector.at_rest().flat_map(|kept| &kept.missing).collect();
    if !missing.is_empty() {
        return vec![
            Remedy::advice(
                "Bring back the file that is missing: mount the disk that it is on, mend the link, or write it anew (TWINGATE_NETWORK=NAME and both tokens, one NAME=VALUE a line)",
            ),
            act.start("Then start it, and see what it says"),
        ];
    }
    let mut remedies = Vec::new();
    let readable = e.symptom(|s| match s {
        Symptom::ConnectorMisconfigured { readable_by_all, .. } => Some(*readable_by_all),
        _ => None,
    });
    if readable == Some(true) {
        remedies.push(Remedy::root(
            "Keep the tokens from the other users of this host",
            &["sudo chmod 600 /etc/twingate/connector.conf"],
        ));
    }
    remedies.push(if act.native() {
        let mut commands = vec!["sudoedit /etc/twingate/connector.conf".to_owned()];
        commands.extend(act.restart("").commands);
        Remedy {
            action: "Set TWINGATE_NETWORK=NAME (the name alone), TWINGATE_ACCESS_TOKEN and TWINGATE_REFRESH_TOKEN, one NAME=VALUE a line; new tokens come from the Admin Console".to_owned(),
            commands,
            needs_root: true,
        }
    } else {
        Remedy::advice(
            "Give the container TWINGATE_NETWORK=NAME (the name alone), TWINGATE_ACCESS_TOKEN and TWINGATE_REFRESH_TOKEN, and make it anew; new tokens come from the Admin Console",
        )
    });
    remedies
}

fn stopped(e: &Evidence<'_>) -> Option<Fit> {
    let shown =
        e.symptom(|s| if let Symptom::ConnectorStopped(shown) = s { Some(shown.clone()) } else { None })?;
    let fit = Fit::new(Confidence::Certain, "The Connector is installed on this host but not running");
    Some(shown.into_iter().fold(fit, Fit::because))
}
