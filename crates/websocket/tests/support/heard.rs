//! What a decoder reports of a stream. It must not judge it.

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
