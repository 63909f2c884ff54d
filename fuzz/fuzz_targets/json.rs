//! A JSON line from any sender either is an event or is not. If it is, then the server's encoder writes one line that
//! reads back as the same event. Its texts are as clean as texts from a server, and its numbers have a successor.

#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_fuzz::is_control;
use parlor_proto::{Event, Format, MessageId, Reply, encode};

fn line(event: &Event) -> String {
    let mut bytes = Vec::new();
    encode(event, Format::Json, &mut bytes);
    String::from_utf8(bytes).expect("what is encoded is UTF-8")
}

/// The texts of users in the event.
fn texts(event: &Event) -> Vec<&str> {
    match event {
        Event::Message { text, .. } | Event::Publication { text, .. } | Event::Direct { text, .. } => {
            vec![text.as_str()]
        }
        Event::Notice { text, .. } => vec![text.as_str()],
        Event::Edited { entry, .. } => vec![entry.text.as_str()],
        Event::Removed { entry, .. } => vec![entry.reason.as_str()],
        Event::Topic { entry, .. } => vec![entry.text.as_str()],
        Event::Moderated { entry, .. } => vec![entry.reason.as_str()],
        Event::Moved { reason, .. } => vec![reason.as_str()],
        Event::History { messages, .. } => messages.iter().map(|message| message.text.as_str()).collect(),
        Event::Backlog { entries, .. } | Event::Inbox { entries, .. } => {
            entries.iter().map(parlor_proto::LogEntry::text).collect()
        }
        _ => Vec::new(),
    }
}

/// The numbers of entries in the event.
fn ids(event: &Event) -> Vec<MessageId> {
    match event {
        Event::Message { id, .. } | Event::Publication { id, .. } => vec![*id],
        Event::Edited { entry, .. } => vec![entry.id, entry.of],
        Event::Removed { entry, .. } => vec![entry.id, entry.of],
        Event::Direct { id, .. } => id.iter().copied().collect(),
        Event::Ok(
            Reply::Message { id, .. } | Reply::Publish { id, .. } | Reply::Msg { id, .. } | Reply::Read { id, .. },
        ) => vec![*id],
        Event::Ok(
            Reply::Login { last, .. }
            | Reply::Register { last, .. }
            | Reply::Join { last, .. }
            | Reply::Open { last, .. }
            | Reply::Leave { last, .. },
        ) => vec![*last],
        Event::History { messages, .. } => messages.iter().map(|message| message.id).collect(),
        Event::Backlog { entries, .. } | Event::Inbox { entries, .. } => {
            entries.iter().map(parlor_proto::LogEntry::id).collect()
        }
        Event::Sync(sync) => {
            let rooms = sync.rooms.iter().flat_map(|room| [room.last, room.read]);
            let directs = sync.directs.iter().flat_map(|direct| [direct.last, direct.read]);
            let feeds = sync.feeds.iter().flat_map(|feed| [feed.last, feed.read]);
            rooms.chain(directs).chain(feeds).chain([sync.inbox.last]).collect()
        }
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
        // Nothing is an empty text, and a blank one is none.
        assert!(!text.contains(is_control) && (text.is_empty() || !text.trim().is_empty()), "{text:?}");
    }
    for id in ids(&event) {
        assert!(id.next() > id);
    }
});
