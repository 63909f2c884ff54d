//! Splits decrypted data into lines, without copying lines that arrived in one piece. It must not interpret them.

use anyhow::Result;

/// The end of the data so far, if it was not a complete line.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Passes each complete line to `hear`, without its line ending.
    pub(crate) fn cut(&mut self, mut input: &[u8], mut hear: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(end) = memchr::memchr(b'\n', input) {
            let (line, rest) = input.split_at(end);
            if self.0.is_empty() {
                hear(line)?;
            } else {
                self.0.extend_from_slice(line);
                hear(&self.0)?;
                self.0.clear();
            }
            input = &rest[1..];
        }
        self.0.extend_from_slice(input);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_pieces_are_put_together() {
        let mut lines = Lines::default();
        let mut heard = Vec::new();
        for piece in ["one\ntw", "", "o\n\nthr", "ee", "\nfour"] {
            lines
                .cut(piece.as_bytes(), |line| {
                    heard.push(String::from_utf8_lossy(line).into_owned());
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(heard, ["one", "two", "", "three"]);
    }
}
