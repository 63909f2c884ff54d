//! What a migration has copied so far, and what is to be done about what it finds now. It must not keep texts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use parlor_core::ports::{Content, LogId};
use parlor_proto::{Epoch, MessageId};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::migration::{Change, Extent, Moved, MovingSource, MovingTarget};
use super::{ArchiveResult, EntryRecord, LogRecord, Record};

/// Bytes of a digest that are compared.
const DIGEST: usize = 16;

/// Everything that was copied, without the texts.
#[derive(Default)]
pub(super) struct Copied {
    logs: BTreeMap<LogId, CopiedLog>,
    /// All records besides those of logs: the digest of each, and the round in which it was there.
    rest: HashMap<Key, ([u8; DIGEST], u64)>,
    round: u64,
    entries: u64,
}

/// What was copied of a log.
struct CopiedLog {
    epoch: Epoch,
    first: u64,
    last: MessageId,
    /// The messages that were edited, each with the entry of the last edit that was copied.
    edits: BTreeMap<MessageId, MessageId>,
    /// The last round in which it was there.
    round: u64,
    begin: Begin,
    /// The entries before `first` are to be forgotten.
    is_to_trim: bool,
    /// Entries that read differently by now.
    changed: BTreeSet<MessageId>,
}

/// How the records of a log begin in a round.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// It was not there before.
    New,
    /// Another one of this name was there before.
    Anew,
    /// It has more entries than before.
    Grown,
}

impl Copied {
    /// Makes the target hold what the source holds. Returns the number of changes.
    pub(super) fn catch_up(
        &mut self,
        source: &mut dyn MovingSource,
        target: &mut dyn MovingTarget,
        mut progress: impl FnMut(u64),
    ) -> ArchiveResult<u64> {
        self.round += 1;
        let mut changes = 0;
        let copied = RefCell::new(&mut *self);
        source.read_from(&|extent| copied.borrow_mut().wanted(extent), &mut |record| {
            changes += copied.borrow_mut().take(record, target)?;
            progress(changes);
            Ok(())
        })?;
        Ok(changes + self.rewrite(source, target)? + self.trim(target)? + self.forget(target)?)
    }

    pub(super) fn moved(&self) -> Moved {
        let accounts = self.rest.keys().filter(|key| matches!(key, Key::Account(_))).count();
        Moved { accounts, logs: self.logs.len(), entries: self.entries }
    }

    fn wanted(&mut self, extent: &Extent) -> Option<u64> {
        let Extent { log, epoch, first, last } = extent;
        let is_known = |known: &CopiedLog| {
            known.epoch == *epoch && known.last <= *last && *first <= known.last.0.saturating_add(1)
        };
        let round = self.round;
        match self.logs.get_mut(log) {
            Some(known) if is_known(known) => {
                known.round = round;
                known.is_to_trim = *first > known.first;
                known.first = *first;
                known.begin = Begin::Grown;
                (*last > known.last).then_some(known.last.0 + 1)
            }
            found => {
                let begin = if found.is_some() { Begin::Anew } else { Begin::New };
                self.logs.insert(log.clone(), CopiedLog::begin(extent, begin, round));
                Some(*first)
            }
        }
    }

    /// Stores a record if it is new or another one. Returns the number of changes.
    fn take(&mut self, record: &Record, target: &mut dyn MovingTarget) -> ArchiveResult<u64> {
        match record {
            Record::Log(head) => self.begin(head, record, target)?,
            Record::Entry(entry) => {
                self.entries += 1;
                self.note(entry);
                target.store(record)?;
            }
            Record::Once(_) => target.store(record)?,
            _ => return self.compare(record, target),
        }
        Ok(1)
    }

    fn begin(&mut self, head: &LogRecord, record: &Record, target: &mut dyn MovingTarget) -> ArchiveResult<()> {
        let Some(log) = self.logs.get_mut(&head.log) else { return target.store(record) };
        log.last = head.last;
        match log.begin {
            Begin::Grown => return target.change(Change::Grow(head)),
            Begin::Anew => target.change(Change::Remove(&Key::Log(head.log.clone())))?,
            Begin::New => {}
        }
        target.store(record)
    }

