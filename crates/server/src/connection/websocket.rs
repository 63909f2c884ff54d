//! The framing of one WebSocket connection: from frames to the lines in them, and the answers to frames that carry
//! none. It must not encrypt or send anything.

use std::io;
use std::sync::Arc;

use parlor_proto::{Bye, append_secret};
use parlor_websocket::{CloseCode, Decoder, Event, close, pong};
use zeroize::Zeroize;

use super::tls_session::TlsSession;

/// Longest message of a client, in bytes. It may have many lines. A message is not kept, so this bounds no memory.
const MAX_MESSAGE_BYTES: u32 = 1 << 20;

/// The framing of one connection.
#[derive(Debug)]
pub(super) struct WebSocket {
    decoder: Decoder,
    /// Whether the last byte of the message so far ends a line.
    is_at_line_start: bool,
    /// Answers to pings that are not sent yet. They are taken after each read, so they are no more than the read.
    answers: Vec<u8>,
    /// The client's close frame, or its violation.
    end: Option<End>,
}

/// How a client ended its direction.
#[derive(Debug, Clone, Copy)]
enum End {
    /// By a close frame, with this code if it had one.
    Closed(Option<CloseCode>),
    /// By a violation of the protocol.
    Violation(CloseCode),
}

impl Default for WebSocket {
    fn default() -> Self {
        Self { decoder: Decoder::new(MAX_MESSAGE_BYTES), is_at_line_start: true, answers: Vec::new(), end: None }
    }
}

impl WebSocket {
    /// Decrypts bytes from the peer, and appends the lines in them to `plain`. The end of a message ends a line.
    ///
    /// # Errors
    /// The peer violates TLS.
    pub(super) fn receive(&mut self, tls: &mut TlsSession, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        let mut frames = Vec::new();
        let received = tls.receive(cipher, &mut frames);
        self.decode(&mut frames, plain);
        // It may have had a password.
        frames.zeroize();
        received
    }

    fn decode(&mut self, mut frames: &mut [u8], plain: &mut Vec<u8>) {
        while self.end.is_none() {
            match self.decoder.next(&mut frames) {
                Ok(None) => return,
                Ok(Some(Event::Text(text))) => {
                    append_secret(plain, text);
                    self.is_at_line_start = text.ends_with(b"\n");
                }
                Ok(Some(Event::EndOfMessage)) if self.is_at_line_start => {}
                Ok(Some(Event::EndOfMessage)) => {
                    append_secret(plain, b"\n");
                    self.is_at_line_start = true;
                }
                Ok(Some(Event::Ping(payload))) => self.answers.extend_from_slice(pong(&payload).as_bytes()),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(closing))) => self.end = Some(End::Closed(closing.code())),
                Err(violation) => self.end = Some(End::Violation(violation.close_code())),
            }
        }
    }

    /// Whether the client sends nothing more that counts.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Takes the answers that are not sent yet, if there are any.
    pub(super) fn take_answers(&mut self) -> Option<Arc<[u8]>> {
        (!self.answers.is_empty()).then(|| std::mem::take(&mut self.answers).into())
    }

    /// The close frame of this side. `goodbye` is the reason, if the server ends the connection or the client asked for
    /// the end.
    pub(super) fn close_frame(&self, goodbye: Option<Bye>) -> Vec<u8> {
        let code = match (self.end, goodbye) {
            (Some(End::Violation(code)), _) => Some(code),
            (_, Some(goodbye)) => CloseCode::new(goodbye.close_code()),
            (Some(End::Closed(code)), None) => code,
            (None, None) => Some(CloseCode::NORMAL),
        };
        close(code, "").as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame of a client, as short as its length allows.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        let mask = [1, 2, 3, 4];
        let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        [first, 0x80 | length].into_iter().chain(mask).chain(masked).collect()
    }

    fn decode(websocket: &mut WebSocket, frames: &[Vec<u8>]) -> String {
        let mut plain = Vec::new();
        websocket.decode(&mut frames.concat(), &mut plain);
        String::from_utf8(plain).unwrap()
    }

    #[test]
    fn each_message_ends_its_last_line() {
        let mut websocket = WebSocket::default();
        let frames = [frame(0x81, b"/who\nhello"), frame(0x81, b"/quit\n"), frame(0x81, b""), frame(0x01, b"a")];
        assert_eq!(decode(&mut websocket, &frames), "/who\nhello\n/quit\na");
        assert_eq!(decode(&mut websocket, &[frame(0x80, b"")]), "\n");
    }

    #[test]
    fn pings_are_answered_in_order() {
        let mut websocket = WebSocket::default();
        assert_eq!(decode(&mut websocket, &[frame(0x89, b"one"), frame(0x8a, b"?"), frame(0x89, b"")]), "");
        assert_eq!(websocket.take_answers().unwrap()[..], *b"\x8a\x03one\x8a\x00");
        assert!(websocket.take_answers().is_none());
    }

    #[test]
    fn the_close_frame_tells_why() {
        let code = |frames: &[Vec<u8>], goodbye| {
            let mut websocket = WebSocket::default();
            decode(&mut websocket, frames);
            websocket.close_frame(goodbye)[2..].iter().fold(0, |code, byte| code * 256 + u16::from(*byte))
        };
        assert_eq!(code(&[], None), 1000);
        assert_eq!(code(&[], Some(Bye::Quit)), 1000);
        assert_eq!(code(&[], Some(Bye::ServerShutdown)), 1001);
        assert_eq!(code(&[], Some(Bye::LoggedInElsewhere)), 4001);
        assert_eq!(code(&[frame(0x82, b"binary")], None), 1003);
        assert_eq!(code(&[frame(0x88, &4321u16.to_be_bytes())], None), 4321);
        assert_eq!(code(&[frame(0x88, b"")], None), 0);
    }

    #[test]
    fn nothing_counts_after_a_violation() {
        let mut websocket = WebSocket::default();
        assert_eq!(decode(&mut websocket, &[frame(0x81, b"one"), frame(0x83, b""), frame(0x81, b"two")]), "one\n");
        assert!(websocket.is_over());
    }
}
