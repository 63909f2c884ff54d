//! A source and a target of migrations in memory: the source changes as its server would change it, the target refuses what makes
//! no sense.

use parlor_proto::{Note, Text, Timestamp, UserName};

use super::super::*;
use crate::archive::{ArchiveTarget, OnceRecord, Wanted};

/// What a store holds: logs with their entries, and other records by their keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Holding {
    pub(super) logs: BTreeMap<LogId, Held>,
    pub(super) rest: HashMap<Key, Record>,
}

/// A log. A source has all of its keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    pub(super) epoch: Epoch,
    pub(super) last: u64,
    pub(super) entries: BTreeMap<u64, EntryRecord>,
    pub(super) once: Vec<OnceRecord>,
}

impl Held {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch: Epoch(epoch), last: 0, entries: BTreeMap::new(), once: Vec::new() }
    }

    pub(super) fn first(&self) -> u64 {
        self.entries.keys().next().copied().unwrap_or(self.last + 1)
    }

    pub(super) fn say(&mut self, text: Content) -> u64 {
        self.last += 1;
        let (log, id, time) = (red(), MessageId(self.last), Timestamp::from_millis(7));
        self.entries.insert(self.last, EntryRecord { log, id, time, from: name("ann"), to: None, text });
        self.last
    }

    fn content(&mut self, of: u64) -> &mut Content {
        &mut self.entries.get_mut(&of).unwrap().text
    }

    /// Takes the text of the last edit of a message away, as each store does.
    fn empty_edit(&mut self, of: u64) {
        if let Content::Amended { by, .. } = *self.content(of) {
            *self.content(by.0) = Content::Edit { of: MessageId(of), text: Note::default() };
        }
    }

    pub(super) fn edit(&mut self, of: u64, what: &str) {
        let by = MessageId(self.say(Content::Edit { of: MessageId(of), text: text(what).into() }));
        self.empty_edit(of);
        *self.content(of) = Content::Amended { text: text(what), at: Timestamp::from_millis(7), by };
    }

    pub(super) fn remove(&mut self, of: u64) {
        self.say(Content::Removal { of: MessageId(of), reason: Note::default() });
        self.empty_edit(of);
        *self.content(of) = Content::Gone;
    }

    pub(super) fn trim(&mut self, first: u64) {
        self.entries = self.entries.split_off(&first);
    }
}

pub(super) fn red() -> LogId {
    LogId::Room("red".parse().unwrap())
}

pub(super) fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

pub(super) fn said(what: &str) -> Content {
    Content::Said(text(what))
}

impl Holding {
    /// With one room, in which so much was said.
    pub(super) fn with(texts: &[&str]) -> Self {
        let mut held = Held::new(1);
        for what in texts {
            held.say(said(what));
        }
        Self { logs: [(red(), held)].into(), rest: HashMap::new() }
    }

    pub(super) fn log(&mut self) -> &mut Held {
        self.logs.get_mut(&red()).unwrap()
    }

    pub(super) fn put(&mut self, record: Record) {
        self.rest.insert(Key::of(&record).unwrap(), record);
    }
}

impl MovingSource for Holding {
    fn read_from(
        &mut self,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()> {
        self.rest.values().try_for_each(&mut *each)?;
        for (log, held) in &self.logs {
            let (epoch, first, last) = (held.epoch, held.first(), MessageId(held.last));
            let Some(from) = wanted(&Extent { log: log.clone(), epoch, first, last }) else { continue };
            each(&Record::Log(LogRecord { log: log.clone(), epoch, last, others: 0 }))?;
            held.entries.range(from..).try_for_each(|(_, entry)| each(&Record::Entry(entry.clone())))?;
            let keys = held.once.iter().filter(|once| once.id.0 >= from);
            keys.cloned().try_for_each(|once| each(&Record::Once(once)))?;
        }
        Ok(())
    }

    fn entries(&mut self, log: &LogId, ids: &[MessageId]) -> ArchiveResult<Vec<EntryRecord>> {
        Ok(ids.iter().filter_map(|id| self.logs[log].entries.get(&id.0)).cloned().collect())
    }

    fn fence(&mut self, _to: &str) -> ArchiveResult<()> {
        Ok(())
    }

    fn leave(&mut self, _to: &str) -> ArchiveResult<()> {
        Ok(())
    }
}

/// A target that refuses what makes no sense, and notes what is done to it.
#[derive(Default)]
pub(super) struct Target {
    pub(super) holding: Holding,
    pub(super) done: Vec<String>,
}

impl ArchiveTarget for Target {
    fn stored(&self) -> u64 {
        0
    }

    fn skip(&mut self, _record: &Record) {}

    fn store(&mut self, record: &Record) -> ArchiveResult<()> {
        let is_new = match record {
            Record::Log(LogRecord { log, epoch, last, .. }) => {
                self.done.push(format!("log to {last}"));
                let held = Held { last: last.0, ..Held::new(epoch.0) };
                self.holding.logs.insert(log.clone(), held).is_none()
            }
            Record::Entry(entry) => {
                self.done.push(format!("entry {}", entry.id));
                let held = self.holding.logs.get_mut(&entry.log).unwrap();
                held.entries.insert(entry.id.0, entry.clone()).is_none()
            }
            Record::Once(once) => {
                self.done.push(format!("key {}", once.key.as_str()));
                self.holding.logs.get_mut(&once.log).unwrap().once.push(once.clone());
                true
            }
            other => {
                let key = Key::of(other).unwrap();
                self.done.push(format!("{key:?}"));
                self.holding.rest.insert(key, other.clone()).is_none()
            }
        };
        assert!(is_new, "{record:?} is stored twice");
        Ok(())
    }

    fn finish(self: Box<Self>) -> ArchiveResult<()> {
        Ok(())
    }
}

impl MovingTarget for Target {
    fn change(&mut self, change: Change<'_>) -> ArchiveResult<()> {
        let logs = &mut self.holding.logs;
        match change {
            Change::Remove(key) => {
                self.done.push(format!("remove {key:?}"));
                let was_there = match key {
                    Key::Log(log) => logs.remove(log).is_some(),
                    other => self.holding.rest.remove(other).is_some(),
                };
                assert!(was_there, "{key:?} was not there");
            }
            Change::Grow(head) => {
                self.done.push(format!("grow to {}", head.last));
                logs.get_mut(&head.log).unwrap().last = head.last.0;
            }
            Change::Trim(log, first) => {
                self.done.push(format!("trim before {first}"));
                logs.get_mut(log).unwrap().trim(first);
            }
            Change::Rewrite(entry) => {
                self.done.push(format!("rewrite {}", entry.id));
                *logs.get_mut(&entry.log).unwrap().entries.get_mut(&entry.id.0).unwrap() = entry.clone();
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> ArchiveResult<()> {
        Ok(())
    }

    fn seal(&mut self) -> ArchiveResult<()> {
        Ok(())
    }
}
