//! From events to bytes: the only place where wire text is made. It must not decide who gets an event.

mod json;
mod text;

use std::cell::OnceCell;
use std::sync::Arc;

use crate::event::Event;
use crate::format::Format;

/// Appends the lines of `event` to `out`. Appends nothing if the format has no line for it.
pub fn encode(event: &Event, format: Format, out: &mut Vec<u8>) {
    match format {
        Format::Text => text::encode(event, out),
        Format::Json => json::encode(event, out),
    }
}

/// An event that is encoded once per format, however many clients get it.
#[derive(Debug)]
pub struct Encoded<'a> {
    event: &'a Event,
    text: OnceCell<Arc<[u8]>>,
    json: OnceCell<Arc<[u8]>>,
}

impl<'a> Encoded<'a> {
    /// Encodes nothing yet.
    pub fn new(event: &'a Event) -> Self {
        Self { event, text: OnceCell::new(), json: OnceCell::new() }
    }

    /// The lines of the event in `format`. Empty if the format has no line for it.
    pub fn frame(&self, format: Format) -> &Arc<[u8]> {
        let cell = match format {
            Format::Text => &self.text,
            Format::Json => &self.json,
        };
        cell.get_or_init(|| {
            let mut bytes = Vec::with_capacity(160);
            encode(self.event, format, &mut bytes);
            bytes.into()
        })
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod rights_tests;
#[cfg(test)]
mod tests;
