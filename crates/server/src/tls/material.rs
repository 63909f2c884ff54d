//! Loads the certificate that clients see, as the settings say. It must not talk to clients.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority::Authority;
use super::certificate::{CertificateInfo, Validity};
use super::files;
use super::name::TlsName;
use super::resolver::Resolver;
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
    /// for an expiry within 30 days, a key that other users can read, and each missing name; an error for an expired
    /// one.
    ///
    /// # Errors
    /// One line that names the file that is missing or wrong.
    pub(crate) fn open(certificate: &CertificateFiles, names: &[TlsName]) -> anyhow::Result<Self> {
        let source = match certificate {
            CertificateFiles::Own { chain, key } => Source { chain: chain.clone(), key: key.clone() },
            CertificateFiles::Made { dir } => Source::made(&Authority::in_dir(dir), names)?,
        };
        let loaded = source.load()?;
        for warning in source.warnings(&loaded.facts, names) {
            tracing::warn!("{warning}");
        }
        if loaded.facts.validity(Timestamp::now()) == Validity::Expired {
            tracing::error!("{}", source.expired());
        }
        let ca_path = match certificate {
            CertificateFiles::Own { .. } => None,
            CertificateFiles::Made { dir } => Some(Authority::in_dir(dir).ca_path()),
        };
        Ok(Self { resolver: Arc::new(Resolver::new(source, loaded.key)), ca_path, facts: loaded.facts })
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
        let chain = self.read_chain()?;
        let key = zeroize::Zeroizing::new(files::read(&self.key)?);
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .with_context(|| format!("{} holds no private key in PEM", self.key.display()))?;
        let facts = CertificateInfo::of(&chain[0]).with_context(|| self.chain.display().to_string())?;
        let key = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).with_context(|| {
            format!("the key {} and the certificate {} do not fit", self.key.display(), self.chain.display())
        })?;
        Ok(Loaded { key, facts })
    }

    /// Returns the certificates of the chain, at least one.
    fn read_chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let text = files::read(&self.chain)?;
        let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let chain = chain.with_context(|| format!("{} is no valid PEM", self.chain.display()))?;
        if chain.is_empty() {
            bail!("{} holds no certificate in PEM", self.chain.display());
        }
        Ok(chain)
    }

    /// Like [`Source::load`], but an expired certificate is an error too.
    pub(super) fn load_valid(&self) -> anyhow::Result<Loaded> {
        let loaded = self.load()?;
        match loaded.facts.validity(Timestamp::now()) {
            Validity::Expired => bail!("{}", self.expired()),
            Validity::Good | Validity::Ending(_) => Ok(loaded),
        }
    }

    fn expired(&self) -> String {
        format!("the certificate {} has expired; clients that verify it will not connect", self.chain.display())
    }

    fn warnings(&self, facts: &CertificateInfo, names: &[TlsName]) -> Vec<String> {
        let mut warnings = Vec::new();
        let chain = self.chain.display();
        if files::is_open_to_others(&self.key) {
            let key = self.key.display();
            warnings.push(format!("others than its owner can read the private key {key}; mend it by: chmod 600 {key}"));
        }
        if let Validity::Ending(days) = facts.validity(Timestamp::now()) {
            warnings.push(format!("the certificate {chain} ends in {days} days, at {}", facts.not_after));
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
