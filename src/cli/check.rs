//! `check`: observe this host, judge, print; again and again with `--wait`.

use std::fs::File;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use nix::sys::resource::{Resource as Limit, getrlimit, setrlimit};

use super::exit::{End, code};
use super::signals::{Signal, signals};
use super::{fit, input, output, spinner};
use crate::config::{self, FailOn, Known, Meant, Redact, Said, defaults};
use crate::env::Env;
use crate::model::facts::Resource;
use crate::model::{Report, Status};
use crate::pipeline;
use crate::probes::board::Board;
use crate::render::redact::{Level, redact};
use crate::render::{self, FORMATS, Style};

/// Files that a run with the default servers may have open at once, and some more.
const DESCRIPTORS: usize = 160;
/// As many are enough for any run.
const ENOUGH: libc::rlim_t = 4096;
/// More checks than these, still bad, are folded into a count.
const STILL: usize = 4;

/// Checks this host.
pub(super) fn run(env: &Env, said: Said) -> anyhow::Result<u8> {
    let meant = meant(env, said)?;
    runtime(async {
        let (report, signal) = until_good(env, &meant).await;
        finish(env, &meant, &report, signal, None)
    })
}

/// What `report` writes in place of the human format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paste {
    /// The redacted JSON behind the text.
    with_data: bool,
}

/// Checks this host, for pasting: redacted unless the command line itself says otherwise, fenced, at most 80 columns.
pub(super) fn report(env: &Env, said: Said, with_data: bool) -> anyhow::Result<u8> {
    let own_level = said.redact.is_some();
    let mut meant = meant(env, said)?;
    if !own_level && meant.redact == Redact::None {
        meant.redact = Redact::Default;
    }
    // It is read elsewhere: a narrow terminal here makes it no shorter there.
    meant.width = meant.file_width.min(defaults::WIDTH);
    runtime(async {
        let (report, signal) = until_good(env, &meant).await;
        finish(env, &meant, &report, signal, Some(Paste { with_data }))
    })
}

/// What the user meant, out of every source.
pub(super) fn meant(env: &Env, said: Said) -> anyhow::Result<Meant> {
    let sources = config::sources(said, env.vars(), nix::unistd::geteuid().is_root(), |path| {
        input::read(path, defaults::MAX_FILE as u64)
    })?;
    let checks: Vec<&str> = crate::checks::all().map(|check| check.id.as_str()).collect();
    let formats: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let mut meant = Meant::of(&sources, Known { checks: &checks, formats: &formats })?;
    if let Some(named) = &meant.ca_file {
        readable(&named.at)
            .with_context(|| format!("{}: cannot read {}", named.origin, named.at.display()))?;
    }
    // The terminal's own width; what is read elsewhere takes the 80 columns that tickets take.
    if sources.iter().all(|source| source.said.width.is_none()) {
        meant.width = fit::columns(env);
    }
    Ok(meant)
}

/// A file that somebody named and that is of no use ends the run before it begins: judging without it would mislead.
fn readable(path: &Path) -> anyhow::Result<()> {
    // /dev/null is how one says that there is none.
    if path == Path::new("/dev/null") {
        return Ok(());
    }
    let text = input::read(path, defaults::MAX_FILE as u64)?;
    if memchr::memmem::find(&text, b"-----BEGIN CERTIFICATE-----").is_none() {
        anyhow::bail!("no certificate in PEM form");
    }
    Ok(())
}

/// A runtime that a stuck getaddrinfo cannot hold (protocols.md B): it is left, not waited for.
pub(super) fn runtime<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// A run that cannot open its sockets, nor the files that tell of this host, would be wrong about both: it does not start. What the
/// system allows anyway is taken.
fn descriptors() -> anyhow::Result<()> {
    if let Ok((soft, hard)) = getrlimit(Limit::RLIMIT_NOFILE)
        && soft < hard.min(ENOUGH)
    {
        // Where that is refused, what there is has to do.
        let _ = setrlimit(Limit::RLIMIT_NOFILE, hard.min(ENOUGH), hard);
    }
    let opened: std::io::Result<Vec<File>> = (0..DESCRIPTORS).map(|_| File::open("/")).collect();
    match opened.map_err(|e| e.raw_os_error()) {
        Err(Some(libc::EMFILE)) => {
            anyhow::bail!("this process may open fewer than {DESCRIPTORS} files more; first: ulimit -n 1024")
        }
        Err(Some(libc::ENFILE)) => anyhow::bail!(
            "this host can open no more files, whoever asks (sysctl fs.file-nr); find who holds them: sudo lsof | awk '{{print $1}}' | sort | uniq -c | sort -n | tail"
        ),
        _ => Ok(()),
    }
}

/// One run, or with `--wait` as many as it takes until no check fails.
async fn until_good(env: &Env, meant: &Meant) -> (Report, Option<Signal>) {
    let start = env.elapsed();
    let mut tries = 1;
    let meant = &mut meant.clone();
    loop {
        let (report, signal) = once(env, meant, None, tries).await;
        // A Resource that passed is not asked again.
        meant.known = passed(&report);
        meant.left_alone.extend(pipeline::asked_to_be_left_alone(&report));
        let worst = report.worst();
        let fails = worst == Status::Fail || (worst == Status::Warn && meant.fail_on == FailOn::Warn);
        // What no waiting decides ends it at once; a skip never ends it well.
        let open = report.may_be_decided() && !report.stays_open();
        let pause = meant.pause();
        let over = meant.wait.is_none_or(|wait| env.elapsed() + pause > start + wait);
        if signal.is_some() || !(fails || open) || over {
            return (report, signal);
        }
        let left = meant.wait.unwrap_or_default().saturating_sub(env.elapsed().saturating_sub(start));
        let still = format!("try {tries}: {}", still(&report));
        if let Some(signal) = rest(&still, pause, left, meant.quiet).await {
            return (report, Some(signal));
        }
        tries += 1;
    }
}