    /// Notes what an entry says about others.
    fn note(&mut self, entry: &EntryRecord) {
        let Some(log) = self.logs.get_mut(&entry.log) else { return };
        match &entry.text {
            Content::Amended { by, .. } => drop(log.edits.insert(entry.id, *by)),
            Content::Edit { of, .. } if log.begin == Begin::Grown => {
                log.changed.insert(*of);
                // The edit before has no text any more.
                log.changed.extend(log.edits.insert(*of, entry.id));
            }
            Content::Removal { of, .. } if log.begin == Begin::Grown => {
                log.changed.insert(*of);
                log.changed.extend(log.edits.remove(of));
            }
            _ => {}
        }
    }

    fn compare(&mut self, record: &Record, target: &mut dyn MovingTarget) -> ArchiveResult<u64> {
        let Some(key) = Key::of(record) else { return Ok(0) };
        let digest = digest(record)?;
        let known = self.rest.insert(key.clone(), (digest, self.round));
        match known {
            Some((known, _)) if known == digest => return Ok(0),
            Some(_) => target.change(Change::Remove(&key))?,
            None => {}
        }
        target.store(record)?;
        Ok(1)
    }

    /// Brings over the entries that read differently by now.
    fn rewrite(&mut self, source: &mut dyn MovingSource, target: &mut dyn MovingTarget) -> ArchiveResult<u64> {
        let mut changes = 0;
        for (log, copied) in self.logs.iter_mut().filter(|(_, copied)| !copied.changed.is_empty()) {
            let ids: Vec<MessageId> = std::mem::take(&mut copied.changed).into_iter().collect();
            for entry in source.entries(log, &ids)?.iter().filter(|entry| entry.id <= copied.last) {
                target.change(Change::Rewrite(entry))?;
                changes += 1;
            }
        }
        Ok(changes)
    }

    fn trim(&mut self, target: &mut dyn MovingTarget) -> ArchiveResult<u64> {
        let mut changes = 0;
        for (log, copied) in self.logs.iter_mut().filter(|(_, copied)| copied.is_to_trim) {
            copied.is_to_trim = false;
            copied.edits = copied.edits.split_off(&MessageId(copied.first));
            target.change(Change::Trim(log, copied.first))?;
            changes += 1;
        }
        Ok(changes)
    }

    /// Removes what is not there any more.
    fn forget(&mut self, target: &mut dyn MovingTarget) -> ArchiveResult<u64> {
        let round = self.round;
        let gone = self.rest.iter().filter(|(_, (_, seen))| *seen < round).map(|(key, _)| key.clone());
        let logs = self.logs.iter().filter(|(_, log)| log.round < round).map(|(log, _)| Key::Log(log.clone()));
        let gone: Vec<Key> = gone.chain(logs).collect();
        for key in &gone {
            target.change(Change::Remove(key))?;
            match key {
                Key::Log(log) => drop(self.logs.remove(log)),
                other => drop(self.rest.remove(other)),
            }
        }
        Ok(gone.len() as u64)
    }
}

impl CopiedLog {
    fn begin(extent: &Extent, begin: Begin, round: u64) -> Self {
        let Extent { epoch, first, last, .. } = extent;
        Self {
            epoch: *epoch,
            first: *first,
            last: *last,
            edits: BTreeMap::new(),
            round,
            begin,
            is_to_trim: false,
            changed: BTreeSet::new(),
        }
    }
}

/// Tells a record from another one with the same key.
fn digest(record: &Record) -> ArchiveResult<[u8; DIGEST]> {
    let line = serde_json::to_vec(record).map_err(io::Error::from)?;
    let mut digest = [0; DIGEST];
    digest.iter_mut().zip(Sha256::digest(&line)).for_each(|(place, byte)| *place = byte);
    Ok(digest)
}

#[cfg(test)]
mod tests;
