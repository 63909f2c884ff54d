//! Frames of a client, cut from bytes. It must not keep a text: pieces of it leave as they arrive.

use super::close_code::CloseCode;
use super::frame::Payload;
use super::header::{self, Context, ControlOpcode, Header, Kind, MAX_HEADER_BYTES, Violation};
use super::utf8::{Invalid, Validator};

/// What arrives.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The next bytes of the text of a message, never none. All pieces of a message together are UTF-8, but a piece may
    /// end within a character.
    Text(&'a [u8]),
    /// The message is complete. One without a byte has only this event.
    EndOfMessage,
    /// To be answered by [`super::pong`]. Pings may come within a message.
    Ping(Payload),
    /// The answer to a [`super::ping`], or a sign of life.
    Pong(Payload),
    /// The client sends no more. To be answered by [`super::close`] with its code, unless the server closed first. There
    /// are no events after this one.
    Close(Closing),
}

/// A close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// Empty, or a valid code and UTF-8.
    payload: Payload,
}

impl Closing {
    fn new(payload: Payload) -> Result<Self, Violation> {
        match payload.as_bytes() {
            [] => {}
            [high, low, reason @ ..] => {
                CloseCode::new(u16::from_be_bytes([*high, *low])).ok_or(Violation::CloseCode)?;
                str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
            }
            [_] => return Err(Violation::CloseCode),
        }
        Ok(Self { payload })
    }

    /// The code, if there is one.
    pub fn code(&self) -> Option<CloseCode> {
        let code = self.payload.as_bytes().first_chunk()?;
        CloseCode::new(u16::from_be_bytes(*code))
    }

    /// The reason: text of the client.
    pub fn reason(&self) -> &str {
        // It is UTF-8 since this was made.
        self.payload.as_bytes().get(2..).and_then(|reason| str::from_utf8(reason).ok()).unwrap_or_default()
    }
}

/// Where the decoder is.
#[derive(Debug, Clone, Copy)]
enum State {
    /// In the header of a frame.
    Header,
    /// In the payload of a frame of a message.
    Message { is_final: bool, left: u32 },
    /// In the payload of a control frame.
    Control { opcode: ControlOpcode, left: u8 },
    /// After text that is followed by this violation.
    Broken(Violation),
    /// After a close frame or a violation.
    Ended,
}

/// Decodes what one client sends. Its size is about 200 bytes, and it allocates nothing.
#[derive(Debug, Clone)]
pub struct Decoder {
    state: State,
    /// The mask of the frame, turned so that its first byte is for the next byte of the payload.
    mask: [u8; 4],
    header: [u8; MAX_HEADER_BYTES],
    header_length: u8,
    control: Payload,
    is_in_message: bool,
    text: Validator,
    /// Bytes that a message may have.
    limit: u32,
    /// Bytes of the message that are announced so far.
    announced: u32,
}

impl Decoder {
    /// A decoder at the beginning of a connection. A message of more than `limit` bytes is a violation. The limit does
    /// not need any memory: messages are not kept.
    pub fn new(limit: u32) -> Self {
        Self {
            state: State::Header,
            mask: [0; 4],
            header: [0; MAX_HEADER_BYTES],
            header_length: 0,
            control: Payload::EMPTY,
            is_in_message: false,
            text: Validator::default(),
            limit,
            announced: 0,
        }
    }

