//! Frames as a client writes them, and what a decoder reports of them. It must not use the decoder to make frames.

use parlor_websocket::{Decoder, Event, Violation};

/// What a decoder reports. The pieces of a text are joined as far as nothing else comes between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Text(Vec<u8>),
    End,
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Refused(Violation),
}

/// Decodes a stream that arrives in `pieces`.
pub(crate) fn hear<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Heard> {
    let mut heard = Vec::new();
    for piece in pieces {
        let mut received = piece.to_vec();
        let mut input = &mut received[..];
        loop {
            match decoder.next(&mut input) {
                Ok(None) => break,
                Ok(Some(event)) => add(&mut heard, event),
                Err(violation) => heard.push(Heard::Refused(violation)),
            }
        }
        assert!(input.is_empty(), "{input:?} is not taken");
    }
    heard
}

fn add(heard: &mut Vec<Heard>, event: Event<'_>) {
    match event {
        Event::Text(bytes) => {
            assert!(!bytes.is_empty(), "a piece of text without a byte");
            match heard.last_mut() {
                Some(Heard::Text(text)) => text.extend_from_slice(bytes),
                _ => heard.push(Heard::Text(bytes.to_vec())),
            }
        }
        Event::EndOfMessage => heard.push(Heard::End),
        Event::Ping(payload) => heard.push(Heard::Ping(payload.as_bytes().to_vec())),
        Event::Pong(payload) => heard.push(Heard::Pong(payload.as_bytes().to_vec())),
        Event::Close(closing) => {
            heard.push(Heard::Close(closing.code().map(|code| code.get()), closing.reason().to_owned()));
        }
    }
}

/// How many bytes the length of a frame has, besides the seven bits in its second byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    None,
    Two,
    Eight,
}

impl Extra {
    /// The shortest that can hold `length`.
    pub(crate) fn shortest(length: u64) -> Self {
        match length {
            0..=125 => Self::None,
            126..=0xffff => Self::Two,
            _ => Self::Eight,
        }
    }
}

/// A frame with the given first byte. Its length is as long as `extra` says, right or not.
pub(crate) fn frame_with(first: u8, length: u64, extra: Extra, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let bytes = length.to_be_bytes();
    let mut frame = vec![first];
    match extra {
        Extra::None => frame.push(masked | bytes[7] & 0x7f),
        Extra::Two => frame.extend([masked | 126, bytes[6], bytes[7]]),
        Extra::Eight => {
            frame.push(masked | 127);
            frame.extend(bytes);
        }
    }
    let mask = mask.unwrap_or_default();
    if masked != 0 {
        frame.extend(mask);
    }
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A correct frame with the given first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    frame_with(first, length, Extra::shortest(length), Some([0x5a, 0x01, 0xfe, 0x80]), payload)
}
