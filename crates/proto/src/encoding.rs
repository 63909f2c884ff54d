//! The form of the frames that a client gets: the format of its lines, and what delimits a frame. It must not encode
//! lines.

use std::iter;
use std::sync::Arc;

use parlor_websocket::text_header;

use crate::format::Format;

/// What delimits a frame, which has one or more whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Nothing but the ends of its lines.
    #[default]
    Lines,
    /// The header of a WebSocket message.
    WebSocket,
}

/// The form of a client's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Encoding {
    /// The format of its lines.
    pub format: Format,
    /// What delimits a frame.
    pub framing: Framing,
}

impl From<Format> for Encoding {
    /// Frames without a header.
    fn from(format: Format) -> Self {
        Self { format, framing: Framing::Lines }
    }
}

impl Framing {
    /// Makes a frame of lines. No lines are no frame: the result is empty. Within a message LF separates lines, so the last
    /// one loses it.
    pub fn frame(self, lines: &[u8]) -> Arc<[u8]> {
        match (self, lines.strip_suffix(b"\n")) {
            (Self::WebSocket, Some(text)) => joined(text_header(text.len()).as_bytes(), text),
            _ => lines.into(),
        }
    }
}

/// Both, one after the other, by one allocation.
fn joined(header: &[u8], text: &[u8]) -> Arc<[u8]> {
    let mut frame: Arc<[u8]> = iter::repeat_n(0, header.len() + text.len()).collect();
    // Nobody else has it yet, so this makes no copy.
    let (start, rest) = Arc::make_mut(&mut frame).split_at_mut(header.len());
    start.copy_from_slice(header);
    rest.copy_from_slice(text);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_websocket_message_has_a_header_and_no_lines_have_none() {
        assert_eq!(Framing::Lines.frame(b"PONG\n")[..], *b"PONG\n");
        assert_eq!(Framing::WebSocket.frame(b"PONG\n")[..], *b"\x81\x04PONG");
        assert_eq!(Framing::WebSocket.frame(b"PONG\nPONG\n")[..], *b"\x81\x09PONG\nPONG");
        assert!(Framing::WebSocket.frame(b"").is_empty());
    }

    #[test]
    fn the_header_of_a_long_message_has_a_longer_length() {
        for (length, header) in [
            (125, &b"\x81\x7d"[..]),
            (126, b"\x81\x7e\x00\x7e"),
            (65_535, b"\x81\x7e\xff\xff"),
            (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            let text = "x".repeat(length);
            let frame = Framing::WebSocket.frame(format!("{text}\n").as_bytes());
            assert_eq!(frame[..header.len()], *header, "{length}");
            assert!(frame[header.len()..] == *text.as_bytes(), "{length}");
        }
    }

    #[test]
    fn only_the_last_line_loses_its_end() {
        assert_eq!(Framing::WebSocket.frame(b"a\n\n")[..], *b"\x81\x02a\n");
        assert_eq!(Framing::Lines.frame(b"a\n\n")[..], *b"a\n\n");
    }
}
