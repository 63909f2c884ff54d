//! Numbers that identify things: entries of logs, epochs of logs, sessions. It must not assign them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Number of an entry in the log of a room or of a publisher: 1, 2, 3 … without gaps; 0 means "none yet". A number from
/// the wire always has a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct MessageId(pub u64);

impl TryFrom<u64> for MessageId {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        if number == u64::MAX { Err("a number that has no next") } else { Ok(Self(number)) }
    }
}

impl MessageId {
    /// The number of the entry that follows this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The epoch of a log's numbering. It changes only if the store came back empty. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for Epoch {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> String {
        epoch.to_string()
    }
}

/// Number of a session among all sessions that its user ever had. It only grows. A session with a smaller number than
/// the newest is fenced off. Never shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::{Epoch, MessageId};

    #[test]
    fn a_server_cannot_make_a_client_count_beyond_the_last_number() {
        let read = |number: u64| serde_json::from_str::<MessageId>(&number.to_string());
        assert_eq!(read(u64::MAX - 1).unwrap().next(), MessageId(u64::MAX));
        assert!(read(u64::MAX).is_err());
    }

    #[test]
    fn an_epoch_is_sixteen_digits_of_which_case_does_not_matter() {
        for (epoch, shown) in
            [(Epoch(0), "0000000000000000"), (Epoch(u64::MAX), "ffffffffffffffff"), (Epoch(0xabc), "0000000000000abc")]
        {
            assert_eq!(epoch.to_string(), shown);
            assert_eq!(shown.to_ascii_uppercase().parse(), Ok(epoch));
            assert_eq!(serde_json::from_str::<Epoch>(&serde_json::to_string(&epoch).unwrap()).unwrap(), epoch);
        }
        for json in ["\"\"", "\"10000000000000000\"", "\"000000000000000g\"", "\"-1\"", "7"] {
            assert!(serde_json::from_str::<Epoch>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_number_from_the_wire_is_a_whole_one() {
        for json in ["-1", "1.5", "\"7\"", "null", "18446744073709551616"] {
            assert!(serde_json::from_str::<MessageId>(json).is_err(), "{json}");
        }
        assert_eq!(serde_json::to_string(&MessageId(u64::MAX - 1)).unwrap(), "18446744073709551614");
        assert_eq!(format!("{:>3}|", MessageId(7)), "  7|");
    }
}
