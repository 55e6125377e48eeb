//! From a configuration to facts to a report. `judge` is pure: a replay calls it, too.

use std::collections::BTreeMap;

use crate::checks::{self, nat, stun};
use crate::config::{Meant, Said};
use crate::diagnosis::{self, Diagnosis, Evidence, untested};
use crate::env::Env;
use crate::inference::{self, Inference};
use crate::model::CheckId;
use crate::model::address::{Scope, scope};
use crate::model::build;
use crate::model::check::{Track, WhenCheap};
use crate::model::facts::{Connector, ConnectorLog, Facts, Host, NtpAnswer, NtpStanding, Run};
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::invocation::Invocation;
use crate::model::observation::Observation;
use crate::model::policy::Policy;
use crate::model::report::{Cause, CheckResult, ConnectorDetails, FORMAT_VERSION, Report, Severity, Tool};
use crate::model::resource::ResourceResult;
use crate::model::verdict::Lack;
pub use crate::probes::board::Board;
use crate::probes::{host, run as probes};

/// The target that this binary was built for: `linux-x86_64`.
pub const TARGET: &str = const_format_target();

const fn const_format_target() -> &'static str {
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        "linux-x86_64"
    } else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
        "linux-aarch64"
    } else if cfg!(all(target_os = "linux", target_arch = "arm")) {
        "linux-arm"
    } else if cfg!(target_os = "linux") {
        "linux"
    } else {
        "other"
    }
}

/// Discovers the host, observes what `meant` names, and judges: one run.
///
/// `lab` names the scenario that stands in for the internet; `tries` counts from 1; `board` may be watched
/// meanwhile; `stop` ends the run early, with a partial report.
pub async fn run(
    env: &Env,
    meant: &Meant,
    lab: Option<&str>,
    tries: u32,
    board: &Board,
    stop: impl Future<Output = ()>,
) -> Report {
    let start = env.elapsed();
    let started_wall_ns = env.wall_ns();
    let booted = env.boot();
    let host = host::look(env, meant.timeout).await;
    let meant = if lab.is_some() { meant.clone() } else { on_host(meant, &host) };
    // Boxed: a run's state is large, and lies in every future that awaits it.
    let mut facts = Box::pin(probes::observe(env, &meant, host, (start, lab.is_none()), board, stop)).await;
    facts.run = Run {
        id: report_id(env.random()),
        version: build::VERSION.to_owned(),
        target: TARGET.to_owned(),
        started_wall_ns,
        duration_us: env.elapsed().saturating_sub(start).as_micros() as u64,
        timeout_us: meant.timeout.as_micros() as u64,
        tries,
        interrupted: facts.run.interrupted,
        stepped_ns: stepped(env, (booted, started_wall_ns)),
        network: meant.controller.as_ref().and_then(|c| c.at.network.clone()),
        network_by: meant.controller.as_ref().map(|c| c.origin.to_string().into()),
        lab: lab.map(str::to_owned),
        given: Invocation {
            root: facts.host.uid == Some(0),
            lab: lab.map(str::to_owned),
            options: meant.given(),
        },
        select: meant.policy.select.clone(),
        skip: meant.policy.skip.clone(),
        allow: meant.policy.allow.clone(),
    };
    judge(facts, &meant.policy)
}

/// Time servers that asked to be left alone in this run: whoever runs again asks them no more.
pub fn asked_to_be_left_alone(report: &Report) -> Vec<String> {
    let kissed = |o: &&Observation<NtpAnswer>| {
        o.seen().is_some_and(|answer| matches!(answer.standing, NtpStanding::KissOfDeath(_)))
    };
    report.facts.ntp.iter().filter(kissed).map(|o| o.target.clone()).collect()
}

/// How far the wall clock went another way since then than the time since boot did, nanoseconds: it was set meanwhile.
fn stepped(env: &Env, (booted, started_wall_ns): (std::time::Duration, i64)) -> i64 {
    let passed = i64::try_from(env.boot().saturating_sub(booted).as_nanos()).unwrap_or(i64::MAX);
    env.wall_ns().saturating_sub(started_wall_ns).saturating_sub(passed)
}

/// Judges a Connector's log alone, read at this moment.
pub fn judge_log(env: &Env, meant: &Meant, host: Host, log: Observation<ConnectorLog>) -> Report {
    let run = Run {
        id: report_id(env.random()),
        version: build::VERSION.to_owned(),
        target: TARGET.to_owned(),
        started_wall_ns: env.wall_ns(),
        duration_us: log.took_us,
        tries: 1,
        select: meant.policy.select.clone(),
        ..Run::default()
    };
    judge(Facts { run, host, connector_log: Some(log), ..Facts::default() }, &meant.policy)
}

/// What is meant on the host that `env` shows.
pub fn on_this_host(env: &Env, meant: &Meant) -> Meant {
    on_host(meant, &host::look_here(env, meant.timeout))
}

