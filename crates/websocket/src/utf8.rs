//! UTF-8 that arrives in pieces. It must not keep the text: at most the beginning of one character.

/// Bytes of the longest character.
const MAX_CHARACTER_BYTES: usize = 4;

/// The state between two pieces of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Validator {
    /// The beginning of a character whose end has not arrived.
    started: [u8; MAX_CHARACTER_BYTES - 1],
    length: u8,
}

/// The text cannot become UTF-8, whatever may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Invalid {
    /// Bytes of the piece before the first byte that cannot be in UTF-8 where it is.
    pub(super) valid: usize,
}

impl Validator {
    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Invalid> {
        let used = self.complete(piece)?;
        let Err(error) = str::from_utf8(&piece[used..]) else {
            return Ok(());
        };
        let start = used + error.valid_up_to();
        match error.error_len() {
            // No error, but a character without its end.
            None => {
                self.start(&piece[start..]);
                Ok(())
            }
            // All but the last of these bytes, or all of them, begin a character.
            Some(length) => {
                let begun = (1..=length).rev().find(|length| is_beginning(&piece[start..start + length]));
                Err(Invalid { valid: start + begun.unwrap_or(0) })
            }
        }
    }

    /// Whether the text may end here.
    pub(super) fn is_complete(self) -> bool {
        self.length == 0
    }

    /// Completes the character that is started. Returns how many bytes that took.
    fn complete(&mut self, piece: &[u8]) -> Result<usize, Invalid> {
        let mut used = 0;
        while let (false, Some(byte)) = (self.is_complete(), piece.get(used)) {
            let length = usize::from(self.length);
            let mut character = [0; MAX_CHARACTER_BYTES];
            character[..length].copy_from_slice(&self.started[..length]);
            character[length] = *byte;
            let character = &character[..=length];
            if str::from_utf8(character).is_ok() {
                self.length = 0;
            } else if is_beginning(character) {
                self.start(character);
            } else {
                return Err(Invalid { valid: used });
            }
            used += 1;
        }
        Ok(used)
    }

    /// Keeps the beginning of a character: at most three bytes, as the fourth is always the last.
    fn start(&mut self, beginning: &[u8]) {
        self.started[..beginning.len()].copy_from_slice(beginning);
        self.length = beginning.len() as u8;
    }
}

/// Whether `bytes` is a character without its end.
fn is_beginning(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pushes the pieces. Returns how many bytes were valid if there is an error, or else whether the text may end.
    fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<bool, usize> {
        let mut validator = Validator::default();
        let mut before = 0;
        for piece in pieces {
            validator.push(piece).map_err(|Invalid { valid }| before + valid)?;
            before += piece.len();
        }
        Ok(validator.is_complete())
    }

    /// The same by definition: the longest prefix that some text begins with.
    fn expected(text: &[u8]) -> Result<bool, usize> {
        let may_begin_text = |length: &usize| match str::from_utf8(&text[..*length]) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        match (0..=text.len()).rev().find(may_begin_text) {
            Some(length) if length == text.len() => Ok(str::from_utf8(text).is_ok()),
            length => Err(length.unwrap_or(0)),
        }
    }

    #[test]
    fn every_character_may_be_cut_anywhere() {
        for text in ["a", "é", "€", "🦀", "\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10000}\u{10ffff}"]
        {
            assert_eq!(outcome(text.as_bytes().chunks(1)), Ok(true), "{text}");
            for at in 0..=text.len() {
                let (start, rest) = text.as_bytes().split_at(at);
                assert_eq!(outcome([start, rest]), Ok(true), "{text} {at}");
                assert_eq!(outcome([start]), Ok(text.is_char_boundary(at)), "{text} {at}");
            }
        }
    }

    #[test]
    fn the_first_byte_that_cannot_be_there_is_found() {
        for (text, valid) in [
            (&b"ab\x80"[..], 2),
            (b"ab\xff", 2),
            (b"ab\xc0\x80", 2),
            (b"ab\xc1\xbf", 2),
            (b"ab\xc3a", 3),
            (b"ab\xe0\x9f\xbf", 3),
            (b"ab\xe2\x82a", 4),
            (b"ab\xed\xa0\x80", 3),
            (b"ab\xf0\x8f\xbf\xbf", 3),
            (b"ab\xf0\x9f\xa6a", 5),
            (b"ab\xf4\x90\x80\x80", 3),
            (b"ab\xf5\x80\x80\x80", 2),
        ] {
            assert_eq!(outcome([text]), Err(valid), "{text:x?}");
            assert_eq!(outcome(text.chunks(1)), Err(valid), "{text:x?}");
        }
    }

    #[test]
    fn an_empty_piece_changes_nothing() {
        assert_eq!(outcome([]), Ok(true));
        assert_eq!(outcome([&b"\xe2"[..], b"", b"\x82", b"", b"\xac"]), Ok(true));
        assert_eq!(outcome([&b"\xe2"[..], b""]), Ok(false));
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => any::<char>().prop_map(|character| character.to_string().into_bytes()),
                    1 => any::<char>().prop_map(|character| vec![character.to_string().as_bytes()[0]]),
                    1 => prop::collection::vec(any::<u8>(), 0..3),
                ],
                0..8,
            ),
            size in 1usize..6,
        ) {
            let text = parts.concat();
            let expected = expected(&text);
            prop_assert_eq!(outcome([&text[..]]), expected);
            prop_assert_eq!(outcome(text.chunks(size)), expected);
            prop_assert_eq!(outcome(parts.iter().map(Vec::as_slice)), expected);
        }
    }
}
