//! Fingerprints of public keys. It must not decide which servers are trusted.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SCHEME: &str = "sha256:";

/// SHA-256 of the SubjectPublicKeyInfo of a certificate, written `sha256:<base64>`. It stays valid for later
/// certificates with the same key.
#[derive(Debug, Clone, Copy)]
pub struct Pin([u8; 32]);

/// The text is not a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pin is sha256: and the SHA-256 of the server's public key in base64 or hexadecimal digits")]
pub struct PinError;

impl Pin {
    /// The pin of the key that `certificate` carries.
    ///
    /// # Errors
    /// If it is not an X.509 certificate.
    pub fn of_certificate(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self(Sha256::digest(key.as_ref()).into()))
    }
}

impl PartialEq for Pin {
    /// Takes the same time wherever the two pins differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pin {}

impl fmt::Display for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SCHEME}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let scheme = text.get(..SCHEME.len()).filter(|scheme| scheme.eq_ignore_ascii_case(SCHEME)).ok_or(PinError)?;
        let digest = &text[scheme.len()..];
        let bytes = match digest.len() {
            64 => from_hex(digest)?,
            _ => STANDARD_NO_PAD.decode(digest.trim_end_matches('=')).map_err(|_| PinError)?,
        };
        bytes.try_into().map(Self).map_err(|_| PinError)
    }
}

fn from_hex(digits: &str) -> Result<Vec<u8>, PinError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(PinError);
    // Two digits make a number below 256.
    digits.as_bytes().chunks(2).map(|pair| Ok((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;

    const HEX: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const BASE64: &str = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn both_notations_are_the_same_pin() {
        let pin: Pin = HEX.parse().unwrap();
        assert_eq!(pin.to_string(), BASE64);
        for text in [BASE64, BASE64.trim_end_matches('='), &HEX.replace("sha", "SHA"), &HEX.replace('c', "C")] {
            assert_eq!(text.parse::<Pin>(), Ok(pin), "{text}");
        }
    }

    #[test]
    fn one_bit_makes_another_pin() {
        assert_ne!(HEX.parse::<Pin>().unwrap(), HEX.replace("855", "854").parse().unwrap());
    }

    #[test]
    fn what_is_no_pin() {
        for text in ["", "sha256:", "sha1:47DEQpj8", &BASE64[7..], &BASE64[..40], &HEX.replace("e3", "g3"), "sha256:é"]
        {
            assert_eq!(text.parse::<Pin>(), Err(PinError), "{text}");
        }
    }

    #[test]
    fn a_pin_is_of_the_key_whatever_else_its_certificate_says() {
        let certificate = |key: &KeyPair, name: &str| {
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.self_signed(key).unwrap().der().clone()
        };
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let pin = |key: &KeyPair, name: &str| Pin::of_certificate(&certificate(key, name)).unwrap();
        let digest: [u8; 32] = Sha256::digest(key.subject_public_key_info()).into();
        assert_eq!([pin(&key, "old.example"), pin(&key, "new.example")], [Pin(digest); 2]);
        assert_ne!(pin(&other, "old.example"), Pin(digest));
        assert!(Pin::of_certificate(&CertificateDer::from(vec![0; 40])).is_err());
    }
}
