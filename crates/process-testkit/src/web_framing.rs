//! The client's side of a WebSocket connection, as functions of bytes: the handshake, masked frames, and the frames of a
//! server. It must not know the meaning of a message. It checks what a server must keep to (RFC 6455, section 5).

use std::io;

/// The key of the handshake. It need not be random for a server that is no cache.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The answer to that key (RFC 6455, section 1.3).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bytes of lines that are one message.
const MESSAGE_BYTES: usize = 64 * 1024;

const FINAL: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The framing of one connection.
#[derive(Debug, Default)]
pub(crate) struct WebFraming {
    /// Whether the response to the handshake came.
    is_open: bool,
    /// Whether a message was begun by this side and not finished.
    is_within_message: bool,
    received: Vec<u8>,
    /// Frames that answer pings, to be sent.
    answers: Vec<u8>,
    close_code: Option<u16>,
}

impl WebFraming {
    /// The request that begins the connection, with further `fields`. A program that shows no cookie need not name a page.
    pub(crate) fn request(host: &str, fields: &str) -> Vec<u8> {
        format!(
            "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n"
        )
        .into_bytes()
    }

    /// Frames for `bytes`. A message ends where the bytes end with a line; else the next bytes continue it. Many lines
    /// are several messages, since a server takes no message above 1 MiB.
    pub(crate) fn encode(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut frames = Vec::new();
        while bytes.len() > MESSAGE_BYTES
            && let Some(end) = bytes[..MESSAGE_BYTES].iter().rposition(|byte| *byte == b'\n')
        {
            frames.extend(self.encode_one(&bytes[..=end]));
            bytes = &bytes[end + 1..];
        }
        frames.extend(self.encode_one(bytes));
        frames
    }

    fn encode_one(&mut self, bytes: &[u8]) -> Vec<u8> {
        let is_final = bytes.ends_with(b"\n");
        let opcode = if self.is_within_message { CONTINUATION } else { TEXT };
        self.is_within_message = !is_final;
        frame(opcode | if is_final { FINAL } else { 0 }, bytes)
    }

    /// Takes bytes of the server, and appends the text of its messages to `text`.
    ///
    /// # Errors
    /// The server refused the handshake, or violates the protocol.
    pub(crate) fn decode(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        self.received.extend_from_slice(bytes);
        if !self.is_open && !self.take_response()? {
            return Ok(());
        }
        while let Some((first, payload)) = self.take_frame()? {
            match first ^ FINAL {
                TEXT if !payload.ends_with(b"\n") => {
                    text.extend_from_slice(&payload);
                    text.push(b'\n');
                }
                PING => self.answers.extend(frame(PONG | FINAL, &payload)),
                PONG => {}
                CLOSE => {
                    let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                    self.close_code = Some(code.unwrap_or(1005));
                }
                _ => return Err(violation(&format!("a frame begins with {first:#x}"))),
            }
        }
        Ok(())
    }

    /// Frames that answer pings, to be sent now.
    pub(crate) fn take_answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answers)
    }

    /// The code of the server's close frame, if that came.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.close_code
    }

    fn take_response(&mut self) -> io::Result<bool> {
        let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(false) };
        let head = String::from_utf8_lossy(&self.received[..end]).into_owned();
        let is_accepted =
            head.starts_with("HTTP/1.1 101 ") && head.contains(&format!("Sec-WebSocket-Accept: {ACCEPT}"));
        if !is_accepted {
            return Err(violation(&head));
        }
        self.received.drain(..end + 4);
        self.is_open = true;
        Ok(true)
    }

    /// The first byte and the payload of the next frame, if it is complete.
    fn take_frame(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let [first, length, ..] = self.received[..] else { return Ok(None) };
        if self.close_code.is_some() {
            return Err(violation("a frame comes after the close frame"));
        }
        let (start, length) = match (length, &self.received[2..]) {
            (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
            (0..126, _) => (2, usize::from(length)),
            (127, [0, 0, 0, 0, a, b, c, d, ..]) => (10, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
            (126, _) | (127, [] | [0, ..]) => return Ok(None),
            // Masked, or longer than any message of a server.
            _ => return Err(violation(&format!("a frame has the length byte {length}"))),
        };
        if self.received.len() < start + length {
            return Ok(None);
        }
        let payload = self.received[start..start + length].to_vec();
        self.received.drain(..start + length);
        Ok(Some((first, payload)))
    }
}

fn violation(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not what a WebSocket server sends: {what}"))
}

/// A masked frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0xc3, 0x0f, 0x96];
    let mut frame = vec![first];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => frame.push(FINAL | short),
        (_, Ok(medium)) => {
            frame.push(FINAL | 126);
            frame.extend(medium.to_be_bytes());
        }
        _ => {
            frame.push(FINAL | 127);
            // A length in memory fits 64 bits.
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
