//! The contents of a certificate. It must not judge whether anyone should trust the certificate.

use std::net::IpAddr;

use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::name::TlsName;
use super::pin;

/// Time before its expiry in which a certificate causes a warning.
const WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The facts of a certificate that operators need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateInfo {
    /// The names it is valid for.
    pub(crate) names: Vec<TlsName>,
    /// The first second in which it is valid.
    pub(crate) not_before: Timestamp,
    /// Whether it is marked as an authority, which many clients refuse as a server.
    pub(crate) is_authority: bool,
    /// The last second in which it is valid.
    pub(crate) not_after: Timestamp,
    /// The pin of its key.
    pub(crate) pin: String,
}

/// How long a certificate is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// For more than 30 days.
    Good,
    /// For this number of whole days, fewer than 30.
    Ending(i64),
    /// No longer.
    Expired,
    /// Not yet.
    Early,
}

/// When a certificate ends, in words: `in 3 days`.
pub(crate) fn in_days(days: i64) -> String {
    match days {
        ..=0 => "within a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    }
}

impl CertificateInfo {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// Fails if `der` is no X.509 certificate.
    pub(crate) fn of(der: &[u8]) -> anyhow::Result<Self> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| anyhow!("it holds no X.509 certificate"))?;
        let pin = pin::of_public_key(certificate.public_key().raw);
        let validity = certificate.validity();
        Ok(Self {
            names: names(&certificate),
            not_before: timestamp(validity.not_before)?,
            is_authority: certificate.is_ca(),
            not_after: timestamp(validity.not_after)?,
            pin,
        })
    }

    /// Returns how long it is still valid at the time `now`.
    pub(crate) fn validity(&self, now: Timestamp) -> Validity {
        let left = self.not_after.duration_since(now);
        match left {
            left if left.is_negative() => Validity::Expired,
            _ if now < self.not_before => Validity::Early,
            left if left < WARNING => Validity::Ending(left.as_hours() / 24),
            _ => Validity::Good,
        }
    }
}

/// Returns the number, from 1, of the first certificate of a chain that did not issue the one before it.
pub(super) fn misplaced(chain: &[CertificateDer<'_>]) -> Option<usize> {
    let issued = |pair: &[CertificateDer<'_>]| {
        let subject = X509Certificate::from_der(&pair[0]).ok().map(|(_, it)| it.issuer().as_raw().to_vec());
        let issuer = X509Certificate::from_der(&pair[1]).ok().map(|(_, it)| it.subject().as_raw().to_vec());
        subject == issuer
    };
    chain.windows(2).position(|pair| !issued(pair)).map(|position| position + 2)
}

fn timestamp(time: ASN1Time) -> anyhow::Result<Timestamp> {
    Timestamp::from_second(time.timestamp()).context("the time of a certificate is out of range")
}

/// Returns the alternative names that are DNS names or IP addresses; a chat server has no use for others.
fn names(certificate: &X509Certificate<'_>) -> Vec<TlsName> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn name(general: &GeneralName<'_>) -> Option<TlsName> {
    match general {
        GeneralName::DNSName(name) => name.parse().ok(),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => Some(TlsName::Ip(IpAddr::from([a, b, c, d]))),
            ref bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| TlsName::Ip(IpAddr::from(bytes))),
        },
        _ => None,
    }
}
