//! Gives new connections the current certificate, and replaces it without a pause. It must not make certificates.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::CertificateInfo;
use super::material::{Loaded, Source};
use super::name::TlsName;

/// Gives every client the same certificate, for any requested name. Takes no lock.
#[derive(Debug)]
pub(crate) struct Resolver {
    source: Source,
    current: ArcSwap<Current>,
}

/// The certificate of new connections.
#[derive(Debug)]
struct Current {
    key: Arc<CertifiedKey>,
    facts: CertificateInfo,
}

impl Current {
    fn new(loaded: Loaded) -> Self {
        Self { key: Arc::new(loaded.key), facts: loaded.facts }
    }
}

impl Resolver {
    pub(super) fn new(source: Source, first: Loaded) -> Self {
        Self { source, current: ArcSwap::from_pointee(Current::new(first)) }
    }

    /// The names that the certificate is valid for. Takes no lock.
    pub(crate) fn names(&self) -> Vec<TlsName> {
        self.current.load().facts.names.clone()
    }

    /// The files of the certificate and of its key.
    pub(super) fn files(&self) -> [&Path; 2] {
        [&self.source.chain, &self.source.key]
    }

    /// Logs a warning if the certificate ends within 30 days, and an error if it is not valid now.
    pub(super) fn warn_of_end(&self) {
        self.source.tell_end(&self.current.load().facts);
    }

    /// The last second in which the certificate is valid. Takes no lock.
    pub(crate) fn not_after(&self) -> Timestamp {
        self.current.load().facts.not_after
    }

    /// Reads the files again. New connections get the new certificate; existing connections do not change. If the files
    /// are bad or the certificate has expired, the old one stays. Logs the result in both cases.
    pub(crate) fn reload(&self) {
        match self.source.load_valid() {
            Ok(loaded) => {
                tracing::info!(not_after = %loaded.facts.not_after, pin = %loaded.facts.pin, "certificate reloaded");
                self.current.store(Arc::new(Current::new(loaded)));
            }
            Err(error) => tracing::error!("the certificate stays as it was: {error:#}"),
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load().key.clone())
    }
}
