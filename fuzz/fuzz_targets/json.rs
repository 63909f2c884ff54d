//! A line of JSON from anybody is an event or it is not; if it is one, what our encoder writes is one line that reads
//! back as the same event, and names and texts in it are as clean as if our own server had said them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{Event, Format, Text, encode};

fn line(event: &Event) -> String {
    let mut bytes = Vec::new();
    encode(event, Format::Json, &mut bytes);
    String::from_utf8(bytes).expect("what is encoded is UTF-8")
}

/// What people said in the event.
fn texts(event: &Event) -> Vec<&Text> {
    match event {
        Event::Message { text, .. }
        | Event::Publication { text, .. }
        | Event::Direct { text, .. }
        | Event::Notice { text, .. } => vec![text],
        Event::History { messages, .. } => messages.iter().map(|message| &message.text).collect(),
        _ => Vec::new(),
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    let written = line(&event);
    let object = written.strip_suffix('\n').expect("an event ends its line");
    assert!(!object.contains(['\n', '\r']), "{object:?}");
    let again: Event = serde_json::from_str(object).expect("what is encoded can be read");
    assert_eq!(again, event);
    assert_eq!(line(&again), written);
    for text in texts(&event) {
        assert!(!text.as_str().contains(is_control) && !text.as_str().trim().is_empty(), "{text:?}");
    }
});
