//! Splits the arguments of a command into words, including quoted words. It must not know their meaning: each word may
//! be a password, and is overwritten when it is dropped.

use zeroize::Zeroizing;

/// The text cannot be split into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuoteError;

/// Takes the first word off `rest`. Words are separated by spaces and tabs. A word that begins with a double quote ends
/// at the next double quote, and may contain `\"` and `\\`. Returns `Ok(None)` if no word is left.
pub(crate) fn next_word(rest: &mut &str) -> Result<Option<Zeroizing<String>>, QuoteError> {
    let text = rest.trim_start_matches([' ', '\t']);
    if text.is_empty() {
        *rest = text;
        return Ok(None);
    }
    if let Some(quoted) = text.strip_prefix('"') {
        return take_quoted(quoted, rest).map(Some);
    }
    let end = text.find([' ', '\t']).unwrap_or(text.len());
    *rest = &text[end..];
    Ok(Some(Zeroizing::new(text[..end].to_owned())))
}

fn take_quoted<'a>(text: &'a str, rest: &mut &'a str) -> Result<Zeroizing<String>, QuoteError> {
    // The capacity is the maximum length, so that the word never moves.
    let mut word = Zeroizing::new(String::with_capacity(text.len()));
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let after = &text[at + 1..];
                *rest = after;
                let separated = after.is_empty() || after.starts_with([' ', '\t']);
                return if separated { Ok(word) } else { Err(QuoteError) };
            }
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => word.push(escaped),
                _ => return Err(QuoteError),
            },
            other => word.push(other),
        }
    }
    Err(QuoteError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(mut text: &str) -> Result<Vec<String>, QuoteError> {
        let mut found = Vec::new();
        while let Some(word) = next_word(&mut text)? {
            found.push(word.to_string());
        }
        Ok(found)
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words(" a  b\tc ").unwrap(), ["a", "b", "c"]);
        assert_eq!(words(r#""old words" "a \"b\" \\c" """#).unwrap(), ["old words", r#"a "b" \c"#, ""]);
        assert_eq!(words(r#"a"b"#).unwrap(), [r#"a"b"#]);
    }

    #[test]
    fn what_is_not_quoted_well() {
        for text in [r#""open"#, r#""a"b"#, r#""a\n""#, r#""a\"#] {
            assert_eq!(words(text), Err(QuoteError), "{text}");
        }
    }
}
