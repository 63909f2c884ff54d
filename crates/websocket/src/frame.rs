//! Frames for a client: unmasked, each one whole. It must not copy a message: only its header is made here.

use super::close_code::CloseCode;
use super::header::MAX_CONTROL_BYTES;

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Longest reason of a close frame, in bytes.
pub const MAX_REASON_BYTES: usize = MAX_CONTROL_BYTES - 2;

/// The payload of a ping or a pong: at most 125 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Payload {
    length: u8,
    bytes: [u8; MAX_CONTROL_BYTES],
}

impl Payload {
    /// Without a byte.
    pub const EMPTY: Self = Self { length: 0, bytes: [0; MAX_CONTROL_BYTES] };

    /// `None` if there are more than 125 bytes.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut payload = Self::EMPTY;
        payload.extend(bytes).then_some(payload)
    }

    /// Adds bytes; `false` if they do not fit.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> bool {
        let start = usize::from(self.length);
        let Some(free) = self.bytes.get_mut(start..start + bytes.len()) else {
            return false;
        };
        free.copy_from_slice(bytes);
        // The array is shorter than 256 bytes.
        self.length += bytes.len() as u8;
        true
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Payload {}

/// The header of a text message, to be sent before its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    length: u8,
    bytes: [u8; Self::MAX_BYTES],
}

impl FrameHeader {
    /// Longest header, in bytes.
    pub const MAX_BYTES: usize = 10;

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// The header of a text message of `length` bytes in one frame. The caller sends UTF-8 after it.
pub fn text_header(length: usize) -> FrameHeader {
    let mut bytes = [0; FrameHeader::MAX_BYTES];
    bytes[0] = FINAL | TEXT;
    let used = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => {
            bytes[1] = short;
            2
        }
        (_, Ok(middle)) => {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&middle.to_be_bytes());
            4
        }
        _ => {
            bytes[1] = 127;
            bytes[2..10].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    };
    FrameHeader { length: used, bytes }
}

/// A complete control frame.
#[derive(Debug, Clone, Copy)]
pub struct ControlFrame {
    length: u8,
    bytes: [u8; 2 + MAX_CONTROL_BYTES],
}

impl ControlFrame {
    fn new(opcode: u8, payload: &Payload) -> Self {
        let mut bytes = [0; 2 + MAX_CONTROL_BYTES];
        bytes[0] = FINAL | opcode;
        bytes[1] = payload.length;
        bytes[2..].copy_from_slice(&payload.bytes);
        Self { length: 2 + payload.length, bytes }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// A ping. The client answers with the same payload.
pub fn ping(payload: &Payload) -> ControlFrame {
    ControlFrame::new(PING, payload)
}

/// The answer to a ping with this payload.
pub fn pong(payload: &Payload) -> ControlFrame {
    ControlFrame::new(PONG, payload)
}

/// A close frame, after which no frame may follow. A reason over [`MAX_REASON_BYTES`] is cut after a whole character.
/// Without a code, as the answer to a close frame that has none, there is no reason either.
pub fn close(code: Option<CloseCode>, reason: &str) -> ControlFrame {
    let mut payload = Payload::EMPTY;
    if let Some(code) = code {
        payload.extend(&code.get().to_be_bytes());
        payload.extend(&reason.as_bytes()[..reason.floor_char_boundary(MAX_REASON_BYTES)]);
    }
    ControlFrame::new(CLOSE, &payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_as_few_bytes_as_it_can() {
        for (length, expected) in [
            (0, &[0x81, 0][..]),
            (1, &[0x81, 1]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (0x1234, &[0x81, 126, 0x12, 0x34]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x1_0000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (0x1_2345_6789, &[0x81, 127, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89]),
        ] {
            assert_eq!(text_header(length).as_bytes(), expected, "{length}");
        }
    }

    #[test]
    fn control_frames_are_whole_and_not_masked() {
        let payload = Payload::new(b"beat").unwrap();
        assert_eq!(ping(&payload).as_bytes(), b"\x89\x04beat");
        assert_eq!(pong(&payload).as_bytes(), b"\x8a\x04beat");
        assert_eq!(ping(&Payload::EMPTY).as_bytes(), b"\x89\x00");
        let longest = [7; MAX_CONTROL_BYTES];
        let frame = pong(&Payload::new(&longest).unwrap());
        assert_eq!(frame.as_bytes(), [&[0x8a, 125][..], &longest].concat());
    }

    #[test]
    fn a_payload_has_at_most_125_bytes() {
        assert_eq!(Payload::new(&[1; 125]).unwrap().as_bytes(), [1; 125]);
        assert_eq!(Payload::new(&[1; 126]), None);
        assert_eq!(Payload::new(&[1; 1000]), None);
    }

    #[test]
    fn payloads_are_equal_by_their_bytes() {
        let mut grown = Payload::new(b"on").unwrap();
        assert!(grown.extend(b"e"));
        assert_eq!(Some(grown), Payload::new(b"one"));
        assert_ne!(Payload::new(b"one"), Payload::new(b"two"));
        assert_ne!(Payload::new(b"on"), Payload::new(b"on\0"));
        assert!(!grown.extend(&[0; 123]));
        assert_eq!(grown.as_bytes(), b"one");
    }

    #[test]
    fn a_close_frame_has_a_code_and_a_reason_or_neither() {
        assert_eq!(close(Some(CloseCode::NORMAL), "").as_bytes(), b"\x88\x02\x03\xe8");
        assert_eq!(close(CloseCode::new(4999), "why").as_bytes(), b"\x88\x05\x13\x87why");
        assert_eq!(close(None, "why").as_bytes(), b"\x88\x00");
    }

    #[test]
    fn a_long_reason_is_cut_after_a_whole_character() {
        let reason = |text: &str| close(Some(CloseCode::NORMAL), text).as_bytes()[4..].to_vec();
        assert_eq!(reason(&"a".repeat(123)), "a".repeat(123).as_bytes());
        assert_eq!(reason(&"a".repeat(200)), "a".repeat(123).as_bytes());
        // The character has the bytes 122 and 123, counted from 1, and then 123 and 124.
        assert_eq!(reason(&format!("{}é!", "a".repeat(121))), format!("{}é", "a".repeat(121)).as_bytes());
        assert_eq!(reason(&format!("{}é!", "a".repeat(122))), "a".repeat(122).as_bytes());
    }
}
