//! The private authority. It is made on first start and signs the server's certificate, so that clients can verify the
//! server with one file. A running server must not need it: it only reads the signed certificate.
//!
//! Both keys are made once and kept. A renewed certificate has the key of the old one. So pins stay valid, and no crash
//! between two files can leave a key and a certificate that do not belong together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;

use super::certificate::{CertificateInfo, Validity};
use super::name::TlsName;
use super::{files, pem};

/// Seconds in a day.
const DAY: u64 = 24 * 3600;

/// Validity period of the authority.
const AUTHORITY_LIFE: Duration = Duration::from_secs(3652 * DAY);

/// Validity period of a server certificate: below the 825 days that some clients accept at most.
const SERVER_LIFE: Duration = Duration::from_secs(800 * DAY);

/// How long before its creation a certificate is valid, for clients with a slow clock.
const BACKDATED: Duration = Duration::from_secs(3600);

/// Permissions of keys and of certificates.
const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;

/// The private authority in a TLS directory, with the names of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    dir: PathBuf,
}

/// When an existing server certificate is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// Only if it has expired.
    IfExpired,
    /// Also if it expires within 30 days, or lacks a requested name.
    IfNeeded,
    /// Always.
    Forced,
}

impl Renewal {
    /// Whether a certificate stays, given the requested names.
    fn spares(self, old: &CertificateInfo, names: &[TlsName]) -> bool {
        let validity = old.validity(Timestamp::now());
        match self {
            Self::IfExpired => validity != Validity::Expired,
            Self::IfNeeded => validity == Validity::Good && names.iter().all(|name| old.names.contains(name)),
            Self::Forced => false,
        }
    }
}

impl Authority {
    /// Returns the authority of `dir`, whether its files exist or not.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// File of the authority's certificate, with which clients verify the server.
    pub(crate) fn ca_path(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// File of the server's certificate.
    pub(crate) fn certificate_path(&self) -> PathBuf {
        self.dir.join("server.pem")
    }

    /// File of the server's private key.
    pub(crate) fn key_path(&self) -> PathBuf {
        self.dir.join("server.key")
    }

    /// Reads the authority's certificate.
    ///
    /// # Errors
    /// Names the file.
    pub(crate) fn facts(&self) -> anyhow::Result<CertificateInfo> {
        facts_of(&self.ca_path())
    }

    /// Reads the server's certificate.
    ///
    /// # Errors
    /// Names the file.
    pub(crate) fn certificate_facts(&self) -> anyhow::Result<CertificateInfo> {
        facts_of(&self.certificate_path())
    }

    /// File of the authority's private key.
    pub(crate) fn ca_key_path(&self) -> PathBuf {
        self.dir.join("ca.key")
    }

    /// Makes the authority and the server certificate if they are missing, for the machine's names and `names`. An
    /// existing certificate does not change. Blocks while another process does the same.
    ///
    /// # Errors
    /// Names the file or directory that cannot be read or written.
    pub(crate) fn ensure(&self, names: &[TlsName]) -> anyhow::Result<()> {
        let _lock = files::lock_dir(&self.dir)?;
        if !self.certificate_path().try_exists()? {
            self.issue(&with_machine_names(names))?;
        }
        Ok(())
    }

    /// Makes a new server certificate with the existing authority; makes the authority too if there is none. Without
    /// `names` it has those of the old certificate. Returns `false` if the old certificate stays, as `renewal` says.
    ///
    /// # Errors
    /// Names the file or directory that cannot be read or written.
    pub(crate) fn renew(&self, names: &[TlsName], renewal: Renewal) -> anyhow::Result<bool> {
        let _lock = files::lock_dir(&self.dir)?;
        let old = if self.certificate_path().try_exists()? { Some(self.certificate_facts()) } else { None };
        if matches!(&old, Some(Ok(old)) if renewal.spares(old, names)) {
            return Ok(false);
        }
        match old {
            Some(Ok(old)) if names.is_empty() && !old.names.is_empty() => self.issue(&old.names)?,
            _ => self.issue(&with_machine_names(names))?,
        }
        Ok(true)
    }

    fn issue(&self, names: &[TlsName]) -> anyhow::Result<()> {
        let (ca, ca_key) = self.ca()?;
        let ca_facts = CertificateInfo::of(&ca)?;
        if ca_facts.validity(Timestamp::now()) == Validity::Expired {
            bail!("the authority {} has expired; move that directory away to make a new one", self.ca_path().display());
        }
        let issuer = Issuer::from_ca_cert_der(&ca, ca_key)
            .with_context(|| format!("{} is no usable authority", self.ca_path().display()))?;
        let key = key(&self.key_path())?;
        let mut params = params(SERVER_LIFE.min(until(ca_facts.not_after)))?;
        params.distinguished_name.push(DnType::CommonName, "Parlor server");
        params.subject_alt_names = names.iter().map(subject_alt_name).collect::<anyhow::Result<_>>()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &issuer).context("cannot sign the server certificate")?;
        files::replace(&self.certificate_path(), &certificate.pem(), CERTIFICATE_MODE)
    }

