//! One recipient of a log: which entries are pushed into its outbox, and which are buffered while it enters. It must
//! not know the other recipients, nor write.

use std::sync::Arc;

use parlor_proto::{Bye, Encoded, MessageId, Timestamp, UserName};

use crate::delivery::batch::{Batch, NameHash};
use crate::delivery::outbox::Pushed;
use crate::delivery::peer::Peer;
use crate::planted::{Bug, planted};
use crate::ports::Entry;

/// The position of a recipient that gets nothing more: no entry has this number.
const SILENCED: MessageId = MessageId(u64::MAX);

/// A client that receives a log, and the position from which it does.
pub(crate) struct Recipient {
    pub(crate) peer: Arc<Peer>,
    /// For a feed: when the followed account was created. `None` if the follow was not made on this connection.
    pub(crate) owner: Option<Timestamp>,
    hash: NameHash,
    user: UserName,
    /// The log's position that was read for this recipient. It receives only newer entries. Deliveries on this server
    /// may be behind this position.
    start: MessageId,
    /// The newest change of members that the reply to its entering includes. It receives only newer changes, which may
    /// arrive late.
    seen: u64,
    /// While the recipient enters: the events that it gets right after the reply.
    buffered: Option<Buffered>,
}

/// Events that are held back.
#[derive(Default)]
pub(crate) struct Buffered {
    pub(crate) frames: Vec<(BufferedKind, Arc<[u8]>)>,
    bytes: usize,
}

/// The kind of an event that is held back.
#[derive(Clone, Copy)]
pub(crate) enum BufferedKind {
    /// An entry of the log.
    Entry(MessageId),
    /// A change of membership, with its version.
    Change(u64),
    /// An entry of an earlier epoch of the log.
    OldEpoch,
}

impl Recipient {
    /// A recipient that is entering.
    pub(crate) fn entering(peer: Arc<Peer>, user: UserName) -> Self {
        let hash = NameHash::of(&user);
        Self {
            peer,
            owner: None,
            hash,
            user,
            start: MessageId::default(),
            seen: 0,
            buffered: Some(Buffered::default()),
        }
    }

    /// Sets the log's position, read after the follow for this recipient began.
    pub(crate) fn set_start(&mut self, last: MessageId) {
        self.start = last;
        if let Some(buffered) = &mut self.buffered {
            buffered.drop_until(last);
        }
    }

    /// Whether it is a connection of this user.
    pub(crate) fn is_of(&self, user: &UserName) -> bool {
        self.user == *user
    }

    /// Whether it gets an entry with this number.
    pub(crate) fn hears(&self, id: MessageId) -> bool {
        self.start < id
    }

    /// From now on it gets nothing more, neither entries nor changes of members.
    pub(crate) fn silence(&mut self) {
        self.start = SILENCED;
        self.seen = u64::MAX;
    }

    /// Whether it gets nothing more.
    pub(crate) fn is_silenced(&self) -> bool {
        self.start == SILENCED
    }

    /// The log has a new epoch. The buffered events are still delivered, but the reply contains the position in the new
    /// epoch.
    pub(crate) fn restart(&mut self) {
        if self.is_silenced() {
            return;
        }
        self.start = MessageId::default();
        for (hash, _) in self.buffered.iter_mut().flat_map(|buffered| &mut buffered.frames) {
            if matches!(hash, BufferedKind::Entry(_)) {
                *hash = BufferedKind::OldEpoch;
            }
        }
    }

    /// Ends the buffering. From now on the recipient gets no change of members up to `seen`. `cursor` is the number of
    /// the last pushed entry. Returns the last number before the entries that this recipient gets, and the buffered
    /// events.
    pub(crate) fn activate(&mut self, cursor: MessageId, seen: u64) -> (MessageId, Buffered) {
        // It may be silenced already.
        self.seen = self.seen.max(seen);
        let last = self.position(cursor);
        (last, self.buffered.take().unwrap_or_default())
    }

