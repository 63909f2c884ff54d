//! The stamp in each message, so that its recipient knows which message it is and when it was sent. It must not depend
//! on the format of lines.

use std::io::Write;
use std::time::Instant;

/// Length of a stamp as text.
pub(crate) const STAMP_BYTES: usize = 8 + 8 + 8 + 16;

/// The stamp of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The run, so that messages of an earlier run are recognised.
    pub(crate) run: u32,
    /// The sender.
    pub(crate) speaker: u32,
    /// Index of the message among those of this speaker, from 0.
    pub(crate) number: u32,
    /// The time of sending, by [`Clock`].
    pub(crate) time: u64,
}

impl Stamp {
    /// Appends the text of a message with `bytes` bytes, or with the length of the stamp if that is longer.
    pub(crate) fn write(self, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes.max(STAMP_BYTES);
        let Self { run, speaker, number, time } = self;
        // A write to memory does not fail.
        let _ = write!(out, "{run:08x}{speaker:08x}{number:08x}{time:016x}");
        out.resize(end, b'x');
    }

    /// The stamp at the start of a text.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (run, rest) = hex(text, 8)?;
        let (speaker, rest) = hex(rest, 8)?;
        let (number, rest) = hex(rest, 8)?;
        let (time, _) = hex(rest, 16)?;
        Some(Self { run: run as u32, speaker: speaker as u32, number: number as u32, time })
    }
}

fn hex(text: &[u8], digits: usize) -> Option<(u64, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let mut value = 0;
    for &byte in head {
        value = value << 4 | u64::from(char::from(byte).to_digit(16)?);
    }
    Some((value, rest))
}

/// Nanoseconds since the clock was created.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> u64 {
        // The value overflows after more than 500 years.
        self.0.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_written() {
        let stamp = Stamp { run: u32::MAX, speaker: 7, number: 65_537, time: 1 << 40 };
        let mut text = Vec::new();
        stamp.write(128, &mut text);
        assert_eq!((text.len(), Stamp::read(&text)), (128, Some(stamp)));
    }

    #[test]
    fn other_texts_have_none() {
        assert_eq!(Stamp::read(b"hello"), None);
        assert_eq!(Stamp::read(&[b'x'; 99]), None);
    }
}
