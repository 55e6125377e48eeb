//! Why two hosts did not meet: the first reason that what was seen shows. Pure.

use crate::model::peer::PeerReason;
use crate::proto::IcmpKind;
use crate::proto::peer::{Line, Mapping, Pair};

/// What is known when the time is over.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) ours: &'a Line,
    pub(super) theirs: &'a Line,
    pub(super) pairs: &'a [Pair],
    pub(super) elsewhere: Option<std::net::SocketAddr>,
    pub(super) moved: Option<(std::net::SocketAddr, std::net::SocketAddr)>,
    /// Ports searched.
    pub(super) searched: usize,
    pub(super) waited_s: u64,
    pub(super) line_age_s: i64,
}

/// The reason.
pub(super) fn reason(seen: &Seen<'_>) -> PeerReason {
    let Seen { ours, theirs, pairs, .. } = seen;
    let family = |line: &Line, v6| line.candidates.iter().any(|c| c.address.is_ipv6() == v6);
    if ![false, true].into_iter().any(|v6| family(ours, v6) && family(theirs, v6)) {
        return PeerReason::NoCommonFamily;
    }
    let denied = |pair: &Pair| pair.error == Some(IcmpKind::Denied);
    if !pairs.is_empty() && pairs.iter().all(denied) {
        return PeerReason::Denied;
    }
    let heard = pairs.iter().any(|pair| pair.heard > 0);
    match (ours.mapping, theirs.mapping) {
        _ if heard => return PeerReason::OneWay,
        (Mapping::Silent, _) => return PeerReason::BlockedHere,
        (_, Mapping::Silent) => return PeerReason::BlockedThere,
        _ if pairs.is_empty() => return PeerReason::OnlyPrivate,
        _ => {}
    }
    if let Some(from) = seen.elsewhere {
        return PeerReason::Elsewhere(from);
    }
    if let Some((was, is)) = seen.moved {
        return PeerReason::StaleMapping { was, is };
    }
    let own: Vec<_> = ours.mapped().map(|mapped| mapped.ip()).collect();
    let one_nat = theirs.mapped().map(|mapped| mapped.ip()).find(|ip| own.contains(ip));
    if let Some(ip) = one_nat.filter(|_| ours.mapping != Mapping::NoNat && theirs.mapping != Mapping::NoNat) {
        return PeerReason::NoHairpin(ip);
    }
    match (ours.mapping, theirs.mapping) {
        (Mapping::Dependent, Mapping::Dependent) => PeerReason::BothDependent,
        (Mapping::Dependent, _) | (_, Mapping::Dependent) if seen.searched > 0 => PeerReason::SearchFailed,
        (Mapping::Dependent, _) => PeerReason::OneDependent { here: true },
        (_, Mapping::Dependent) => PeerReason::OneDependent { here: false },
        _ => PeerReason::NothingHeard { waited_s: seen.waited_s, line_age_s: seen.line_age_s },
    }
}
