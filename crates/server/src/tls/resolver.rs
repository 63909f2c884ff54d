//! Gives new connections the current certificate, and replaces it without a pause. It must not make certificates.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::material::Source;

/// Gives every client the same certificate, for any requested name. Takes no lock.
#[derive(Debug)]
pub(crate) struct Resolver {
    source: Source,
    current: ArcSwap<CertifiedKey>,
}

impl Resolver {
    pub(super) fn new(source: Source, first: CertifiedKey) -> Self {
        Self { source, current: ArcSwap::from_pointee(first) }
    }

    /// Reads the files again. New connections get the new certificate; existing connections do not change. If the files
    /// are bad or the certificate has expired, the old one stays. Logs the result in both cases.
    pub(crate) fn reload(&self) {
        match self.source.load_valid() {
            Ok(loaded) => {
                self.current.store(Arc::new(loaded.key));
                tracing::info!(not_after = %loaded.facts.not_after, pin = %loaded.facts.pin, "certificate reloaded");
            }
            Err(error) => tracing::error!("the certificate stays as it was: {error:#}"),
        }
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}