    /// Returns the authority's certificate and key. Makes them if there is no certificate.
    fn ca(&self) -> anyhow::Result<(CertificateDer<'static>, KeyPair)> {
        let path = self.ca_path();
        if path.try_exists()? {
            if !self.ca_key_path().try_exists()? {
                bail!("{} is missing: without it {} signs nothing", self.ca_key_path().display(), path.display());
            }
            return Ok((first_certificate(&path)?, key(&self.ca_key_path())?));
        }
        let key = key(&self.ca_key_path())?;
        let mut params = params(AUTHORITY_LIFE)?;
        // Two authorities with the same name would confuse clients that know both.
        let name = format!("Parlor private CA {:08x}", u32::from_be_bytes(random()?));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).context("cannot sign the authority's certificate")?;
        files::replace(&path, &certificate.pem(), CERTIFICATE_MODE)?;
        Ok((certificate.into(), key))
    }
}

/// Reads the first certificate in a PEM file.
///
/// # Errors
/// Names the file.
pub(crate) fn facts_of(path: &Path) -> anyhow::Result<CertificateInfo> {
    CertificateInfo::of(&first_certificate(path)?).with_context(|| path.display().to_string())
}

fn first_certificate(path: &Path) -> anyhow::Result<CertificateDer<'static>> {
    let mut all = pem::certificates(path)?;
    // There is at least one.
    Ok(all.swap_remove(0))
}

/// Returns the key in the file. Makes one if the file does not exist.
fn key(path: &Path) -> anyhow::Result<KeyPair> {
    if path.try_exists()? {
        return KeyPair::from_pem(&files::read(path)?)
            .with_context(|| format!("{} holds no usable private key", path.display()));
    }
    let key = KeyPair::generate().context("cannot make a key")?;
    files::replace(path, &key.serialize_pem(), KEY_MODE)?;
    Ok(key)
}

/// Returns the common parameters of all certificates: a validity that begins one hour ago, and a random serial number.
fn params(life: Duration) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    let now = rcgen::date_time_ymd(1970, 1, 1) + until_from(Timestamp::UNIX_EPOCH, Timestamp::now());
    params.not_before = now - BACKDATED;
    params.not_after = now + life;
    let mut serial: [u8; 16] = random()?;
    // A positive number whose first byte is not zero has one encoding.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = rcgen::DistinguishedName::new();
    Ok(params)
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    let fill = aws_lc_rs::default_provider().secure_random.fill(&mut bytes);
    fill.ok().context("the system gives no random numbers")?;
    Ok(bytes)
}

fn until(end: Timestamp) -> Duration {
    until_from(Timestamp::now(), end)
}

/// Returns the whole seconds from `start` to `end`, zero if `end` is earlier.
fn until_from(start: Timestamp, end: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(end.duration_since(start).as_secs()).unwrap_or(0))
}

fn subject_alt_name(name: &TlsName) -> anyhow::Result<SanType> {
    Ok(match name {
        TlsName::Ip(address) => SanType::IpAddress(*address),
        TlsName::Dns(name) => SanType::DnsName(name.as_str().try_into().context("a DNS name is not ASCII")?),
    })
}

fn with_machine_names(names: &[TlsName]) -> Vec<TlsName> {
    let mut all = TlsName::of_machine();
    for name in names {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}
