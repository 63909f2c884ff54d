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
