//! The JSON format: an event as serde serializes it. It must not add or rename anything.

use crate::event::Event;

/// Appends one line.
pub(super) fn encode(event: &Event, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail, and every key of these types is a string.
    serde_json::to_writer(&mut *out, event).expect("events always have a JSON form");
    out.push(b'\n');
}
