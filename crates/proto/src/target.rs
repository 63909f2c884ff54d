//! What a command of several kinds of conversation is about: a room, the direct messages with a user, or what a user
//! publishes. It must not know whether the target exists.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{NameError, RoomName, UserName};

/// A conversation, written with a sigil: `#room`, `@user`, `+user`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The messages of a room.
    Room(RoomName),
    /// The direct messages between me and a user.
    Direct(UserName),
    /// The publications of a user.
    Feed(UserName),
}

/// The text is not a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetError {
    /// It begins with no sigil.
    Sigil,
    /// The rest is no name.
    Name,
}

impl fmt::Display for TargetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sigil => out.write_str("a target begins with #, @ or +"),
            Self::Name => NameError.fmt(out),
        }
    }
}

impl std::error::Error for TargetError {}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let mut characters = text.chars();
        let sigil = characters.next().ok_or(TargetError::Sigil)?;
        let name = characters.as_str();
        let named = match sigil {
            '#' => name.parse().map(Self::Room),
            '@' => name.parse().map(Self::Direct),
            '+' => name.parse().map(Self::Feed),
            _ => return Err(TargetError::Sigil),
        };
        named.map_err(|_| TargetError::Name)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Room(room) => write!(out, "#{room}"),
            Self::Direct(user) => write!(out, "@{user}"),
            Self::Feed(user) => write!(out, "+{user}"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> String {
        target.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_has_its_sigil() {
        for (text, shown) in [("#Garden", "#garden"), ("@Bob", "@bob"), ("+bob", "+bob")] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), shown);
        }
        assert_ne!("@bob".parse::<Target>(), "+bob".parse::<Target>());
    }

    #[test]
    fn what_is_no_target() {
        for (text, error) in [
            ("", TargetError::Sigil),
            ("bob", TargetError::Sigil),
            ("é", TargetError::Sigil),
            ("#", TargetError::Name),
            ("@a.b", TargetError::Name),
            ("##red", TargetError::Name),
        ] {
            assert_eq!(text.parse::<Target>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_target_is_as_long_as_its_name_may_be() {
        for (sigil, max) in [("#", 64), ("@", 32), ("+", 32)] {
            let of = |length| format!("{sigil}{}", "n".repeat(length)).parse::<Target>();
            assert!(of(max).is_ok(), "{sigil}");
            assert_eq!(of(max + 1), Err(TargetError::Name), "{sigil}");
        }
    }

    #[test]
    fn a_wrong_target_is_explained_by_what_is_wrong_with_it() {
        let explained = |text: &str| text.parse::<Target>().unwrap_err().to_string();
        assert_eq!(explained("red"), "a target begins with #, @ or +");
        assert_eq!(explained("#r.d"), NameError.to_string());
        let json = serde_json::from_str::<Target>("\"red\"").unwrap_err().to_string();
        assert!(json.contains("a target begins with"), "{json}");
    }

    proptest! {
        #[test]
        fn a_target_is_read_back_from_what_is_shown(text in "[#@+][A-Za-z0-9][A-Za-z0-9_-]{0,31}") {
            let target: Target = text.parse().unwrap();
            let shown = target.to_string();
            prop_assert_eq!(&shown, &text.to_ascii_lowercase());
            prop_assert_eq!(shown.parse::<Target>(), Ok(target.clone()));
            let json = serde_json::to_string(&target).unwrap();
            prop_assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), target);
        }

        #[test]
        fn any_text_is_shown_as_it_was_or_is_no_target(text in "[#@+]?[ \t#@+a-cA-C.é_-]{0,3}") {
            if let Ok(target) = text.parse::<Target>() {
                prop_assert_eq!(target.to_string(), text.to_ascii_lowercase());
            }
        }
    }
}
