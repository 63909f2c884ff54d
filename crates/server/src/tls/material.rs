//! Loads the certificate that clients see, as the settings say. It must not talk to clients.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::authority::Authority;
use super::certificate::{self, CertificateInfo, Validity};
use super::name::TlsName;
use super::resolver::Resolver;
use super::{files, pem};
use crate::settings::CertificateFiles;

/// The server's certificate, ready for connections.
#[derive(Debug)]
pub(crate) struct Material {
    /// Gives new connections the certificate.
    pub(crate) resolver: Arc<Resolver>,
    /// The CA file with which clients verify the server, if our private authority signed the certificate.
    pub(crate) ca_path: Option<PathBuf>,
    /// The facts of the certificate.
    pub(crate) facts: CertificateInfo,
}

impl Material {
    /// Loads the certificate; on first start makes a private authority and a certificate for `names`. Logs a warning
    /// for an expiry within 30 days, a key that other users can read, a certificate that clients may refuse, and each
    /// missing name; an error for one that is not valid now.
    ///
    /// # Errors
    /// One line that names the file that is missing or wrong.
    pub(crate) fn open(certificate: &CertificateFiles, names: &[TlsName]) -> anyhow::Result<Self> {
        let source = match certificate {
            CertificateFiles::Own { chain, key } => Source { chain: chain.clone(), key: key.clone() },
            CertificateFiles::Made { dir } => Source::made(&Authority::in_dir(dir), names)?,
        };
        let loaded = source.load()?;
        for warning in source.warnings(&loaded, names) {
            tracing::warn!("{warning}");
        }
        source.tell_end(&loaded.facts);
        let ca_path = match certificate {
            CertificateFiles::Own { .. } => None,
            CertificateFiles::Made { dir } => Some(Authority::in_dir(dir).ca_path()),
        };
        let facts = loaded.facts.clone();
        Ok(Self { resolver: Arc::new(Resolver::new(source, loaded)), ca_path, facts })
    }
}

/// The two files that the server reads at start and at each reload.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

/// A certificate with its key and its facts.
pub(super) struct Loaded {
    pub(super) key: CertifiedKey,
    pub(super) facts: CertificateInfo,
}

impl Source {
    fn made(authority: &Authority, names: &[TlsName]) -> anyhow::Result<Self> {
        authority.ensure(names)?;
        Ok(Self { chain: authority.certificate_path(), key: authority.key_path() })
    }

    /// Reads both files and checks that they belong together.
    pub(super) fn load(&self) -> anyhow::Result<Loaded> {
        let chain = pem::certificates(&self.chain)?;
        let key = pem::private_key(&self.key)?;
        // A chain has at least one certificate.
        let facts = CertificateInfo::of(&chain[0]).with_context(|| self.chain.display().to_string())?;
        let key = aws_lc_rs::default_provider()
            .key_provider
            .load_private_key(key)
            .with_context(|| format!("the private key {} is of a kind that TLS does not use", self.key.display()))?;
        let loaded = CertifiedKey::new(chain, key);
        self.check_fit(&loaded)?;
        Ok(Loaded { key: loaded, facts })
    }

    /// Checks that the key is that of the first certificate.
    fn check_fit(&self, loaded: &CertifiedKey) -> anyhow::Result<()> {
        let (key, chain) = (self.key.display(), self.chain.display());
        let fits = |certificate: &CertificateDer<'static>| {
            CertifiedKey::new(vec![certificate.clone()], loaded.key.clone()).keys_match()
        };
        match loaded.keys_match() {
            // Some keys do not tell their public part.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(()),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                match loaded.cert.iter().position(|certificate| fits(certificate).is_ok()) {
                    Some(position) => bail!(
                        "the certificates in {chain} are in the wrong order: the server's is number {}; put it first, \
                         and after each the one that issued it",
                        position + 1
                    ),
                    None => bail!("the private key {key} is not the key of the certificate {chain}"),
                }
            }
            Err(error) => Err(error).with_context(|| format!("the certificate {chain} cannot be used")),
        }
    }

    /// Like [`Source::load`], but a certificate that is not valid now is an error too.
    pub(super) fn load_valid(&self) -> anyhow::Result<Loaded> {
        let loaded = self.load()?;
        match self.out_of_date(&loaded.facts) {
            Some(problem) => bail!("{problem}"),
            None => Ok(loaded),
        }
    }

    /// Says why clients refuse the certificate at this time, if they do.
    fn out_of_date(&self, facts: &CertificateInfo) -> Option<String> {
        let (now, chain) = (Timestamp::now(), self.chain.display());
        let dated = match facts.validity(now) {
            Validity::Expired => format!("has expired at {}", facts.not_after),
            Validity::Early => format!("is not valid before {}", facts.not_before),
            Validity::Good | Validity::Ending(_) => return None,
        };
        Some(format!(
            "the certificate {chain} {dated}, and the clock of this machine says {now:.0}; clients that verify it will \
             not connect: renew it, or set the clock"
        ))
    }

    /// Logs a warning of a certificate that ends within 30 days, and an error of one that is not valid now.
    pub(super) fn tell_end(&self, facts: &CertificateInfo) {
        if let Some(problem) = self.out_of_date(facts) {
            tracing::error!("{problem}");
        }
        if let Validity::Ending(days) = facts.validity(Timestamp::now()) {
            let chain = self.chain.display();
            tracing::warn!("the certificate {chain} ends {}, at {}", certificate::in_days(days), facts.not_after);
        }
    }

    fn warnings(&self, Loaded { key, facts }: &Loaded, names: &[TlsName]) -> Vec<String> {
        let mut warnings = Vec::new();
        if facts.is_authority {
            warnings.push(format!(
                "the certificate {} is marked as an authority (CA:TRUE), so parlor connect and others refuse it unless \
                 they get --pin {}; make it again with: openssl req -x509 … -addext basicConstraints=critical,CA:FALSE",
                self.chain.display(),
                facts.pin
            ));
        }
        if let Some(number) = certificate::misplaced(&key.cert) {
            warnings.push(format!(
                "the certificates in {} are in the wrong order: number {number} did not issue the one before it; some \
                 clients will not connect",
                self.chain.display()
            ));
        }
        let chain = self.chain.display();
        if files::is_open_to_others(&self.key) {
            let key = self.key.display();
            warnings.push(format!("others than its owner can read the private key {key}; mend it by: chmod 600 {key}"));
        }
        for name in names.iter().filter(|name| !facts.names.contains(name)) {
            warnings.push(format!(
                "the certificate {chain} does not name {name}; if it was made by parlor, renew it by: \
                 parlor cert init --force --tls-name {name}"
            ));
        }
        warnings
    }
}
