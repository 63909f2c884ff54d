//! The cookie of a session. It must not be shown in a log.

use std::fmt;

/// Its name. With this prefix a browser takes it only over HTTPS, from this host, for all paths: no other host can set
/// it. Ports share it.
pub const NAME: &str = "__Host-parlor";

/// Longest value, in bytes. Browsers take 4096 with the name and the attributes.
pub const MAX_VALUE_BYTES: usize = 2048;

/// A value that is valid in a cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct CookieValue(String);

impl CookieValue {
    /// `None` if `value` is empty, too long, or has a character that needs quotes: white space, `"`, `,`, `;`, `\`,
    /// control characters, anything but ASCII. Base64 has none of them.
    pub fn new(value: &str) -> Option<Self> {
        let fits = (1..=MAX_VALUE_BYTES).contains(&value.len());
        (fits && value.bytes().all(is_allowed)).then(|| Self(value.to_owned()))
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CookieValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CookieValue")
    }
}

/// Whether a cookie may have `byte` in its value.
pub(crate) fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_only_characters_that_need_no_quotes() {
        assert_eq!(CookieValue::new("aZ09-._~+/=").unwrap().as_str(), "aZ09-._~+/=");
        for bad in ["", " ", "a b", "a;b", "a,b", "a\"b", "a\\b", "a\r\nb", "a\tb", "a\0b", "\u{7f}", "ä"] {
            assert_eq!(CookieValue::new(bad), None, "{bad:?}");
        }
        assert!(CookieValue::new(&"a".repeat(MAX_VALUE_BYTES)).is_some());
        assert!(CookieValue::new(&"a".repeat(MAX_VALUE_BYTES + 1)).is_none());
    }

    #[test]
    fn a_value_is_not_shown() {
        assert_eq!(format!("{:?}", CookieValue::new("secret")), "Some(CookieValue)");
    }
}
