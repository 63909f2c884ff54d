//! The header of a frame from a client. It must not look at the payload.

use thiserror::Error;

use super::close_code::CloseCode;

/// Longest header from a client: two bytes, eight of the length, four of the mask.
pub(super) const MAX_HEADER_BYTES: usize = 14;

/// Longest payload of a control frame.
pub(super) const MAX_CONTROL_BYTES: usize = 125;

/// What a client does wrong. The connection must end with [`Violation::close_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Violation {
    /// A bit that only an extension may set.
    #[error("a reserved bit is set")]
    ReservedBit,
    /// An opcode without a meaning.
    #[error("the opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A binary message.
    #[error("binary messages are not accepted")]
    Binary,
    /// A frame without a mask.
    #[error("a frame is not masked")]
    Unmasked,
    /// A control frame in several fragments.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame with more than 125 bytes.
    #[error("a control frame is too long")]
    LongControl,
    /// A length in more bytes than it needs, or of more than 63 bits.
    #[error("the length of a frame is malformed")]
    Length,
    /// A continuation without a message that is begun.
    #[error("a frame continues nothing")]
    NothingToContinue,
    /// A message within another.
    #[error("a message begins before the last one ends")]
    Unfinished,
    /// A message over the limit.
    #[error("a message is too long")]
    TooLong,
    /// A text that is not UTF-8, in a message or a close frame.
    #[error("a text is not UTF-8")]
    Utf8,
    /// A close frame of one byte, or with a code that no frame may have.
    #[error("the code of a close frame is not valid")]
    CloseCode,
}

impl Violation {
    /// The code to close with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::Binary => CloseCode::UNSUPPORTED,
            Self::Utf8 => CloseCode::INVALID_DATA,
            Self::TooLong => CloseCode::TOO_LONG,
            Self::ReservedBit
            | Self::ReservedOpcode(_)
            | Self::Unmasked
            | Self::FragmentedControl
            | Self::LongControl
            | Self::Length
            | Self::NothingToContinue
            | Self::Unfinished
            | Self::CloseCode => CloseCode::PROTOCOL_ERROR,
        }
    }
}

/// The meaning of a control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ControlOpcode {
    Close,
    Ping,
    Pong,
}

/// The kind of a frame, with the length of its payload in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The first part of a message, or a continuation. At most the allowance.
    Message(u32),
    /// At most [`MAX_CONTROL_BYTES`].
    Control(ControlOpcode, u8),
}

/// A complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) is_final: bool,
    pub(super) mask: [u8; 4],
}

/// What the decoder knows of the message that is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) is_in_message: bool,
    /// Bytes that the message may still have.
    pub(super) allowance: u32,
}

/// Parses the header at the beginning of `bytes`; `None` if more bytes are needed. Each error comes with the first byte
/// that shows it.
pub(super) fn parse(bytes: &[u8], context: Context) -> Result<Option<Header>, Violation> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let is_final = first & 0x80 != 0;
    let control = control_opcode(first, context.is_in_message)?;
    let Some((&second, rest)) = rest.split_first() else {
        return Ok(None);
    };
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked);
    }
    let short = second & 0x7f;
    let (kind, rest) = match control {
        Some(_) if usize::from(short) > MAX_CONTROL_BYTES => return Err(Violation::LongControl),
        Some(opcode) => (Kind::Control(opcode, short), rest),
        None => match message_length(short, rest, context.allowance)? {
            Some((length, rest)) => (Kind::Message(length), rest),
            None => return Ok(None),
        },
    };
    Ok(rest.first_chunk().map(|mask| Header { kind, is_final, mask: *mask }))
}

/// What the first byte says: the opcode of a control frame, or `None` for a part of a message.
fn control_opcode(first: u8, is_in_message: bool) -> Result<Option<ControlOpcode>, Violation> {
    if first & 0x70 != 0 {
        return Err(Violation::ReservedBit);
    }
    let opcode = match first & 0x0f {
        0x0 if is_in_message => return Ok(None),
        0x0 => return Err(Violation::NothingToContinue),
        0x1 | 0x2 if is_in_message => return Err(Violation::Unfinished),
        0x1 => return Ok(None),
        0x2 => return Err(Violation::Binary),
        0x8 => ControlOpcode::Close,
        0x9 => ControlOpcode::Ping,
        0xa => ControlOpcode::Pong,
        other => return Err(Violation::ReservedOpcode(other)),
    };
    if first & 0x80 == 0 { Err(Violation::FragmentedControl) } else { Ok(Some(opcode)) }
}

/// The length of the payload and the bytes after it; `None` if more bytes are needed.
fn message_length(short: u8, rest: &[u8], allowance: u32) -> Result<Option<(u32, &[u8])>, Violation> {
    let (length, rest, shortest) = match short {
        126 => match rest.split_first_chunk() {
            Some((length, rest)) => (u16::from_be_bytes(*length).into(), rest, 126),
            None => return Ok(None),
        },
        127 if rest.first().is_some_and(|byte| byte & 0x80 != 0) => return Err(Violation::Length),
        127 => match rest.split_first_chunk() {
            Some((length, rest)) => (u64::from_be_bytes(*length), rest, 1 << 16),
            None => return Ok(None),
        },
        short => (short.into(), rest, 0),
    };
    if length < shortest {
        return Err(Violation::Length);
    }
    match u32::try_from(length) {
        Ok(length) if length <= allowance => Ok(Some((length, rest))),
        _ => Err(Violation::TooLong),
    }
}
