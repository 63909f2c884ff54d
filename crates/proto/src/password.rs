//! Passwords on their way from a client to the hash. It must not hash, compare or show them.

use std::fmt;

use zeroize::Zeroizing;

use crate::control_chars::is_control;
use crate::refusal::Refusal;

/// Longest password in bytes: bcrypt reads no more, and a password is never truncated.
pub const PASSWORD_MAX_BYTES: usize = 72;

/// A password of 1 to [`PASSWORD_MAX_BYTES`] bytes without control characters. Its memory is overwritten
/// when it is dropped, and it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

/// Why a text is not a valid password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// The text is empty.
    Empty,
    /// More than [`PASSWORD_MAX_BYTES`] bytes.
    TooLong,
    /// A control character other than TAB.
    ControlCharacter,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("a password cannot be empty"),
            Self::TooLong => write!(out, "a password has at most {PASSWORD_MAX_BYTES} bytes"),
            Self::ControlCharacter => out.write_str("a password holds no control characters"),
        }
    }
}

impl std::error::Error for PasswordError {}

impl PasswordError {
    /// The refusal for whoever gave the password. `usage` says how it has to be given.
    pub fn refusal(self, usage: &str) -> Refusal {
        match self {
            Self::TooLong => Refusal::PasswordTooLong,
            Self::Empty => Refusal::BadArgument(usage.to_owned()),
            Self::ControlCharacter => Refusal::ControlCharacter(usage.to_owned()),
        }
    }
}

impl Password {
    /// Checks length and characters. The length is in bytes, and is checked first.
    ///
    /// # Errors
    /// The rule that the text violates.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > PASSWORD_MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        if text.contains(is_control) {
            return Err(PasswordError::ControlCharacter);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Its length in characters. White space and other characters that show nothing count, too.
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }

    /// The password itself. Only for the hash function and the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_72_bytes_and_never_cut() {
        assert_eq!(Password::new(&"x".repeat(72)).unwrap().expose().len(), 72);
        assert_eq!(Password::new(&"x".repeat(73)), Err(PasswordError::TooLong));
        assert_eq!(Password::new(&"é".repeat(37)), Err(PasswordError::TooLong));
    }

    #[test]
    fn spaces_and_tabs_may_stand_in_it_and_controls_not() {
        assert_eq!(Password::new(" a\t b ").unwrap().expose(), " a\t b ");
        assert_eq!(Password::new("a\u{7}"), Err(PasswordError::ControlCharacter));
        assert_eq!(Password::new(""), Err(PasswordError::Empty));
    }

    #[test]
    fn a_character_counts_once_however_many_bytes_it_has() {
        assert_eq!(Password::new("é世 👋").unwrap().characters(), 4);
    }

    #[test]
    fn it_is_not_printed() {
        assert!(!format!("{:?}", Password::new("hunter2").unwrap()).contains("hunter2"));
    }

    #[test]
    fn the_length_is_checked_first_and_each_rule_has_its_own_refusal() {
        let refusal = |text: &str| Password::new(text).unwrap_err().refusal("/passwd <old> <new>");
        let usage = || "/passwd <old> <new>".to_owned();
        assert_eq!(refusal(&"\u{7}".repeat(73)), Refusal::PasswordTooLong);
        assert_eq!(refusal(&"\u{7}".repeat(72)), Refusal::ControlCharacter(usage()));
        assert_eq!(refusal(""), Refusal::BadArgument(usage()));
        assert_eq!(Password::new(&"é".repeat(36)).unwrap().characters(), 36);
        for character in ['\n', '\r', '\0', '\u{7f}', '\u{2028}', '\u{202e}'] {
            assert_eq!(Password::new(&format!("a{character}b")), Err(PasswordError::ControlCharacter), "{character:?}");
        }
    }
}
