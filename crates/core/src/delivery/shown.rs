//! Entries of logs as clients see them: as events when they are delivered, as items of lists later. It must not know who
//! sees them.

use parlor_proto::{
    DirectEntry, EditEntry, Event, HistoryEntry, InvitationEntry, LogEntry, ModerationEntry, Note, RemovalEntry,
    RoomName, TopicEntry,
};

use crate::ports::{Content, Entry, LogId, Moderation};

/// A message, as it reads now.
pub(crate) fn history_entry(entry: Entry) -> HistoryEntry {
    let text = entry.said();
    let Entry { id, time, author, content, .. } = entry;
    let edited = match content {
        Content::Amended { at, .. } => Some(at),
        _ => None,
    };
    let (removed, bot) = (content == Content::Gone, matches!(content, Content::Bot(_)));
    HistoryEntry { id, time, from: author, text, edited, removed, bot }
}

/// An entry as `/backlog` shows it.
pub(crate) fn log_entry(log: &LogId, entry: Entry) -> LogEntry {
    match log {
        LogId::Room(_) => room_entry(entry),
        LogId::Feed(_) => LogEntry::Publication(history_entry(entry)),
        LogId::Inbox(owner) => {
            let Entry { id, time, author: from, to, content } = entry;
            let to = to.unwrap_or_else(|| owner.clone());
            match content {
                Content::Invitation(room) => LogEntry::Invited(InvitationEntry { id, time, from, to: Some(to), room }),
                Content::Said(text) => LogEntry::Direct(DirectEntry { id, time, from, to, text: text.into() }),
                _ => LogEntry::Direct(DirectEntry { id, time, from, to, text: Note::default() }),
            }
        }
    }
}

fn room_entry(entry: Entry) -> LogEntry {
    let Entry { id, time, author: from, content, .. } = entry.clone();
    match content {
        Content::Said(_) | Content::Bot(_) | Content::Amended { .. } | Content::Gone | Content::Invitation(_) => {
            LogEntry::Message(history_entry(entry))
        }
        Content::Edit { of, text } => LogEntry::Edited(EditEntry { id, time, from, of, text }),
        Content::Removal { of, reason } => LogEntry::Removed(RemovalEntry { id, time, from, of, reason }),
        Content::Topic(text) => LogEntry::Topic(TopicEntry { id, time, from, text: text.into() }),
        Content::Moderation(Moderation { action, user, until, reason }) => {
            LogEntry::Moderated(ModerationEntry { id, time, from, action, user, until, reason })
        }
    }
}

/// The event by which an entry of a log is delivered.
pub(crate) fn event(log: &LogId, entry: &Entry) -> Event {
    match (log, &entry.content) {
        (LogId::Room(room), content) if content.is_message() => {
            let HistoryEntry { id, time, from, text, edited, removed, bot } = history_entry(entry.clone());
            Event::Message { room: room.clone(), id, time, from, text, edited, removed, bot }
        }
        (LogId::Feed(_), _) => {
            let HistoryEntry { id, time, from, text, .. } = history_entry(entry.clone());
            Event::Publication { id, time, from, text }
        }
        _ => special_event(log, entry),
    }
}

fn special_event(log: &LogId, entry: &Entry) -> Event {
    let room = log.room().cloned().unwrap_or_else(RoomName::lobby);
    match log_entry(log, entry.clone()) {
        LogEntry::Message(HistoryEntry { id, time, from, text, edited, removed, bot }) => {
            Event::Message { room, id, time, from, text, edited, removed, bot }
        }
        LogEntry::Publication(HistoryEntry { id, time, from, text, .. }) => Event::Publication { id, time, from, text },
        LogEntry::Direct(DirectEntry { id, time, from, text, .. }) => Event::Direct { id: Some(id), time, from, text },
        LogEntry::Edited(entry) => Event::Edited { room, entry },
        LogEntry::Removed(entry) => Event::Removed { room, entry },
        LogEntry::Topic(entry) => Event::Topic { room, entry },
        LogEntry::Moderated(entry) => Event::Moderated { room, entry },
        LogEntry::Invited(entry) => Event::Invited(InvitationEntry { to: None, ..entry }),
    }
}

