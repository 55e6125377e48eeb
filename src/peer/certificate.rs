//! A one-time certificate, and QUIC that believes the one certificate whose hash the other line names. No name, no date and
//! no authority counts beside that hash.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme, version::TLS13,
};

use crate::proto::peer::line::hash;

/// The protocol spoken over QUIC; its version is the line's.
const ALPN: &[u8] = b"connector-doctor-peer/1";
/// The name in certificates: it says nothing of the host.
const NAME: &str = "peer.invalid";

/// This side's certificate and key; made for one run and kept in memory alone.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// A new one.
    pub(super) fn new() -> io::Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        Ok(Self { certificate: made.cert.der().clone(), key })
    }

    /// What a line names it by.
    pub(super) fn hash(&self) -> [u8; 32] {
        hash(&self.certificate)
    }
}

/// Believes one certificate.
#[derive(Debug)]
pub(super) struct Pinned {
    hash: [u8; 32],
    provider: Arc<CryptoProvider>,
    refused: AtomicBool,
}

impl Pinned {
    /// The certificate with this SHA-256.
    pub(super) fn new(hash: [u8; 32]) -> Arc<Self> {
        let refused = AtomicBool::new(false);
        Arc::new(Self { hash, provider: Arc::new(ring::default_provider()), refused })
    }

    /// Whether another certificate was shown.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn judge(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        if hash(shown) == self.hash {
            return Ok(());
        }
        self.refused.store(true, Ordering::Relaxed);
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn too_old() -> Error {
    Error::General("TLS 1.3 alone".to_owned())
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(too_old())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// QUIC's client, which shows `own` and believes `pinned`.
pub(super) fn client(own: &Identity, pinned: &Arc<Pinned>) -> io::Result<quinn::ClientConfig> {
    let mut tls =
        ClientConfig::builder_with_details(Arc::clone(&pinned.provider), Arc::new(crate::env::NoTime))
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(pinned) as _)
            .with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key())
            .map_err(io::Error::other)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_sni = false;
    let tls = QuicClientConfig::try_from(tls).map_err(io::Error::other)?;
    Ok(quinn::ClientConfig::new(Arc::new(tls)))
}

/// QUIC's server, which shows `own` and believes `pinned`; it lets in nobody without a certificate.
pub(super) fn server(own: &Identity, pinned: &Arc<Pinned>) -> io::Result<quinn::ServerConfig> {
    let mut tls =
        ServerConfig::builder_with_details(Arc::clone(&pinned.provider), Arc::new(crate::env::NoTime))
            .with_protocol_versions(&[&TLS13])
            .map_err(io::Error::other)?
            .with_client_cert_verifier(Arc::clone(pinned) as _)
            .with_single_cert(vec![own.certificate.clone()], own.key.clone_key())
            .map_err(io::Error::other)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(tls)))
}
