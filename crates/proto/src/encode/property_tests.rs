//! What holds for the events that carry a text, whatever the text is.

use super::tests::encoded;
use super::*;
use crate::control_chars::is_control;
use crate::ids::{Epoch, MessageId};
use crate::lists::{
    DirectEntry, EditEntry, HistoryEntry, LogEntry, ModerationEntry, RemovalEntry, RoomInfo, TicketInfo, TopicEntry,
};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::reply::Reply;
use crate::rights::{Access, Action, RoomRole, Speakers};
use crate::target::Target;
use crate::text::Text;
use crate::ticket::TicketId;
use crate::time::Timestamp;
use proptest::prelude::*;

/// Who said what in which room, as which entry.
#[derive(Debug, Clone)]
struct Said {
    room: RoomName,
    id: MessageId,
    of: MessageId,
    time: Timestamp,
    from: UserName,
    text: Text,
}

fn said() -> impl Strategy<Value = Said> {
    let text = "[ \t]{0,2}\\PC{1,20}[ \t\u{7}\u{2028}]{0,3}".prop_filter_map("blank", |text| Text::sanitise(&text));
    let names = ("[a-z0-9][a-z0-9_-]{0,63}", "[a-z0-9][a-z0-9_-]{0,31}");
    (names, 0..u64::MAX, 0..u64::MAX, any::<i64>(), text).prop_map(|((room, from), id, of, millis, text)| Said {
        room: room.parse().unwrap(),
        id: MessageId(id),
        of: MessageId(of),
        time: Timestamp::from_millis(millis),
        from: from.parse().unwrap(),
        text,
    })
}

impl Said {
    fn note(&self) -> Note {
        self.text.clone().into()
    }

    fn entry(&self) -> HistoryEntry {
        let Self { id, time, from, .. } = self.clone();
        HistoryEntry { id, time, from, text: self.note(), edited: Some(time), removed: false, bot: true }
    }

    fn edit(&self) -> EditEntry {
        let Self { id, of, time, from, .. } = self.clone();
        EditEntry { id, time, from, of, text: self.note() }
    }

    fn topic(&self) -> TopicEntry {
        let Self { id, time, from, .. } = self.clone();
        TopicEntry { id, time, from, text: self.note() }
    }

    fn removal(&self) -> RemovalEntry {
        let Self { id, of, time, from, .. } = self.clone();
        RemovalEntry { id, time, from, of, reason: self.note() }
    }

    fn moderation(&self, action: Action) -> ModerationEntry {
        let Self { id, time, from, .. } = self.clone();
        ModerationEntry { id, time, user: Some(from.clone()), from, action, until: Some(time), reason: self.note() }
    }

    fn direct(&self) -> DirectEntry {
        let Self { id, time, from, .. } = self.clone();
        DirectEntry { id, time, to: from.clone(), from, text: self.note() }
    }

    /// Events whose first line ends with the text, and what stands before it.
    fn events(&self) -> Vec<(Event, String)> {
        let Self { room, id, of, time, from, text } = self.clone();
        let HistoryEntry { edited, removed, bot, .. } = self.entry();
        vec![
            (
                Event::Message {
                    room: room.clone(),
                    id,
                    time,
                    from: from.clone(),
                    text: self.note(),
                    edited,
                    removed,
                    bot,
                },
                format!("MSG {room} {from} "),
            ),
            (Event::Publication { id, time, from: from.clone(), text: self.note() }, format!("PUB {from} ")),
            (Event::Direct { id: Some(id), time, from: from.clone(), text: self.note() }, format!("DM {from} ")),
            (Event::Notice { time, from: from.clone(), text }, format!("NOTICE {from} ")),
            (Event::Edited { room: room.clone(), entry: self.edit() }, format!("EDIT {room} {of} {from} ")),
            (Event::Topic { room: room.clone(), entry: self.topic() }, format!("TOPIC {room} {from} ")),
            (Event::History { room: room.clone(), messages: vec![self.entry()] }, format!("OLD {room} {id} {from} ")),
            (
                Event::Inbox { entries: vec![LogEntry::Direct(self.direct())], more: true },
                format!("LOG @{from} {id} {from} "),
            ),
        ]
    }

