//! The whole check against the lab: each scenario says what its table promises, and hostile servers change nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "lab/read.rs"]
mod read;

use std::net::SocketAddr;

use connector_doctor::config::{Known, Meant, Said, SaidResource, Source};
use connector_doctor::env::Env;
use connector_doctor::lab::fault::{Conduct, FORGED_MAPPED, NtpFault, StunFault};
use connector_doctor::lab::scenario::{HEALTHY, SCENARIOS};
use connector_doctor::lab::{self, NtpServer, Scenario, Second};
use connector_doctor::model::CauseCode;
use connector_doctor::model::Report;
use connector_doctor::model::finding::Status;
use connector_doctor::model::report::{CheckResult, Severity};
use connector_doctor::model::words::{StunDiscovery, TimeSource};
use connector_doctor::pipeline;
use connector_doctor::probes::board::Board;

/// The report of one run in `scenario`.
fn check(scenario: &Scenario) -> Report {
    let env = Env::system();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let lab = lab::start(scenario, &env).unwrap();
        let named = |addresses: &[SocketAddr]| Some(addresses.iter().map(SocketAddr::to_string).collect());
        let said = Said {
            controller: Some(lab.controller_url()),
            relay: named(&lab.relays),
            service: Some(vec![lab.service_name()]),
            stun: named(&lab.stun),
            ntp: named(&lab.ntp),
            dns: named(&[lab.dns]),
            quic: named(&lab.quic),
            resource: Some(lab.resources.iter().cloned().map(SaidResource::from).collect())
                .filter(|all: &Vec<_>| !all.is_empty()),
            timeout: Some("10s".into()),
            ..Said::default()
        };
        let mut meant = Meant::of(
            &[Source::command_line(said)],
            Known { checks: &["clock.offset"], formats: &["human"] },
        )
        .unwrap();
        meant.inner_dns = lab.inner_dns;
        meant.ca_pem = Some(lab.ca_pem.clone());
        pipeline::run(&env, &meant, Some(scenario.name), 1, &Board::default(), std::future::pending()).await
    });
    runtime.shutdown_background();
    report
}

/// Six at a time, since silence takes its time and the machine may be small: each scenario with its report.
fn check_all<L: Send + 'static>(scenarios: impl IntoIterator<Item = (L, Scenario)>) -> Vec<(L, Report)> {
    let mut left = scenarios.into_iter().peekable();
    let mut all = Vec::new();
    while left.peek().is_some() {
        let running: Vec<_> = left
            .by_ref()
            .take(6)
            .map(|(label, scenario)| std::thread::spawn(move || (label, check(&scenario))))
            .collect();
        all.extend(running.into_iter().map(|thread| thread.join().unwrap()));
    }
    all
}

