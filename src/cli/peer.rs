//! `peer`: prints this host's line, takes the other's, and says whether the two can speak directly.

use std::io::{BufRead, IsTerminal, Read};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::sync::mpsc;

use super::check::{meant, runtime};
use super::output;
use super::signals::{Signal, signals};
use crate::config::{ConfigError, Meant, Said, parse_duration_within};
use crate::env::Env;
use crate::model::peer::{PeerReason, PeerReport};
use crate::peer::{Families, Gathered, Progress, Server, Terms, Wish, gather, meet};
use crate::pipeline;
use crate::probes::host;
use crate::probes::resolve::Resolvers;
use crate::proto::peer::Line;
use crate::proto::peer::line::LIFE_S;
use crate::render::peer as write;

/// How long is measured where nobody says it.
const FOR: Duration = Duration::from_secs(5);
/// Bounds of `--for`.
const FOR_RANGE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_hours(1));
/// How long the other side is tried once it surely has both lines, too.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a line is of use.
const LIFE: Duration = Duration::from_secs(LIFE_S as u64);
/// Longest text that is read as a line.
const MOST_INPUT: u64 = 4096;

/// What was asked for beside the usual options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The other side's line, or `-` for stdin.
    pub with: Option<String>,
    /// How long to measure.
    pub measure_for: Option<String>,
    /// Search ports.
    pub hard: bool,
}

/// Where the other side's line comes from.
enum Source {
    Given(Box<Line>),
    Stdin,
    Terminal,
}

/// Meets the other host.
pub(super) fn run(env: &Env, asked: &Asked, said: Said) -> anyhow::Result<u8> {
    let span = asked.measure_for.as_deref().map_or(Ok(FOR), |text| parse_duration_within(text, FOR_RANGE));
    let measure_for = span.map_err(|problem| ConfigError::new(&format!("--for: {problem}")))?;
    // Of a check's tries the default is another one: it counts only where it was said for this command.
    let timeout_said = said.timeout.is_some();
    let meant = meant(env, said)?;
    let source = match asked.with.as_deref() {
        Some("-") => Source::Stdin,
        Some(text) => Source::Given(Box::new(usable(env, text, None)?)),
        None if std::io::stdin().is_terminal() => Source::Terminal,
        None => bail!("say the other host's line: --with LINE, or --with - to read it from stdin"),
    };
    runtime(async {
        let host = host::look(env, meant.timeout).await;
        let meant = pipeline::on_host(&meant, &host);
        let known = if let Source::Given(line) = &source { Some(&**line) } else { None };
        let wish = wish(&meant, &host, asked.hard, known);
        let mut gathered = tokio::select! {
            gathered = gather(env, &host, &wish) => {
                gathered.context("no socket can be opened")?
            }
            signal = signals() => return Ok(interrupted(&meant, signal)),
        };
        let json = is_json(&meant);
        // Standard output carries the report alone; a line is not part of a JSON one.
        if json {
            output::complain(&gathered.text);
        } else {
            output::print(&format!("{}\n", gathered.text));
        }
        let theirs = tokio::select! {
            theirs = other_line(env, source, &mut gathered, &meant) => theirs?,
            signal = signals() => return Ok(interrupted(&meant, signal)),
        };
        if theirs.hard != asked.hard {
            output::complain("--hard counts only where both hosts say it");
        }
        let until = until(env, &meant, timeout_said, &gathered, &theirs);
        let progress = Progress(if talks(&meant) { output::complain } else { |_| () });
        (progress.0)("both lines are known; looking for the other side (Ctrl-C ends and reports)");
        let terms = Terms { theirs: &theirs, until, measure_for, progress: &progress };
        let mut signal = None;
        let report = meet(env, &gathered, &terms, async { signal = Some(signals().await) }).await;
        print(&meant, &report);
        Ok(match signal {
            Some(signal) => signal_code(signal),
            None => u8::from(!report.proven),
        })
    })
}

fn is_json(meant: &Meant) -> bool {
    meant.formats.iter().any(|spec| spec.file.is_none() && spec.format == "json")
}

fn talks(meant: &Meant) -> bool {
    !meant.quiet && std::io::stderr().is_terminal()
}

