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

/// Reads a duration of days or weeks, such as `30d` or `2w`, or one as [`parse_positive`] does, but with its unit.
///
/// # Errors
/// The expected form, in words.
pub fn parse_long(text: &str) -> Result<Duration, String> {
    let expected = || String::from("expected a duration such as 30m, 2h, 7d or 2w, at most 366d");
    let long = [("d", 24), ("w", 7 * 24)].into_iter().find_map(|(unit, hours)| Some((text.strip_suffix(unit)?, hours)));
    let duration = match long {
        Some((count, hours)) => parse_positive(&format!("{count}h")).map(|duration| duration * hours),
        None if text.ends_with(|last: char| last.is_ascii_digit()) => return Err(expected()),
        None => parse_positive(text),
    };
    duration.ok().filter(|duration| *duration <= LONGEST).ok_or_else(expected)
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
    fn a_long_one_may_be_days_or_weeks_and_has_a_unit() {
        let hours = |count: u64| Ok(Duration::from_secs(3600 * count));
        for (text, expected) in [("30m", Ok(Duration::from_secs(1800))), ("7d", hours(168)), ("2w", hours(336))] {
            assert_eq!(parse_long(text), expected, "{text}");
        }
        for text in ["7", "0d", "0s", "d", "1.5d", "d7", "367d", "53w", "18446744073709551615w"] {
            assert!(parse_long(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn zero_is_no_positive_duration() {
        assert_eq!(parse_positive("0ms"), Err("must be longer than zero".into()));
        assert_eq!(parse_positive("1ms"), Ok(Duration::from_millis(1)));
    }
}