fn outcomes(report: &Report) -> String {
    let line = |check: &CheckResult| format!("{} {:?}: {}", check.id, check.outcome, check.summary);
    report.checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_scenario_is_judged_as_its_table_says() {
    for (scenario, report) in check_all(SCENARIOS.iter().map(|scenario| (scenario, *scenario))) {
        let told = report.causes.iter().filter(|cause| cause.severity != Severity::Notice);
        assert_eq!(
            (report.verdict().word(), told.map(|cause| cause.code.as_str()).collect::<Vec<_>>()),
            (scenario.verdict, scenario.cause.into_iter().map(CauseCode::as_str).collect()),
            "{}\n{}",
            scenario.name,
            outcomes(&report)
        );
        read::the_answer_is_on_the_screen(scenario.name, &report);
        read::a_paste_is_enough(scenario.name, &report);
    }
}

/// Forgeries that a client can tell from the truth; it must go on waiting.
const STUN_FORGERIES: &[StunFault] = &[
    StunFault::WrongTransaction,
    StunFault::OtherSource,
    StunFault::Type(0x0001),
    StunFault::Type(0x0011),
    StunFault::Type(0x0103),
    StunFault::WrongCookie,
    StunFault::BadFingerprint,
    StunFault::CutHeader,
    StunFault::CutAttribute,
    StunFault::WrongLength,
];

fn believes_the_forger(report: &Report) -> bool {
    serde_json::to_string(&report.connector_details).unwrap().contains(&FORGED_MAPPED.ip().to_string())
}

#[test]
fn a_stun_forgery_before_the_truth_changes_nothing() {
    let scenarios =
        STUN_FORGERIES.iter().map(|&it| (it, Scenario::with_stun(Conduct::Before(it), Second::Whole)));
    for (fault, report) in check_all(scenarios) {
        assert_eq!(
            report.connector_details.stun_discovery,
            StunDiscovery::Available,
            "{fault:?}\n{}",
            outcomes(&report)
        );
        assert_eq!(report.verdict().word(), "healthy", "{fault:?}\n{}", outcomes(&report));
        assert!(!believes_the_forger(&report), "{fault:?}");
    }
}

#[test]
fn stun_forgeries_alone_are_no_answer() {
    let more = [StunFault::UnknownRequired, StunFault::Error(500)];
    let faults = STUN_FORGERIES.iter().chain(&more);
    let scenarios = faults.map(|&it| (it, Scenario::with_stun(Conduct::Only(it), Second::Whole)));
    for (fault, report) in check_all(scenarios) {
        assert_eq!(
            report.connector_details.stun_discovery,
            StunDiscovery::Unavailable,
            "{fault:?}\n{}",
            outcomes(&report)
        );
        assert!(!believes_the_forger(&report), "{fault:?}");
    }
}

#[test]
fn odd_but_true_stun_answers_are_believed() {
    let faults =
        [StunFault::HostileSoftware, StunFault::MappedDiffers, StunFault::Late, StunFault::Slow(300)];
    let scenarios = faults.map(|it| (it, Scenario::with_stun(Conduct::Only(it), Second::Whole)));
    for (fault, report) in check_all(scenarios) {
        assert_eq!(
            report.connector_details.stun_discovery,
            StunDiscovery::Available,
            "{fault:?}\n{}",
            outcomes(&report)
        );
        assert!(!believes_the_forger(&report), "{fault:?}");
        let shown = serde_json::to_string(&report).unwrap();
        assert!(!shown.contains("\\u001b") && !shown.contains("\\u0007"), "{fault:?}");
    }
}

fn with_ntp(conduct: Conduct<NtpFault>) -> Scenario {
    Scenario { ntp: [NtpServer { conduct, ahead_ns: 0 }; 4], ..HEALTHY }
}

/// The lab's clock is this machine's: whoever forges is 3 s or more off, or has no offset.
fn offset_is_right(report: &Report) -> bool {
    report.connector_details.time_offset_s.is_some_and(|seconds| seconds.abs() < 1.0)
}

#[test]
fn an_ntp_forgery_before_the_truth_changes_nothing() {
    let faults =
        [NtpFault::WrongOrigin, NtpFault::BlindKiss, NtpFault::OtherSource, NtpFault::Echo, NtpFault::Cut];
    for (fault, report) in check_all(faults.map(|it| (it, with_ntp(Conduct::Before(it))))) {
        assert!(offset_is_right(&report), "{fault:?}\n{}", outcomes(&report));
        assert_eq!(report.verdict().word(), "healthy", "{fault:?}\n{}", outcomes(&report));
    }
}

#[test]
fn of_ntp_answers_that_cannot_be_true_none_is_believed() {
    let faults = [
        NtpFault::WrongOrigin,
        NtpFault::BlindKiss,
        NtpFault::OtherSource,
        NtpFault::Echo,
        NtpFault::Cut,
        NtpFault::ZeroReceive,
        NtpFault::ZeroTransmit,
        NtpFault::Backwards,
        NtpFault::Kiss(*b"DENY"),
        NtpFault::Kiss(*b"RATE"),
        NtpFault::LeapUnknown,
        NtpFault::Stratum16,
        NtpFault::Distant,
    ];
    for (fault, report) in check_all(faults.map(|it| (it, with_ntp(Conduct::Only(it))))) {
        let source = report.connector_details.time_offset_source;
        assert_eq!(source, Some(TimeSource::ControllerDate), "{fault:?}\n{}", outcomes(&report));
        assert!(offset_is_right(&report), "{fault:?}\n{}", outcomes(&report));
        let sources = report.checks.iter().find(|check| check.id == "clock.sources").unwrap();
        assert_ne!(sources.outcome, Status::Pass, "{fault:?}\n{}", outcomes(&report));
    }
}

#[test]
fn one_faulty_ntp_server_among_four_does_no_harm() {
    let faults = [
        NtpFault::Backwards,
        NtpFault::Kiss(*b"RATE"),
        NtpFault::Stratum16,
        NtpFault::Late,
        NtpFault::Slow(200),
    ];
    let scenarios = faults.map(|it| {
        let mut scenario = HEALTHY;
        scenario.ntp[0].conduct = Conduct::Only(it);
        (it, scenario)
    });
    for (fault, report) in check_all(scenarios) {
        assert!(offset_is_right(&report), "{fault:?}\n{}", outcomes(&report));
        assert_eq!(report.verdict().word(), "healthy", "{fault:?}\n{}", outcomes(&report));
    }
}
