//! From events to bytes: the only place where wire text is made. It must not decide who gets an event.

mod json;
mod text;

use std::cell::OnceCell;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// The format of the events that a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines for users to read.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The text is not the name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        [Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownFormat)
    }
}

impl Format {
    /// The word that selects it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

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
mod tests;
