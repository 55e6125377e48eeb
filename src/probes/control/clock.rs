//! Dates of HTTP answers as a clock: one answer at once, more over the same connection only near a limit.

use std::time::Duration;

use hyper::Method;
use tokio::net::TcpStream;

use super::head::head;
use super::plane::{Peer, Plane};
use crate::model::facts::{DateClock, HttpAnswer, TlsSession};
use crate::model::observation::{Observation, Outcome};
use crate::probes::http::{Answered, Client};
use crate::probes::{micros, since_us, tls};
use crate::proto::date::{DateClock as Read, DateSample, Planner};

/// Offsets at which the verdict on a clock changes, ns (contract.md, `clock.offset`).
const LIMITS_NS: [i64; 2] = [3_000_000_000, 5_000_000_000];

/// Reads the Controller's clock, and narrows it while no time server has given the time.
pub(super) async fn read(plane: &Plane, peer: &Peer, session: &TlsSession, client: Client, first: Answered) {
    keep_clock(plane, peer, narrow(plane, peer, session, client, first)).await;
}

async fn narrow(
    plane: &Plane,
    peer: &Peer,
    session: &TlsSession,
    mut client: Client,
    first: Answered,
) -> Option<DateClock> {
    let sample = first.date?;
    let mut planner = Planner::new(LIMITS_NS);
    planner.add(&sample);
    let refused = why_not(peer, session, &first.answer, &sample);
    let mut answers = 1;
    while refused.is_none() && !*plane.time_known.borrow() {
        let now_ns = plane.env.wall_ns();
        let Some(send_ns) = planner.next_send_ns(now_ns) else { break };
        let wait = Duration::from_nanos(send_ns.saturating_sub(now_ns).unsigned_abs());
        // An answer takes about as long as the first one did.
        let takes = Duration::from_micros(first.answer.first_byte_us * 2);
        if wait + takes >= plane.left() {
            break;
        }
        let mut known = plane.time_known.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(_) = known.wait_for(|known| *known) => break,
        }
        let Ok(answered) = client.ask(Method::HEAD, plane.step()).await else { break };
        let Some(sample) = answered.date.filter(|_| answered.answer.age_s.is_none_or(|age| age == 0)) else {
            break;
        };
        planner.add(&sample);
        answers += 1;
    }
    Some(match planner.clock() {
        Read::Within(interval) => {
            DateClock { least_ns: interval.lo_ns, most_ns: interval.hi_ns, answers, refused }
        }
        Read::Inconsistent => DateClock {
            answers,
            refused: Some("its Dates contradict each other".to_owned()),
            ..alone(&sample)?
        },
        Read::Unknown => return None,
    })
}

/// What one answer alone says.
fn alone(sample: &DateSample) -> Option<DateClock> {
    let interval = sample.interval()?;
    Some(DateClock { least_ns: interval.lo_ns, most_ns: interval.hi_ns, answers: 1, refused: None })
}

/// Asks another host than the Controller for its Date: a guard against one wrong clock.
pub(super) async fn ask_another(plane: &Plane, peer: &Peer, stream: TcpStream) {
    let Some(roots) = plane.roots().await else { return };
    let work = async {
        let shaken = tls::handshake(&plane.env, stream, &peer.host, &roots, plane.step()).await;
        let (session, stream) = shaken.ok()?;
        let (_, answered) = head(plane, peer, stream, 443, false).await.ok()?;
        let sample = answered.date?;
        let refused = why_not(peer, &session, &answered.answer, &sample);
        Some(DateClock { refused, ..alone(&sample)? })
    };
    // It only helps: it may not hold the run's end.
    let work = async { tokio::time::timeout(plane.left(), Box::pin(work)).await.ok().flatten() };
    keep_clock(plane, peer, work).await;
}

/// Why an answer is no witness of the time.
///
/// A certificate must be good at the very time that the answer tells, not by this host's clock, which is in doubt.
fn why_not(peer: &Peer, session: &TlsSession, answer: &HttpAnswer, sample: &DateSample) -> Option<String> {
    let date_ns = sample.date_s.saturating_mul(1_000_000_000);
    let good = session.system.holds_at(date_ns) || session.mozilla.holds_at(date_ns);
    if !session.name_matches || !good {
        return Some("its certificate is not valid at the time that it tells".to_owned());
    }
    if let Some(age) = answer.age_s.filter(|age| *age > 0) {
        return Some(format!("it came out of a cache, {age} s old"));
    }
    let elsewhere = answer.redirect_host().filter(|to| !crate::model::facts::same_site(to, &peer.host));
    elsewhere.map(|to| format!("it sends to another site, {to}"))
}

/// Keeps a Date clock under the peer's name.
async fn keep_clock(plane: &Plane, peer: &Peer, work: impl Future<Output = Option<DateClock>>) {
    let begun = plane.env.elapsed();
    if let Some(clock) = work.await {
        let observation = Observation {
            target: peer.name.clone(),
            address: Some(peer.address),
            at_us: micros(begun),
            took_us: since_us(&plane.env, begun),
            outcome: Outcome::Seen(clock),
        };
        plane.board.keep(peer.order, observation);
    }
}
