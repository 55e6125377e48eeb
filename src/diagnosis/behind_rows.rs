//! Which cause may lie behind what the Connector's log shows.

use crate::model::CauseCode;
use crate::model::facts::Signature as S;
use crate::model::report::Confidence;

/// What may lie behind a signature where this run shows it, and what the log says by itself, with how much certainty.
pub(super) struct Behind {
    pub(super) signature: S,
    pub(super) measured: &'static [CauseCode],
    pub(super) alone: (CauseCode, Confidence),
}

const NO_PATH: CauseCode = CauseCode::NoNetwork;

pub(super) const BEHIND: &[Behind] = &[
    Behind {
        signature: S::TokensGone,
        measured: &[CauseCode::ClockSkew],
        alone: (CauseCode::ConnectorTokensRejected, Confidence::Certain),
    },
    Behind {
        signature: S::InvalidToken,
        measured: &[CauseCode::ClockSkew],
        alone: (CauseCode::ClockSkew, Confidence::Likely),
    },
    Behind {
        signature: S::ClockBehind,
        measured: &[CauseCode::ClockSkew],
        alone: (CauseCode::ClockSkew, Confidence::Certain),
    },
    Behind {
        signature: S::GaveUp,
        measured: &[CauseCode::ClockSkew, CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorTokensRejected, Confidence::Possible),
    },
    Behind {
        signature: S::TokenMissing,
        measured: &[CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorMisconfigured, Confidence::Certain),
    },
    Behind {
        signature: S::RelayUnreached,
        measured: &[
            NO_PATH,
            CauseCode::EgressBlocked,
            CauseCode::NoIpv4,
            CauseCode::LocalFirewall,
            CauseCode::DnsUnreachable,
            CauseCode::CaptivePortal,
            CauseCode::RelayPortsBlocked,
            CauseCode::RelayDown,
        ],
        alone: (CauseCode::RelayPortsBlocked, Confidence::Likely),
    },
    Behind {
        signature: S::RelayLost,
        measured: &[
            NO_PATH,
            CauseCode::EgressBlocked,
            CauseCode::NoIpv4,
            CauseCode::LocalFirewall,
            CauseCode::DnsUnreachable,
            CauseCode::CaptivePortal,
            CauseCode::RelayPortsBlocked,
            CauseCode::RelayDown,
            CauseCode::PacketLoss,
            CauseCode::PathMtuBlackhole,
        ],
        alone: (CauseCode::RelayPortsBlocked, Confidence::Possible),
    },
    Behind {
        signature: S::NameserversFailed,
        measured: &[NO_PATH, CauseCode::EgressBlocked, CauseCode::LocalFirewall, CauseCode::DnsUnreachable],
        alone: (CauseCode::DnsUnreachable, Confidence::Likely),
    },
    Behind {
        signature: S::ControllerError,
        measured: &[CauseCode::CaptivePortal, CauseCode::ControllerDown],
        alone: (CauseCode::ControllerDown, Confidence::Likely),
    },
    Behind {
        signature: S::ControllerFailed,
        measured: &[
            NO_PATH,
            CauseCode::EgressBlocked,
            CauseCode::LocalFirewall,
            CauseCode::CaptivePortal,
            CauseCode::DnsUnreachable,
            CauseCode::DnsHijacked,
            CauseCode::ControllerNameUnknown,
            CauseCode::ControllerPortBlocked,
            CauseCode::TlsIntercepted,
            CauseCode::ControllerCertificate,
            CauseCode::ControllerDown,
            CauseCode::PathMtuBlackhole,
            CauseCode::ClockSkew,
        ],
        alone: (CauseCode::ControllerPortBlocked, Confidence::Possible),
    },
    Behind {
        signature: S::StunFailed,
        measured: &[
            NO_PATH,
            CauseCode::EgressBlocked,
            CauseCode::LocalFirewall,
            CauseCode::DnsUnreachable,
            CauseCode::CaptivePortal,
            CauseCode::UdpBlocked,
            CauseCode::StunBlocked,
            CauseCode::StunServersDown,
            CauseCode::StunTampered,
            CauseCode::PacketLoss,
        ],
        alone: (CauseCode::UdpBlocked, Confidence::Possible),
    },
    Behind {
        signature: S::FdExhausted,
        measured: &[CauseCode::FdExhausted],
        alone: (CauseCode::FdExhausted, Confidence::Certain),
    },
    Behind {
        signature: S::OutOfMemory,
        measured: &[CauseCode::HostExhausted],
        alone: (CauseCode::HostExhausted, Confidence::Likely),
    },
    Behind {
        signature: S::DiskFull,
        measured: &[CauseCode::HostExhausted],
        alone: (CauseCode::HostExhausted, Confidence::Likely),
    },
    Behind {
        signature: S::LeftReady,
        measured: &[
            NO_PATH,
            CauseCode::ClockSkew,
            CauseCode::ClockNearLimit,
            CauseCode::PacketLoss,
            CauseCode::MultipleEgress,
        ],
        alone: (CauseCode::ConnectorFlapping, Confidence::Likely),
    },
    Behind {
        signature: S::EventTokenExpired,
        measured: &[CauseCode::ClockSkew, CauseCode::ServiceBlocked],
        alone: (CauseCode::ConnectorStuck, Confidence::Possible),
    },
    Behind {
        signature: S::ClockAhead,
        measured: &[CauseCode::ClockSkew],
        alone: (CauseCode::ClockSkew, Confidence::Certain),
    },
    Behind {
        signature: S::TokensRefused,
        measured: &[CauseCode::ClockSkew],
        alone: (CauseCode::ConnectorTokensRejected, Confidence::Likely),
    },
    Behind {
        signature: S::NetworkUnknown,
        measured: &[CauseCode::ControllerNameUnknown, CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ControllerNameUnknown, Confidence::Likely),
    },
    Behind {
        signature: S::ProxyInTheWay,
        measured: &[CauseCode::CaptivePortal, CauseCode::OtherNetwork],
        alone: (CauseCode::ProxyRequired, Confidence::Likely),
    },
    Behind {
        signature: S::VersionRefused,
        measured: &[],
        alone: (CauseCode::ConnectorOutdated, Confidence::Likely),
    },
    Behind {
        signature: S::RateLimited,
        measured: &[],
        alone: (CauseCode::ControllerLimits, Confidence::Certain),
    },
    Behind {
        signature: S::ControllerRefused,
        measured: &[CauseCode::CaptivePortal],
        alone: (CauseCode::ConnectorOutdated, Confidence::Possible),
    },
    Behind {
        signature: S::HostUnresolved,
        measured: &[
            NO_PATH,
            CauseCode::EgressBlocked,
            CauseCode::LocalFirewall,
            CauseCode::DnsUnreachable,
            CauseCode::ControllerNameUnknown,
        ],
        alone: (CauseCode::DnsUnreachable, Confidence::Likely),
    },
    Behind {
        signature: S::CertificateDates,
        measured: &[CauseCode::ClockSkew, CauseCode::ControllerCertificate, CauseCode::TlsIntercepted],
        alone: (CauseCode::ClockSkew, Confidence::Likely),
    },
    Behind {
        signature: S::CertificateRefused,
        measured: &[
            CauseCode::CaptivePortal,
            CauseCode::TlsIntercepted,
            CauseCode::ControllerCertificate,
            CauseCode::DnsHijacked,
        ],
        alone: (CauseCode::TlsIntercepted, Confidence::Likely),
    },
    Behind {
        signature: S::SocketUnwritable,
        measured: &[],
        alone: (CauseCode::ConnectorRestarting, Confidence::Possible),
    },
    Behind {
        signature: S::SettingMissing,
        measured: &[CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorMisconfigured, Confidence::Certain),
    },
    Behind {
        signature: S::FileMissing,
        measured: &[CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorMisconfigured, Confidence::Certain),
    },
    Behind {
        signature: S::CannotExecute,
        measured: &[],
        alone: (CauseCode::ConnectorRestarting, Confidence::Certain),
    },
    Behind {
        signature: S::CannotStart,
        measured: &[],
        alone: (CauseCode::ConnectorRestarting, Confidence::Certain),
    },
    Behind {
        signature: S::ImageMissing,
        measured: &[],
        alone: (CauseCode::ConnectorRestarting, Confidence::Likely),
    },
    Behind {
        signature: S::RestartLoop,
        measured: &[CauseCode::HostExhausted, CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorRestarting, Confidence::Certain),
    },
    Behind {
        signature: S::Crashed,
        measured: &[CauseCode::HostExhausted, CauseCode::ConnectorMisconfigured],
        alone: (CauseCode::ConnectorRestarting, Confidence::Likely),
    },
    Behind {
        signature: S::Exited,
        measured: &[CauseCode::HostExhausted, CauseCode::ConnectorMisconfigured, CauseCode::ConnectorStopped],
        alone: (CauseCode::ConnectorRestarting, Confidence::Likely),
    },
];
