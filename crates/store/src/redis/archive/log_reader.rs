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

#[cfg(test)]
mod tests {
    use parlor_proto::Text;

    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn amended(by: u64) -> Entry {
        let content =
            Content::Amended { text: Text::sanitise("new").unwrap(), at: Timestamp::from_millis(9), by: MessageId(by) };
        Entry { id: MessageId(3), time: Timestamp::from_millis(7), author: "ann".parse().unwrap(), to: None, content }
    }

    #[test]
    fn an_edit_behind_the_end_of_an_archive_is_not_named_in_it() {
        let last = MessageId(5);
        assert_eq!(before_later_edits(amended(5), last), amended(5));
        let later = before_later_edits(amended(6), last);
        assert_eq!(later, Entry { content: Content::Said(Text::sanitise("new").unwrap()), ..amended(6) });
        let gone = Entry { content: Content::Gone, ..amended(6) };
        assert_eq!(before_later_edits(gone.clone(), last), gone);
    }

    /// The answer to a request for the oldest entry.
    fn oldest(id: u64) -> StoreResult<Value> {
        let fields = ["from", "ann", "time", "7", "text", "x"].map(text).into();
        Ok(Value::Array(vec![Value::Array(vec![text(&format!("{id}-0")), Value::Array(fields)])]))
    }

    fn head(epoch: Value, last: Value, oldest: StoreResult<Value>) -> LogHead {
        let log = LogId::Room("red".parse().unwrap());
        LogHead::read(log, Ok(Value::Array(vec![epoch, last, Value::Nil])), oldest).unwrap()
    }

    #[test]
    fn a_log_extends_from_its_oldest_entry_to_its_head() {
        let extent = |head: LogHead| {
            let extent = head.extent();
            (extent.epoch.0, extent.first, extent.last.0)
        };
        assert_eq!(extent(head(text("ff"), text("9"), oldest(4))), (255, 4, 9));
        let none = || Ok(Value::Array(Vec::new()));
        assert_eq!(extent(head(text("ff"), text("9"), none())), (255, 10, 9));
        // What was appended since the head was read is not in it.
        assert_eq!(extent(head(text("ff"), text("3"), oldest(4))), (255, 4, 3));
        let (one, two) = (head(Value::Nil, Value::Nil, none()), head(text("no epoch"), Value::Nil, none()));
        assert!(one.epoch != two.epoch && one.last == MessageId(0) && !one.extent().has_entries());
    }

    #[test]
    fn the_state_of_a_conversation_moves_on_with_the_entries_that_are_read() {
        let record = |id: u64, from: &str, to: &str| EntryRecord {
            log: LogId::Inbox("ann".parse().unwrap()),
            id: MessageId(id),
            time: Timestamp::from_millis(7),
            from: from.parse().unwrap(),
            to: Some(to.parse().unwrap()),
            text: Content::Said(Text::sanitise("x").unwrap()),
        };
        let bob: UserName = "bob".parse().unwrap();
        let known = Conversation { peer: bob.clone(), last: MessageId(5), read: MessageId(2), unread: 3 };
        let mut states = BTreeMap::from([(bob, known)]);
        for record in
            [record(4, "ann", "bob"), record(5, "bob", "ann"), record(6, "bob", "ann"), record(7, "cyd", "ann")]
        {
            follow(&mut states, &record);
        }
        let shown = |states: &BTreeMap<UserName, Conversation>| {
            let shown = states.values().map(|it| format!("{} {} {} {}", it.peer, it.last, it.read, it.unread));
            shown.collect::<Vec<_>>()
        };
        assert_eq!(shown(&states), ["bob 6 2 4", "cyd 7 0 1"]);
        follow(&mut states, &record(8, "ann", "bob"));
        follow(&mut states, &record(9, "ann", "ann"));
        assert_eq!(shown(&states), ["ann 9 9 0", "bob 8 8 0", "cyd 7 0 1"]);
        follow(&mut states, &EntryRecord { log: LogId::Room("red".parse().unwrap()), ..record(10, "bob", "ann") });
        assert_eq!(states.len(), 3, "other logs have no conversations");
    }
}
