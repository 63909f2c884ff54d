//! From events to bytes: the only place where wire text is made. It must not decide who gets an event.

mod hook_post;
mod json;
mod text;

use std::cell::OnceCell;
use std::sync::Arc;

use crate::encoding::{Encoding, Framing};
use crate::event::Event;
use crate::format::Format;

pub use hook_post::HookPost;

/// Appends the lines of `event` to `out`. Appends nothing if the format has no line for it.
pub fn encode(event: &Event, format: Format, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::encode(event, out),
        Format::Json => json::encode(event, out),
    }
}

/// An event that is encoded once per encoding, however many clients get it.
#[derive(Debug)]
pub struct Encoded<'a> {
    event: &'a Event,
    text: Forms,
    json: Forms,
}

/// The frames of an event in one format.
#[derive(Debug, Default)]
struct Forms {
    lines: OnceCell<Arc<[u8]>>,
    websocket: OnceCell<Arc<[u8]>>,
}

impl<'a> Encoded<'a> {
    /// Encodes nothing yet.
    pub fn new(event: &'a Event) -> Self {
        Self { event, text: Forms::default(), json: Forms::default() }
    }

    /// The frame of the event. Empty if the format has no line for it.
    pub fn frame(&self, encoding: Encoding) -> &Arc<[u8]> {
        let forms = match encoding.format {
            Format::Text => &self.text,
            Format::Json => &self.json,
        };
        let lines = || {
            let mut bytes = Vec::with_capacity(160);
            encode(self.event, encoding.format, &mut bytes);
            bytes.into()
        };
        match encoding.framing {
            Framing::Lines => forms.lines.get_or_init(lines),
            Framing::WebSocket => {
                forms.websocket.get_or_init(|| Framing::WebSocket.frame(forms.lines.get_or_init(lines)))
            }
        }
    }
}

#[cfg(test)]
mod frame_tests;
#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod hook_tests;
#[cfg(test)]
mod invitation_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
#[cfg(test)]
mod ticket_tests;
