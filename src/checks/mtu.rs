//! Check of the sizes that the path lets through. Pure.
//!
//! A path that swallows large packets without a word breaks what is large: handshakes, not pings. One that says so (ICMP) breaks nothing.

use super::check::Check;
use crate::inference::Inference;
use crate::inference::loss::Loss;
use crate::model::CheckId;
use crate::model::check::{CheckRow, Topic, WhenCheap};
use crate::model::facts::PathMtu;
use crate::model::finding::{Finding, Status, Symptom};
use crate::model::observation::Observation;

/// The rows.
pub const CHECKS: &[Check] = &[Check {
    id: CheckId::PathMtu,
    title: "Full-size packets pass, or routers say that they do not",
    contacts: "a STUN server that answered, UDP; the Controller again where its handshake is not answered",
    rights: "none",
    row: CheckRow::under(Topic::Path).when_cheap(WhenCheap::Never),
    page: include_str!("../../docs/checks/path.mtu.md"),
    eval: mtu,
}];

fn mtu(run: &Inference<'_>) -> Vec<Finding> {
    const ID: CheckId = CheckId::PathMtu;
    let facts = run.facts;
    if facts.run.lab.is_some() {
        return vec![Finding::new(ID, Status::Skip, "not judged in the lab")];
    }
    let stun = facts.stun.iter().any(|o| o.seen().is_some());
    let tried: Vec<&PathMtu> = facts.mtu.iter().filter_map(Observation::seen).filter(|_| stun).collect();
    // Each line, and whether it tells of an answer or of none.
    let lines = facts.mtu.iter().filter_map(|o| o.seen().map(|seen| (o, seen))).flat_map(|(o, seen)| {
        seen.sizes.iter().map(move |size| {
            let what = match (&size.too_big, size.answered) {
                (_, true) => "answered".to_owned(),
                (Some(told), _) => {
                    let by = told.by.map_or_else(|| "this host".to_owned(), |ip| ip.to_string());
                    let mtu = told.mtu.map_or_else(String::new, |mtu| format!(", {mtu} would pass"));
                    format!("too big, says {by}{mtu}")
                }
                (None, false) => "no answer, no ICMP error".to_owned(),
            };
            let line = format!("{}: {} bytes, sent {} times: {what}", o.target, size.size, size.sent);
            (line, size.answered || size.too_big.is_none())
        })
    });
    let segments = facts.control.segments.iter().filter_map(|o| {
        let trial = o.seen()?;
        let what = if trial.answered { "the handshake ends" } else { "no answer" };
        let line = format!("{}: packets of at most {} bytes asked for: {what}", o.target, trial.size);
        Some((line, !trial.answered))
    });
    let took = facts.mtu.iter().map(|o| o.took_us).max().unwrap_or(0);
    let lines: Vec<(String, bool)> = lines.chain(segments).collect();
    let evidence: Vec<String> = lines.iter().map(|(line, _)| line.clone()).collect();
    let finding =
        |status, summary: String| Finding::new(ID, status, summary).evidence_all(evidence.clone()).took(took);
    let (outbound, inbound) = (outbound(&run.loss, &tried), inbound(run));
    let out = outbound.as_ref().ok().copied().flatten();
    if out.is_some() || inbound.is_some() {
        let words = [
            out.map(|hole| {
                format!("packets of {} bytes vanish outbound, {} pass", hole.swallowed, hole.passes)
            }),
            inbound.map(|passes| format!("full-size packets vanish inbound, {passes} bytes pass")),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let size = out.map(|hole| hole.passes).into_iter().chain(inbound).min().unwrap_or_default();
        let summary = format!("{}; no ICMP error says so", words.join("; "));
        let lines = lines.into_iter().filter(|(_, answer)| *answer).map(|(line, _)| line).collect();
        let outbound = out.map(|hole| hole.swallowed);
        let symptom = Symptom::MtuHole { size, outbound, inbound, lines };
        return vec![finding(Status::Fail, summary).symptom(symptom).measure("mtu", f64::from(size))];
    }
    match (outbound, tried.first()) {
        (Err(why), _) => vec![finding(Status::Unknown, why)],
        (Ok(_), Some(first)) => vec![told(first, finding)],
        (Ok(_), None) if stun => {
            let cut = !facts.mtu.is_empty();
            let (status, why) = if cut {
                (Status::Unknown, "the run ended first")
            } else {
                (Status::Skip, "not measured: no STUN server answered over IPv4")
            };
            vec![finding(status, why.into())]
        }
        (Ok(_), None) => {
            let needs = finding(Status::Skip, "needs stun.discovery".into());
            vec![needs.symptom(Symptom::Needs(CheckId::StunDiscovery))]
        }
    }
}

/// Nothing vanished: what passed, or who said that it does not.
fn told(seen: &PathMtu, finding: impl Fn(Status, String) -> Finding) -> Finding {
    let Some(passed) = seen.sizes.iter().filter(|size| size.answered).map(|size| size.size).max() else {
        let told = seen.sizes.iter().find_map(|size| size.too_big.as_ref());
        return match told.and_then(|told| told.mtu) {
            Some(mtu) => {
                finding(Status::Pass, format!("{mtu} bytes; larger packets are refused with an ICMP error"))
                    .measure("mtu", f64::from(mtu))
            }
            None if told.is_some() => {
                finding(Status::Pass, "larger packets are refused with an ICMP error".into())
            }
            None => finding(Status::Skip, "not measurable: the server answers no padded request".into()),
        };
    };
    finding(Status::Pass, format!("packets of {passed} bytes pass")).measure("mtu", f64::from(passed))
}

/// Sizes on both sides of a hole, bytes of IP.
#[derive(Clone, Copy)]
struct Hole {
    /// The largest that passed.
    passes: u32,
    /// The smallest that vanished.
    swallowed: u32,
}

/// Where large packets vanish on the way out, `None` where they do not; why it cannot be told.
fn outbound(loss: &Loss, tried: &[&PathMtu]) -> Result<Option<Hole>, String> {
    let hole = |seen: &PathMtu| seen.hole().map(|(passes, swallowed)| Hole { passes, swallowed });
    let holes: Vec<(&PathMtu, Hole)> =
        tried.iter().filter_map(|seen| hole(seen).map(|hole| (*seen, hole))).collect();
    // One server through which large packets pass shows that the path takes them.
    let passes =
        |seen: &&&PathMtu| seen.sizes.iter().any(|size| size.answered && size.size + 4 > seen.route_mtu);
    let [first, ..] = holes.as_slice() else { return Ok(None) };
    if tried.iter().any(|seen| passes(&seen)) {
        return Ok(None);
    }
    // All sizes are sent at the same instants: those of the one that was sent most often count.
    let silent = |seen: &PathMtu| {
        let sizes = seen.sizes.iter().filter(|size| !size.answered && size.too_big.is_none());
        loss.improbable(sizes.map(|size| size.sent).max().unwrap_or(0))
    };
    let known = holes.len() > 1 || first.0.alternate;
    if !known {
        return Err(
            "large requests vanish on the way to one server, and there is no second one to ask".into()
        );
    }
    if !holes.iter().all(|(seen, _)| silent(seen)) {
        return Err("too much was lost to tell".into());
    }
    // What passes to one server passes the path, and what vanishes to every server is the path's.
    let passes = holes.iter().map(|(_, hole)| hole.passes).max();
    let swallowed = holes.iter().map(|(_, hole)| hole.swallowed).max();
    let (Some(passes), Some(swallowed)) = (passes, swallowed) else { return Ok(None) };
    if holes.iter().any(|(_, hole)| hole.swallowed <= passes) {
        return Err("large requests vanish on the way to some servers, at sizes that pass to others".into());
    }
    Ok(Some(Hole { passes, swallowed }))
}

/// The largest size that passes where the Controller's certificate vanishes on the way in: its handshake is not answered
/// until smaller segments are asked for.
fn inbound(run: &Inference<'_>) -> Option<u32> {
    let control = &run.facts.control;
    let stalled = |o: &Observation<_>| o.failure().is_some_and(|f| run.loss.is_silence(f));
    let tls = &control.tls;
    if !tls.iter().any(stalled) || tls.iter().any(|o| o.seen().is_some()) {
        return None;
    }
    let trials = || control.segments.iter().filter_map(Observation::seen);
    let passed = trials().filter(|trial| trial.answered).map(|trial| trial.size).max()?;
    // A slow server answers whatever the size; one size of several that pass is no accident.
    Some(passed)
}
