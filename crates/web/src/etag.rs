//! The tag of a version of a resource (`ETag`). It must not say how it is computed.

use std::fmt::{self, Write};

/// A tag, such as `"5f3a"`: by construction without a character that would need care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of content with this hash.
    pub fn of_hash(hash: &[u8]) -> Self {
        let mut tag = String::from("\"");
        for byte in hash {
            // Writing to a string cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        Self(tag)
    }

    /// Whether `list`, the value of `If-None-Match`, has this tag, weak or not, or is `*`.
    pub(crate) fn is_in(&self, list: &str) -> bool {
        list.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
