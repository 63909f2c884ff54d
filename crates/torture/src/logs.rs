//! The combined knowledge of all clients about the logs. Its only input must be the lines that clients received, and
//! the contents of the store when it was emptied and at the end.

use std::collections::{BTreeMap, HashMap};

use crate::record::{Entry, Exchange, Heard, History, Line, Moment, Reply, What};
use crate::report::Violation;

/// A log in one life of the store. The life is the number of times that the store was emptied before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LogName {
    pub(crate) kind: LogKind,
    pub(crate) name: String,
    pub(crate) life: usize,
}

/// The kind of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LogKind {
    Room,
    Feed,
}

impl LogName {
    /// Whether it is the log of this room, in any life.
    pub(crate) fn is_room(&self, room: &str) -> bool {
        self.kind == LogKind::Room && self.name == room
    }
}

/// A text that a client sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) connection: usize,
    pub(crate) exchange: Exchange<'a>,
}

/// All that is known of the logs.
pub(crate) struct Logs<'a> {
    logs: BTreeMap<LogName, BTreeMap<u64, &'a str>>,
    said: HashMap<&'a str, Said<'a>>,
    /// The place of each text.
    places: HashMap<&'a str, (LogName, u64)>,
    /// The life of each text that was deleted when the store was emptied.
    lives: HashMap<&'a str, usize>,
    last_life: usize,
    tag: &'a str,
}

/// An acknowledgement of a line that is in a log.
#[derive(Debug, Clone)]
pub(crate) struct Stored<'a> {
    pub(crate) connection: usize,
    pub(crate) log: LogName,
    pub(crate) id: u64,
    pub(crate) text: &'a str,
    pub(crate) sent: Moment,
    pub(crate) at: Moment,
}

impl<'a> Logs<'a> {
    /// Combines what is known, and finds contradictions.
    pub(crate) fn gather(history: &'a History) -> (Self, Vec<Violation>) {
        let mut logs = Self {
            logs: BTreeMap::new(),
            said: said(history),
            places: HashMap::new(),
            lives: lives(history),
            last_life: history.dumps.len(),
            tag: &history.tag,
        };
        let mut found = Vec::new();
        let dumps = history.dumps.iter().chain(&history.kept);
        for dump in dumps {
            for (kind, kept) in [(LogKind::Room, &dump.rooms), (LogKind::Feed, &dump.feeds)] {
                for (name, entry) in kept.iter().flat_map(|(name, log)| log.iter().map(move |entry| (name, entry))) {
                    found.extend(logs.note(kind, name, entry.id, &entry.text, Witness::Store(dump.at)));
                }
            }
        }
        for stored in logs.stored(history) {
            let witness = Witness::Connection(stored.connection, stored.at);
            found.extend(logs.note(stored.log.kind, &stored.log.name, stored.id, stored.text, witness));
        }
        for (number, connection) in history.connections.iter().enumerate() {
            for event in &connection.events {
                for (kind, name, entry) in entries(&event.what) {
                    let witness = Witness::Connection(number, event.at);
                    found.extend(logs.note(kind, name, entry.id, &entry.text, witness));
                }
            }
        }
        (logs, found)
    }

    /// The life that a text belongs to. A text sent before this round began was there in the first life.
    pub(crate) fn life_of(&self, text: &str) -> usize {
        let unknown = if text.contains(self.tag) { self.last_life } else { 0 };
        self.lives.get(text).copied().unwrap_or(unknown)
    }

    /// The life at the end of the round.
    pub(crate) fn last_life(&self) -> usize {
        self.last_life
    }

