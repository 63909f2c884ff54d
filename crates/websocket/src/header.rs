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

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

    /// Between messages of at most 100,000 bytes.
    const IDLE: Context = Context { is_in_message: false, allowance: 100_000 };
    const IN_MESSAGE: Context = Context { is_in_message: true, allowance: 100_000 };

    /// Parses `bytes` and a mask after them. Only the last byte may complete the header, or any byte show an error.
    fn outcome(bytes: &[u8], context: Context) -> Result<Header, Violation> {
        let bytes = [bytes, &MASK].concat();
        for length in 0..bytes.len() {
            if parse(&bytes[..length], context)?.is_some() {
                panic!("{:?} is complete", &bytes[..length]);
            }
        }
        parse(&bytes, context).map(|header| header.unwrap())
    }

    fn message(bytes: &[u8]) -> Result<u32, Violation> {
        outcome(bytes, IDLE).map(|header| match header.kind {
            Kind::Message(length) => length,
            Kind::Control(..) => panic!("{header:?}"),
        })
    }

    #[test]
    fn a_header_says_what_the_frame_is() {
        let text = Header { kind: Kind::Message(5), is_final: true, mask: MASK };
        assert_eq!(outcome(&[0x81, 0x85], IDLE), Ok(text));
        assert_eq!(outcome(&[0x01, 0x85], IDLE), Ok(Header { is_final: false, ..text }));
        assert_eq!(outcome(&[0x80, 0x85], IN_MESSAGE), Ok(text));
        assert_eq!(outcome(&[0x00, 0x85], IN_MESSAGE), Ok(Header { is_final: false, ..text }));
        for (first, opcode) in [(0x88, ControlOpcode::Close), (0x89, ControlOpcode::Ping), (0x8a, ControlOpcode::Pong)]
        {
            let control = Header { kind: Kind::Control(opcode, 125), ..text };
            assert_eq!(outcome(&[first, 0xfd], IDLE), Ok(control));
            assert_eq!(outcome(&[first, 0xfd], IN_MESSAGE), Ok(control));
        }
    }

    #[test]
    fn a_length_has_7_16_or_63_bits() {
        assert_eq!(message(&[0x81, 0x80]), Ok(0));
        assert_eq!(message(&[0x81, 0x80 | 125]), Ok(125));
        assert_eq!(message(&[0x81, 0xfe, 0, 126]), Ok(126));
        assert_eq!(message(&[0x81, 0xfe, 0xff, 0xff]), Ok(0xffff));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]), Ok(0x1_0000));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa0]), Ok(100_000));
    }

    #[test]
    fn a_length_in_more_bytes_than_it_needs_is_refused() {
        assert_eq!(message(&[0x81, 0xfe, 0, 0]), Err(Violation::Length));
        assert_eq!(message(&[0x81, 0xfe, 0, 125]), Err(Violation::Length));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1]), Err(Violation::Length));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), Err(Violation::Length));
    }

    #[test]
    fn a_length_of_64_bits_is_refused_at_its_first_byte() {
        assert_eq!(parse(&[0x81, 0xff, 0x80], IDLE), Err(Violation::Length));
        assert_eq!(parse(&[0x81, 0xff, 0x7f], IDLE), Ok(None));
    }

    #[test]
    fn a_message_has_at_most_its_allowance() {
        let outcome = |allowance| message_length(125, &[], allowance);
        assert_eq!(outcome(125), Ok(Some((125, &[][..]))));
        assert_eq!(outcome(124), Err(Violation::TooLong));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa1]), Err(Violation::TooLong));
        assert_eq!(message(&[0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 5]), Err(Violation::TooLong));
        assert_eq!(message(&[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Violation::TooLong));
        let all = Context { is_in_message: false, allowance: u32::MAX };
        assert!(parse(&[0x81, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4], all).unwrap().is_some());
    }

    #[test]
    fn a_control_frame_needs_no_allowance() {
        let context = Context { is_in_message: true, allowance: 0 };
        assert!(outcome(&[0x89, 0xfd], context).is_ok());
        assert_eq!(outcome(&[0x80, 0x81], context), Err(Violation::TooLong));
        assert!(outcome(&[0x80, 0x80], context).is_ok());
    }

    #[test]
    fn the_first_byte_shows_most_errors() {
        for (first, context, violation) in [
            (0xc1, IDLE, Violation::ReservedBit),
            (0xa1, IDLE, Violation::ReservedBit),
            (0x91, IDLE, Violation::ReservedBit),
            (0xf3, IDLE, Violation::ReservedBit),
            (0x80, IDLE, Violation::NothingToContinue),
            (0x00, IDLE, Violation::NothingToContinue),
            (0x81, IN_MESSAGE, Violation::Unfinished),
            (0x82, IN_MESSAGE, Violation::Unfinished),
            (0x82, IDLE, Violation::Binary),
            (0x02, IDLE, Violation::Binary),
            (0x08, IDLE, Violation::FragmentedControl),
            (0x09, IN_MESSAGE, Violation::FragmentedControl),
            (0x0a, IDLE, Violation::FragmentedControl),
        ] {
            assert_eq!(parse(&[first], context), Err(violation), "{first:#x}");
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(parse(&[0x80 | opcode], IDLE), Err(Violation::ReservedOpcode(opcode)));
            assert_eq!(parse(&[opcode], IN_MESSAGE), Err(Violation::ReservedOpcode(opcode)));
        }
    }

    #[test]
    fn the_second_byte_shows_a_missing_mask_and_a_long_control_frame() {
        for first in [0x81, 0x88, 0x89, 0x8a] {
            assert_eq!(parse(&[first, 5], IDLE), Err(Violation::Unmasked));
            assert_eq!(parse(&[first, 127], IDLE), Err(Violation::Unmasked));
        }
        for first in [0x88, 0x89, 0x8a] {
            assert_eq!(parse(&[first, 0xfe], IDLE), Err(Violation::LongControl));
            assert_eq!(parse(&[first, 0xff], IN_MESSAGE), Err(Violation::LongControl));
        }
    }

    #[test]
    fn each_violation_has_its_code() {
        for (violation, code) in [
            (Violation::ReservedBit, 1002),
            (Violation::ReservedOpcode(3), 1002),
            (Violation::Binary, 1003),
            (Violation::Unmasked, 1002),
            (Violation::FragmentedControl, 1002),
            (Violation::LongControl, 1002),
            (Violation::Length, 1002),
            (Violation::NothingToContinue, 1002),
            (Violation::Unfinished, 1002),
            (Violation::TooLong, 1009),
            (Violation::Utf8, 1007),
            (Violation::CloseCode, 1002),
        ] {
            assert_eq!(violation.close_code().get(), code, "{violation}");
        }
    }
}
