//! Logs in memory. Also used if no history is kept. It must not know accounts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::ports::{
    Append, AppendReport, AppendResult, Destination, Entry, Head, Log, LogId, ONCE_KEPT_FOR, ONCE_KEYS_KEPT, Page,
    PageRequest, Recipient, Sink, StoreResult,
};
use parlor_proto::{Epoch, MessageId, OnceKey, PageRange, Timestamp, UserName};

use crate::in_process::InProcessSessions;
use crate::sync::{Mutex, lock};

/// What the log asks about direct messages, and tells of them.
pub(crate) trait Conversations: Send + Sync {
    /// Whether `by` blocks the direct messages of `user`.
    fn is_blocked(&self, by: &UserName, user: &UserName) -> StoreResult<bool>;

    /// Whether this very account still exists.
    fn exists(&self, account: &Recipient) -> StoreResult<bool>;

    /// A direct message is in the inbox of its sender.
    fn note_sent(&self, sent: &Entry, to: &UserName);

    /// A direct message is in the inbox of its recipient.
    fn note_received(&self, got: &Entry, owner: &UserName);
}

/// Lock tier 0, before that of [`InProcessSessions`]: held while entries are delivered, so that they are in order; the
/// sink never blocks and never calls back. The lock of the conversations is taken inside.
pub(crate) struct MemoryLog {
    logs: Mutex<HashMap<LogId, MemoryLogData>>,
    live: Arc<InProcessSessions>,
    sink: Arc<dyn Sink>,
    conversations: Arc<dyn Conversations>,
    history: usize,
    epoch: Epoch,
}

#[derive(Default)]
struct MemoryLogData {
    last: MessageId,
    newest: VecDeque<Entry>,
    /// The keys of each author, oldest first.
    once: HashMap<UserName, VecDeque<(OnceKey, MessageId, Timestamp)>>,
}

type Stored = HashMap<LogId, Vec<Entry>>;

impl MemoryLog {
    pub(crate) fn new(
        live: Arc<InProcessSessions>,
        sink: Arc<dyn Sink>,
        conversations: Arc<dyn Conversations>,
        history: usize,
        epoch: Epoch,
    ) -> Self {
        Self { logs: Mutex::default(), live, sink, conversations, history, epoch }
    }

    /// Deletes the entries of a log with its owner. Its numbers go on: a client may know them.
    pub(super) fn forget_entries(&self, log: &LogId) {
        if let Some(data) = lock(&self.logs).get_mut(log) {
            data.newest.clear();
            data.once.clear();
        }
    }

    /// Stores an entry, and leaves it in `stored` for its delivery.
    fn store(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        append: Append,
        stored: &mut Stored,
    ) -> StoreResult<AppendResult> {
        if !self.live.may_append(&append) {
            return Ok(AppendResult::Fenced);
        }
        let log = append.log();
        let once = append.once.clone();
        if let Some(id) = once.as_ref().and_then(|key| logs.get(&log)?.find_key(&append.author, key)) {
            return Ok(AppendResult::Repeated(id));
        }
        let recipient = match &append.to {
            Destination::Room(_) | Destination::Feed => None,
            Destination::Direct(recipient) => Some(recipient.clone()),
        };
        if let Some(recipient) = &recipient
            && self.conversations.is_blocked(&recipient.user, &append.author)?
        {
            return Ok(AppendResult::Blocked);
        }
        let entry = self.push(logs, log.clone(), stored, |id| append.entry(id));
        if let Some(key) = once {
            logs.entry(log).or_default().note_key(&entry, key);
        }
        if let Some(recipient) = recipient {
            self.deliver_direct(logs, &entry, &recipient, stored)?;
        }
        Ok(AppendResult::Stored(entry.id))
    }

    /// Stores the recipient's copy of a direct message.
    fn deliver_direct(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        sent: &Entry,
        recipient: &Recipient,
        stored: &mut Stored,
    ) -> StoreResult<()> {
        self.conversations.note_sent(sent, &recipient.user);
        if recipient.user != sent.author && self.conversations.exists(recipient)? {
            let copy = |id| Entry { id, ..sent.clone() };
            let got = self.push(logs, LogId::Inbox(recipient.user.clone()), stored, copy);
            self.conversations.note_received(&got, &recipient.user);
        }
        Ok(())
    }

    fn push(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        log: LogId,
        stored: &mut Stored,
        entry: impl FnOnce(MessageId) -> Entry,
    ) -> Entry {
        let kept = logs.entry(log.clone()).or_default();
        kept.last = kept.last.next();
        let entry = entry(kept.last);
        stored.entry(log).or_default().push(entry.clone());
        if self.history > 0 {
            kept.newest.push_back(entry.clone());
            let excess = kept.newest.len().saturating_sub(self.history);
            kept.newest.drain(..excess);
        }
        entry
    }

    fn head(&self, logs: &HashMap<LogId, MemoryLogData>, log: &LogId) -> Head {
        Head { epoch: self.epoch, last: logs.get(log).map(|kept| kept.last).unwrap_or_default() }
    }
}

impl MemoryLogData {
    fn find_key(&self, author: &UserName, key: &OnceKey) -> Option<MessageId> {
        let (_, id, _) = self.once.get(author)?.iter().rev().find(|(known, ..)| known == key)?;
        Some(*id)
    }

    fn note_key(&mut self, entry: &Entry, key: OnceKey) {
        let keys = self.once.entry(entry.author.clone()).or_default();
        keys.push_back((key, entry.id, entry.time));
        let kept_for = i64::try_from(ONCE_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
        let is_old = |noted: &Timestamp| entry.time.as_millis() - noted.as_millis() > kept_for;
        while keys.len() > ONCE_KEYS_KEPT && keys.front().is_some_and(|(.., noted)| is_old(noted)) {
            keys.pop_front();
        }
    }
}

impl Log for MemoryLog {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        let mut logs = lock(&self.logs);
        let mut stored = HashMap::new();
        let outcomes = batch.into_iter().map(|append| self.store(&mut logs, append, &mut stored)).collect();
        self.live.keep(stored.keys());
        let mut flush = Flush::default();
        for (log, entries) in &stored {
            flush.merge(self.sink.deliver(log, entries));
        }
        AppendReport { outcomes, flush }
    }

    fn follow(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        self.heads(logs)
    }

    fn unfollow(&self, _log: &LogId) {}

    fn heads(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        let state = lock(&self.logs);
        Ok(logs.iter().map(|log| self.head(&state, log)).collect())
    }

    fn page(&self, request: &PageRequest) -> StoreResult<Page> {
        let PageRequest { log, peer, range, count } = request;
        let logs = lock(&self.logs);
        let Some(kept) = logs.get(log) else { return Ok(Page::default()) };
        let is_meant = |entry: &&Entry| match (peer, log) {
            (Some(peer), LogId::Inbox(owner)) => entry.peer(owner) == Some(peer),
            _ => true,
        };
        let entries = kept.newest.iter().filter(is_meant);
        let mut found: Vec<Entry> = match *range {
            PageRange::After(id) => entries.filter(|entry| entry.id > id).take(count + 1).cloned().collect(),
            PageRange::Before(id) => entries.rev().filter(|entry| entry.id < id).take(count + 1).cloned().collect(),
            PageRange::Newest => entries.rev().take(count + 1).cloned().collect(),
        };
        let more = found.len() > *count;
        found.truncate(*count);
        if !matches!(range, PageRange::After(_)) {
            found.reverse();
        }
        Ok(Page { entries: found, more })
    }
}
