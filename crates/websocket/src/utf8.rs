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
