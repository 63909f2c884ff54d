//! The server's side of TLS: its certificate, the certificate's origin, and its replacement while clients are
//! connected. It must not open sockets or know what a connection carries.

mod authority;
mod certificate;
mod files;
mod material;
mod name;
mod pem;
mod pin;
mod resolver;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use anyhow::Context;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ServerConfig};

pub(crate) use authority::{Authority, Renewal, facts_of};
pub(crate) use certificate::{CertificateInfo, Validity, in_days};
pub(crate) use material::Material;
pub(crate) use name::TlsName;
pub(crate) use resolver::Resolver;
pub(crate) use watch::CertificateWatch;

/// Number of tickets that a client gets after its handshake. Each is a record to send, and resumes one connection.
const TICKETS: usize = 1;

/// The name of HTTP/1.1 in ALPN (RFC 7301).
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";

/// The configurations of all connections. The process has them for its whole life. A session that one of them began
/// can be resumed by the other.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfigs {
    /// Agrees on no protocol, whatever the client offers: for lines, and for HTTP of clients that do not offer it.
    pub(crate) without_alpn: Arc<ServerConfig>,
    /// Agrees on HTTP/1.1. rustls refuses a client that offers only other protocols, so this one is for clients that
    /// offer it.
    pub(crate) http: Arc<ServerConfig>,
}

impl TlsConfigs {
    /// Makes the configurations: TLS 1.3 and 1.2, stateless tickets, no early data (it could be replayed). `resolver`
    /// provides new certificates.
    ///
    /// # Errors
    /// The system gives no random numbers for the ticket keys.
    pub(crate) fn new(resolver: Arc<Resolver>) -> anyhow::Result<Self> {
        let without_alpn = server_config(resolver)?;
        let mut http = without_alpn.clone();
        http.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self { without_alpn: Arc::new(without_alpn), http: Arc::new(http) })
    }
}

fn server_config(resolver: Arc<Resolver>) -> anyhow::Result<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).context("TLS 1.3 and 1.2 are not available")?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.ticketer = aws_lc_rs::Ticketer::new().context("cannot make keys for session tickets")?;
    config.send_tls13_tickets = TICKETS;
    config.ignore_client_order = true;
    Ok(config)
}

/// Returns the library's default algorithms, with the cheapest suite first. Nobody breaks AES with 128-bit keys, and
/// the handshakes of the 256-bit AES suites hash with SHA-384, for which processors have no instructions.
fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}
