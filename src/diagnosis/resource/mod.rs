//! Causes at Resources that the user named: why the Connector does not reach them. Rows alone.

mod fits;
mod remedies;
mod troubles;

use super::rule::{CauseRule, Layer};
use crate::model::CauseCode;
use crate::model::CheckId;
use crate::model::report::Severity;

pub(super) use fits::{hole, hole_size, own_filter, route_broken, tunnel_owns_route};
pub(super) use remedies::{leave_tunnel, move_bridge, open_filter};

/// Every check of a Resource.
pub(super) const ALL: &[CheckId] = &[CheckId::ResourceDns, CheckId::ResourceTcp, CheckId::ResourceReply];
/// The rows.
pub const CAUSES: &[CauseRule] = &[
    CauseRule {
        code: CauseCode::ResourceUnresolved,
        severity: Severity::Critical,
        title: "A Resource's name has no address by the Connector's resolvers",
        impact: "The Connector's Clients cannot reach the Resource: \"DNS lookup error\".",
        layer: Layer::Names,
        explains: ALL,
        folds: &[],
        fits: fits::unresolved,
        remedies: remedies::other_resolvers,
        verify: "connector-doctor check 'resource.*' --wait 2m",
        page: include_str!("../../../docs/causes/resource-unresolved.md"),
    },
    CauseRule {
        code: CauseCode::ResourceUnreachable,
        severity: Severity::Critical,
        title: "A Resource is silent, or this host has no way to it",
        impact: "The Connector's Clients time out at the Resource: \"Unable to connect\".",
        layer: Layer::Service,
        explains: ALL,
        folds: &[],
        fits: fits::unreachable,
        remedies: remedies::let_through,
        verify: "connector-doctor check 'resource.*' --wait 2m",
        page: include_str!("../../../docs/causes/resource-unreachable.md"),
    },
    CauseRule {
        code: CauseCode::ResourceRefused,
        severity: Severity::Critical,
        title: "A Resource refuses",
        impact: "The Connector's Clients are refused at the Resource.",
        layer: Layer::Service,
        explains: ALL,
        folds: &[],
        fits: fits::refused,
        remedies: remedies::start_service,
        verify: "connector-doctor check 'resource.*' --wait 2m",
        page: include_str!("../../../docs/causes/resource-refused.md"),
    },
    CauseRule {
        code: CauseCode::ResourceWrongProtocol,
        severity: Severity::Critical,
        title: "Another protocol answers than the kind that was named",
        impact: "The port is reached, and the programs of its Clients do not understand what answers.",
        layer: Layer::Service,
        explains: ALL,
        folds: &[],
        fits: fits::wrong_protocol,
        remedies: remedies::right_kind,
        verify: "connector-doctor check resource.reply --wait 2m",
        page: include_str!("../../../docs/causes/resource-wrong-protocol.md"),
    },
    CauseRule {
        code: CauseCode::ResourceMute,
        severity: Severity::Critical,
        title: "A Resource takes the connection and says nothing",
        impact: "The Clients' programs connect and hang.",
        layer: Layer::Service,
        explains: ALL,
        folds: &[],
        fits: fits::mute,
        remedies: remedies::wake_service,
        verify: "connector-doctor check resource.reply --wait 2m",
        page: include_str!("../../../docs/causes/resource-mute.md"),
    },
    CauseRule {
        code: CauseCode::ResourceCertificate,
        severity: Severity::Warning,
        title: "A Resource's certificate does not hold",
        impact: "The Resource is reached; the Clients' browsers and programs warn or refuse.",
        layer: Layer::Service,
        explains: ALL,
        folds: &[],
        fits: fits::certificate,
        remedies: remedies::new_certificate,
        verify: "connector-doctor check resource.reply --wait 2m",
        page: include_str!("../../../docs/causes/resource-certificate.md"),
    },
];
