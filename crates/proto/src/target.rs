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
}
