//! The events of a stream of frames are those of the definition, in whatever pieces the stream arrives, and frames that
//! are written again mean the same. The first byte of the input is the limit of a message in fours, the second the
//! length of a piece, the rest the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_websocket::{CloseCode, Decoder, Event, Payload, Violation, close, ping, pong, text_header};

/// An event. The pieces of a text are joined as far as nothing else comes between them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Text(Vec<u8>),
    End,
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The payload of a close frame.
    Close(Vec<u8>),
    Refused(Violation),
}

fn add_text(heard: &mut Vec<Heard>, bytes: &[u8]) {
    match heard.last_mut() {
        Some(Heard::Text(text)) => text.extend_from_slice(bytes),
        _ if bytes.is_empty() => {}
        _ => heard.push(Heard::Text(bytes.to_vec())),
    }
}

/// The events of a decoder for a stream in pieces of `size` bytes.
fn decode(limit: u32, stream: &[u8], size: usize) -> Vec<Heard> {
    let mut decoder = Decoder::new(limit);
    let mut heard = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        let mut received = piece.to_vec();
        let mut input = &mut received[..];
        loop {
            match decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(Event::Text(bytes))) => {
                    assert!(!bytes.is_empty());
                    add_text(&mut heard, bytes);
                }
                Ok(Some(Event::EndOfMessage)) => heard.push(Heard::End),
                Ok(Some(Event::Ping(payload))) => heard.push(Heard::Ping(payload.as_bytes().to_vec())),
                Ok(Some(Event::Pong(payload))) => heard.push(Heard::Pong(payload.as_bytes().to_vec())),
                Ok(Some(Event::Close(closing))) => {
                    let code = closing.code().map(|code| code.get().to_be_bytes());
                    let payload = code.into_iter().flatten().chain(closing.reason().bytes());
                    heard.push(Heard::Close(payload.collect()));
                }
                Err(violation) => heard.push(Heard::Refused(violation)),
            }
        }
        assert!(input.is_empty(), "a piece was not taken");
    }
    heard
}

/// Reads a stream by the definition of a frame.
struct Reader<'a> {
    rest: &'a [u8],
    limit: u64,
    /// The message so far, unless there is none.
    message: Option<Vec<u8>>,
    heard: Vec<Heard>,
}

struct Header {
    opcode: u8,
    is_final: bool,
    length: usize,
    mask: [u8; 4],
    /// Length of the header itself.
    bytes: usize,
}

impl Reader<'_> {
    /// The header of the next frame; `None` if it is not complete.
    fn header(&self) -> Result<Option<Header>, Violation> {
        let Some(first) = self.rest.first() else { return Ok(None) };
        let (opcode, is_final) = (first & 15, *first >= 0x80);
        match (opcode, self.message.is_some()) {
            _ if first & 0x70 != 0 => return Err(Violation::ReservedBit),
            (0, false) => return Err(Violation::NothingToContinue),
            (1 | 2, true) => return Err(Violation::Unfinished),
            (2, false) => return Err(Violation::Binary),
            (3..=7 | 11.., _) => return Err(Violation::ReservedOpcode(opcode)),
            (8.., _) if !is_final => return Err(Violation::FragmentedControl),
            _ => {}
        }
        let Some(second) = self.rest.get(1) else { return Ok(None) };
        let short = second & 0x7f;
        match short {
            _ if *second < 0x80 => return Err(Violation::Unmasked),
            126.. if opcode >= 8 => return Err(Violation::LongControl),
            127 if self.rest.get(2).is_some_and(|byte| *byte >= 0x80) => return Err(Violation::Length),
            _ => {}
        }
        let (extra, shortest) = [(0, 0), (2, 126), (8, 0x1_0000)][usize::from(short.saturating_sub(125))];
        let Some(bytes) = self.rest.get(2..2 + extra) else { return Ok(None) };
        let long = bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
        let length = if extra == 0 { u64::from(short) } else { long };
        if length < shortest {
            return Err(Violation::Length);
        }
        let before = self.message.as_ref().map_or(0, |message| message.len() as u64);
        if opcode < 8 && before + length > self.limit {
            return Err(Violation::TooLong);
        }
        let mask = self.rest.get(2 + extra..6 + extra).and_then(|mask| mask.try_into().ok());
        Ok(mask.map(|mask| Header { opcode, is_final, length: length as usize, mask, bytes: 6 + extra }))
    }

    /// Reads a frame; `false` if there is none that is complete, or if it is the last.
    fn frame(&mut self) -> Result<bool, Violation> {
        let Some(header) = self.header()? else { return Ok(false) };
        let start = &self.rest[header.bytes..];
        let (there, rest) = start.split_at(header.length.min(start.len()));
        let payload: Vec<u8> = there.iter().zip(header.mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        let is_complete = payload.len() == header.length;
        self.rest = rest;
        match header.opcode {
            0 | 1 => self.text(&payload, is_complete && header.is_final)?,
            _ if !is_complete => {}
            8 => return self.close(payload).map(|()| false),
            9 => self.heard.push(Heard::Ping(payload)),
            _ => self.heard.push(Heard::Pong(payload)),
        }
        Ok(is_complete)
    }

    fn text(&mut self, payload: &[u8], is_end: bool) -> Result<(), Violation> {
        let mut message = self.message.take().unwrap_or_default();
        let before = message.len();
        message.extend_from_slice(payload);
        let may_begin_text = |length: &usize| match str::from_utf8(&message[..*length]) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        };
        let valid = (before..=message.len()).rev().find(may_begin_text).unwrap_or(before);
        add_text(&mut self.heard, &message[before..valid]);
        if valid < message.len() || is_end && str::from_utf8(&message).is_err() {
            return Err(Violation::Utf8);
        }
        if is_end {
            self.heard.push(Heard::End);
        } else {
            self.message = Some(message);
        }
        Ok(())
    }

    fn close(&mut self, payload: Vec<u8>) -> Result<(), Violation> {
        match &payload[..] {
            [] => {}
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    return Err(Violation::CloseCode);
                }
                str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
            }
            _ => return Err(Violation::CloseCode),
        }
        self.heard.push(Heard::Close(payload));
        Ok(())
    }
}