#[cfg(test)]
mod tests {
    use parlor_proto::{Format, MessageId, Text, Timestamp, encode};

    use super::*;

    fn text(text: &str) -> Text {
        Text::sanitise(text).unwrap()
    }

    fn entry(content: Content) -> Entry {
        let (id, time, author) = (MessageId(3), Timestamp::from_millis(0), "ann".parse().unwrap());
        Entry { id, time, author, to: None, content }
    }

    fn amended() -> Content {
        Content::Amended { text: text("hello"), at: Timestamp::from_millis(60_000), by: MessageId(9) }
    }

    /// The event as JSON, from the text on.
    fn delivered(log: &LogId, content: Content) -> String {
        let mut line = Vec::new();
        encode(&event(log, &entry(content)), Format::Json, &mut line);
        let line = String::from_utf8(line).unwrap();
        line.trim_end().split_once(r#""from":"ann","#).unwrap().1.to_owned()
    }

    #[test]
    fn a_message_that_changed_before_it_was_delivered_says_so() {
        let log = LogId::Room("red".parse().unwrap());
        assert_eq!(delivered(&log, Content::Said(text("helo"))), r#""text":"helo"}"#);
        assert_eq!(delivered(&log, amended()), r#""text":"hello","edited":"1970-01-01T00:01:00.000Z"}"#);
        assert_eq!(delivered(&log, Content::Gone), r#""text":"","removed":true}"#);
        assert_eq!(delivered(&log, Content::Bot(text("full"))), r#""text":"full","bot":true}"#);
    }

    #[test]
    fn a_publication_and_a_direct_message_have_a_text_whatever_is_in_their_log() {
        let (feed, inbox) = (LogId::Feed("ann".parse().unwrap()), LogId::Inbox("bob".parse().unwrap()));
        assert_eq!(delivered(&feed, amended()), r#""text":"hello"}"#);
        assert_eq!(delivered(&feed, Content::Gone), r#""text":""}"#);
        assert_eq!(delivered(&inbox, Content::Said(text("hi"))), r#""text":"hi"}"#);
        assert_eq!(delivered(&inbox, Content::Gone), r#""text":""}"#);
    }

    #[test]
    fn lists_tell_to_whom_something_was_sent_and_events_do_not() {
        let inbox = LogId::Inbox("bob".parse().unwrap());
        let to = |entry| match log_entry(&inbox, entry) {
            LogEntry::Direct(DirectEntry { to, .. }) => to.to_string(),
            LogEntry::Invited(InvitationEntry { to, .. }) => to.unwrap().to_string(),
            other => panic!("{other:?}"),
        };
        let invitation = || entry(Content::Invitation("red".parse().unwrap()));
        for received in [entry(Content::Said(text("hi"))), invitation()] {
            assert_eq!(to(received.clone()), "bob", "it is in the inbox of bob");
            assert_eq!(to(Entry { to: Some("cyd".parse().unwrap()), ..received }), "cyd", "bob sent it");
        }
        assert_eq!(delivered(&inbox, invitation().content), r#""room":"red"}"#);
    }

    #[test]
    fn an_entry_of_a_list_is_that_of_its_event() {
        let log = LogId::Room("red".parse().unwrap());
        let listed = |content| log_entry(&log, entry(content));
        let LogEntry::Message(message) = listed(amended()) else { panic!() };
        assert_eq!((message.text.as_str(), message.edited), ("hello", Some(Timestamp::from_millis(60_000))));
        let edit = Content::Edit { of: MessageId(1), text: text("hello").into() };
        let LogEntry::Edited(listed_edit) = listed(edit.clone()) else { panic!() };
        let room = "red".parse().unwrap();
        assert_eq!(event(&log, &entry(edit)), Event::Edited { room, entry: listed_edit });
        assert!(matches!(
            log_entry(&LogId::Feed("ann".parse().unwrap()), entry(Content::Gone)),
            LogEntry::Publication(HistoryEntry { removed: true, .. })
        ));
    }
}
