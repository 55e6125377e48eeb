//! Certificates made on the spot: an authority of the lab's own, a stranger's, and leaves of either.

use std::io;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Who signs certificates in the lab.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

/// A certificate and its key, as a TLS server shows them.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A new one of this name, valid around `now_ns`.
    pub(super) fn new(name: &str, now_ns: i64) -> io::Result<Self> {
        let mut params = params(&[], name, now_ns, (-30, 365))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.self_signed(&key).map_err(io::Error::other)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// A leaf for `names` that holds from and to so many days after `now_ns`.
    pub(super) fn leaf(&self, names: &[&str], now_ns: i64, days: (i64, i64)) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = params(names, names.first().copied().unwrap_or_default(), now_ns, days)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Identity { chain: vec![certificate.der().clone()], key })
    }

    /// Its own certificate, as `--ca-file` takes it.
    pub(super) fn pem(&self) -> String {
        self.certificate.pem()
    }
}

fn params(names: &[&str], subject: &str, now_ns: i64, days: (i64, i64)) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, subject);
    // Of whole days: rcgen takes no finer time without a second library for dates.
    let date = |days: i64| -> io::Result<_> {
        let now = Timestamp::from_nanosecond(now_ns.into()).map_err(io::Error::other)?;
        let span = Span::new().try_days(days).map_err(io::Error::other)?;
        let day = now.to_zoned(TimeZone::UTC).date().checked_add(span).map_err(io::Error::other)?;
        Ok(rcgen::date_time_ymd(day.year().into(), day.month().unsigned_abs(), day.day().unsigned_abs()))
    };
    params.not_before = date(days.0)?;
    params.not_after = date(days.1)?;
    Ok(params)
}
