//! Which servers the client trusts: exactly one rule per connection, and no rule that trusts every server. It must not
//! open connections.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use crate::error::{CertificateFault, TrustError, Untrusted};
use crate::pin::Pin;

/// How a server proves its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A certificate for its name, issued by an authority in this PEM file.
    Ca(PathBuf),
    /// The key with this pin. The names and dates of its certificate do not matter then.
    Pin(Pin),
    /// A certificate for its name, issued by an authority that this system trusts.
    System,
}

impl Trust {
    /// The TLS settings for connections under this rule. Reads files, so it blocks.
    ///
    /// # Errors
    /// If the authorities cannot be read.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let rule = match self {
            Self::Ca(path) => Rule::Delegate(from_file(path, &provider)?),
            Self::Pin(pin) => Rule::Pin(*pin),
            Self::System => Rule::Delegate(from_system(&provider)?),
        };
        let verifier = Verifier { rule, algorithms: provider.signature_verification_algorithms };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TrustError::Tls)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn from_file(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    let unreadable = |reason: String| TrustError::CaFile { path: path.to_owned(), reason };
    let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it holds no PEM certificate".to_owned()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    Ok(verifier.map_err(|error| unreadable(error.to_string()))?)
}

fn from_system(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TrustError> {
    let verifier = rustls_platform_verifier::Verifier::new(provider.clone()).map_err(TrustError::System)?;
    Ok(Arc::new(verifier))
}

#[derive(Debug)]
enum Rule {
    Delegate(Arc<dyn ServerCertVerifier>),
    Pin(Pin),
}

/// Applies the rule, and adds the presented pin to an error, since users need the pin to fix the error. The signature
/// of the handshake always proves that the server holds the key.
#[derive(Debug)]
struct Verifier {
    rule: Rule,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let presented = Pin::of_certificate(end_entity)?;
        let fault = match &self.rule {
            Rule::Pin(pin) if *pin == presented => return Ok(ServerCertVerified::assertion()),
            Rule::Pin(_) => CertificateFault::OtherPin,
            Rule::Delegate(verifier) => {
                match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
                    Ok(verified) => return Ok(verified),
                    Err(error) => CertificateFault::from(error),
                }
            }
        };
        let untrusted = Untrusted { presented, fault };
        Err(CertificateError::Other(OtherError(Arc::new(untrusted))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