    /// The last number before the entries that this recipient gets. `cursor` is the number of the last pushed entry.
    pub(crate) fn position(&self, cursor: MessageId) -> MessageId {
        let first = self.buffered.as_ref().and_then(Buffered::first);
        first.map_or(cursor.max(self.start), |first| MessageId(first.0 - 1))
    }

    /// Pushes entries, except those that the recipient wrote itself. Returns also how many.
    pub(crate) fn push(&mut self, batch: &Batch<'_>) -> (Pushed, u64) {
        if let Some(pushed) = self.push_wrongly(batch) {
            return (pushed, 0);
        }
        let (user, start) = (&self.user, self.start);
        let is_for_it = |entry: &Entry| !entry.is_by(user) && entry.id > start;
        let outbox = self.peer.outbox();
        match &mut self.buffered {
            None if batch.entries()[0].id > start && !batch.has_author(self.hash, user) => {
                (outbox.push_with(|encoding| batch.frame(encoding)), batch.entries().len() as u64)
            }
            None => {
                let count = batch.entries().iter().filter(|entry| is_for_it(entry)).count() as u64;
                (outbox.push_with(|encoding| batch.frame_of(encoding, is_for_it)), count)
            }
            Some(buffered) if buffered.bytes > outbox.max_event_bytes() => (outbox.close(Bye::SlowConsumer), 0),
            Some(buffered) => {
                let (encoding, mut count) = (outbox.encoding(), 0);
                for entry in batch.entries().iter().filter(|entry| is_for_it(entry)) {
                    buffered
                        .keep(batch.frame_of(encoding, |other| other.id == entry.id), BufferedKind::Entry(entry.id));
                    count += 1;
                }
                (Pushed::default(), count)
            }
        }
    }

    /// The wrong push of a planted bug, if the bug applies to this batch.
    fn push_wrongly(&self, batch: &Batch<'_>) -> Option<Pushed> {
        let (outbox, entries, number) = (self.peer.outbox(), batch.entries(), self.peer.connection().0);
        let strikes = |bug, every| planted(bug) && entries.iter().any(|entry| entry.id.0 % every == number % every);
        if self.buffered.is_none() && strikes(Bug::DropMessage, 50) {
            let is_kept =
                |entry: &Entry| entry.author != self.user && entry.id > self.start && entry.id.0 % 50 != number % 50;
            return Some(outbox.push_with(|encoding| batch.frame_of(encoding, is_kept)));
        }
        if strikes(Bug::CutOffReader, 200) {
            return Some(outbox.close(Bye::SlowConsumer));
        }
        if planted(Bug::Double) && entries[0].id == self.start.next() && self.buffered.is_none() {
            let [first, second] = [(); 2].map(|()| outbox.push_with(|encoding| batch.frame(encoding)));
            return Some(if first.must_flush { first } else { second });
        }
        None
    }

    /// Pushes an event that is not in the log, unless it is about this recipient.
    pub(crate) fn announce(&mut self, event: &Encoded<'_>, about: &UserName, version: u64) -> Pushed {
        let outbox = self.peer.outbox();
        match &mut self.buffered {
            _ if self.user == *about || version <= self.seen => Pushed::default(),
            None => outbox.push(event),
            Some(buffered) if buffered.bytes > outbox.max_event_bytes() => outbox.close(Bye::SlowConsumer),
            Some(buffered) => {
                buffered.keep(event.frame(outbox.encoding()).clone(), BufferedKind::Change(version));
                Pushed::default()
            }
        }
    }
}

impl Buffered {
    fn keep(&mut self, frame: Arc<[u8]>, hash: BufferedKind) {
        self.bytes += frame.len();
        self.frames.push((hash, frame));
    }

    /// Drops entries up to a number.
    fn drop_until(&mut self, last: MessageId) {
        self.frames.retain(|(hash, _)| !matches!(hash, BufferedKind::Entry(id) if *id <= last));
        self.bytes = self.frames.iter().map(|(_, frame)| frame.len()).sum();
    }

    /// Number of the first entry.
    fn first(&self) -> Option<MessageId> {
        self.frames.iter().find_map(|(hash, _)| if let BufferedKind::Entry(id) = hash { Some(*id) } else { None })
    }
}
