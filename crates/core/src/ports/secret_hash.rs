//! The hash of a secret that the server made up: a ticket, the code of an invitation. It must not see where the secret is used.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 hash of a secret. A secret is random, so nothing slower is needed. It is not printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// A stored hash.
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A stored hash in hexadecimal digits; none if it is none.
    pub fn read(digits: &str) -> Option<Self> {
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The hash in hexadecimal digits. Only for the store.
    pub fn expose(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What names the secret: the first bytes of the hash, which say nothing about the secret.
    pub fn number(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, &'static str> {
        Self::read(&digits).ok_or("no hash of a secret")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> String {
        hash.expose()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_was_written_and_says_its_number() {
        let hash = SecretHash::of("abc");
        assert_eq!(hash.expose(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash.number(), 0xba78_16bf);
        assert_eq!(SecretHash::read(&hash.expose()), Some(hash.clone()));
        assert!(hash.matches(&hash.clone()) && !hash.matches(&SecretHash::of("abd")));
        assert_eq!(SecretHash::read("ba78"), None);
        assert!(!format!("{hash:?}").contains("ba78"));
    }

    #[test]
    fn what_is_no_hash_is_not_read() {
        let hash = SecretHash::of("abc").expose();
        assert_eq!(SecretHash::read(&hash.to_uppercase()), Some(SecretHash::of("abc")));
        // Signs are read by the parser of numbers, and a letter may have several bytes.
        let others = ["+f".repeat(32), "é".repeat(32), format!("{}g", &hash[1..]), format!("{hash}0"), String::new()];
        for other in others {
            assert_eq!(SecretHash::read(&other), None, "{other}");
        }
    }

    #[test]
    fn in_json_it_is_its_digits() {
        let (hash, digits) = (SecretHash::of("abc"), SecretHash::of("abc").expose());
        assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{digits}\""));
        assert_eq!(serde_json::from_str::<SecretHash>(&format!("\"{digits}\"")).unwrap(), hash);
        assert!(serde_json::from_str::<SecretHash>("\"ba78\"").is_err());
    }

    #[test]
    fn hashes_of_one_number_do_not_match() {
        let (hash, mut bytes) = (SecretHash::of("abc"), [0; 32]);
        bytes[..4].copy_from_slice(&hash.number().to_be_bytes());
        let other = SecretHash::stored(bytes);
        assert!(other.number() == hash.number() && !other.matches(&hash));
    }
}
