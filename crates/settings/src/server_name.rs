//! The name of a server in HELLO. It must not be used to find a server on a network.

use std::fmt;
use std::str::FromStr;

use parlor_proto::Text;

/// Longest name in bytes.
const MAX_BYTES: usize = 255;

/// The name of a server whose machine has no usable host name.
const FALLBACK: &str = "parlor";

/// A name of 1 to 255 bytes without white space or control characters, so that it is one field of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerName(String);

impl ServerName {
    /// The host name of the machine, or `parlor` if that is not a valid server name.
    pub fn of_machine() -> Self {
        rustix::system::uname()
            .nodename()
            .to_str()
            .ok()
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(|| Self(FALLBACK.into()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(format!("a server name has 1 to {MAX_BYTES} bytes"));
        }
        let survives = Text::sanitise(text).is_some_and(|clean| clean.as_str() == text);
        if !survives || text.contains(char::is_whitespace) {
            return Err("a server name holds no spaces or control characters".into());
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_a_name() {
        for text in ["a", "chat.example.org", "Köln", &"x".repeat(255)] {
            assert_eq!(text.parse::<ServerName>().map(|name| name.to_string()), Ok(text.to_string()));
        }
    }

    #[test]
    fn what_would_break_the_greeting_is_none() {
        for text in ["", "two words", "a\tb", "a\nb", "a\u{202e}b", "a\u{a0}b", &"x".repeat(256)] {
            assert!(text.parse::<ServerName>().is_err(), "{text:?} was accepted");
        }
    }
}
