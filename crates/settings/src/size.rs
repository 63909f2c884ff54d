//! Sizes as users write them: a number of bytes, or of `KiB` or `MiB`. It must not know which setting it reads.

use std::ops::RangeInclusive;

/// Bytes in each unit.
const UNITS: [(&str, usize); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("", 1)];

/// Reads a size in bytes.
fn parse(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let expected = || String::from("expected a size such as 4096, 64KiB or 1MiB");
    let (_, bytes) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(expected());
    }
    let size = digits.parse::<usize>().ok().and_then(|count| count.checked_mul(bytes));
    size.ok_or_else(|| "the size is too large".into())
}

/// Reads a size in bytes that is in `range`.
///
/// # Errors
/// The expected form, in words.
pub fn parse_in(text: &str, range: &RangeInclusive<usize>) -> Result<usize, String> {
    let size = parse(text)?;
    if range.contains(&size) {
        return Ok(size);
    }
    Err(format!("{size} is not between {} and {} bytes", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_both_units() {
        for (text, size) in [("0", 0), ("4096", 4096), ("64KiB", 65_536), ("1MiB", 1_048_576)] {
            assert_eq!(parse(text), Ok(size), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "KiB", "-1", "1.5MiB", "1 MiB", "1MB", "1kib", "18446744073709551615MiB"] {
            assert!(parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn the_range_is_inclusive_and_named_when_missed() {
        let range = 512..=65_536;
        assert_eq!(parse_in("512", &range), Ok(512));
        assert_eq!(parse_in("64KiB", &range), Ok(65_536));
        assert_eq!(parse_in("511", &range), Err("511 is not between 512 and 65536 bytes".into()));
        assert!(parse_in("65537", &range).is_err());
    }
}
