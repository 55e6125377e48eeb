//! Handshakes with servers on loopback whose certificates are right, wrong, huge or hostile.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::handshake;
use super::roots::Roots;
use crate::env::Env;
use crate::model::facts::{ChainProblem, TlsSession, Trust};
use crate::model::observation::{FailureKind, Phase, ProbeFailure};

const LONG: Duration = Duration::from_secs(5);
pub(crate) const NAME: &str = "acme.example.net";

/// 2024-07-01 in nanoseconds since 1970.
const MID_2024: i64 = 1_719_792_000 * 1_000_000_000;
const YEAR: i64 = 31_557_600 * 1_000_000_000;

/// A certificate authority made on the spot.
pub(crate) struct Authority {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A server configuration with a certificate for [`NAME`], valid in 2024, changed by `change`.
    pub(crate) fn server(&self, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2024, 1, 1);
        params.not_after = date_time_ymd(2025, 1, 1);
        change(&mut params);
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let chain = vec![leaf.der().clone(), self.der.clone()];
        let provider = rustls::crypto::ring::default_provider();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        // Not checked against the key: a hostile server does not, either.
        let shown = CertifiedKey::new(chain, provider.key_provider.load_private_key(key).unwrap());
        ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
    }

    /// Roots of which the system's are this authority alone and Mozilla's none.
    pub(crate) fn roots(&self) -> Roots {
        let mut system = RootCertStore::empty();
        system.add(self.der.clone()).unwrap();
        Roots { system: Arc::new(system), mozilla: Arc::new(RootCertStore::empty()), trust: Trust::default() }
    }
}

/// Serves one connection and lets `then` talk over it.
pub(crate) async fn serve<F, Fut>(config: ServerConfig, then: F) -> SocketAddr
where
    F: FnOnce(tokio_rustls::server::TlsStream<TcpStream>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that breaks off is what some tests want.
        if let Ok(stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await {
            then(stream).await;
        }
    });
    address
}

async fn shake(address: SocketAddr, roots: &Roots, timeout: Duration) -> Result<TlsSession, ProbeFailure> {
    let stream = TcpStream::connect(address).await.unwrap();
    handshake(&Env::system(), stream, NAME, roots, timeout).await.map(|(session, _)| session)
}

async fn session(config: ServerConfig, roots: &Roots) -> TlsSession {
    shake(serve(config, |_| std::future::ready(())).await, roots, LONG).await.unwrap()
}

#[tokio::test]
async fn a_right_certificate_holds_in_its_window_alone() {
    let ours = Authority::new("Example Root");
    let s = session(ours.server(|_| ()), &ours.roots()).await;
    assert!(s.name_matches && s.system.trusted && !s.mozilla.trusted);
    assert!(s.system.holds_at(MID_2024));
    assert!(!s.system.holds_at(MID_2024 - YEAR) && !s.system.holds_at(MID_2024 + YEAR));
    assert_eq!((s.version.as_str(), s.chain.len()), ("TLS 1.3", 2));
    assert!(s.cipher.starts_with("TLS13_"), "{}", s.cipher);
    assert_eq!(s.chain[0].names, [NAME]);
    assert!(s.chain[0].issuer.contains("Example Root"), "{}", s.chain[0].issuer);
    assert_eq!(s.mozilla.problem, Some(ChainProblem::NoRoots));
}

#[tokio::test]
async fn a_strangers_certificate_is_captured_and_its_issuer_named() {
    let stranger = Authority::new("Snoop & Sons");
    let s = session(stranger.server(|_| ()), &Authority::new("Example Root").roots()).await;
    assert!(!s.system.trusted && !s.system.holds_at(MID_2024));
    assert_eq!(s.system.problem, Some(ChainProblem::UnknownIssuer));
    assert!(s.chain[0].issuer.contains("Snoop & Sons"));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_trusted_but_does_not_match() {
    let ours = Authority::new("Example Root");
    let other = |p: &mut CertificateParams| {
        p.subject_alt_names = vec![
            rcgen::SanType::DnsName("portal.hotel.example".try_into().unwrap()),
            rcgen::SanType::IpAddress([192, 0, 2, 1].into()),
        ];
    };
    let s = session(ours.server(other), &ours.roots()).await;
    assert!(s.system.trusted && !s.name_matches);
    assert_eq!(s.chain[0].names, ["portal.hotel.example", "192.0.2.1"]);
}

#[tokio::test]
async fn escape_codes_in_a_subject_are_gone() {
    let ours = Authority::new("Example\u{1b}]0;pwned\u{7} \u{202e}Root");
    let evil =
        |p: &mut CertificateParams| p.distinguished_name.push(DnType::CommonName, "\u{1b}[2Jx\r\ny\0z");
    let s = session(ours.server(evil), &ours.roots()).await;
    assert!(s.system.trusted);
    for text in [&s.chain[0].subject, &s.chain[0].issuer] {
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_100_kilobytes_is_too_large_and_one_of_30_is_read() {
    let ours = Authority::new("Example Root");
    let sized = |size: usize| {
        move |p: &mut CertificateParams| {
            p.custom_extensions =
                vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![4; size])];
        }
    };
    let address = serve(ours.server(sized(100_000)), |_| std::future::ready(())).await;
    let failure = shake(address, &ours.roots(), LONG).await.unwrap_err();
    assert_eq!((failure.phase, failure.kind), (Phase::Handshake, FailureKind::TooLarge), "{failure:?}");
    assert!(session(ours.server(sized(30_000)), &ours.roots()).await.system.trusted);
}

/// A plain server that says `bytes` after the first read and then holds or closes.
async fn plain(bytes: &'static [u8], hold: bool) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(bytes).await;
        if hold {
            std::future::pending::<()>().await;
        }
    });
    address
}

#[tokio::test]
async fn what_stalls_speaks_otherwise_or_hangs_up_is_told_apart() {
    let roots = Authority::new("Example Root").roots();
    // A record's head that promises 512 bytes of ServerHello.
    for (bytes, hold, kind) in [
        (&b""[..], true, FailureKind::Timeout),
        (b"\x16\x03\x03\x02\x00\x02", true, FailureKind::Timeout),
        (b"", false, FailureKind::Closed),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", true, FailureKind::Malformed),
        (b"\x15\x03\x03\x00\x02\x02\x28", true, FailureKind::Rejected),
    ] {
        let failure = shake(plain(bytes, hold).await, &roots, Duration::from_millis(300)).await.unwrap_err();
        assert_eq!((failure.phase, failure.kind), (Phase::Handshake, kind), "{bytes:?}: {failure:?}");
    }
}
