//! A sink that writes down what a store tells, in order. It must not judge, but for what no store may ever do.

use std::collections::BTreeSet;
use std::sync::Mutex;

use parlor_core::ports::{Change, Direct, Entry, LogId, Presence, Sink};
use parlor_core::{ConnectionId, Flush};
use parlor_proto::{Epoch, Timestamp, UserName};

/// Something that a store told.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Entry(LogId, Entry),
    Restarted(LogId),
    Presence(Presence),
    Displaced(u64),
    Notice,
    Direct(Direct),
    Deleted(Timestamp),
}

#[derive(Default)]
pub(crate) struct RecordingSink {
    events: Mutex<Vec<Event>>,
    /// Logs of which entries are being delivered just now.
    delivering: Mutex<BTreeSet<LogId>>,
}

impl RecordingSink {
    /// All that was told.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// Entries of a log, those of earlier lives included.
    pub(crate) fn entries(&self, log: &LogId) -> Vec<Entry> {
        let events = self.events.lock().unwrap();
        let entry = |event: &Event| match event {
            Event::Entry(of, entry) if of == log => Some(entry.clone()),
            _ => None,
        };
        events.iter().filter_map(entry).collect()
    }

    /// What the entries of a log say.
    pub(crate) fn texts(&self, log: &LogId) -> Vec<String> {
        self.entries(log).iter().map(|entry| entry.text.to_string()).collect()
    }

    /// The numbers of the entries of a log.
    pub(crate) fn ids(&self, log: &LogId) -> Vec<u64> {
        self.entries(log).iter().map(|entry| entry.id.0).collect()
    }

    /// How often a log began a new life.
    pub(crate) fn restarts(&self, log: &LogId) -> usize {
        self.events().iter().filter(|event| matches!(event, Event::Restarted(of) if of == log)).count()
    }

    /// When the accounts were made that were deleted.
    pub(crate) fn deleted(&self) -> Vec<Timestamp> {
        let deleted = |event: &Event| if let Event::Deleted(created) = event { Some(*created) } else { None };
        self.events().iter().filter_map(deleted).collect()
    }

    /// What direct messages said.
    pub(crate) fn directs(&self) -> Vec<String> {
        let direct = |event: &Event| if let Event::Direct(said) = event { Some(said.text.to_string()) } else { None };
        self.events().iter().filter_map(direct).collect()
    }

    /// How many broadcasts there were.
    pub(crate) fn notices(&self) -> usize {
        self.events().iter().filter(|event| matches!(event, Event::Notice)).count()
    }

    /// Who came to a room (`+ann`) and who went (`-ann`).
    pub(crate) fn changes(&self, room: &str) -> Vec<String> {
        let change = |event: &Event| match event {
            Event::Presence(presence) if presence.room.as_str() == room => {
                let sign = if presence.change == Change::Entered { '+' } else { '-' };
                Some(format!("{sign}{}", presence.user))
            }
            _ => None,
        };
        self.events().iter().filter_map(change).collect()
    }

    /// Connections whose sessions were displaced, sorted. They may have been told more than once.
    pub(crate) fn displaced(&self) -> Vec<u64> {
        let displaced = |event: &Event| if let Event::Displaced(number) = event { Some(*number) } else { None };
        let displaced: BTreeSet<u64> = self.events().iter().filter_map(displaced).collect();
        displaced.into_iter().collect()
    }

    fn hear(&self, event: Event) -> Flush {
        self.events.lock().unwrap().push(event);
        Flush::default()
    }
}

impl Sink for RecordingSink {
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush {
        assert!(self.delivering.lock().unwrap().insert(log.clone()), "deliveries of one log overlap");
        std::thread::yield_now();
        for entry in entries {
            self.hear(Event::Entry(log.clone(), entry.clone())).run();
        }
        self.delivering.lock().unwrap().remove(log);
        Flush::default()
    }

    fn restarted(&self, log: &LogId, _epoch: Epoch) {
        self.hear(Event::Restarted(log.clone())).run();
    }

    fn presence(&self, presence: &Presence) -> Flush {
        self.hear(Event::Presence(presence.clone()))
    }

    fn direct(&self, _to: &UserName, message: &Direct) -> Option<Flush> {
        Some(self.hear(Event::Direct(message.clone())))
    }

    fn notice(&self, _message: &Direct) -> Flush {
        self.hear(Event::Notice)
    }

    fn displaced(&self, connection: ConnectionId) -> Flush {
        self.hear(Event::Displaced(connection.0))
    }

    fn account_deleted(&self, _user: &UserName, created: Timestamp) -> Flush {
        self.hear(Event::Deleted(created))
    }
}
