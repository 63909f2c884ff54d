//! Reads certificates and keys from PEM files, and says what else a file holds. It must not judge certificates.

use std::path::Path;

use anyhow::{Context, bail};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

/// First byte of every certificate and key in DER.
const DER_SEQUENCE: u8 = 0x30;

/// Returns the certificates of a file, at least one.
///
/// # Errors
/// Names the file, and says what it holds instead.
pub(super) fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let shown = path.display();
    let text = read(path, "x509")?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.with_context(|| format!("{shown} is no valid PEM"))?;
    if chain.is_empty() {
        let swapped = if text.contains("PRIVATE KEY-----") { ", but a private key" } else { "" };
        bail!("{shown} holds no certificate in PEM{swapped}");
    }
    Ok(chain)
}

/// Returns the private key of a file.
///
/// # Errors
/// Names the file, and says what it holds instead.
pub(super) fn private_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let shown = path.display();
    let text = Zeroizing::new(read(path, "pkey")?);
    // The two forms of encrypted keys, of PKCS #8 and of OpenSSL.
    if ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"].iter().any(|mark| text.contains(mark)) {
        bail!(
            "the private key {shown} is encrypted, and the server has no pass phrase; decrypt it by: openssl pkey -in \
             {shown} -out plain.key"
        );
    }
    let swapped = if text.contains("-----BEGIN CERTIFICATE-----") { ", but a certificate" } else { "" };
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .with_context(|| format!("{shown} holds no private key in PEM{swapped}"))
}

/// Reads the text of a PEM file. `tool` is the command of openssl that converts such files.
fn read(path: &Path, tool: &str) -> anyhow::Result<String> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
    if bytes.first() == Some(&DER_SEQUENCE) {
        bail!("{shown} is in DER, not in PEM; convert it by: openssl {tool} -inform DER -in {shown} -out {shown}.pem");
    }
    // Text around the PEM may have any encoding.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