    /// The client that sent a text, and its line.
    pub(crate) fn said(&self, text: &str) -> Option<Said<'a>> {
        self.said.get(text).copied()
    }

    /// All texts that were sent and can be in a log.
    pub(crate) fn all_said(&self) -> impl Iterator<Item = (&'a str, Said<'a>)> {
        self.said.iter().map(|(text, said)| (*text, *said))
    }

    /// The place of a text, if it is known.
    pub(crate) fn place(&self, text: &str) -> Option<&(LogName, u64)> {
        self.places.get(text)
    }

    /// All logs with a known entry.
    pub(crate) fn names(&self) -> impl Iterator<Item = &LogName> {
        self.logs.keys()
    }

    /// The known entries of one log.
    pub(crate) fn log(&self, name: &LogName) -> impl Iterator<Item = (u64, &'a str)> {
        self.logs.get(name).into_iter().flatten().map(|(id, text)| (*id, *text))
    }

    /// Every acknowledgement of a message or a publication.
    pub(crate) fn stored(&self, history: &'a History) -> Vec<Stored<'a>> {
        let mut stored = Vec::new();
        for (number, connection) in history.connections.iter().enumerate() {
            let mut room = "";
            for exchange in connection.exchanges_by_answer() {
                if let Some((_, Reply::Entered { room: entered, .. })) = exchange.answer {
                    room = entered;
                }
                let (Some((at, id)), Some(text)) = (exchange.stored(), exchange.line.text()) else { continue };
                let (kind, name) = match exchange.line {
                    Line::Publish(_) => (LogKind::Feed, connection.user.as_str()),
                    _ => (LogKind::Room, room),
                };
                let log = LogName { kind, name: name.to_owned(), life: self.life_of(text) };
                stored.push(Stored { connection: number, log, id, text, sent: exchange.sent, at });
            }
        }
        stored
    }

    fn note(&mut self, kind: LogKind, name: &str, id: u64, text: &'a str, witness: Witness) -> Option<Violation> {
        let log = LogName { kind, name: name.to_owned(), life: self.life_of(text) };
        let other = *self.logs.entry(log.clone()).or_default().entry(id).or_insert(text);
        if other != text {
            let what = format!("{log:?}: number {id} is {other:?} and {text:?}");
            return Some(witness.saw("no number is used twice", what));
        }
        match self.places.get(text) {
            Some((before, number)) if *number != id || *before != log => {
                let what = format!("{text:?} is number {number} of {before:?} and number {id} of {log:?}");
                Some(witness.saw("nothing is accepted twice", what))
            }
            Some(_) => None,
            None => {
                self.places.insert(text, (log, id));
                None
            }
        }
    }
}

/// The source of a known entry.
#[derive(Clone, Copy)]
enum Witness {
    Connection(usize, Moment),
    Store(Moment),
}

impl Witness {
    fn saw(self, invariant: &'static str, what: String) -> Violation {
        match self {
            Self::Connection(number, at) => Violation::new(invariant, what, at, [number]),
            Self::Store(at) => Violation::new(invariant, what, at, []),
        }
    }
}

fn said(history: &History) -> HashMap<&str, Said<'_>> {
    let mut said = HashMap::new();
    for (connection, record) in history.connections.iter().enumerate() {
        for exchange in record.exchanges() {
            said.extend(exchange.line.text().map(|text| (text, Said { connection, exchange })));
        }
    }
    said
}

fn lives(history: &History) -> HashMap<&str, usize> {
    let mut lives = HashMap::new();
    for (life, dump) in history.dumps.iter().enumerate() {
        let entries = dump.rooms.values().chain(dump.feeds.values()).flatten();
        lives.extend(entries.map(|entry| (entry.text.as_str(), life)));
    }
    lives
}

/// The log entries that an event contains.
fn entries(what: &What) -> Vec<(LogKind, &str, &Entry)> {
    match what {
        What::Heard(Heard::Message { room, entry }) => vec![(LogKind::Room, room, entry)],
        What::Heard(Heard::Publication(entry)) => vec![(LogKind::Feed, &entry.from, entry)],
        What::Answered { reply: Reply::History { room, entries }, .. } => {
            entries.iter().map(|entry| (LogKind::Room, room.as_str(), entry)).collect()
        }
        _ => Vec::new(),
    }
}
