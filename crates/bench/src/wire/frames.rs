//! The client's side of a WebSocket connection: the handshake, masked text frames, and the frames of a server, which are
//! cut into lines without a copy if they arrived in one piece. It must not interpret the lines.

use anyhow::{Result, bail, ensure};

/// The handshake. Its key need not be random for a server that is no cache.
const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// The answer to that key (RFC 6455, section 1.3).
const ACCEPT: &[u8] = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = FINAL | 1;
const CLOSE: u8 = FINAL | 8;
const PING: u8 = FINAL | 9;
const PONG: u8 = FINAL | 10;
/// The mask need not be random, since no proxy is between.
const MASK: [u8; 4] = [0x5a, 0xc3, 0x0f, 0x96];

/// The framing of one connection.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Whether the response to the handshake came.
    is_open: bool,
    /// The start of a response or of a frame that is not complete yet.
    partial: Vec<u8>,
    /// What has to be sent: the handshake, or answers to pings.
    output: Vec<u8>,
}

impl Frames {
    /// A connection that begins with the handshake.
    pub(crate) fn new() -> Self {
        Self { is_open: false, partial: Vec::new(), output: REQUEST.to_vec() }
    }

    /// Whether messages may be sent.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What has to be sent now.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Passes each line of each complete message to `hear`, without its line ending. Fails if the server refuses the
    /// handshake or violates the protocol.
    pub(crate) fn cut(&mut self, input: &[u8], mut hear: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if self.partial.is_empty() {
            let used = self.take(input, &mut hear)?;
            self.partial.extend_from_slice(&input[used..]);
            return Ok(());
        }
        let mut received = std::mem::take(&mut self.partial);
        received.extend_from_slice(input);
        let used = self.take(&received, &mut hear)?;
        received.drain(..used);
        self.partial = received;
        Ok(())
    }

    /// Returns how many bytes are used up.
    fn take(&mut self, input: &[u8], hear: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<usize> {
        let mut used = 0;
        if !self.is_open {
            let Some(end) = memchr::memmem::find(input, b"\r\n\r\n") else { return Ok(0) };
            accepted(&input[..end + 2])?;
            self.is_open = true;
            used = end + 4;
        }
        while let Some((first, payload, end)) = frame(&input[used..])? {
            match first {
                TEXT => payload.split(|byte| *byte == b'\n').try_for_each(&mut *hear)?,
                PING => mask(PONG, payload, &mut self.output),
                // The last line said why, and the server closes the connection.
                PONG | CLOSE => {}
                _ => bail!("no frame of a server begins with {first:#x}"),
            }
            used += end;
        }
        Ok(used)
    }
}

/// Appends a text message. `line` may include its line ending, which is not sent.
pub(crate) fn text(line: &[u8], out: &mut Vec<u8>) {
    mask(TEXT, line.strip_suffix(b"\n").unwrap_or(line), out);
}

fn accepted(head: &[u8]) -> Result<()> {
    let is_accepted = head.starts_with(b"HTTP/1.1 101 ") && memchr::memmem::find(head, ACCEPT).is_some();
    ensure!(is_accepted, "the server refuses the handshake: {}", String::from_utf8_lossy(head).trim_end());
    Ok(())
}

/// The first byte, the payload and the length of the first frame, if it is complete.
fn frame(input: &[u8]) -> Result<Option<(u8, &[u8], usize)>> {
    let (start, length) = match *input {
        [_, length @ 0..126, ..] => (2, usize::from(length)),
        [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([a, b]))),
        [_, 127, 0, 0, 0, 0, a, b, c, d, ..] => (10, u32::from_be_bytes([a, b, c, d]) as usize),
        [_, MASKED..=255, ..] => bail!("a frame of the server is masked"),
        [_, 127, a, b, c, d, ..] if [a, b, c, d] != [0; 4] => bail!("a frame is longer than any message of the server"),
        _ => return Ok(None),
    };
    let end = start + length;
    Ok(input.get(start..end).map(|payload| (input[0], payload, end)))
}

/// Appends a masked frame.
fn mask(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => out.push(MASKED | short),
        (_, Ok(medium)) => {
            out.push(MASKED | 126);
            out.extend(medium.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            // A length in memory fits 64 bits.
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server sends: the response, a frame with two lines, a ping, a longer frame, one with a length of 64 bits.
    fn of_a_server() -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n".to_vec();
        bytes.extend([ACCEPT, b"\r\n", &[TEXT, 7], b"one\ntwo", &[PING, 2], b"hi"].concat());
        bytes.extend([&[TEXT, 126, 0, 200][..], &[b'x'; 200]].concat());
        bytes.extend([&[TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[b'y'; 65_536]].concat());
        bytes
    }

    fn heard(pieces: impl Iterator<Item = Vec<u8>>) -> (Vec<Vec<u8>>, Frames) {
        let (mut frames, mut lines) = (Frames::new(), Vec::new());
        assert_eq!(frames.take_output(), REQUEST);
        for piece in pieces {
            frames
                .cut(&piece, |line| {
                    lines.push(line.to_vec());
                    Ok(())
                })
                .unwrap();
        }
        (lines, frames)
    }

    #[test]
    fn frames_in_pieces_are_put_together() {
        for size in [1, 2, 3, 7, 100, 1 << 20] {
            let (lines, mut frames) = heard(of_a_server().chunks(size).map(<[u8]>::to_vec));
            assert_eq!(lines, [&b"one"[..], b"two", &[b'x'; 200], &[b'y'; 65_536]], "in pieces of {size}");
            assert!(frames.is_open() && frames.partial.is_empty());
            assert_eq!(frames.take_output(), [PONG, MASKED | 2, 0x5a, 0xc3, 0x0f, 0x96, b'h' ^ 0x5a, b'i' ^ 0xc3]);
        }
    }

    #[test]
    fn a_message_is_masked_and_has_no_line_ending() {
        let mut out = Vec::new();
        text(b"hello\n", &mut out);
        let masked: Vec<u8> = b"hello".iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(out, [&[TEXT, MASKED | 5][..], &MASK, &masked].concat());
        for (length, head) in [(126, 4), (65_535, 4), (65_536, 10)] {
            out.clear();
            text(&vec![b'x'; length], &mut out);
            assert_eq!(out.len(), head + MASK.len() + length);
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_an_error() {
        let open = [b"HTTP/1.1 101 \r\n", ACCEPT, b"\r\n"].concat();
        let wrong: [&[u8]; 4] =
            [&[TEXT, MASKED | 1], &[1, 1, b'x'], &[0x82, 1, b'x'], &[TEXT, 127, 0, 0, 0, 1, 0, 0, 0, 0]];
        for frame in wrong {
            let bytes = [&open[..], frame].concat();
            assert!(Frames::new().cut(&bytes, |_| Ok(())).is_err(), "{frame:?}");
        }
        for refusal in [&b"HTTP/1.1 403 Forbidden\r\n\r\n"[..], b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: no\r\n\r\n"] {
            assert!(Frames::new().cut(refusal, |_| Ok(())).is_err());
        }
    }
}
