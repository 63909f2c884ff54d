//! Frames as a client writes them, right or wrong. It must not use the crate under test.

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
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
    frame
}

/// A correct frame with the given first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    frame_with(first, length, Extra::shortest(length), Some([0x5a, 0x01, 0xfe, 0x80]), payload)
}
