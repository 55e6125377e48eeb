//! Checks of the clock: its offset, who says so, and whether anything keeps it. Pure.

use super::check::Check;
use super::needs::nobody_asked;
use crate::inference::Inference;
use crate::inference::clock::LIMIT_NS;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Segment, Topic, Track, WhenCheap};
use crate::model::facts::{DateClock, Facts, NtpAnswer, NtpStanding, TargetRole, TimeDaemon};
use crate::model::finding::{ClockError, Finding, Status, Symptom};
use crate::model::observation::{FailureKind, Observation};
use crate::model::text::{self, signed_offset};
use crate::model::words::TimeSource;
use crate::proto::ntp::select::Interval;

/// From here on trouble is near, nanoseconds.
const WARN_NS: u64 = 3_000_000_000;

/// A clock that was set by so much during the run was measured before or after: which, nobody knows. Nanoseconds.
const STEPPED_NS: u64 = 500_000_000;

/// The rows.
pub const CHECKS: &[Check] = &[
    Check {
        id: CheckId::ClockOffset,
        title: "The clock is within 5 s of the reference",
        contacts: "time servers, UDP 123",
        rights: "none",
        row: CheckRow::under(Topic::Clock).essential().when_cheap(WhenCheap::Timed).tracks(Track::Clock),
        page: include_str!("../../docs/checks/clock.offset.md"),
        eval: offset,
    },
    Check {
        id: CheckId::ClockSources,
        title: "Enough time servers answer and agree",
        contacts: "time servers, UDP 123",
        rights: "none",
        row: CheckRow::under(Topic::Clock).on(Segment::TimeServers).when_cheap(WhenCheap::AllTimeServers),
        page: include_str!("../../docs/checks/clock.sources.md"),
        eval: sources,
    },
    Check {
        id: CheckId::ClockSync,
        title: "Something keeps the clock right",
        contacts: "nothing: the kernel, /proc and files",
        rights: "none",
        row: CheckRow::under(Topic::Clock).when_cheap(WhenCheap::Timed),
        page: include_str!("../../docs/checks/clock.sync.md"),
        eval: sync,
    },
];

fn took(facts: &Facts) -> u64 {
    facts.ntp.iter().map(|o| o.took_us).max().unwrap_or(0)
}

fn offset(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ClockOffset;
    let facts = run.facts;
    let Some(m) = &run.clock.measured else {
        let (status, why) = match facts.ntp.as_slice() {
            [] => return vec![nobody_asked(ID, run, TargetRole::Ntp, "time server")],
            _ if run.clock.servers > 0 => {
                (Status::Unknown, "the sources of time disagree, no majority".to_owned())
            }
            all => (
                Status::Unknown,
                format!("no usable answer from {}", text::count(names(all).len(), "time server")),
            ),
        };
        let finding =
            Finding::new(ID, status, why).evidence_all(facts.ntp.iter().map(line)).took(took(facts));
        return vec![if status == Status::Unknown {
            finding.symptom(Symptom::ClockUndecided)
        } else {
            finding
        }];
    };
    if stepped(facts) {
        let when = format!(
            "this host's clock was set by {} while the run went on; run it again",
            signed_offset(facts.run.stepped_ns)
        );
        let lines = facts.ntp.iter().map(line).chain(facts.control.dates.iter().map(date_line));
        let found = Finding::new(ID, Status::Unknown, when).evidence_all(lines).took(took(facts));
        return vec![found.symptom(Symptom::ClockUndecided)];
    }
    let (status, symptom) = judge(m.error);
    let bound = text::seconds(m.error.error_ns);
    let summary = match status {
        Status::Fail => format!("{} +/- {bound} s (limit +/-5 s)", signed_offset(m.error.offset_ns)),
        Status::Warn => {
            format!("{} +/- {bound} s, near the limit of +/-5 s", signed_offset(m.error.offset_ns))
        }
        Status::Unknown => {
            format!("{} +/- {bound} s: too coarse to judge by +/-5 s", signed_offset(m.error.offset_ns))
        }
        Status::Pass | Status::Skip => format!("{} +/- {bound} s", signed_offset(m.error.offset_ns)),
    };
    let by = if m.source == TimeSource::Ntp { "" } else { ", by HTTP Dates" };
    let mut finding = Finding::new(ID, status, summary + by)
        .evidence_all(facts.ntp.iter().map(line))
        .evidence_all(facts.control.dates.iter().map(date_line))
        .measure("offset_s", m.error.offset_ns as f64 / 1e9)
        .measure("error_s", m.error.error_ns as f64 / 1e9)
        .took(took(facts));
    finding.symptom = symptom;
    vec![finding]
}

