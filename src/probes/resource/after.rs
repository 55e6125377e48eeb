//! What is looked at where a connection did not come to stand: the neighbour on the link, routers on the way, who refuses.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::round::{DESCRIPTORS, Place, Round};
use crate::model::facts::{ResourceHop, ResourceTried};
use crate::model::observation::{FailureKind, Outcome};
use crate::probes::host::way;
use crate::probes::tcp;

/// The farthest router that is looked for.
const FARTHEST: u8 = 6;
/// How long routers are waited for.
const ROUTERS: Duration = Duration::from_millis(400);
/// Refusals and silences beyond these are not looked into: many Resources behind one fault need no trace each.
const TRACES: usize = 8;

/// Looks at what stands in the way; SYNs alone, no bytes.
pub(super) async fn look(round: &Round, place: &Place, tried: &mut ResourceTried) {
    let Some(way) = &tried.way else { return };
    tried.neighbour = way::neighbour(&way.interface, way.gateway.unwrap_or(place.address));
    let far = way.gateway.is_some();
    let Some(Outcome::Failed(failure)) = &tried.connect else { return };
    let SocketAddr::V4(address) = place.socket() else { return };
    if !matches!(failure.kind, FailureKind::Refused | FailureKind::Timeout) || failure.offender.is_some() {
        return;
    }
    if round.traces.fetch_add(1, Ordering::Relaxed) >= TRACES || round.left() < ROUTERS * 2 {
        return;
    }
    let _held = round.descriptors(DESCRIPTORS / 4).await;
    if failure.kind == FailureKind::Refused {
        let begun = round.ground.env.elapsed();
        let _ = tcp::connect_sparing(&round.ground.env, &place.host, place.socket(), ROUTERS, 1).await;
        let rtt = round.ground.env.elapsed().saturating_sub(begun);
        if far {
            tried.trace = Some(tcp::refusal::trace(address, rtt).await);
        } else {
            tried.trace = Some(tcp::refusal::here(address, rtt).await);
        }
    } else if far {
        let routers = tcp::refusal::routers(address, FARTHEST, ROUTERS).await;
        tried.hops = routers.into_iter().map(|(ttl, router)| ResourceHop { ttl, router }).collect();
    }
}
