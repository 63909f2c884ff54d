//! The codes of close frames. It must not know when Parlor says goodbye.

use std::fmt;

/// A code that a close frame may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server stops, or the page is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// A frame breaks the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A message of a kind that is not accepted: binary.
    pub const UNSUPPORTED: Self = Self(1003);
    /// A text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// A message that is too long.
    pub const TOO_LONG: Self = Self(1009);

    /// `None` if no frame may have this code: below 1000, reserved, or from 5000.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_registered_or_free_for_programs() {
        let valid: Vec<u16> = (0..=u16::MAX).filter(|code| CloseCode::new(*code).is_some()).collect();
        let expected: Vec<u16> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(valid, expected);
        assert!(valid.iter().all(|code| CloseCode::new(*code).is_some_and(|made| made.get() == *code)));
    }

    #[test]
    fn the_named_codes_are_those_of_the_standard() {
        let named = [
            CloseCode::NORMAL,
            CloseCode::GOING_AWAY,
            CloseCode::PROTOCOL_ERROR,
            CloseCode::UNSUPPORTED,
            CloseCode::INVALID_DATA,
            CloseCode::TOO_LONG,
        ];
        assert_eq!(named.map(|code| code.to_string()).join(" "), "1000 1001 1002 1003 1007 1009");
        assert!(named.iter().all(|code| CloseCode::new(code.get()) == Some(*code)));
    }
}