/// The events by the definition.
fn expected(limit: u32, stream: &[u8]) -> Vec<Heard> {
    let mut reader = Reader { rest: stream, limit: limit.into(), message: None, heard: Vec::new() };
    loop {
        match reader.frame() {
            Ok(true) => {}
            Ok(false) => break,
            Err(violation) => {
                reader.heard.push(Heard::Refused(violation));
                break;
            }
        }
    }
    reader.heard
}

/// A frame of the server as one of a client: the mask of zeros changes no byte.
fn masked(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut frame = header.to_vec();
    frame[1] |= 0x80;
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Complete messages and control frames, each written by the encoder of the server, read again.
fn check_round_trip(limit: u32, heard: &[Heard]) {
    let mut text = Vec::new();
    let (mut frames, mut meaning) = (Vec::new(), Vec::new());
    for event in heard {
        let control = |payload: &[u8]| Payload::new(payload).expect("it was in a control frame");
        match event {
            Heard::Text(piece) => text.extend_from_slice(piece),
            Heard::End => {
                frames.extend(masked(text_header(text.len()).as_bytes(), &text));
                if !text.is_empty() {
                    meaning.push(Heard::Text(std::mem::take(&mut text)));
                }
            }
            Heard::Ping(payload) => frames.extend(masked(&ping(&control(payload)).as_bytes()[..2], payload)),
            Heard::Pong(payload) => frames.extend(masked(&pong(&control(payload)).as_bytes()[..2], payload)),
            Heard::Close(payload) => {
                let code = payload.first_chunk().and_then(|code| CloseCode::new(u16::from_be_bytes(*code)));
                let reason = payload.get(2..).map(|reason| String::from_utf8_lossy(reason)).unwrap_or_default();
                let frame = close(code, &reason);
                assert_eq!(&frame.as_bytes()[2..], payload);
                frames.extend(masked(&frame.as_bytes()[..2], payload));
            }
            Heard::Refused(_) => break,
        }
        if !matches!(event, Heard::Text(_)) {
            meaning.push(event.clone());
        }
    }
    assert_eq!(decode(limit, &frames, frames.len()), meaning);
}

fuzz_target!(|data: &[u8]| {
    let [limit, size, stream @ ..] = data else { return };
    let limit = 4 * u32::from(*limit);
    let whole = decode(limit, stream, stream.len());
    assert_eq!(whole, expected(limit, stream));
    assert_eq!(decode(limit, stream, usize::from(*size)), whole);
    check_round_trip(limit, &whole);
});
