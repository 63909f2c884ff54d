//! Tickets, with which a client logs in without the password: their secrets and their numbers. It must not make, hash or
//! compare secrets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::secret_word::{secret_word, short_id};

/// Every secret of a ticket begins so. A line that holds one is told from a message by it.
pub const TICKET_PREFIX: &str = "plt_";

secret_word! {
    /// The secret of a ticket.
    TicketSecret, TICKET_PREFIX
}

short_id! {
    /// Names one ticket of a user.
    TicketId, TicketIdError, "a ticket"
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
