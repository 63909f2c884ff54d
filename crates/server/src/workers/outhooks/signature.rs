//! Signs what is posted: HMAC-SHA256 (RFC 2104). It must not see where the signature goes.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes that SHA-256 takes at a time.
const BLOCK_BYTES: usize = 64;

/// The HMAC-SHA256 of a message, in hexadecimal digits.
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    if key.len() > BLOCK_BYTES {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| Zeroizing::new(block.map(|byte| byte ^ pad));
    let inner = Sha256::new_with_prefix(*padded(0x36)).chain_update(message).finalize();
    let outer = Sha256::new_with_prefix(*padded(0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1, 2, 6 and 7.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let long = "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed \
                    before being used by the HMAC algorithm.";
        for (key, message, tag) in [
            (&[0x0b; 20][..], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (&[0xaa; 131], long, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
        ] {
            assert_eq!(hmac_sha256(key, message.as_bytes()), tag, "{message}");
        }
    }
}
