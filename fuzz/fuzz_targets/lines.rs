//! The lines are the same however the stream is split, and no line is longer than allowed. The first byte of the input
//! is the limit, the second the length of a piece, the rest the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_proto::{Line, LineSplitter};

/// The result of a splitter for `stream` in pieces of `size` bytes; `None` is a line that was too long.
fn split(max: usize, stream: &[u8], size: usize) -> Vec<Option<Vec<u8>>> {
    let mut splitter = LineSplitter::new(max);
    let mut found = Vec::new();
    for mut piece in stream.chunks(size.max(1)) {
        while let Some(line) = splitter.next_line(&mut piece) {
            found.push(match line {
                Line::Complete(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            });
        }
        assert!(piece.is_empty(), "a piece was not consumed");
    }
    found
}

/// The lines by definition: split at every LF, then check each.
fn expected(max: usize, stream: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    for line in stream.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            _ if line.len() > max => found.push(None),
            Some(content) => found.push(Some(content.strip_suffix(b"\r").unwrap_or(content).to_vec())),
            // A line that has the maximum length without its LF cannot fit any more.
            None if line.len() == max => found.push(None),
            None => {}
        }
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let [limit, size, stream @ ..] = data else { return };
    let max = 2 + usize::from(*limit);
    let whole = split(max, stream, stream.len());
    assert_eq!(whole, expected(max, stream));
    assert_eq!(split(max, stream, usize::from(*size)), whole);
    assert!(whole.iter().flatten().all(|line| line.len() < max && !line.contains(&b'\n')));
});
