//! Splits a stream of bytes into lines. It must not interpret them, and never keeps more than one line.

use zeroize::Zeroize;

use crate::secret::append_secret;

/// A line of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its ending (LF or CRLF).
    Complete(&'a [u8]),
    /// A line that is too long. It is reported once, at the byte that exceeds the limit, and discarded up to its LF.
    TooLong,
}

/// Splits a stream into lines of bounded length. If a line arrived in several pieces, then its bytes are overwritten
/// before their memory is freed, since a line may contain a password.
#[derive(Debug)]
pub struct LineSplitter {
    max: usize,
    partial: Vec<u8>,
    delivered: bool,
    discarding: bool,
}

impl LineSplitter {
    /// Creates a splitter for lines of at most `max` bytes, including their endings.
    pub fn new(max: usize) -> Self {
        Self { max, partial: Vec::new(), delivered: false, discarding: false }
    }

    /// Takes the next line off the front of `input`, and advances `input`. Returns `None` once all of `input` is
    /// consumed. An unfinished line is kept for the next call.
    pub fn next_line<'l, 'i: 'l>(&'l mut self, input: &mut &'i [u8]) -> Option<Line<'l>> {
        self.forget_delivered();
        loop {
            let end = input.iter().position(|&byte| byte == b'\n');
            match end {
                Some(at) => {
                    let (head, rest) = input.split_at(at + 1);
                    *input = rest;
                    if std::mem::take(&mut self.discarding) {
                        continue;
                    }
                    return Some(self.finish(head));
                }
                None => return self.keep(std::mem::take(input)),
            }
        }
    }

    /// Ends the current line with `head`, which contains the LF.
    fn finish<'a>(&'a mut self, head: &'a [u8]) -> Line<'a> {
        if self.partial.len() + head.len() > self.max {
            self.drop_partial();
            return Line::TooLong;
        }
        if self.partial.is_empty() {
            return Line::Complete(without_ending(head));
        }
        append_secret(&mut self.partial, head);
        self.delivered = true;
        Line::Complete(without_ending(&self.partial))
    }

    /// Keeps the beginning of a line, unless it is already too long.
    fn keep(&mut self, tail: &[u8]) -> Option<Line<'static>> {
        if self.discarding || tail.is_empty() {
            return None;
        }
        if self.partial.len() + tail.len() >= self.max {
            self.drop_partial();
            self.discarding = true;
            return Some(Line::TooLong);
        }
        append_secret(&mut self.partial, tail);
        None
    }

    fn forget_delivered(&mut self) {
        if std::mem::take(&mut self.delivered) {
            self.drop_partial();
        }
    }

    fn drop_partial(&mut self) {
        self.partial.zeroize();
        self.partial = Vec::new();
    }
}

impl Drop for LineSplitter {
    fn drop(&mut self) {
        self.partial.zeroize();
    }
}

fn without_ending(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `pieces` to a splitter and lists the results; `None` is a line that was too long.
    fn split(max: usize, pieces: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut splitter = LineSplitter::new(max);
        let mut found = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while let Some(line) = splitter.next_line(&mut input) {
                found.push(match line {
                    Line::Complete(bytes) => Some(bytes.to_vec()),
                    Line::TooLong => None,
                });
            }
        }
        found
    }

    fn lines(texts: &[&str]) -> Vec<Option<Vec<u8>>> {
        texts.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn both_endings() {
        assert_eq!(split(99, &[b"a\nb\r\n\n\r\nc"]), lines(&["a", "b", "", ""]));
    }

    #[test]
    fn a_line_in_pieces() {
        assert_eq!(split(99, &[b"he", b"ll", b"o\r", b"\nx\n"]), lines(&["hello", "x"]));
    }

    #[test]
    fn only_the_last_carriage_return_belongs_to_the_ending() {
        assert_eq!(split(99, &[b"a\rb\r\r\n"]), lines(&["a\rb\r"]));
    }

    #[test]
    fn the_limit_counts_the_ending() {
        assert_eq!(split(4, &[b"abc\n"]), lines(&["abc"]));
        assert_eq!(split(4, &[b"ab\r\n"]), lines(&["ab"]));
        assert_eq!(split(4, &[b"abcd\nx\n"]), [vec![None], lines(&["x"])].concat());
    }

    #[test]
    fn too_long_is_said_at_once_and_only_once() {
        let mut splitter = LineSplitter::new(4);
        let mut input: &[u8] = b"abcd";
        assert_eq!(splitter.next_line(&mut input), Some(Line::TooLong));
        let mut input: &[u8] = b"efghijkl";
        assert_eq!(splitter.next_line(&mut input), None);
        let mut input: &[u8] = b"m\nok\n";
        assert_eq!(splitter.next_line(&mut input), Some(Line::Complete(b"ok")));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(stream in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a'), any::<u8>()], 0..200),
                                cuts in proptest::collection::vec(0usize..200, 0..8), max in 2usize..40) {
            let whole = split(max, &[&stream]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&stream[from..cut]);
                from = cut;
            }
            pieces.push(&stream[from..]);
            prop_assert_eq!(split(max, &pieces), whole);
        }

        #[test]
        fn no_line_is_longer_than_allowed(stream: Vec<u8>, max in 2usize..40) {
            for line in split(max, &[&stream]).into_iter().flatten() {
                prop_assert!(line.len() < max && !line.contains(&b'\n'));
            }
        }
    }
}
