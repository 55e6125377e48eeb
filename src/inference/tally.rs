//! What became of one protocol's requests over UDP, counted by server. Pure.

use super::loss::Loss;
use super::refusal::{is_denied, is_unsent, maker};
use crate::model::facts::Facts;
use crate::model::finding::Maker;
use crate::model::observation::{FailureKind, Observation, Outcome, ProbeFailure};
use crate::model::witness::{IcmpSeen, UdpTally};

/// What a server answered that cannot be used, in words.
fn wrongly(name: &str, failure: &ProbeFailure) -> String {
    let code = failure.code.filter(|_| failure.kind == FailureKind::Rejected);
    match (code, failure.detail.as_str()) {
        (Some(code), _) => format!("{name} answers, but wrongly: error {code}"),
        (None, "") => format!("{name} answers, but wrongly: {}", failure.kind.word()),
        (None, detail) => format!("{name} answers, but wrongly: {detail}"),
    }
}

/// Counts by server name: a name of which any address answered has answered.
pub(super) fn tally<T>(facts: &Facts, loss: &Loss, observations: &[Observation<T>]) -> UdpTally {
    let mut names: Vec<&str> = Vec::new();
    for o in observations {
        if o.address.is_some()
            && !matches!(o.outcome, Outcome::NotRun(_))
            && !is_unsent(facts, o)
            && !names.contains(&o.target.as_str())
        {
            names.push(&o.target);
        }
    }
    let mut tally = UdpTally { asked: names.len(), conclusive: true, ..UdpTally::default() };
    for name in names {
        let of_name = || observations.iter().filter(|o| o.target == name && !is_unsent(facts, o));
        // An answer that cannot be used is an answer, too: the packets passed.
        let wrong = || of_name().find_map(|o| o.failure().filter(|f| f.kind.is_wrong_answer()));
        if of_name().any(|o| o.seen().is_some()) || wrong().is_some() {
            tally.answered += 1;
            let unused = of_name().all(|o| o.seen().is_none());
            tally.wrong.extend(wrong().filter(|_| unused).map(|failure| wrongly(name, failure)));
            continue;
        }
        tally.silent.push(name.to_owned());
        let failures = || of_name().filter_map(|o| o.failure().zip(o.address));
        if of_name().filter(|o| o.failure().is_some()).all(|o| is_denied(facts, o)) {
            tally.denied += 1;
        }
        for (failure, address) in failures() {
            tally.sent += failure.sent;
            tally.silent_ports.push(address.port());
            tally.conclusive &= failure.kind != FailureKind::Timeout || loss.proven(failure);
            // Without an offender the error is this host's own: no route.
            if matches!(maker(facts, failure, Some(address)), Maker::Peer | Maker::Nearer(Some(_)))
                // ICMPv6's "administratively prohibited" is told as EACCES, too.
                && matches!(
                    failure.kind,
                    FailureKind::Refused | FailureKind::Unreachable | FailureKind::Denied
                )
            {
                tally.icmp.push(IcmpSeen {
                    target: name.to_owned(),
                    offender: failure.offender,
                    by_server: failure.offender == Some(address.ip()),
                });
            }
        }
    }
    tally.silent_ports.sort_unstable();
    tally.silent_ports.dedup();
    tally
}
