//! What a chain of certificates is worth: its faces, and when which roots would trust it. Pure; asks no clock.

use std::net::IpAddr;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::model::facts::{Certificate, ChainProblem, ChainVerdict};
use crate::model::text::{clean, clean_bytes, without_urls};

/// Certificates of a chain that are looked at.
pub(super) const MAX_CERTIFICATES: usize = 10;
const MAX_NAMES: usize = 20;
const MAX_TEXT: usize = 160;

/// A certificate's face; one that cannot be read says so.
pub(super) fn face(der: &[u8]) -> Certificate {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Certificate { problem: Some("not a certificate".to_owned()), ..Certificate::default() };
    };
    let validity = certificate.validity();
    let names = certificate.subject_alternative_name().ok().flatten();
    Certificate {
        subject: clean(&without_urls(&certificate.subject().to_string()), MAX_TEXT),
        issuer: clean(&without_urls(&certificate.issuer().to_string()), MAX_TEXT),
        names: names
            .iter()
            .flat_map(|n| &n.value.general_names)
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(clean(&without_urls(name), 120)),
                GeneralName::IPAddress(bytes) => Some(address(bytes)),
                _ => None,
            })
            .take(MAX_NAMES)
            .collect(),
        not_before_s: validity.not_before.timestamp(),
        not_after_s: validity.not_after.timestamp(),
        problem: None,
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        IpAddr::from(v4).to_string()
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        IpAddr::from(v6).to_string()
    } else {
        clean_bytes(bytes, 16)
    }
}

/// Whether the server's certificate is for this name.
pub(super) fn name_matches(chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> bool {
    let parsed = chain.first().and_then(|der| ParsedCertificate::try_from(der).ok());
    parsed.is_some_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

/// When these roots would trust this chain, whatever its name.
///
/// The path may lead over some of the certificates only, so that no date says by itself when it holds: each span
/// between two dates is tried in its middle. At most 19 spans, each some signatures.
pub(super) fn verdict(
    chain: &[CertificateDer<'_>],
    faces: &[Certificate],
    roots: &RootCertStore,
    provider: &CryptoProvider,
) -> ChainVerdict {
    let (Some((leaf, others)), Some(own)) = (chain.split_first(), faces.first()) else {
        return never(ChainProblem::NoCertificate);
    };
    if roots.is_empty() {
        return never(ChainProblem::NoRoots);
    }
    let Ok(leaf) = ParsedCertificate::try_from(leaf) else { return never(ChainProblem::Unreadable) };
    let mut dates: Vec<i64> = faces.iter().flat_map(|f| [f.not_before_s, f.not_after_s]).collect();
    dates.retain(|at| (own.not_before_s..=own.not_after_s).contains(at));
    dates.sort_unstable();
    dates.dedup();
    let issuer_known = chain.iter().any(|der| names_a_root(der, roots));
    let mut verdict = ChainVerdict { issuer_known, ..ChainVerdict::default() };
    for span in dates.windows(2) {
        let &[from, to] = span else { continue };
        let middle = u64::try_from(i64::midpoint(from, to)).unwrap_or(0);
        let at = UnixTime::since_unix_epoch(Duration::from_secs(middle));
        match verify_server_cert_signed_by_trust_anchor(
            &leaf,
            roots,
            others,
            at,
            provider.signature_verification_algorithms.all,
        ) {
            Ok(()) => match verdict.windows.last_mut() {
                Some((_, end)) if *end == from => *end = to,
                _ => verdict.windows.push((from, to)),
            },
            // What is wrong at every time is worth more than that another certificate is out of date then.
            Err(error) => {
                let found = problem(&error);
                if verdict.problem.is_none() || found != ChainProblem::NeverValid {
                    verdict.problem = Some(found);
                }
            }
        }
    }
    verdict.trusted = !verdict.windows.is_empty();
    if verdict.trusted {
        verdict.problem = None;
    } else if verdict.problem.is_none() {
        verdict.problem = Some(ChainProblem::NeverValid);
    }
    verdict
}

/// Whether a certificate names one of the roots as its issuer.
fn names_a_root(der: &[u8], roots: &RootCertStore) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    // A root's name is kept without the header of its SEQUENCE (X.690 8.1).
    let Some(name) = content(certificate.issuer().as_raw()) else { return false };
    roots.roots.iter().any(|root| root.subject.as_ref() == name)
}

/// What a DER value holds, without its tag and length.
fn content(der: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = der.get(1..)?.split_first()?;
    if length < 0x80 { Some(rest) } else { rest.get(usize::from(length & 0x7F)..) }
}

fn never(why: ChainProblem) -> ChainVerdict {
    ChainVerdict { problem: Some(why), ..ChainVerdict::default() }
}

fn problem(error: &rustls::Error) -> ChainProblem {
    use rustls::CertificateError as E;
    match error {
        rustls::Error::InvalidCertificate(E::UnknownIssuer) => ChainProblem::UnknownIssuer,
        rustls::Error::InvalidCertificate(E::BadSignature) => ChainProblem::BadSignature,
        rustls::Error::InvalidCertificate(E::InvalidPurpose | E::InvalidPurposeContext { .. }) => {
            ChainProblem::NotForServers
        }
        rustls::Error::InvalidCertificate(
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. },
        ) => ChainProblem::NeverValid,
        other => ChainProblem::Other(clean(&other.to_string(), 120)),
    }
}
