//! Reads whole logs for an archive, page by page, up to the newest entry that a log had when its head was read. It must not
//! change them.

use std::collections::{BTreeMap, BTreeSet};

use ::redis::Value;
use parlor_core::ports::{Content, Conversation, Entry, LogId, StoreResult};
use parlor_proto::{Epoch, MessageId, Timestamp, UserName};

use super::source::Each;
use crate::archive::{ArchiveResult, EntryRecord, Extent, LogRecord, OnceRecord, Record, Wanted};
use crate::redis::codec::read_entry;
use crate::redis::connection::command::{self, Argument, Command};
use crate::redis::connection::router::Router;
use crate::redis::connection::script;
use crate::redis::keys;
use crate::redis::log::MAX_NUMBER;

/// Entries in one request.
const PAGE: usize = 500;

/// The head of a log that has a number.
pub(super) struct LogHead {
    pub(super) log: LogId,
    pub(super) epoch: Epoch,
    pub(super) last: MessageId,
    /// Its oldest entry, if it has one.
    pub(super) oldest: Option<u64>,
    /// In a room: its rights as they are stored, if something was set.
    pub(super) rights: Option<String>,
}

/// Asks for the head of a log, and for its oldest entry.
pub(super) fn ask_for_head(log: &LogId) -> [Command; 2] {
    [Command::plain("HMGET", keys::meta(log), &["epoch", "top", "rights"]), ask_for_page(log, 0, 1)]
}

fn ask_for_page(log: &LogId, after: u64, count: usize) -> Command {
    let args: [&dyn Argument; 4] = [&"after", &after, &count, &MAX_NUMBER];
    Command::script(script::page(), &[keys::log(log), keys::meta(log), keys::amended(log)], &args)
}

/// Reads a page up to a number.
fn read_page(reply: StoreResult<Value>, last: MessageId) -> StoreResult<Vec<Entry>> {
    let found: Vec<Value> = command::read(reply)?;
    let entries = found.iter().filter_map(read_entry).take_while(|entry| entry.id <= last);
    Ok(entries.map(|entry| before_later_edits(entry, last)).collect())
}

impl LogHead {
    /// Reads the answers.
    pub(super) fn read(log: LogId, head: StoreResult<Value>, oldest: StoreResult<Value>) -> StoreResult<Self> {
        let (epoch, last, rights): (Option<String>, Option<u64>, Option<String>) = command::read(head)?;
        // A log without an epoch gets one at the next look.
        let epoch = epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(Epoch(crate::redis::random::number()));
        let last = MessageId(last.unwrap_or_default());
        let oldest = read_page(oldest, last)?.first().map(|entry| entry.id.0);
        Ok(Self { log, epoch, last, oldest, rights })
    }

    fn extent(&self) -> Extent {
        let Self { log, epoch, last, oldest, .. } = self;
        Extent { log: log.clone(), epoch: *epoch, first: oldest.unwrap_or(last.0 + 1), last: *last }
    }
}

/// One pass over logs.
pub(super) struct LogReader<'a> {
    pub(super) router: &'a Router,
    pub(super) since: Option<Timestamp>,
    /// Which part of each log; none for what `since` leaves.
    pub(super) wanted: Option<Wanted<'a>>,
}

