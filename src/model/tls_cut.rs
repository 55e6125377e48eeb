//! What is cut of TLS to the Controller, by handshakes of another kind: data, and words.

use super::observation::FailureKind;

/// What is cut, and how the handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsCut {
    /// Another name passes, no version of TLS does under the Controller's.
    Name(FailureKind),
    /// TLS 1.2 passes, TLS 1.3 does not, under any name.
    Version(FailureKind),
    /// Another name passes with TLS 1.3, the Controller's with TLS 1.2 alone.
    NameInVersion(FailureKind),
    /// Another name passes with TLS 1.2 alone, the Controller's not at all.
    NameAndVersion(FailureKind),
    /// Nothing that was tried passes.
    All(FailureKind),
}

impl TlsCut {
    /// How the handshake ended.
    pub fn kind(self) -> FailureKind {
        let (Self::Name(kind)
        | Self::Version(kind)
        | Self::NameInVersion(kind)
        | Self::NameAndVersion(kind)
        | Self::All(kind)) = self;
        kind
    }

    /// What passed and what did not, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Name(_) => {
                "under another name (example.com) TLS is answered, under the Controller's neither TLS 1.3 nor 1.2"
            }
            Self::Version(_) => {
                "TLS 1.2 alone is answered; a handshake that offers 1.3 is not, under any name"
            }
            Self::NameInVersion(_) => {
                "a handshake that offers TLS 1.3 is answered under another name (example.com), under the Controller's TLS 1.2 alone"
            }
            Self::NameAndVersion(_) => {
                "under another name (example.com) TLS 1.2 alone is answered, under the Controller's nothing"
            }
            Self::All(_) => {
                "no TLS is answered: not 1.3 nor 1.2, under the Controller's name nor another (example.com)"
            }
        }
    }
}