/// What is meant on this host: what it is configured with stands before the built-in defaults.
pub fn on_host(meant: &Meant, host: &Host) -> Meant {
    let time: Vec<String> = host.time_daemons.iter().flat_map(|d| d.sources.iter().cloned()).collect();
    meant.clone().with_host(said_by(&host.connector), &time)
}

/// What a Connector is configured with: of several processes the first that runs decides, and what it was started
/// with comes before its file.
fn said_by(connector: &Connector) -> Said {
    let running = || connector.processes.iter().filter(|p| p.runs());
    let own = running().flat_map(|p| &p.settings);
    let native = running().next().is_none_or(|p| p.deployment.kind.native());
    let sources: Vec<_> = own.chain(connector.file.iter().filter(|_| native)).collect();
    let controller = sources.iter().find_map(|s| s.url.clone());
    let network = sources.iter().find_map(|s| s.network.clone()).filter(|_| controller.is_none());
    let dns = sources.iter().map(|s| &s.dns).find(|dns| !dns.is_empty()).cloned();
    let relays: Vec<String> = running().flat_map(|p| &p.relays).map(ToString::to_string).collect();
    Said { network, controller, dns, relay: (!relays.is_empty()).then_some(relays), ..Said::default() }
}

/// `CDR-XXXX-XXXX` in Crockford's alphabet, which has no letters that read like digits.
fn report_id(random: [u8; 8]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let (head, tail) = letters.split_at(4);
    format!("CDR-{}-{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
}

/// Judges facts: pure, total, the same for the same facts.
pub fn judge(facts: Facts, policy: &Policy) -> Report {
    let run = inference::infer(&facts);
    let findings = checks::evaluate(&run);
    let diagnosis =
        diagnosis::diagnose(&Evidence { findings: &findings, witnesses: &run.witnesses, host: &facts.host });
    // A skewed host's own time would mislead the reader.
    let started_at = rfc3339(run.clock.started_ns);
    let mut checks = results(&run, &findings, &diagnosis, policy);
    for check in checks.iter_mut().filter(|check| check.outcome >= Status::Warn) {
        check.allowed = policy.allowed(&check.id, started_at.get(..10).unwrap_or_default());
    }
    let shown = |id: &String| checks.iter().any(|c| c.id == *id);
    // Selection limits what is reported: a cause that explains nothing selected is left out, one of several keeps its rank.
    let mut causes: Vec<Cause> =
        diagnosis.causes.iter().filter(|c| c.checks.iter().any(shown)).cloned().collect();
    accept(&mut causes, &checks);
    // What is printed tests what this run tested.
    for cause in &mut causes {
        cause.verify = facts.run.given.again(&verify(cause));
        let commands = cause.remedies.iter_mut().flat_map(|remedy| &mut remedy.commands);
        commands.for_each(|command| *command = facts.run.given.again(command));
    }
    let resources = resources(&run, &diagnosis, policy);
    let failed: Vec<String> = run.failed_in_log.iter().map(|failed| failed.place.clone()).collect();
    Report {
        format_version: FORMAT_VERSION.to_owned(),
        id: facts.run.id.clone(),
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: build::VERSION.to_owned(),
            target: TARGET.to_owned(),
        },
        started_at,
        duration_ms: facts.run.duration_us / 1000,
        verdict: Report::verdict_of(&checks),
        not_tested: untested::not_tested(&checks, &facts.run, &failed),
        redaction: "none".to_owned(),
        connector_details: details(&run, &findings),
        p2p_outlook: nat::p2p_outlook(&run, &findings),
        checks,
        causes,
        resources,
        facts,
    }
}

/// A row a Resource, with the cause that explains it; none where no check of Resources is selected.
fn resources(run: &Inference<'_>, diagnosis: &Diagnosis, policy: &Policy) -> Vec<ResourceResult> {
    let checks = [CheckId::ResourceDns, CheckId::ResourceTcp, CheckId::ResourceReply];
    if !checks.iter().any(|check| policy.selects(check.as_str())) {
        return Vec::new();
    }
    let row = |judged| {
        let mut row = inference::resource::row(judged, &run.clock);
        if row.outcome >= Status::Warn {
            let (check, step) = judged.deciding();
            let own = step.trouble.as_ref().map(|trouble| trouble.code().as_str());
            let own = own.filter(|code| diagnosis.causes.iter().any(|cause| cause.code == *code));
            let of_check = diagnosis.caused_by.get(&check).map(|code| code.as_str());
            row.caused_by = own.or(of_check).map(str::to_owned);
        }
        row
    };
    run.resources.iter().map(row).collect()
}

/// The command that tells whether a cause is gone: it asks for a check that the cause broke, and a warning is no success.
fn verify(cause: &Cause) -> String {
    const COMMAND: &str = "connector-doctor check";
    let mut command = cause.verify.clone();
    if let Some(rest) = cause.verify.strip_prefix(COMMAND) {
        let (globs, tail) = rest.split_at(rest.find(" --").unwrap_or(rest.len()));
        let select = globs.split_whitespace().map(|glob| glob.trim_matches('\'').to_owned()).collect();
        let asked = Policy { select, ..Policy::default() };
        if !cause.checks.is_empty() && !cause.checks.iter().any(|id| asked.selects(id)) {
            command = format!("{COMMAND} {}{tail}", cause.checks.join(" "));
        }
    }
    let warns = if cause.severity == Severity::Warning { " --fail-on warn" } else { "" };
    command + warns
}