    /// Takes bytes from the beginning of `input` up to the next event; `None` if all bytes are taken and there is none.
    /// Texts are unmasked in place. To be called until it returns `None`, even if `input` is empty:
    ///
    /// ```
    /// # use parlor_websocket::{Decoder, Event, Violation};
    /// # fn receive(decoder: &mut Decoder, received: &mut [u8]) -> Result<(), Violation> {
    /// let mut input = received;
    /// while let Some(event) = decoder.next(&mut input)? {
    ///     match event {
    ///         Event::Text(bytes) => println!("{} bytes of text", bytes.len()),
    ///         Event::EndOfMessage => println!("a message is complete"),
    ///         Event::Ping(_) | Event::Pong(_) | Event::Close(_) => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The events do not depend on the pieces in which the bytes arrive, except that texts come in other pieces.
    ///
    /// # Errors
    /// The client breaks the rules. Each violation is reported with the first byte that shows it, after all text before
    /// that byte. There are no events after it: further input is dropped.
    pub fn next<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Event<'a>>, Violation> {
        let result = self.step_until_event(input);
        if matches!(result, Err(_) | Ok(Some(Event::Close(_)))) {
            self.state = State::Ended;
        }
        result
    }

    fn step_until_event<'a>(&mut self, input: &mut &'a mut [u8]) -> Result<Option<Event<'a>>, Violation> {
        loop {
            let event = match self.state {
                State::Message { is_final, left: 0 } => self.end_message_frame(is_final)?,
                State::Control { opcode, left: 0 } => Some(self.end_control_frame(opcode)?),
                State::Broken(violation) => return Err(violation),
                _ if input.is_empty() => return Ok(None),
                State::Header => {
                    self.push_header(take(input, 1)[0])?;
                    None
                }
                State::Message { is_final, left } => {
                    let piece = take(input, usize::try_from(left).unwrap_or(usize::MAX));
                    self.state = State::Message { is_final, left: left - piece.len() as u32 };
                    self.unmask(piece);
                    Some(self.text_piece(piece)?)
                }
                State::Control { opcode, left } => {
                    let piece = take(input, usize::from(left));
                    self.unmask(piece);
                    // `left` is at most what is free, by the check of the header.
                    self.control.extend(piece);
                    self.state = State::Control { opcode, left: left - piece.len() as u8 };
                    None
                }
                State::Ended => {
                    take(input, usize::MAX);
                    None
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// Takes one byte of a header.
    fn push_header(&mut self, byte: u8) -> Result<(), Violation> {
        let length = usize::from(self.header_length);
        // A header is complete after at most as many bytes as the array has.
        self.header[length] = byte;
        let context = Context { is_in_message: self.is_in_message, allowance: self.limit - self.announced };
        match header::parse(&self.header[..=length], context)? {
            None => self.header_length += 1,
            Some(header) => {
                self.header_length = 0;
                self.begin_payload(header);
            }
        }
        Ok(())
    }

    fn begin_payload(&mut self, header: Header) {
        self.mask = header.mask;
        self.state = match header.kind {
            Kind::Message(length) => {
                self.announced += length;
                self.is_in_message = true;
                State::Message { is_final: header.is_final, left: length }
            }
            Kind::Control(opcode, length) => {
                self.control = Payload::EMPTY;
                State::Control { opcode, left: length }
            }
        };
    }

    /// Removes the mask from the next bytes of the payload.
    fn unmask(&mut self, piece: &mut [u8]) {
        let (words, rest) = piece.as_chunks_mut::<4>();
        let mask = u32::from_ne_bytes(self.mask);
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ mask).to_ne_bytes();
        }
        for (byte, mask) in rest.iter_mut().zip(self.mask) {
            *byte ^= mask;
        }
        self.mask.rotate_left(rest.len());
    }

    fn text_piece<'a>(&mut self, piece: &'a [u8]) -> Result<Event<'a>, Violation> {
        match self.text.push(piece) {
            Ok(()) => Ok(Event::Text(piece)),
            Err(Invalid { valid: 0 }) => Err(Violation::Utf8),
            Err(Invalid { valid }) => {
                self.state = State::Broken(Violation::Utf8);
                Ok(Event::Text(&piece[..valid]))
            }
        }
    }

    fn end_message_frame(&mut self, is_final: bool) -> Result<Option<Event<'static>>, Violation> {
        self.state = State::Header;
        if !is_final {
            return Ok(None);
        }
        if !self.text.is_complete() {
            return Err(Violation::Utf8);
        }
        self.is_in_message = false;
        self.announced = 0;
        Ok(Some(Event::EndOfMessage))
    }

    fn end_control_frame(&mut self, opcode: ControlOpcode) -> Result<Event<'static>, Violation> {
        self.state = State::Header;
        Ok(match opcode {
            ControlOpcode::Ping => Event::Ping(self.control),
            ControlOpcode::Pong => Event::Pong(self.control),
            ControlOpcode::Close => Event::Close(Closing::new(self.control)?),
        })
    }
}

/// Takes at most `most` bytes from the beginning of `input`.
fn take<'a>(input: &mut &'a mut [u8], most: usize) -> &'a mut [u8] {
    let most = most.min(input.len());
    let (taken, rest) = std::mem::take(input).split_at_mut(most);
    *input = rest;
    taken
}
