//! Names of users and rooms: parsed once, valid afterwards. It must not know the user or room that has the name.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name of a user, in bytes.
const USER_MAX: usize = 32;
/// Longest name of a room, in bytes.
const ROOM_MAX: usize = 64;
/// The room in which every session begins.
const LOBBY: &str = "lobby";
/// Who does what nobody in a session does.
const OPERATOR: &str = "operator";

/// The name of users who were erased.
const ERASED: &str = "erased";

/// The label of outgoing hooks.
const OUTGOING: &str = "outgoing";

/// The text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameError;

impl fmt::Display for NameError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a name is made of letters, digits, _ and -, and begins with a letter or digit")
    }
}

impl std::error::Error for NameError {}

fn parse(text: &str, max: usize) -> Result<Arc<str>, NameError> {
    let first_is_plain = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !first_is_plain || text.len() > max || !text.bytes().all(plain) {
        return Err(NameError);
    }
    Ok(text.to_ascii_lowercase().into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name in lower case.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                parse(text, $max).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Most names have no width, and names are written for every message: this path is faster.
                if out.width().is_none() { out.write_str(&self.0) } else { out.pad(&self.0) }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(
    /// Name of a user: `[A-Za-z0-9][A-Za-z0-9_-]{0,31}`, kept in lower case. Cheap to clone.
    UserName,
    USER_MAX
);
name!(
    /// Name of a room: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`, kept in lower case. Cheap to clone.
    RoomName,
    ROOM_MAX
);

impl UserName {
    /// Who is named where an operator did something from outside of a session: a name that is reserved unless the settings say
    /// otherwise. Whoever is named as the author of an entry does not hear it, so this is nobody who is inside.
    pub fn operator() -> Self {
        Self(OPERATOR.into())
    }

    /// The label of outgoing hooks, which speak in nobody's name.
    pub fn outgoing() -> Self {
        Self(OUTGOING.into())
    }

    /// The author of what was said by users who were erased. Nobody has this name.
    pub fn erased() -> Self {
        Self(ERASED.into())
    }
}

impl RoomName {
    /// The room in which every session begins. It never disappears.
    pub fn lobby() -> Self {
        Self(LOBBY.into())
    }

    /// Whether this is the lobby.
    pub fn is_lobby(&self) -> bool {
        &*self.0 == LOBBY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_shown_in_lower_case() {
        let name: UserName = "Alice_B-2".parse().unwrap();
        assert_eq!(name.to_string(), "alice_b-2");
    }

    #[test]
    fn names_fill_their_column() {
        let (user, room): (UserName, RoomName) = ("ann".parse().unwrap(), "red".parse().unwrap());
        assert_eq!(format!("{user:<5}|{room:>5}|"), "ann  |  red|");
    }

    #[test]
    fn what_is_read_from_a_store_or_a_server_is_a_name_too() {
        assert_eq!(serde_json::from_str::<UserName>("\"Ann\"").unwrap().as_str(), "ann");
        assert!(serde_json::from_str::<UserName>("\"a.b\"").is_err());
        assert!(serde_json::from_str::<RoomName>("\"\"").is_err());
        assert!(serde_json::from_str::<RoomName>(&format!("\"{}\"", "r".repeat(65))).is_err());
    }

    #[test]
    fn the_longest_names() {
        assert!("u".repeat(32).parse::<UserName>().is_ok());
        assert!("u".repeat(33).parse::<UserName>().is_err());
        assert!("r".repeat(64).parse::<RoomName>().is_ok());
        assert!("r".repeat(65).parse::<RoomName>().is_err());
    }

    #[test]
    fn what_is_no_name() {
        for text in ["", "_a", "-a", "a b", "a.b", "é", "a\u{430}", "a\n", "#a", "a/b"] {
            assert!(text.parse::<UserName>().is_err(), "{text:?}");
            assert!(text.parse::<RoomName>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_parsed_name_parses_to_itself(text in "[A-Za-z0-9][A-Za-z0-9_-]{0,31}") {
            let name: UserName = text.parse().unwrap();
            prop_assert_eq!(name.as_str(), text.to_ascii_lowercase());
            prop_assert_eq!(name.as_str().parse::<UserName>().unwrap(), name);
        }

        #[test]
        fn any_text_is_a_name_or_refused(text in ".*") {
            if let Ok(name) = text.parse::<RoomName>() {
                prop_assert!(name.as_str().is_ascii() && name.as_str().len() <= ROOM_MAX);
            }
        }
    }

    #[test]
    fn the_names_of_the_server_are_names() {
        for name in [UserName::operator(), UserName::outgoing(), UserName::erased()] {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        let lobby: RoomName = "LOBBY".parse().unwrap();
        assert!(lobby.is_lobby() && lobby == RoomName::lobby());
        assert!(["lobby2", "lobb", "l0bby"].iter().all(|name| !name.parse::<RoomName>().unwrap().is_lobby()));
    }

    #[test]
    fn the_first_character_is_no_mark_and_the_others_may_be() {
        for text in ["0", "a", "Z", "a-", "a_", "0--__", "9z"] {
            assert_eq!(text.parse::<UserName>().unwrap().as_str(), text.to_ascii_lowercase());
        }
        // The neighbours of letters and digits.
        for character in ['/', ':', '@', '[', '`', '{', '^', ',', '.', '\u{7f}', '\u{ff21}', '\u{212a}'] {
            assert!(format!("a{character}").parse::<RoomName>().is_err(), "{character:?}");
        }
    }
}
