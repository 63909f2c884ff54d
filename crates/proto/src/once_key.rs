//! The key by which a client sends something at most once. It must not know what was sent with it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest key, in bytes.
const MAX_BYTES: usize = 64;

/// A key of 1 to 64 characters of `A-Za-z0-9_-`, chosen by the client. Unlike names, keys keep their case. Cheap to
/// clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnceKey(Arc<str>);

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnceKeyError;

impl FromStr for OnceKey {
    type Err = OnceKeyError;

    fn from_str(text: &str) -> Result<Self, OnceKeyError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let is_key = !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(is_plain);
        if is_key { Ok(Self(text.into())) } else { Err(OnceKeyError) }
    }
}

impl OnceKey {
    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OnceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_plain() {
        for text in ["a", "A-b_9", "_", &"x".repeat(64)] {
            assert_eq!(text.parse::<OnceKey>().unwrap().as_str(), text);
        }
        for text in ["", "a b", "é", "a.b", &"x".repeat(65)] {
            assert_eq!(text.parse::<OnceKey>(), Err(OnceKeyError), "{text}");
        }
    }
}