fn wish<'a>(
    meant: &Meant,
    host: &crate::model::facts::Host,
    hard: bool,
    answers: Option<&'a Line>,
) -> Wish<'a> {
    let servers = meant.stun.iter().map(|named| Server {
        host: named.at.host.to_string(),
        port: named.at.port,
        origin: named.origin.to_string(),
    });
    let addresses = if meant.dns.is_empty() {
        host.resolvers.iter().map(|resolver| resolver.address).collect()
    } else {
        meant.dns.iter().map(|named| named.at).collect()
    };
    Wish {
        servers: servers.collect(),
        resolvers: Resolvers { addresses, only: !meant.dns.is_empty() },
        families: Families {
            v4: meant.family.allows([0; 4].into()),
            v6: meant.family.allows([0_u16; 8].into()),
        },
        hard,
        answers,
    }
}

/// The other side's line as it was given, or an error that says why it is of no use.
fn usable(env: &Env, text: &str, own: Option<&Line>) -> anyhow::Result<Line> {
    let line = Line::read(text)?;
    if own.is_some_and(|own| own.certificate == line.certificate) {
        bail!("that is this host's own line; the other host's is asked for");
    }
    let now_s = env.wall_ns().div_euclid(1_000_000_000);
    if line.expired(now_s) {
        let age = line.age_s(now_s);
        let told = if age < 0 { "from the future".to_owned() } else { format!("{} min old", age / 60) };
        bail!(
            "the line has expired: it is {told} by this host's clock, and a line lives {} min; make a new one on the other host. If it was just made, one of the two clocks is wrong: connector-doctor check 'clock.*'",
            LIFE_S / 60
        );
    }
    Ok(line)
}

/// Waits for the other side's line, and keeps this side's mappings meanwhile.
async fn other_line(
    env: &Env,
    source: Source,
    gathered: &mut Gathered,
    meant: &Meant,
) -> anyhow::Result<Line> {
    let terminal = match source {
        Source::Given(line) => return Ok(*line),
        Source::Stdin => false,
        Source::Terminal => true,
    };
    let mut lines = read_lines();
    let end = gathered.made + LIFE;
    if terminal && !meant.quiet {
        output::complain(
            "give this line to the other host, start `connector-doctor peer` there, and paste its line here:",
        );
    }
    loop {
        let left = end.saturating_sub(env.elapsed());
        let text = tokio::select! {
            text = tokio::time::timeout(left, lines.recv()) => {
                text.map_err(|_| anyhow!("no line came within {} min; this host's line has expired", LIFE_S / 60))?
            }
            () = gathered.keep(env) => continue,
        };
        let text = text.context("no line on stdin: the other host's line is asked for")?;
        match usable(env, &text, Some(&gathered.line)) {
            Ok(line) => return Ok(line),
            // Whoever types may try again.
            Err(error) if terminal => output::complain(&format!("connector-doctor: {error:#}; try again:")),
            Err(error) => return Err(error),
        }
    }
}

/// Lines of standard input that are not empty; a thread reads them, which ends with the process.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(MOST_INPUT).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                return;
            }
            let text = String::from_utf8_lossy(&line).trim().to_owned();
            if !text.is_empty() && sender.blocking_send(text).is_err() {
                return;
            }
        }
    });
    lines
}

/// When this side gives up. Where the other surely has both lines, soon; else it may still be starting, and this side's line
/// is good for ten minutes.
fn until(env: &Env, meant: &Meant, timeout_said: bool, gathered: &Gathered, theirs: &Line) -> Duration {
    let now = env.elapsed();
    if timeout_said {
        now + meant.timeout
    } else if theirs.answers == Some(gathered.line.tag()) {
        now + TIMEOUT
    } else {
        (gathered.made + LIFE).max(now + TIMEOUT)
    }
}

fn print(meant: &Meant, report: &PeerReport) {
    if is_json(meant) {
        output::print(&write::json(report));
    } else {
        output::print(&write::human(report, usize::from(meant.width)));
    }
}

fn interrupted(meant: &Meant, signal: Signal) -> u8 {
    let reason = PeerReason::Interrupted;
    let (reason, reason_code) = (Some(reason.sentence()), Some(reason.code()));
    print(meant, &PeerReport { reason, reason_code, ..PeerReport::default() });
    signal_code(signal)
}

fn signal_code(signal: Signal) -> u8 {
    match signal {
        Signal::Interrupt => 130,
        Signal::Terminate => 143,
    }
}