impl LogReader<'_> {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.router.call(command))
    }

    /// The number of the first entry that is wanted; none if the log has no entries.
    pub(super) fn first(&self, head: &LogHead) -> StoreResult<Option<u64>> {
        let Some(since) = self.since else { return Ok(head.oldest) };
        let (mut after, mut newest) = (0, None);
        loop {
            let page = self.page(head, after, PAGE)?;
            if let Some(found) = page.iter().find(|entry| entry.time >= since) {
                return Ok(Some(found.id.0));
            }
            let Some(last) = page.last() else { return Ok(newest) };
            after = last.id.0;
            newest = Some(after);
        }
    }

    /// Gives the head of a log, its entries from a number on, and the keys of these. The state of each conversation is moved
    /// on to the newest of these entries.
    pub(super) fn log(
        &self,
        head: &LogHead,
        first: Option<u64>,
        conversations: &mut BTreeMap<UserName, Conversation>,
        each: Each<'_>,
    ) -> ArchiveResult<()> {
        let first = match self.wanted.map(|wanted| wanted(&head.extent())) {
            Some(None) => return Ok(()),
            Some(wanted) => wanted,
            None => first,
        };
        let others = first.map_or(Ok(0), |first| self.others_before(&head.log, first))?;
        each(&Record::Log(LogRecord { log: head.log.clone(), epoch: head.epoch, last: head.last, others }))?;
        let Some(first) = first else { return Ok(()) };
        let (mut after, mut authors) = (first - 1, BTreeSet::new());
        loop {
            let page = self.page(head, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.id.0;
            for entry in page {
                authors.insert(entry.author.clone());
                let record = EntryRecord::of(&head.log, entry);
                follow(conversations, &record);
                each(&Record::Entry(record))?;
            }
        }
        self.keys(&head.log, &authors, first, head.last, each)
    }

    /// Some entries after a number, but none after the head.
    fn page(&self, head: &LogHead, after: u64, count: usize) -> StoreResult<Vec<Entry>> {
        read_page(self.router.call(ask_for_page(&head.log, after, count)), head.last)
    }

    /// Entries by their numbers, as they read now.
    pub(super) fn entries(&self, log: &LogId, ids: &[MessageId]) -> StoreResult<Vec<EntryRecord>> {
        let replies = self.router.call_all(ids.iter().map(|id| ask_for_page(log, id.0 - 1, 1)).collect());
        let mut entries = Vec::with_capacity(ids.len());
        for (id, reply) in ids.iter().zip(replies) {
            let found: Vec<Value> = command::read(reply)?;
            let found = found.first().and_then(read_entry).filter(|entry| entry.id == *id);
            entries.extend(found.map(|entry| EntryRecord::of(log, entry)));
        }
        Ok(entries)
    }

    fn others_before(&self, log: &LogId, first: u64) -> StoreResult<u64> {
        let below = format!("({first}");
        let range = [below.as_str(), "-inf", "BYSCORE", "REV", "LIMIT", "0", "1"];
        let found: Vec<String> = self.call(Command::plain("ZRANGE", keys::others(log), &range))?;
        let count = found.first().and_then(|found| found.split_once(' ')).and_then(|(_, count)| count.parse().ok());
        Ok(count.unwrap_or_default())
    }

    /// The keys of entries between two numbers, by author and key.
    fn keys(
        &self,
        log: &LogId,
        authors: &BTreeSet<UserName>,
        first: u64,
        last: MessageId,
        each: Each<'_>,
    ) -> ArchiveResult<()> {
        for author in authors {
            let [ids, times] = keys::once(log, author);
            let ask =
                [Command::plain("HGETALL", ids, &[]), Command::plain("ZRANGE", times, &["0", "-1", "WITHSCORES"])];
            let [ids, times] = self.router.call_each(ask);
            let (ids, times): (BTreeMap<String, u64>, Vec<(String, f64)>) =
                (command::read(ids)?, command::read(times)?);
            let times: BTreeMap<String, f64> = times.into_iter().collect();
            for (key, id) in ids.into_iter().filter(|(_, id)| (first..=last.0).contains(id)) {
                let Some(time) = times.get(&key).map(|time| Timestamp::from_millis(*time as i64)) else { continue };
                let Ok(key) = key.parse() else { continue };
                let (log, author, id) = (log.clone(), author.clone(), MessageId(id));
                each(&Record::Once(OnceRecord { log, author, key, id, time }))?;
            }
        }
        Ok(())
    }
}

/// A message that was edited while it was read says what it says now, but the edit is not in the archive: its number may be
/// given to another entry.
fn before_later_edits(entry: Entry, last: MessageId) -> Entry {
    match entry.content {
        Content::Amended { text, by, .. } if by > last => Entry { content: Content::Said(text), ..entry },
        _ => entry,
    }
}

/// Moves the state of a conversation on to a later message, as the script does that appends it.
fn follow(conversations: &mut BTreeMap<UserName, Conversation>, entry: &EntryRecord) {
    let (LogId::Inbox(owner), Some(peer)) = (&entry.log, entry.peer()) else { return };
    let start = || Conversation { peer: peer.clone(), last: MessageId(0), read: MessageId(0), unread: 0 };
    let state = conversations.entry(peer.clone()).or_insert_with(start);
    if entry.id <= state.last {
        return;
    }
    state.last = entry.id;
    if entry.from == *owner {
        (state.read, state.unread) = (entry.id, 0);
    } else {
        state.unread += 1;
    }
}