/// What was seen of the Resources that passed.
fn passed(report: &Report) -> Vec<Resource> {
    let passes = |name: &str| report.resources.iter().any(|r| r.name == name && r.outcome == Status::Pass);
    report.facts.resources.iter().filter(|r| passes(&r.name)).cloned().collect()
}

/// What is still bad: `unhealthy, clock-skew (clock.offset)`.
fn still(report: &Report) -> String {
    let open = |check: &&crate::model::report::CheckResult| {
        check.counted() == Status::Fail || (check.standing.essential && check.counted() < Status::Pass)
    };
    let ids: Vec<&str> = report.checks.iter().filter(open).map(|check| check.id.as_str()).collect();
    let more = ids.len().saturating_sub(STILL);
    let mut shown = ids.into_iter().take(STILL).collect::<Vec<_>>().join(", ");
    if more > 0 {
        shown = format!("{shown} and {more} more");
    }
    let cause = report.causes.first().map_or(String::new(), |cause| format!(", {}", cause.code));
    let shown = if shown.is_empty() { shown } else { format!(" ({shown})") };
    format!("{}{cause}{shown}", report.verdict().word())
}

/// Waits for the next try and says so: counting down on a terminal, in one line elsewhere.
async fn rest(still: &str, pause: Duration, left: Duration, quiet: bool) -> Option<Signal> {
    if !std::io::stderr().is_terminal() && !quiet {
        output::complain(&format!("{still}; next try in {} s", pause.as_secs()));
    }
    tokio::select! {
        () = tokio::time::sleep(pause) => None,
        () = spinner::count_down(still, pause, left) => unreachable!("the spinner never ends by itself"),
        signal = signals() => Some(signal),
    }
}

/// One run with everything around it: progress, signals.
async fn once(env: &Env, meant: &Meant, lab: Option<&str>, tries: u32) -> (Report, Option<Signal>) {
    let board = Board::default();
    // A public host is troubled once, and only for a person.
    let mut meant = meant.clone();
    meant.stand_in = lab.is_none() && tries == 1;
    let meant = &meant;
    let mut ended = None;
    let stop = async { ended = Some(signals().await) };
    let report = tokio::select! {
        report = pipeline::run(env, meant, lab, tries, &board, stop) => report,
        () = spinner::show(board.clone()) => unreachable!("the spinner never ends by itself"),
    };
    (report, ended)
}

/// The same for `lab`, once.
pub(super) async fn check_lab(env: &Env, meant: &Meant, scenario: &str) -> anyhow::Result<u8> {
    let (report, signal) = once(env, meant, Some(scenario), 1).await;
    finish(env, meant, &report, signal, None)
}

/// The level of what was asked for.
pub(super) fn level(redact: Redact) -> Level {
    match redact {
        Redact::None => Level::None,
        Redact::Default => Level::Default,
        Redact::Strict => Level::Strict,
    }
}

/// Writes every format and turns the verdict into the exit code.
pub(super) fn finish(
    env: &Env,
    meant: &Meant,
    report: &Report,
    signal: Option<Signal>,
    paste: Option<Paste>,
) -> anyhow::Result<u8> {
    // Before any renderer: what is hidden is hidden in every format.
    let report = &redact(report, level(meant.redact)).context("the report cannot be redacted")?;
    let mut style = Style {
        width: usize::from(meant.width),
        verbose: meant.verbose,
        quiet: meant.quiet,
        ..Style::default()
    };
    // Judging went on with what is left: whoever named a file should know that it was of no use.
    for problem in report.facts.control.trust.problems.iter().filter(|_| !meant.quiet) {
        output::complain(problem);
    }
    for path in report.facts.host.hung.iter().filter(|_| !meant.quiet) {
        output::complain(&format!(
            "connector-doctor: {path} does not answer (a dead mount?); the rest was read"
        ));
    }
    let mut failed = None;
    // What the runner shows below the job; other steps may have written there, too.
    let summary = env.var("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    if let Some(path) = summary.filter(|_| meant.formats.iter().any(|spec| spec.format == "github")) {
        let text = render::markdown::render(report, &style);
        failed = output::append_file(Path::new(path), &text).err();
    }
    for spec in &meant.formats {
        let Some(format) = render::format(&spec.format) else { continue };
        match (&spec.file, paste) {
            (None, Some(paste)) if spec.format == "human" => {
                let data = if paste.with_data {
                    let json =
                        serde_json::to_string(report).context("the report cannot be written as JSON")?;
                    render::paste::data(&report.id, &json)
                } else {
                    render::paste::brief(report)
                };
                let printed = output::try_print(&render::human::fenced(report, &style, &data));
                failed = failed.or(printed.err());
            }
            (None, _) => {
                style.colour = output::coloured(meant.color, env);
                colored::control::set_override(style.colour);
                let rows = output::terminal().map(|(_, rows)| usize::from(rows));
                let shown = Style { rows, ..style };
                failed = failed.or(output::try_print(&(format.render)(report, &shown)).err());
            }
            (Some(path), _) => {
                let plain = Style { colour: false, width: usize::from(meant.file_width), ..style };
                colored::control::set_override(false);
                let written = output::write_file(path, &(format.render)(report, &plain), format.file_mode);
                failed = failed.or(written.err());
            }
        }
    }
    // A file that could not be written does not change the verdict, but it is no success either.
    if let Some(error) = failed {
        return Err(error);
    }
    let end = match signal {
        Some(signal) => signal.end(),
        None => End::Judged(report.verdict(), report.worst()),
    };
    Ok(code(end, meant.exit_codes, meant.fail_on))
}
