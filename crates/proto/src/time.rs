//! Times as clients see them. It must not read any clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A time in milliseconds since 1970-01-01T00:00:00Z, shown as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time this many milliseconds after the start of 1970, clamped to the years 0 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        const YEAR_0: i64 = -62_167_219_200_000;
        const YEAR_9999_END: i64 = 253_402_207_199_999;
        Self(millis.clamp(YEAR_0, YEAR_9999_END))
    }

    /// The time this much later.
    #[must_use]
    pub fn after(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Milliseconds since the start of 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(out, "{moment:.3}")
    }
}

impl TryFrom<String> for Timestamp {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let moment: jiff::Timestamp = text.parse()?;
        Ok(Self::from_millis(moment.as_millisecond()))
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use proptest::prelude::*;

    #[test]
    fn shown_with_milliseconds_in_utc() {
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(1_795_392_000_007).to_string(), "2026-11-23T00:00:00.007Z");
    }

    #[test]
    fn later_is_never_too_late_to_be_written() {
        let later = |millis| Timestamp::from_millis(1_000).after(std::time::Duration::from_millis(millis));
        assert_eq!(later(500).as_millis(), 1_500);
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(Timestamp::from_millis(1_000).after(std::time::Duration::MAX), last);
        assert_eq!(last.after(std::time::Duration::from_secs(1)), last);
        assert!(last.to_string().starts_with("9999-12-30T"));
    }

    proptest! {
        #[test]
        fn every_moment_can_be_shown_and_read(millis: i64) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::try_from(time.to_string()).unwrap(), time);
        }
    }

    #[test]
    fn a_time_that_is_written_otherwise_is_the_same_moment() {
        let read = |text: &str| serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).ok();
        let moment = read("2026-11-22T10:20:30.456Z").unwrap();
        assert_eq!(moment.as_millis(), 1_795_342_830_456);
        for text in ["2026-11-22T12:20:30.456+02:00", "2026-11-22T10:20:30.4569Z", "2026-11-22T10:20:30.456-00:00"] {
            assert_eq!(read(text), Some(moment), "{text}");
        }
        for text in ["", "yesterday", "2026-11-22", "2026-11-22T10:20:30.456", "2026-02-30T10:20:30Z", "1795342830456"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_and_the_last_moment_can_be_written() {
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(Timestamp::from_millis(first.as_millis() - 1), first);
        assert_eq!(Timestamp::from_millis(last.as_millis() - 1).after(std::time::Duration::from_millis(5)), last);
    }

    #[test]
    fn less_than_a_millisecond_later_is_the_same_time() {
        let later = |micros| Timestamp::from_millis(7).after(std::time::Duration::from_micros(micros)).as_millis();
        assert_eq!((later(999), later(1_000), later(1_999)), (7, 8, 8));
    }

    proptest! {
        #[test]
        fn times_are_sorted_as_they_are_written(one in 0..4_102_444_800_000_i64, other in 0..4_102_444_800_000_i64) {
            let (one, other) = (Timestamp::from_millis(one), Timestamp::from_millis(other));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }
    }
}