    /// The entries of a log whose line ends with the text, and what stands before it.
    fn entries(&self) -> Vec<(LogEntry, String)> {
        vec![
            (LogEntry::Message(self.entry()), String::new()),
            (LogEntry::Publication(self.entry()), String::new()),
            (LogEntry::Direct(self.direct()), String::new()),
            (LogEntry::Edited(self.edit()), format!("(edited {}) ", self.of)),
            (LogEntry::Removed(self.removal()), format!("(removed {}) ", self.of)),
            (LogEntry::Topic(self.topic()), "(topic) ".to_owned()),
            (LogEntry::Moderated(self.moderation(Action::Kick)), format!("(kick {}) ", self.from)),
        ]
    }

    /// Events that show the text somewhere, each with one line.
    fn lines(&self) -> Vec<Event> {
        let Self { room, id, from, .. } = self.clone();
        let moderated = Action::ALL.iter().map(|action| self.moderation(*action));
        let mut events: Vec<Event> = moderated.map(|entry| Event::Moderated { room: room.clone(), entry }).collect();
        events.push(Event::Removed { room: room.clone(), entry: self.removal() });
        let (epoch, reason) = (Epoch(self.of.0), self.note());
        events.push(Event::Moved { room: room.clone(), members: 3, epoch, last: id, reason });
        events.push(Reply::Topic { room: room.clone(), topic: self.note(), id: Some(id) }.into());
        events.push(Reply::Open { room: room.clone(), members: 3, epoch, last: id, topic: self.note() }.into());
        events.push(Event::Pong { token: Some(self.text.as_str().to_owned()) });
        events.push(Event::Error { code: crate::RefusalCode::Banned, message: from.to_string(), command: None });
        events
    }
}

fn read(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

proptest! {
    #[test]
    fn a_text_is_the_last_field_of_its_line_and_nothing_of_it_is_lost(said in said()) {
        for (event, start) in said.events() {
            let (shown, line) = (encoded(&event, Format::Text), format!("{start}{}", said.text));
            prop_assert_eq!(shown.lines().next(), Some(line.as_str()));
            prop_assert_eq!(read(&encoded(&event, Format::Json)), event);
        }
    }

    #[test]
    fn an_entry_of_a_log_ends_with_its_text(said in said()) {
        let target = Target::Room(said.room.clone());
        let (entries, starts): (Vec<_>, Vec<_>) = said.entries().into_iter().unzip();
        let event = Event::Backlog { target, epoch: Epoch(said.of.0), entries, more: false };
        let Said { room, id, from, text, .. } = &said;
        let mut expected: String = starts.iter().map(|start| format!("LOG #{room} {id} {from} {start}{text}\n")).collect();
        expected += &format!("OK backlog #{room} {}\n", starts.len());
        prop_assert_eq!(encoded(&event, Format::Text), expected);
        prop_assert_eq!(read(&encoded(&event, Format::Json)), event);
    }

    #[test]
    fn no_text_makes_a_second_line_in_either_format(said in said()) {
        for event in said.lines() {
            for format in [Format::Text, Format::Json] {
                let shown = encoded(&event, format);
                let line = shown.strip_suffix('\n').unwrap();
                prop_assert!(!line.contains(is_control) && !line.is_empty(), "{:?}", line);
            }
            prop_assert_eq!(read(&encoded(&event, Format::Json)), event);
        }
    }

    #[test]
    fn a_text_in_a_list_adds_no_item(said in said()) {
        let Said { room, time, from, .. } = said.clone();
        let info = RoomInfo {
            room,
            topic: said.note(),
            access: Access::Public,
            post: Speakers::Everyone,
            owner: None,
            moderators: vec![from.clone(), from],
            role: RoomRole::Owner,
            created: Some(time),
            retention: None,
        };
        let label = said.note();
        let ticket = TicketInfo { id: TicketId(7), label, made: time, used: None, address: None, expires: Some(time) };
        let tickets = Event::Tickets { tickets: vec![ticket.clone(), ticket] };
        for (event, lines) in [(Event::Room(Box::new(info)), 8), (tickets, 3)] {
            let shown = encoded(&event, Format::Text);
            prop_assert_eq!(shown.split_terminator('\n').count(), lines);
            prop_assert!(shown.split_terminator('\n').all(|line| !line.contains(is_control)), "{:?}", shown);
            prop_assert_eq!(read(&encoded(&event, Format::Json)), event);
        }
    }
}
