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
    use proptest::prelude::*;

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

    #[test]
    fn what_follows_a_word_is_left_as_it_is() {
        for (text, word, rest) in [
            ("a  b", "a", "  b"),
            (r#""a b" "c"#, "a b", r#" "c"#),
            ("\ta\u{a0}b\tc", "a\u{a0}b", "\tc"),
            (r#"a\"b"#, r#"a\"b"#, ""),
        ] {
            let mut left = text;
            assert_eq!(next_word(&mut left).unwrap().unwrap().as_str(), word, "{text}");
            assert_eq!(left, rest, "{text}");
        }
        let mut left = " \t ";
        assert_eq!((next_word(&mut left), left), (Ok(None), ""));
    }

    proptest! {
        #[test]
        fn words_in_quotes_are_read_as_they_were(
            wanted in prop::collection::vec("([\"\\\\ \t]|.){0,8}", 0..5),
            gap in "[ \t]{1,3}",
        ) {
            let quoted = |word: &String| format!("\"{}\"", word.replace('\\', r"\\").replace('"', "\\\""));
            let line = wanted.iter().map(quoted).collect::<Vec<_>>().join(&gap);
            prop_assert_eq!(words(&line), Ok(wanted));
        }

        #[test]
        fn words_without_quotes_are_split_at_spaces_and_tabs(line in "[a-c\\\\é \t]{0,20}") {
            let wanted = line.split([' ', '\t']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            prop_assert_eq!(words(&line), Ok(wanted));
        }
    }
}
