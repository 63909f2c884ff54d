//! Durations as users write them: `10s`, `500ms`, `2m`, `1h`, or a bare number of seconds. It must not know which
//! setting it reads.

use std::time::Duration;

/// Longest duration of a setting: adding it overflows no clock of the server.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Milliseconds in each unit.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("", 1000)];

/// Reads a duration of at most 366 days; zero is allowed.
///
/// # Errors
/// The expected form, in words.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let expected = || String::from("expected a duration such as 10s, 500ms, 2m or 1h");
    let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let duration = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(milliseconds));
    match duration.map(Duration::from_millis) {
        Some(duration) if duration <= LONGEST => Ok(duration),
        _ => Err("a duration is at most 366 days".into()),
    }
}

/// Reads a duration as [`parse`] does, but refuses zero.
///
/// # Errors
/// The expected form, in words.
pub fn parse_positive(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("must be longer than zero".into()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_and_the_bare_number() {
        let cases = [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000), ("7", 7000), ("0", 0)];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "-1s", "+1s", "1.5s", "1 s", "10 ", "1d", "1S", "١s", "18446744073709551615h", "367h9"] {
            assert!(parse(text).is_err(), "{text:?} was accepted");
        }
        assert_eq!(parse("8785h"), Err("a duration is at most 366 days".into()));
    }

    #[test]
    fn zero_is_no_positive_duration() {
        assert_eq!(parse_positive("0ms"), Err("must be longer than zero".into()));
        assert_eq!(parse_positive("1ms"), Ok(Duration::from_millis(1)));
    }
}