/// What explains accepted findings alone changes no outcome: a notice, behind what is to be fixed.
fn accept(causes: &mut [Cause], checks: &[CheckResult]) {
    for cause in causes.iter_mut() {
        let bad = || checks.iter().filter(|c| c.outcome >= Status::Warn && cause.checks.contains(&c.id));
        if bad().next().is_some() && bad().all(|c| c.counted() < Status::Warn) {
            cause.severity = Severity::Notice;
        }
    }
    causes.sort_by_key(|cause| cause.severity == Severity::Notice);
}

/// The checks that answer a question of the history, in the order of the report.
pub fn tracked(question: Track) -> impl Iterator<Item = CheckId> {
    checks::all().filter(move |check| check.row.tracks == Some(question)).map(|check| check.id)
}

/// When an observation that asks less than a whole run says something of this check.
pub fn when_cheap(id: &str) -> WhenCheap {
    checks::all().find(|check| check.id.as_str() == id).map(|check| check.row.when_cheap).unwrap_or_default()
}

/// One row a selected check: its worst finding speaks, all of them give evidence.
fn results(
    run: &Inference<'_>,
    findings: &[Finding],
    diagnosis: &Diagnosis,
    policy: &Policy,
) -> Vec<CheckResult> {
    checks::all()
        .filter(|check| policy.selects(check.id.as_str()))
        .filter_map(|check| {
            let of_check: Vec<&Finding> = findings.iter().filter(|f| f.check == check.id).collect();
            let worst = of_check.iter().max_by_key(|f| (f.status, std::cmp::Reverse(f.summary.len())))?;
            let caused = matches!(worst.status, Status::Skip | Status::Warn | Status::Fail);
            Some(CheckResult {
                id: check.id.into(),
                title: check.title.to_owned(),
                standing: check.row.standing,
                outcome: worst.status,
                summary: worst.summary.clone(),
                evidence: of_check.iter().flat_map(|f| f.evidence.iter().cloned()).collect(),
                by: inference::proof::proofs(run.facts, check.id),
                lacks: lacks(worst),
                caused_by: diagnosis.caused_by.get(&check.id).filter(|_| caused).map(|code| (*code).into()),
                allowed: None,
                duration_ms: of_check.iter().map(|f| f.took_us).max().unwrap_or(0) / 1000,
                measurements: of_check
                    .iter()
                    .flat_map(|f| f.measurements.clone())
                    .collect::<BTreeMap<_, _>>(),
            })
        })
        .collect()
}

/// Why a finding is no outcome: what was tried in vain lacks an answer, what needs another step lacks that.
fn lacks(finding: &Finding) -> Option<Lack> {
    finding.lacks.or(match (finding.status, &finding.symptom) {
        (Status::Skip, Some(Symptom::Needs(_))) => Some(Lack::Step),
        (Status::Unknown, _) => Some(Lack::Answer),
        _ => None,
    })
}

fn details(run: &Inference<'_>, findings: &[Finding]) -> ConnectorDetails {
    let measured = &run.clock.measured;
    let host = &run.facts.host;
    let seconds = |us: Option<u64>| us.map(|us| us as f64 / 1e6);
    ConnectorDetails {
        uptime_s: seconds(host.connector_uptime_us),
        host_uptime_s: seconds(host.uptime_us),
        downtime_s: None,
        time_offset_s: measured.as_ref().map(|m| m.error.offset_ns as f64 / 1e9),
        time_offset_error_s: measured.as_ref().map(|m| m.error.error_ns as f64 / 1e9),
        time_offset_source: measured.as_ref().map(|m| m.source),
        stun_discovery: stun::discovery_word(discovery(findings)),
        hostname: host.hostname.clone(),
        public_ips: run.nat.public.clone(),
        private_ips: host
            .interfaces
            .iter()
            .filter(|i| i.up)
            .flat_map(|i| i.addresses.iter().map(|a| a.ip))
            .filter(|ip| matches!(scope(*ip), Scope::Private | Scope::Shared | Scope::UniqueLocal))
            .collect(),
    }
}

fn discovery(findings: &[Finding]) -> Status {
    findings
        .iter()
        .filter(|f| f.check == CheckId::StunDiscovery)
        .map(|f| f.status)
        .max()
        .unwrap_or(Status::Skip)
}

/// RFC 3339 UTC with whole seconds; the nearest representable instant where `wall_ns` is out of range.
pub fn rfc3339(wall_ns: i64) -> String {
    let seconds = wall_ns.div_euclid(1_000_000_000);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |t| t.to_string())
}
