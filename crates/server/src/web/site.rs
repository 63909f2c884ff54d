//! What all connections of the web door share: its hosts, its files, its authority, the paces of hooks. It must not hold the state of a
//! single connection.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_web::origin::{AllowedHosts, Host};
use parlor_web::response::Response;

use super::assets::Assets;
use super::hook_pace::HookPaces;
use crate::tls::{Resolver, TlsName};

/// The web door of this server.
#[derive(Debug)]
pub(crate) struct Site {
    resolver: Arc<Resolver>,
    public_names: Vec<TlsName>,
    authority: Option<PathBuf>,
    assets: Assets,
    hook_paces: HookPaces,
}

impl Site {
    /// The door of a server with the certificate of `resolver`. Requests may name its hosts and `public_names`.
    /// `authority` is the file of the private authority, if that signed the certificate.
    pub(crate) fn new(resolver: Arc<Resolver>, public_names: Vec<TlsName>, authority: Option<PathBuf>) -> Self {
        Self { resolver, public_names, authority, assets: Assets::embedded(), hook_paces: HookPaces::default() }
    }

    /// Whether a request may name this host. The names of the certificate change when it is loaded again.
    pub(super) fn is_host(&self, host: &Host) -> bool {
        let (mut names, mut addresses) = (Vec::new(), Vec::new());
        for name in self.resolver.names().into_iter().chain(self.public_names.iter().cloned()) {
            match name {
                TlsName::Dns(name) => names.push(name),
                TlsName::Ip(address) => addresses.push(address),
            }
        }
        AllowedHosts::new(names, addresses).allows(host)
    }

    /// Adds what each response of this site has. A browser must not insist on a certificate that it does not trust yet.
    pub(super) fn finish(&self, response: Response) -> Response {
        if self.authority.is_some() { response } else { response.strict_transport_security() }
    }

    /// The file of the private authority, if that signed the certificate.
    pub(super) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// How fast programs may speak.
    pub(super) fn hook_paces(&self) -> &HookPaces {
        &self.hook_paces
    }

    /// The files of the page.
    pub(super) fn assets(&self) -> &Assets {
        &self.assets
    }
}