/// Was this host's clock set while the run went on? What was measured before holds no longer.
fn stepped(facts: &Facts) -> bool {
    facts.run.stepped_ns.unsigned_abs() >= STEPPED_NS
}

/// The contract's rule: by the whole interval, not by its middle.
fn judge(error: ClockError) -> (Status, Option<Symptom>) {
    let magnitude = error.offset_ns.unsigned_abs();
    let (nearest, farthest) =
        (magnitude.saturating_sub(error.error_ns), magnitude.saturating_add(error.error_ns));
    if nearest > LIMIT_NS {
        (Status::Fail, Some(Symptom::ClockOff(error)))
    } else if nearest >= WARN_NS {
        (Status::Warn, Some(Symptom::ClockNearLimit(error)))
    } else if farthest > LIMIT_NS {
        (Status::Unknown, Some(Symptom::ClockUndecided))
    } else {
        (Status::Pass, None)
    }
}

fn sources(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ClockSources;
    let facts = run.facts;
    let asked = names(&facts.ntp).len();
    let finding = |status, summary: String| {
        Finding::new(ID, status, summary)
            .evidence_all(facts.ntp.iter().map(line))
            .measure("asked", asked as f64)
            .measure("answered", run.clock.servers as f64)
            .took(took(facts))
    };
    let votes = run.clock.servers;
    if asked == 0 {
        return vec![nobody_asked(ID, run, TargetRole::Ntp, "time server")];
    }
    if votes == 0 {
        let tally = &run.witnesses.ntp;
        let silent = tally.answered == 0;
        let kept = facts.host.kernel_clock.as_ref().is_some_and(|k| k.synchronised);
        // What never left this host says nothing of the servers, unless this host says why.
        let left = tally.sent > 0 || tally.denied == tally.asked || facts.host.default_routes.is_empty();
        let shown = silent && tally.asked > 0 && tally.conclusive && left;
        let status = if shown && !kept { Status::Warn } else { Status::Unknown };
        let summary =
            if silent { format!("0 of {asked} answered") } else { format!("0 of {asked} answered usably") };
        let finding = finding(status, summary);
        return vec![if silent { finding.symptom(Symptom::NtpSilent) } else { finding }];
    }
    let Some(m) = &run.clock.by_ntp else {
        let f = finding(Status::Unknown, format!("{votes} of {asked} answered and no majority agrees"));
        return vec![f.symptom(Symptom::NtpNoMajority)];
    };
    if let Some(forged) = run.clock.tampered {
        let summary = format!(
            "{} of {asked} agree that this host is {} off; the Dates of {} contradict them",
            forged.servers,
            signed_offset(forged.by_servers_ns),
            text::count(forged.hosts, "host")
        );
        return vec![finding(Status::Warn, summary).symptom(Symptom::NtpTampered(forged))];
    }
    if let Some(all) = run.clock.measured.as_ref().filter(|all| all.source != TimeSource::Ntp) {
        let dates = text::count(all.error.dates, "host");
        let summary =
            format!("{votes} of {asked} answered; not believed: the Dates of {dates} contradict them");
        return vec![finding(Status::Unknown, summary)];
    }
    let spread = text::seconds(m.spread_ns);
    if !m.falsetickers.is_empty() {
        let named: Vec<String> =
            m.falsetickers.iter().map(|(n, o)| format!("{n} ({})", signed_offset(*o))).collect();
        let f = finding(
            Status::Pass,
            format!("{} of {asked} agree within {spread} s; ignored: {}", m.error.agreeing, named.join(", ")),
        );
        return vec![f.symptom(Symptom::NtpFalsetickers(named))];
    }
    vec![match votes {
        1 => finding(Status::Pass, format!("1 of {asked} answered: single, unverified")),
        _ => finding(Status::Pass, format!("{votes} of {asked} answered, spread {spread} s")),
    }]
}

fn names(observations: &[Observation<NtpAnswer>]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for o in observations {
        if !names.contains(&o.target.as_str()) {
            names.push(&o.target);
        }
    }
    names
}

