//! Logs in memory. Also used if no history is kept. It must not know accounts.

#[cfg(feature = "sqlite")]
mod administration;
mod outhooks;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{
    Act, ActReport, ActResult, Append, AppendReport, AppendResult, Content, Deed, Destination, Entry, Governance, Head,
    Log, LogId, ONCE_KEPT_FOR, ONCE_KEYS_KEPT, Page, PageRequest, Recipient, Sink, StoreResult,
};
use parlor_core::rights::{Denial, RoomRights};
use parlor_proto::{Epoch, MessageId, Note, OnceKey, PageRange, RoomName, Timestamp, UserName};

use crate::in_process::InProcessSessions;
use crate::sync::{Mutex, lock};

use outhooks::Positions;

/// What the log asks about direct messages, and tells of them.
pub(crate) trait Conversations: Send + Sync {
    /// Whether `by` blocks the direct messages of `user`.
    fn is_blocked(&self, by: &UserName, user: &UserName) -> StoreResult<bool>;

    /// Whether this very account still exists.
    fn exists(&self, account: &Recipient) -> StoreResult<bool>;

    /// A direct message is in the inbox of its sender.
    fn note_sent(&self, sent: &Entry, to: &UserName);

    /// The rights in a room have changed.
    fn keep_rights(&self, room: &RoomName, rights: &RoomRights) -> StoreResult<()>;

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
    outhooks: Positions,
    history: usize,
    epoch: Epoch,
}

#[derive(Default)]
struct MemoryLogData {
    last: MessageId,
    newest: VecDeque<Entry>,
    /// The keys of each author, oldest first.
    once: HashMap<UserName, VecDeque<(OnceKey, MessageId, Timestamp)>>,
    /// The entries that are no messages.
    others: BTreeSet<MessageId>,
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
        Self { logs: Mutex::default(), live, sink, conversations, outhooks: Positions::default(), history, epoch }
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
        let refused = self.live.judge(&append).err();
        if let Some(refused) = refused.filter(|refused| !may_be_known(&append, *refused)) {
            return Ok(refused);
        }
        let log = append.log();
        let once = append.once.clone();
        if let Some(id) = once.as_ref().and_then(|key| logs.get(&log)?.find_key(&append.author, key)) {
            return Ok(AppendResult::Repeated(id));
        }
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let (recipient, window) = match &append.to {
            Destination::Room(_) | Destination::Feed => (None, None),
            Destination::Edit { window, .. } => (None, Some(*window)),
            Destination::Direct(recipient) => (Some(recipient.clone()), None),
        };
        let edited = match (window, &append.content) {
            (Some(window), Content::Edit { of, text }) => {
                let data = logs.get(&log);
                if let Err(denial) =
                    data.map_or(Err(Denial::NoSuchMessage), |data| data.judge_edit(*of, &append, window))
                {
                    return Ok(AppendResult::Denied(denial));
                }
                Some((*of, text.clone(), append.time))
            }
            _ => None,
        };
        if let Some(recipient) = &recipient
            && self.conversations.is_blocked(&recipient.user, &append.author)?
        {
            return Ok(AppendResult::Blocked);
        }
        let entry = self.push(logs, log.clone(), stored, |id| append.entry(id));
        if let (Some((of, text, at)), Some(data)) = (edited, logs.get_mut(&log)) {
            data.amend(of, &text, at, entry.id);
        }
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
        if !entry.content.is_message() {
            kept.others.insert(entry.id);
        }
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
    fn find(&self, id: MessageId) -> Option<&Entry> {
        let at = self.newest.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.newest.get(at)
    }

    fn find_mut(&mut self, id: MessageId) -> Option<&mut Entry> {
        let at = self.newest.binary_search_by_key(&id, |entry| entry.id).ok()?;
        self.newest.get_mut(at)
    }

    /// Whether the author of an edit may make it.
    fn judge_edit(&self, of: MessageId, append: &Append, window: Duration) -> Result<(), Denial> {
        let entry = self.find(of).ok_or(Denial::NoSuchMessage)?;
        entry.judge_edit(&append.author, append.time, window)
    }

    /// Gives a message another text. The edit before has no text any more.
    fn amend(&mut self, of: MessageId, text: &Note, at: Timestamp, by: MessageId) {
        let Some(content) = text.text().cloned().map(|text| Content::Amended { text, at, by }) else { return };
        let before = self.find_mut(of).map(|entry| std::mem::replace(&mut entry.content, content));
        self.empty_edit(before, of);
    }

    /// Removes the text of a message, wherever it is.
    fn remove(&mut self, of: MessageId) {
        let before = self.find_mut(of).map(|entry| std::mem::replace(&mut entry.content, Content::Gone));
        self.empty_edit(before, of);
    }

    fn empty_edit(&mut self, before: Option<Content>, of: MessageId) {
        if let Some(Content::Amended { by, .. }) = before
            && let Some(edit) = self.find_mut(by)
        {
            edit.content = Content::Edit { of, text: Note::default() };
        }
    }

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

    fn others_between(&self, ranges: &[(LogId, MessageId, MessageId)]) -> StoreResult<Vec<u64>> {
        let logs = lock(&self.logs);
        let count = |(log, after, until): &(LogId, MessageId, MessageId)| {
            let others = logs.get(log).map(|kept| &kept.others).filter(|_| after < until);
            others.map_or(0, |others| others.range(after.next()..=*until).count() as u64)
        };
        Ok(ranges.iter().map(count).collect())
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

/// Whether a refused append may have been accepted before, by the same key.
pub(crate) fn may_be_known(append: &Append, refused: AppendResult) -> bool {
    append.once.is_some() && matches!(refused, AppendResult::Denied(Denial::Muted(_)))
}

impl Governance for MemoryLog {
    fn act(&self, act: Act) -> StoreResult<ActReport> {
        let log = LogId::Room(act.room.clone());
        let author = match &act.deed {
            Deed::Removal { of, .. } => lock(&self.logs)
                .get(&log)
                .and_then(|data| Some(data.find(*of).filter(|entry| entry.is_removable())?.author.clone())),
            _ => None,
        };
        let staged = match self.live.stage(&act, author.as_ref()) {
            Ok(staged) => staged,
            Err(result) => return Ok(ActReport { result, flush: Flush::default() }),
        };
        if let Some(rights) = &staged.rights
            && let Err(error) = self.conversations.keep_rights(&act.room, rights)
        {
            self.live.undo(staged);
            return Err(error);
        }
        if let Some(rights) = &staged.rights {
            self.outhooks.keep(&act.room, rights);
        }
        // What is staged holds already, so nothing comes in between that it forbids.
        let mut logs = lock(&self.logs);
        let mut stored = HashMap::new();
        let entry = staged.content.clone().map(|content| {
            let (time, author) = (act.time, act.author().clone());
            self.push(&mut logs, log.clone(), &mut stored, |id| Entry { id, time, author, to: None, content })
        });
        if let (Deed::Removal { of, .. }, Some(data)) = (&act.deed, logs.get_mut(&log)) {
            data.remove(*of);
        }
        self.live.keep(stored.keys());
        let mut flush = Flush::default();
        for (log, entries) in &stored {
            flush.merge(self.sink.deliver(log, entries));
        }
        flush.merge(self.live.settle(staged));
        Ok(ActReport { result: ActResult::Done(entry.map(|entry| entry.id)), flush })
    }

    fn rights(&self, rooms: &[RoomName]) -> StoreResult<Vec<Option<RoomRights>>> {
        Ok(self.live.rights(rooms))
    }
}

#[cfg(test)]
mod tests;
