//! The pin with which a client recognises a server's key without an authority. It must not read files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Returns `sha256:` and the Base64 of the SHA-256 of a certificate's SubjectPublicKeyInfo in DER.
pub(super) fn of_public_key(subject_public_key_info: &[u8]) -> String {
    format!("sha256:{}", STANDARD.encode(Sha256::digest(subject_public_key_info)))
}