/// One exchange as a line of evidence.
fn line(o: &Observation<NtpAnswer>) -> String {
    let target = &o.target;
    let address = o.address.map_or_else(String::new, |a| format!(" ({})", a.ip()));
    match &o.outcome {
        crate::model::Outcome::Seen(a) => {
            let figures = format!(
                "{} +/- {} s, round trip {}, stratum {}",
                signed_offset(a.local_minus_ref_ns),
                text::seconds(a.error_ns),
                text::millis(a.delay_ns.unsigned_abs() / 1000),
                a.stratum
            );
            match &a.standing {
                NtpStanding::Usable => format!("{target}{address}: {figures}"),
                NtpStanding::Unsynchronised => {
                    format!("{target}{address}: unsynchronised, does not vote ({figures})")
                }
                NtpStanding::KissOfDeath(code) => {
                    format!("{target}{address}: asks to be left alone ({code})")
                }
                NtpStanding::Implausible(why) => {
                    format!("{target}{address}: implausible, does not vote ({why})")
                }
            }
        }
        crate::model::Outcome::Failed(f) => match f.kind {
            FailureKind::Timeout => {
                format!("{target}{address}: {}, 0 answers", text::count(f.sent as usize, "request"))
            }
            kind => format!("{target}{address}: {}", kind.word()),
        },
        crate::model::Outcome::NotRun(_) => format!("{target}{address}: not asked"),
    }
}

/// One host's Date as a line of evidence.
fn date_line(o: &Observation<DateClock>) -> String {
    let name = &o.target;
    let Some(clock) = o.seen() else { return format!("{name}: no Date") };
    let interval = Interval { lo_ns: clock.least_ns, hi_ns: clock.most_ns };
    let figures = format!(
        "Date says {} +/- {} s, {} requests",
        signed_offset(interval.mid_ns()),
        text::seconds(interval.error_ns().unsigned_abs()),
        clock.answers
    );
    match &clock.refused {
        None => format!("{name}: {figures}"),
        Some(why) => format!("{name}: {figures}; not believed: {why}"),
    }
}

fn sync(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::ClockSync;
    if run.facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let host = &run.facts.host;
    let daemon = host.time_daemons.iter().find(|d| d.running);
    let idle = host.time_daemons.first().map(|d| d.name.clone());
    let kept = match &host.kernel_clock {
        Some(kernel) => kernel.synchronised || daemon.is_some_and(|d| d.synchronised == Some(true)),
        None => match daemon {
            Some(d) if d.synchronised != Some(false) => true,
            _ => {
                return vec![Finding::new(ID, Status::Skip, "the kernel's clock state may not be read here")];
            }
        },
    };
    let keeper = daemon.map_or_else(|| "the kernel says synchronised".to_owned(), describe);
    let mut finding = if kept {
        Finding::new(ID, Status::Pass, keeper)
    } else {
        let unkept = match daemon {
            Some(d) => format!("{} is running but has not synchronised the clock yet", d.name),
            None => "no time service keeps this clock in sync".to_owned(),
        };
        let symptom = Symptom::ClockUnkept { daemon: daemon.map(|d| d.name.clone()).or(idle) };
        let (status, summary) =
            match run.clock.measured.as_ref().filter(|_| !stepped(run.facts)).map(|m| judge(m.error).0) {
                Some(Status::Pass) => (Status::Pass, format!("{unkept}, yet it is right now")),
                Some(Status::Fail | Status::Warn) => (Status::Warn, unkept),
                _ => (Status::Unknown, format!("{unkept}; whether it is right is not known")),
            };
        Finding::new(ID, status, summary).symptom(symptom)
    };
    if let Some(kernel) = &host.kernel_clock {
        finding = finding
            .evidence(format!(
                "kernel: {}, maximum error {} ms, frequency {:+.3} ppm",
                if kernel.synchronised { "synchronised" } else { "unsynchronised" },
                kernel.max_error_us / 1000,
                kernel.frequency_ppm
            ))
            .measure("frequency_ppm", kernel.frequency_ppm)
            .measure("max_error_s", kernel.max_error_us as f64 / 1e6);
    }
    vec![
        finding.evidence_all(
            host.time_daemons.iter().map(|d| {
                format!("{}: {}", d.name, if d.running { "runs" } else { "installed, not running" })
            }),
        ),
    ]
}

