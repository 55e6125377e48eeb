//! A TLS handshake over a connection that stands, and what was shown in it. Nothing secret is ever sent over it.
//!
//! The handshake is carried to its end whatever the certificates are worth: they are captured, and judged
//! afterwards against the system's and Mozilla's roots at every time (`ChainVerdict`), so that a wrong clock, an
//! unknown issuer and an expired certificate can be told apart, and a replay can judge them anew.

mod chain;
pub mod roots;
#[cfg(test)]
pub(super) mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, InvalidMessage, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::roots::Roots;
use super::since_us;
use crate::connector::of_vendor;
use crate::env::{Env, NoTime};
use crate::model::facts::TlsSession;
use crate::model::observation::{FailureKind, Phase, ProbeFailure};
use crate::model::text::{clean, clean_bytes};

/// Handshakes `stream` with the server called `host` within `timeout`.
///
/// Failures of phase `Handshake`: `Timeout`, `Closed`, `Reset`, `Rejected` (an alert), `Malformed` (the peer does
/// not speak TLS), `TooLarge` (certificates beyond 64 KiB), `Untrusted` (a signature that does not hold).
pub async fn handshake(
    env: &Env,
    stream: TcpStream,
    host: &str,
    roots: &Roots,
    timeout: Duration,
) -> Result<(TlsSession, TlsStream<TcpStream>), ProbeFailure> {
    handshake_for(env, stream, host, roots, timeout, &[b"http/1.1"]).await
}

/// The same over any stream, for what is to be spoken inside: the protocols offered by ALPN, perhaps none.
pub async fn handshake_for<S: AsyncRead + AsyncWrite + Unpin>(
    env: &Env,
    stream: S,
    host: &str,
    roots: &Roots,
    timeout: Duration,
    alpn: &[&[u8]],
) -> Result<(TlsSession, TlsStream<S>), ProbeFailure> {
    let failed = |kind, detail: &str| ProbeFailure::new(Phase::Handshake, kind, clean(detail, 160));
    let bare = host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']').to_owned();
    let Ok(name) = ServerName::try_from(bare.clone()) else {
        return Err(failed(FailureKind::Malformed, "not a host's name"));
    };
    let provider = Arc::new(ring::default_provider());
    let recorder = Arc::new(Recorder { provider: provider.clone(), chain: Mutex::default() });
    let config = config(provider.clone(), recorder.clone(), alpn)
        .map_err(|e| failed(FailureKind::Io, &e.to_string()))?;
    let begun = env.elapsed();
    let connect = TlsConnector::from(Arc::new(config)).connect(name.clone(), stream);
    let stream = match tokio::time::timeout(timeout, connect).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(failed(kind(&error), &error.to_string())),
        Err(_) => {
            let mut silent = failed(FailureKind::Timeout, "the handshake did not end");
            (silent.sent, silent.conclusive) = (super::segments(timeout), timeout >= super::PATIENCE);
            return Err(silent);
        }
    };
    let handshake_us = since_us(env, begun);
    let chain = std::mem::take(&mut *recorder.chain.lock().unwrap_or_else(PoisonError::into_inner));
    let (_, connection) = stream.get_ref();
    let faces: Vec<_> = chain.iter().map(|der| chain::face(der)).collect();
    let session = TlsSession {
        version: connection.protocol_version().map_or("unknown", version).to_owned(),
        cipher: connection.negotiated_cipher_suite().map_or_else(String::new, |s| format!("{:?}", s.suite())),
        alpn: connection.alpn_protocol().map(|p| clean_bytes(p, 16)),
        handshake_us,
        name: clean(&bare, 253),
        name_matches: chain::name_matches(&chain, &name),
        vendors: of_vendor(&bare),
        system: chain::verdict(&chain, &faces, &roots.system, &provider),
        mozilla: chain::verdict(&chain, &faces, &roots.mozilla, &provider),
        chain: faces,
    };
    Ok((session, stream))
}

fn config(
    provider: Arc<CryptoProvider>,
    recorder: Arc<Recorder>,
    alpn: &[&[u8]],
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_details(provider, Arc::new(NoTime))
        .with_safe_default_protocol_versions()?;
    let mut config = builder.dangerous().with_custom_certificate_verifier(recorder).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// A handshake that was silent for so long, while others beside it were answered.
pub(super) fn silent(waited: Duration) -> ProbeFailure {
    let mut silent = ProbeFailure::new(
        Phase::Handshake,
        FailureKind::Timeout,
        "the handshake did not end, while others beside it did",
    );
    (silent.sent, silent.conclusive) = (super::segments(waited), true);
    silent
}

/// Which versions of TLS a handshake offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// All that are safe.
    Usual,
    /// TLS 1.2 alone.
    Only12,
    /// TLS 1.3 alone.
    Only13,
}

/// Whether a handshake under this name, with these versions, ends in a session within `timeout`. Nothing is sent over it.
///
/// Failures are those of [`handshake`].
pub(super) async fn trial(
    stream: TcpStream,
    host: &str,
    versions: Versions,
    timeout: Duration,
) -> Result<(), FailureKind> {
    let name =
        ServerName::try_from(host.trim_end_matches('.').to_owned()).map_err(|_| FailureKind::Malformed)?;
    let config = to_anybody(&[b"http/1.1"], versions).map_err(|_| FailureKind::Io)?;
    let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match tokio::time::timeout(timeout, connect).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(kind(&error)),
        Err(_) => Err(FailureKind::Timeout),
    }
}

/// A configuration that takes any certificate, for handshakes over which nothing is sent.
pub(super) fn to_anybody(alpn: &[&[u8]], versions: Versions) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let recorder = Arc::new(Recorder { provider: provider.clone(), chain: Mutex::default() });
    let builder = ClientConfig::builder_with_details(provider, Arc::new(NoTime));
    let builder = match versions {
        Versions::Usual => builder.with_safe_default_protocol_versions()?,
        Versions::Only12 => builder.with_protocol_versions(&[&rustls::version::TLS12])?,
        Versions::Only13 => builder.with_protocol_versions(&[&rustls::version::TLS13])?,
    };
    let mut config = builder.dangerous().with_custom_certificate_verifier(recorder).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn version(version: rustls::ProtocolVersion) -> &'static str {
    match version {
        rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3",
        rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
        _ => "another version",
    }
}

fn kind(error: &std::io::Error) -> FailureKind {
    let Some(error) = error.get_ref().and_then(|e| e.downcast_ref::<Error>()) else {
        return FailureKind::of_io(error);
    };
    match error {
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::CertificatePayloadTooLarge,
        ) => FailureKind::TooLarge,
        Error::AlertReceived(_) | Error::PeerIncompatible(_) => FailureKind::Rejected,
        Error::InvalidCertificate(_) => FailureKind::Untrusted,
        _ => FailureKind::Malformed,
    }
}

/// Keeps the chain and lets the handshake go on. That the peer holds the certificate's key is still verified.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let sent = std::iter::once(end_entity).chain(intermediates).take(chain::MAX_CERTIFICATES);
        let kept = sent.map(|der| der.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
