//! How long the messages of a room are kept. It must not know who may choose that, nor delete anything.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rights::{self, LONGEST_SECONDS};

/// Shortest retention, in seconds: a minute of a sweep does not matter to it, and who was away for a moment misses nothing.
const SHORTEST_SECONDS: u64 = 60 * 60;

/// Units in which a retention is written, in seconds.
const UNITS: [(u64, &str); 3] = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "m")];

/// A time for which the messages of a room are kept: one hour to ten years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Retention(u64);

impl Retention {
    /// What a user can write, in words.
    pub const SYNTAX: &'static str = "A retention is 1h to 3660d, such as 12h, 30d or 8w, or default";

    /// The word for no retention of the room's own.
    pub const DEFAULT: &'static str = "default";

    /// Reads a number with `s`, `m`, `h`, `d` or `w` behind it; none if it is something else, or too short or long.
    pub fn find(word: &str) -> Option<Self> {
        Self::try_from(rights::duration(word)?.as_secs()).ok()
    }

    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// A setting of a room, as it is written: none is `default`.
    pub fn setting(retention: Option<Self>) -> String {
        retention.map_or_else(|| Self::DEFAULT.to_owned(), |retention| retention.to_string())
    }
}

impl TryFrom<u64> for Retention {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        if (SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&seconds) { Ok(Self(seconds)) } else { Err(Self::SYNTAX) }
    }
}

impl From<Retention> for u64 {
    fn from(retention: Retention) -> Self {
        retention.0
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.into_iter().find(|(seconds, _)| self.0.is_multiple_of(*seconds));
        let (seconds, unit) = unit.unwrap_or((1, "s"));
        out.pad(&format!("{}{unit}", self.0 / seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_an_hour_to_ten_years_and_reads_as_it_is_written() {
        let cases = [("1h", "1h"), ("60m", "1h"), ("90m", "90m"), ("3601s", "3601s"), ("2w", "14d"), ("48h", "2d")];
        for (word, written) in cases {
            let retention = Retention::find(word).unwrap();
            assert_eq!(retention.to_string(), written);
            assert_eq!(Retention::find(written), Some(retention));
        }
        assert!(Retention::find("3660d").is_some());
        for word in ["", "default", "0d", "59m", "3599s", "3661d", "30", "-1d", "1.5h", "30 d", "99999999999999999999d"]
        {
            assert_eq!(Retention::find(word), None, "{word}");
        }
    }

    #[test]
    fn stored_seconds_are_checked() {
        let day = Retention::find("1d").unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), "86400");
        assert_eq!(serde_json::from_str::<Retention>("86400").unwrap(), day);
        for seconds in ["0", "3599", "316224001", "-1", "\"1d\""] {
            assert!(serde_json::from_str::<Retention>(seconds).is_err(), "{seconds}");
        }
        assert_eq!(Retention::setting(Some(day)), "1d");
        assert_eq!(Retention::setting(None), "default");
    }

    proptest! {
        #[test]
        fn every_retention_is_read_back_from_what_is_shown(
            seconds in SHORTEST_SECONDS..=LONGEST_SECONDS,
            unit in 0..3usize,
        ) {
            let (unit, _) = UNITS[unit];
            // Most numbers are whole in seconds only, so some are rounded up.
            for seconds in [seconds, seconds.next_multiple_of(unit).min(LONGEST_SECONDS)] {
                let retention = Retention::try_from(seconds).unwrap();
                let shown = retention.to_string();
                prop_assert_eq!(Retention::find(&shown), Some(retention));
                prop_assert_eq!(retention.duration().as_secs(), seconds);
                let json = serde_json::to_string(&retention).unwrap();
                prop_assert_eq!(serde_json::from_str::<Retention>(&json).unwrap(), retention);
            }
        }
    }
}
