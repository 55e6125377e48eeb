//! Which causes at Resources the evidence shows, in their sentences. Pure.

use super::troubles::{first, fit, troubles};
use crate::diagnosis::rule::{Evidence, Fit};
use crate::model::CauseCode;
use crate::model::report::Confidence;
use crate::model::trouble::{Refuser, Trouble};

/// This host's own filter shuts Resources out: for `local-firewall`.
pub(in crate::diagnosis) fn own_filter(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::LocalFirewall, Confidence::Certain, |t| {
        format!("This host's own firewall lets nothing through to {}", t.name)
    })
}

/// The handshake of a Resource stalls and passes with small segments: for `path-mtu-blackhole`.
pub(in crate::diagnosis) fn hole(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::PathMtuBlackhole, Confidence::Likely, |t| {
        format!("Large packets vanish on the way from {}, and no router says so", t.name)
    })
}

/// The largest size that passes there, bytes of IP.
pub(in crate::diagnosis) fn hole_size(e: &Evidence<'_>) -> Option<u32> {
    match first(e, CauseCode::PathMtuBlackhole)?.what {
        Trouble::Hole { size } => Some(size),
        _ => None,
    }
}

pub(in crate::diagnosis) fn route_broken(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::RouteBroken, Confidence::Likely, |t| match &t.what {
        Trouble::Covered { interface } => {
            format!("{interface}, a bridge of containers on this host, covers the network of {}", t.name)
        }
        _ => t.words.clone(),
    })
}

pub(in crate::diagnosis) fn tunnel_owns_route(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::TunnelOwnsRoute, Confidence::Likely, |t| match &t.what {
        Trouble::Tunnelled { interface } => {
            format!("The tunnel {interface} takes the way to {}, and nothing comes back", t.name)
        }
        _ => t.words.clone(),
    })
}

pub(super) fn unresolved(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::ResourceUnresolved, Confidence::Certain, |t| match &t.what {
        Trouble::Unresolved { by, known_to: Some((resolver, _)), .. } => {
            format!("{by} does not know {}; this host's own resolver {resolver} does", t.host)
        }
        Trouble::Unresolved { by, nobody: true, .. } => format!("{} gets no answer from {by}", t.host),
        Trouble::Unresolved { by, .. } if !t.fails => {
            format!("{by} gives no address for {}, another resolver does", t.host)
        }
        Trouble::Unresolved { by, .. } => format!("{} gets no address from {by}", t.host),
        Trouble::Elsewhere { by, addresses, own } => format!(
            "{by} leads {} to the public address {}; this host's own resolver leads to {}",
            t.host,
            addresses.first().map(ToString::to_string).unwrap_or_default(),
            own.first().map(ToString::to_string).unwrap_or_default()
        ),
        _ => t.words.clone(),
    })
}

pub(super) fn unreachable(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::ResourceUnreachable, Confidence::Likely, |t| match t.what {
        Trouble::NoRoute { ipv6: true } => {
            format!("{} has addresses of IPv6 alone, and this host has no route to them", t.name)
        }
        Trouble::NoRoute { .. } => format!("This host has no route to {}", t.name),
        Trouble::Unreachable { no_neighbour: true } => {
            format!(
                "Nobody on this host's link answers for {}: it is off, or stands in another network",
                t.name
            )
        }
        _ => {
            format!("{} does not answer: {}", t.name, t.words.split_once(": ").map_or("", |(_, words)| words))
        }
    })
}

pub(super) fn refused(e: &Evidence<'_>) -> Option<Fit> {
    let by_router = troubles(e, CauseCode::ResourceRefused)
        .iter()
        .any(|t| matches!(t.what, Trouble::Refused(Refuser::Nearer(_))));
    let confidence = if by_router { Confidence::Likely } else { Confidence::Certain };
    fit(e, CauseCode::ResourceRefused, confidence, |t| match t.what {
        Trouble::Refused(Refuser::Nearer(Some(ip))) => {
            format!("{ip}, on the way, refuses connections to {}", t.name)
        }
        Trouble::Refused(Refuser::Nearer(None)) => {
            format!("Something on the way refuses connections to {}", t.name)
        }
        Trouble::Refused(Refuser::Protocol) => t.words.clone(),
        _ => format!("{} is there and refuses: nothing listens at its port", t.name),
    })
}

pub(super) fn wrong_protocol(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::ResourceWrongProtocol, Confidence::Certain, |t| t.words.clone())
}

pub(super) fn mute(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::ResourceMute, Confidence::Likely, |t| t.words.clone())
}

pub(super) fn certificate(e: &Evidence<'_>) -> Option<Fit> {
    fit(e, CauseCode::ResourceCertificate, Confidence::Certain, |t| t.words.clone())
}
