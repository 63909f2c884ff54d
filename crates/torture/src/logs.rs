//! The combined knowledge of all clients about the logs. Its only input must be the lines that clients received, and
//! the contents of the store when it was emptied and at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::record::{Dump, Entry, Exchange, Heard, History, Line, Moment, Reply, What};
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
    /// The direct messages of a user: those sent, and the copies of those received.
    Inbox,
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
    pub(crate) user: &'a str,
    /// The connection that sent it first, and its line there.
    pub(crate) connection: usize,
    pub(crate) exchange: Exchange<'a>,
    /// How often it was sent, always with the same key.
    pub(crate) times: usize,
    /// The code of its last refusal, if each time it was refused for certain.
    pub(crate) refused: Option<&'a str>,
}

/// All that is known of the logs.
pub(crate) struct Logs<'a> {
    logs: BTreeMap<LogName, BTreeMap<u64, &'a str>>,
    /// Each entry that was seen, as it was when it was seen first.
    entries: BTreeMap<LogName, BTreeMap<u64, &'a Entry>>,
    /// The numbers of entries that are no messages and whose life nothing tells.
    undated: BTreeMap<(LogKind, &'a str), BTreeSet<u64>>,
    said: HashMap<&'a str, Said<'a>>,
    /// The place of each text; that of a direct message is in its sender's inbox.
    places: HashMap<&'a str, (LogName, u64)>,
    /// The place of each direct message in its recipient's inbox.
    copies: HashMap<&'a str, (LogName, u64)>,
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
            entries: BTreeMap::new(),
            undated: BTreeMap::new(),
            said: said(history),
            places: HashMap::new(),
            copies: HashMap::new(),
            lives: lives(history),
            last_life: history.dumps.len(),
            tag: &history.tag,
        };
        let mut found = Vec::new();
        let dumps = history.dumps.iter().chain(&history.kept);
        for dump in dumps {
            for (kind, kept) in dump.logs() {
                for (name, entry) in kept.iter().flat_map(|(name, log)| log.iter().map(move |entry| (name, entry))) {
                    found.extend(logs.see(kind, name, entry, Witness::Store(dump.at)));
                }
            }
        }
        for stored in logs.stored(history) {
            let witness = Witness::Connection(stored.connection, stored.at);
            found.extend(logs.note(stored.log.kind, &stored.log.name, stored.id, stored.text, witness));
        }
        for (number, connection) in history.connections.iter().enumerate() {
            for event in &connection.events {
                for (kind, name, entry) in entries(&event.what, &connection.user) {
                    let witness = Witness::Connection(number, event.at);
                    found.extend(logs.see(kind, name, entry, witness));
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

    /// The life that an entry belongs to. Nothing tells that of an entry whose text is gone, if the store was emptied.
    pub(crate) fn life_of_entry(&self, entry: &Entry) -> Option<usize> {
        (!entry.text.is_empty() || self.last_life == 0).then(|| self.life_of(&entry.text))
    }

    /// The entries of one log that were seen.
    pub(crate) fn entries(&self, name: &LogName) -> impl Iterator<Item = &'a Entry> {
        self.entries.get(name).into_iter().flat_map(BTreeMap::values).copied()
    }

    /// The entry with this number, if it was seen.
    pub(crate) fn entry(&self, name: &LogName, id: u64) -> Option<&'a Entry> {
        self.entries.get(name)?.get(&id).copied()
    }

    /// How many entries that are no messages are between two numbers, the second one included.
    pub(crate) fn others(&self, name: &LogName, after: u64, until: u64) -> u64 {
        let log = self.entries.get(name).filter(|_| after < until);
        let between = log.into_iter().flat_map(|log| log.range(after + 1..=until));
        between.filter(|(_, entry)| !entry.is_message()).count() as u64
    }

    /// How many more of them there may be: those that were seen and may belong to another life.
    pub(crate) fn undated_others(&self, name: &LogName, after: u64, until: u64) -> u64 {
        let undated = self.undated.get(&(name.kind, name.name.as_str())).filter(|_| after < until);
        let between = undated.into_iter().flat_map(|ids| ids.range(after + 1..=until));
        between.filter(|id| self.entry(name, **id).is_none()).count() as u64
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

    /// Every acknowledgement of a message, a publication or a direct message. What was sent several times counts as sent
    /// the first time.
    pub(crate) fn stored(&self, history: &'a History) -> Vec<Stored<'a>> {
        let mut stored = Vec::new();
        for (number, connection) in history.connections.iter().enumerate() {
            for exchange in connection.exchanges_by_answer() {
                let (Some((at, Reply::Stored { id, room, .. })), Some(text)) = (exchange.answer, exchange.line.text())
                else {
                    continue;
                };
                let (kind, name) = match (exchange.line, room) {
                    (Line::Publish(_), _) => (LogKind::Feed, connection.user.as_str()),
                    (Line::Direct { .. }, _) => (LogKind::Inbox, connection.user.as_str()),
                    // What is said, edited, removed or set in a room.
                    (_, room) => (LogKind::Room, room.as_deref().unwrap_or_default()),
                };
                let log = LogName { kind, name: name.to_owned(), life: self.life_of(text) };
                let sent = self.said(text).map_or(exchange.sent, |said| said.exchange.sent);
                stored.push(Stored { connection: number, log, id: *id, text, sent, at });
            }
        }
        stored
    }

    fn see(&mut self, kind: LogKind, name: &'a str, entry: &'a Entry, witness: Witness) -> Option<Violation> {
        let Some(life) = self.life_of_entry(entry) else {
            if !entry.is_message() {
                self.undated.entry((kind, name)).or_default().insert(entry.id);
            }
            return None;
        };
        let log = LogName { kind, name: name.to_owned(), life };
        self.entries.entry(log).or_default().entry(entry.id).or_insert(entry);
        self.note(kind, name, entry.id, &entry.text, witness)
    }

    fn note(&mut self, kind: LogKind, name: &str, id: u64, text: &'a str, witness: Witness) -> Option<Violation> {
        let log = LogName { kind, name: name.to_owned(), life: self.life_of(text) };
        let known = self.logs.entry(log.clone()).or_default().entry(id).or_insert(text);
        if text.is_empty() {
            // It was removed.
            return None;
        }
        let other = if known.is_empty() { std::mem::replace(known, text) } else { *known };
        if !other.is_empty() && other != text {
            let what = format!("{log:?}: number {id} is {other:?} and {text:?}");
            return Some(witness.saw("no number is used twice", what));
        }
        let said = self.said.get(text);
        if kind == LogKind::Inbox && said.is_none() {
            // Of an earlier round: which of its two inboxes is the sender's is not known here.
            return None;
        }
        let is_copy = kind == LogKind::Inbox && said.is_some_and(|said| said.user != name);
        let places = if is_copy { &mut self.copies } else { &mut self.places };
        match places.get(text) {
            Some((before, number)) if *number != id || *before != log => {
                let what = format!("{text:?} is number {number} of {before:?} and number {id} of {log:?}");
                Some(witness.saw("nothing is accepted twice", what))
            }
            Some(_) => None,
            None => {
                places.insert(text, (log, id));
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
    let mut said: HashMap<&str, Said<'_>> = HashMap::new();
    for (connection, record) in history.connections.iter().enumerate() {
        for exchange in record.exchanges() {
            let Some(text) = exchange.line.text() else { continue };
            // The result of a line is uncertain only if the store is unreachable. A room that is not open any more
            // keeps nothing out that was said there before.
            let refused = exchange.refused().filter(|code| *code != "store-unavailable");
            let new = Said { user: &record.user, connection, exchange, times: 1, refused };
            let known = said.get(text).copied();
            said.insert(text, known.map_or(new, |known| known.with(new)));
        }
    }
    said
}

impl Said<'_> {
    /// Adds another time that the same text was sent.
    fn with(self, other: Self) -> Self {
        let first = if other.exchange.sent < self.exchange.sent { other } else { self };
        let refused = self.refused.and(other.refused);
        Self { times: self.times + 1, refused, ..first }
    }
}

fn lives(history: &History) -> HashMap<&str, usize> {
    let mut lives = HashMap::new();
    for (life, dump) in history.dumps.iter().enumerate() {
        let entries = dump.logs().into_iter().flat_map(|(_, logs)| logs.values()).flatten();
        lives.extend(entries.filter(|entry| !entry.text.is_empty()).map(|entry| (entry.text.as_str(), life)));
    }
    lives
}

/// The log entries that an event on a connection of this user contains.
fn entries<'a>(what: &'a What, user: &'a str) -> Vec<(LogKind, &'a str, &'a Entry)> {
    match what {
        What::Heard(Heard::Message { room, entry }) => vec![(LogKind::Room, room, entry)],
        What::Heard(Heard::Publication(entry)) => vec![(LogKind::Feed, &entry.from, entry)],
        What::Heard(Heard::Direct(entry)) => vec![(LogKind::Inbox, user, entry)],
        What::Answered { reply: Reply::History { room, entries }, .. } => {
            entries.iter().map(|entry| (LogKind::Room, room.as_str(), entry)).collect()
        }
        What::Answered { reply: Reply::Page { target, entries, .. }, .. } => {
            let (kind, name) = log_of(target, user);
            entries.iter().map(|entry| (kind, name, entry)).collect()
        }
        _ => Vec::new(),
    }
}

/// The log that a conversation of a user is in.
pub(crate) fn log_of<'a>(target: &'a str, user: &'a str) -> (LogKind, &'a str) {
    match (target.strip_prefix('#'), target.strip_prefix('+')) {
        (Some(room), _) => (LogKind::Room, room),
        (_, Some(publisher)) => (LogKind::Feed, publisher),
        _ => (LogKind::Inbox, user),
    }
}

impl Dump {
    /// All logs, by their kind.
    pub(crate) fn logs(&self) -> [(LogKind, &BTreeMap<String, Vec<Entry>>); 3] {
        [(LogKind::Room, &self.rooms), (LogKind::Feed, &self.feeds), (LogKind::Inbox, &self.inboxes)]
    }

    /// One log, if it is known.
    pub(crate) fn log(&self, kind: LogKind, name: &str) -> Option<&[Entry]> {
        let (_, logs) = self.logs().into_iter().find(|(known, _)| *known == kind)?;
        logs.get(name).map(Vec::as_slice)
    }
}

/// What clients read of the logs at the end, page by page. An inbox is read conversation by conversation.
pub(crate) fn read_back(history: &History) -> Dump {
    let mut logs: BTreeMap<(LogKind, &str), BTreeMap<u64, &Entry>> = BTreeMap::new();
    let mut at = history.reading;
    for connection in history.connections.iter().filter(|connection| connection.final_one) {
        let asked = connection.exchanges_by_answer().filter(|exchange| exchange.sent >= history.reading);
        for exchange in asked {
            match exchange.answer {
                Some((_, Reply::Synced { .. })) => {
                    logs.entry((LogKind::Inbox, &connection.user)).or_default();
                }
                Some((answered, Reply::Page { target, entries, .. })) => {
                    let log = logs.entry(log_of(target, &connection.user)).or_default();
                    log.extend(entries.iter().map(|entry| (entry.id, entry)));
                    at = at.max(answered);
                }
                _ => {}
            }
        }
    }
    let mut dump = Dump { from: history.reading, at, is_by_pages: true, ..Dump::default() };
    for ((kind, name), log) in logs {
        let logs = match kind {
            LogKind::Room => &mut dump.rooms,
            LogKind::Feed => &mut dump.feeds,
            LogKind::Inbox => &mut dump.inboxes,
        };
        logs.insert(name.to_owned(), log.into_values().cloned().collect());
    }
    dump
}