fn describe(daemon: &TimeDaemon) -> String {
    format!("kept by {}", daemon.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::infer;

    const MS: i64 = 1_000_000;

    #[test]
    fn the_whole_interval_decides() {
        for (offset_ms, error_ms, expected) in [
            (0, 10, Status::Pass),
            (2_999, 0, Status::Pass),
            (-3_000, 0, Status::Warn),
            (-7_003, 11, Status::Fail),
            (5_000, 0, Status::Warn),
            (5_001, 0, Status::Fail),
            (-4_990, 20, Status::Warn),
            (5_005, 10, Status::Warn),
            (3_500, 1_000, Status::Pass),
            (4_000, 1_500, Status::Unknown),
            (0, 6_000, Status::Unknown),
            (284_000_000_000, 10, Status::Fail),
        ] {
            let error = ClockError {
                offset_ns: offset_ms * MS,
                error_ns: error_ms * MS.unsigned_abs(),
                agreeing: 1,
                answered: 1,
                dates: 0,
            };
            assert_eq!(judge(error).0, expected, "{offset_ms} +/- {error_ms} ms");
        }
    }

    fn facts(offsets_ms: &[i64]) -> Facts {
        let observation = |(i, offset): (usize, &i64)| Observation {
            target: format!("ntp{i}.test:123"),
            address: None,
            at_us: 0,
            took_us: 1_000,
            outcome: crate::model::Outcome::Seen(NtpAnswer {
                local_minus_ref_ns: offset * MS,
                delay_ns: MS,
                error_ns: 10 * MS.unsigned_abs(),
                stratum: 2,
                leap: 0,
                reference: "192.0.2.1".into(),
                root_delay_ns: 0,
                root_dispersion_ns: 0,
                standing: NtpStanding::Usable,
                sent: 1,
                strays: 0,
                kernel_stamp: true,
            }),
        };
        Facts { ntp: offsets_ms.iter().enumerate().map(observation).collect(), ..Facts::default() }
    }

    #[test]
    fn a_liar_is_named_and_ignored_and_two_that_disagree_decide_nothing() {
        let liar = facts(&[-1, 0, 1, 7_000]);
        let m = infer(&liar).clock.measured.unwrap();
        assert!(m.error.offset_ns.abs() < 10 * MS);
        assert_eq!(m.falsetickers, [("ntp3.test:123".to_owned(), 7_000 * MS)]);
        assert_eq!((m.error.agreeing, m.error.answered), (3, 4));
        assert_eq!(infer(&facts(&[0, 7_000])).clock.measured, None);
        let found = offset(&infer(&facts(&[0, 7_000])));
        assert_eq!(
            (found[0].status, found[0].symptom.as_ref()),
            (Status::Unknown, Some(&Symptom::ClockUndecided))
        );
        assert_eq!(sources(&infer(&facts(&[0, 7_000])))[0].symptom, Some(Symptom::NtpNoMajority));
        assert!(sources(&infer(&facts(&[5])))[0].summary.contains("single, unverified"));
    }

    #[test]
    fn one_server_has_one_vote_however_many_addresses() {
        let mut facts = facts(&[0, 0, 7_000, 7_000, 7_000]);
        for liar in &mut facts.ntp[2..] {
            liar.target = "liar.test:123".into();
        }
        assert_eq!(infer(&facts).clock.measured.unwrap().error.answered, 3);
    }

    #[test]
    fn a_clock_that_nothing_keeps_passes_while_it_is_right() {
        let mut facts = facts(&[0, 0]);
        facts.host.kernel_clock = Some(crate::model::facts::KernelClock {
            synchronised: false,
            max_error_us: 16_000_000,
            estimated_error_us: 16_000_000,
            frequency_ppm: 0.0,
        });
        assert_eq!(sync(&infer(&facts))[0].status, Status::Pass);
        for o in &mut facts.ntp {
            if let crate::model::Outcome::Seen(answer) = &mut o.outcome {
                answer.local_minus_ref_ns = -7_000 * MS;
            }
        }
        assert_eq!(sync(&infer(&facts))[0].status, Status::Warn);
        facts.run.stepped_ns = STEPPED_NS.try_into().expect("it fits");
        assert_eq!(sync(&infer(&facts))[0].status, Status::Unknown, "set while the run went on");
        facts.ntp.clear();
        assert_eq!(sync(&infer(&facts))[0].status, Status::Unknown);
    }
}
