//! Tickets, with which a client logs in without the password: their secrets and their numbers. It must not make, hash or
//! compare secrets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Every secret of a ticket begins so. A line that holds one is told from a message by it.
pub const TICKET_PREFIX: &str = "plt_";

/// The secret of a ticket. Its memory is overwritten when it is dropped, and it cannot be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct TicketSecret(Zeroizing<String>);

impl TicketSecret {
    /// The secret that these random bytes are: [`TICKET_PREFIX`] and their hexadecimal digits.
    pub fn of_random(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = Zeroizing::new(String::with_capacity(TICKET_PREFIX.len() + 2 * bytes.len()));
        text.push_str(TICKET_PREFIX);
        for byte in bytes {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        Self(text)
    }

    /// Whatever a client took for a secret. It need not be one.
    pub fn given(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The secret itself. Only for the hash function and the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TicketSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TicketSecret(…)")
    }
}

impl From<String> for TicketSecret {
    fn from(mut text: String) -> Self {
        let secret = Self::given(&text);
        text.zeroize();
        secret
    }
}

impl From<TicketSecret> for String {
    fn from(secret: TicketSecret) -> String {
        secret.expose().to_owned()
    }
}

/// Names one ticket of a user: eight hexadecimal digits. It is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TicketId(pub u32);

/// The text is not the id of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketIdError;

impl fmt::Display for TicketIdError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the id of a ticket is made of eight hexadecimal digits")
    }
}

impl std::error::Error for TicketIdError {}

impl fmt::Display for TicketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:08x}", self.0)
    }
}

impl FromStr for TicketId {
    type Err = TicketIdError;

    fn from_str(text: &str) -> Result<Self, TicketIdError> {
        let is_id = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_id.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or(TicketIdError)
    }
}

impl TryFrom<String> for TicketId {
    type Error = TicketIdError;

    fn try_from(text: String) -> Result<Self, TicketIdError> {
        text.parse()
    }
}

impl From<TicketId> for String {
    fn from(id: TicketId) -> String {
        id.to_string()
    }
}

/// Which tickets of a user are meant: one, or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tickets {
    /// All of them.
    All,
    /// This one.
    One(TicketId),
}

impl fmt::Display for Tickets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("all"),
            Self::One(id) => id.fmt(out),
        }
    }
}

impl FromStr for Tickets {
    type Err = TicketIdError;

    fn from_str(text: &str) -> Result<Self, TicketIdError> {
        if text.eq_ignore_ascii_case("all") { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

impl TryFrom<String> for Tickets {
    type Error = TicketIdError;

    fn try_from(text: String) -> Result<Self, TicketIdError> {
        text.parse()
    }
}

impl From<Tickets> for String {
    fn from(tickets: Tickets) -> String {
        tickets.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_bytes_in_hexadecimal_and_is_not_printed() {
        let secret = TicketSecret::of_random(&[0, 0x1f, 0xa0]);
        assert_eq!(secret.expose(), "plt_001fa0");
        assert!(!format!("{secret:?}").contains("001fa0"));
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"plt_001fa0\"");
        assert_eq!(serde_json::from_str::<TicketSecret>("\"plt_001fa0\"").unwrap(), secret);
    }

    #[test]
    fn ids_have_eight_digits() {
        assert_eq!(TicketId(0xab).to_string(), "000000ab");
        assert_eq!("000000AB".parse(), Ok(TicketId(0xab)));
        for text in ["", "ab", "000000ag", "+00000ab", "0000000ab", "é00000"] {
            assert_eq!(text.parse::<TicketId>(), Err(TicketIdError), "{text}");
        }
    }

    #[test]
    fn one_or_all_are_meant() {
        assert_eq!("ALL".parse(), Ok(Tickets::All));
        assert_eq!("000000ab".parse(), Ok(Tickets::One(TicketId(0xab))));
        assert_eq!("none".parse::<Tickets>(), Err(TicketIdError));
        assert_eq!(serde_json::to_string(&Tickets::All).unwrap(), "\"all\"");
    }
}
