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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::version::{TLS12, TLS13};
    use rustls::{ClientConnection, ServerConfig, ServerConnection, SupportedProtocolVersion};

    use super::*;

    fn for_den() -> CertificateParams {
        CertificateParams::new(vec!["den".to_owned()]).unwrap()
    }

    fn as_authority(mut params: CertificateParams, name: &str) -> CertificateParams {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    /// An authority of this name, and its certificate as PEM.
    fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
        let (params, key) = (as_authority(CertificateParams::default(), name), KeyPair::generate().unwrap());
        let pem = params.self_signed(&key).unwrap().pem();
        (Issuer::new(params, key), pem)
    }

    /// Writes a file of authorities.
    fn file(pem: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        file
    }

    /// Why the authorities in a file refuse a certificate as that of the server den, if they do.
    fn refused(pem: &str, shown: &CertificateDer<'_>) -> Option<CertificateFault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let rule = Rule::Delegate(from_file(file(pem).path(), &provider).unwrap());
        let verifier = Verifier { rule, algorithms: provider.signature_verification_algorithms };
        let name = "den".try_into().unwrap();
        let error = verifier.verify_server_cert(shown, &[], &name, &[], UnixTime::now()).err()?;
        let Error::InvalidCertificate(CertificateError::Other(other)) = error else { panic!("{error}") };
        let untrusted = other.0.downcast_ref::<Untrusted>().unwrap();
        assert_eq!(untrusted.presented, Pin::of_certificate(shown).unwrap());
        Some(untrusted.fault.clone())
    }

    #[test]
    fn each_authority_of_a_file_counts_whatever_else_is_in_it() {
        let [(one, one_pem), (two, two_pem), (three, _)] = ["one", "two", "three"].map(authority);
        let key = KeyPair::generate().unwrap();
        let pem = format!("{one_pem}\n{}some words\n{two_pem}", key.serialize_pem());
        let judge = |issuer: &Issuer<'_, KeyPair>| refused(&pem, for_den().signed_by(&key, issuer).unwrap().der());
        assert_eq!([judge(&one), judge(&two)], [None, None]);
        assert_eq!(judge(&three), Some(CertificateFault::UnknownIssuer));
        let none = Trust::Ca(file(&key.serialize_pem()).path().to_owned()).client_config().unwrap_err();
        assert!(none.to_string().ends_with(": it holds no PEM certificate"), "{none}");
    }

    #[test]
    fn an_authority_is_no_server_even_where_it_is_trusted() {
        let key = KeyPair::generate().unwrap();
        let both = as_authority(for_den(), "both").self_signed(&key).unwrap();
        assert_eq!(refused(&both.pem(), both.der()), Some(CertificateFault::Authority));
    }

    /// How a client that trusts the key of a certificate fares with a server that shows it, and has this key.
    fn handshake(
        shown: &CertificateDer<'static>,
        key: &KeyPair,
        version: &'static SupportedProtocolVersion,
    ) -> Result<(), Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![shown.clone()], key))));
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        let trust = Trust::Pin(Pin::of_certificate(shown).unwrap());
        let mut client = ClientConnection::new(trust.client_config().unwrap(), "den".try_into().unwrap()).unwrap();
        while client.is_handshaking() {
            let (mut there, mut back) = (Vec::new(), Vec::new());
            while client.wants_write() {
                client.write_tls(&mut there).unwrap();
            }
            let mut there = there.as_slice();
            while !there.is_empty() {
                server.read_tls(&mut there).unwrap();
                server.process_new_packets()?;
            }
            while server.wants_write() {
                server.write_tls(&mut back).unwrap();
            }
            let mut back = back.as_slice();
            while !back.is_empty() {
                client.read_tls(&mut back).unwrap();
                client.process_new_packets()?;
            }
        }
        Ok(())
    }

    #[test]
    fn a_pinned_certificate_is_worth_nothing_without_its_key() {
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let shown = for_den().self_signed(&key).unwrap().der().clone();
        for version in [&TLS12, &TLS13] {
            assert_eq!(handshake(&shown, &key, version), Ok(()));
            let forged = handshake(&shown, &other, version);
            assert_eq!(forged, Err(CertificateError::BadSignature.into()), "{version:?}");
        }
    }
}
