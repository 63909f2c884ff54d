//! `/sync`: opens the remembered rooms again, and tells in one reply where everything stands. The cost is a fixed number
//! of calls of the store, however many rooms there are.

use std::collections::HashMap;

use parlor_proto::{
    DirectState, Event, FeedState, InboxState, LostRoom, MessageId, RefusalCode, RoomName, RoomRole, RoomState, Sync,
};

use super::{OpenLog, Session, SessionError};
use crate::connection::effects::{CommandError, During};
use crate::connection::handle::{ConnectionHandle, PendingRoom};
use crate::ports::{Conversation, Head, LogId, Mark, PersonalState};
use crate::rights::{Person, RoomRights};

/// Maximum number of conversations in the reply, newest first.
const MAX_CONVERSATIONS: usize = 1_000;

impl Session {
    /// Opens the remembered rooms that are not open, and replies with the state of everything. A failure changes
    /// nothing.
    pub(crate) fn sync(&mut self, handle: &ConnectionHandle) -> Result<(), SessionError> {
        let state = handle.services.store.personal.load(self.user()).during("looking up remembered rooms")?;
        let closed = state.rooms.iter().filter(|room| !self.is_open(room)).cloned();
        // The lobby is open anyway, so it does not take the place of a remembered room.
        let besides_lobby = self.open_rooms().filter(|room| !room.is_lobby()).count();
        let free = handle.services.policy.max_open_rooms.saturating_sub(besides_lobby);
        let mut closed: Vec<RoomName> = closed.collect();
        let too_many = closed.split_off(free.min(closed.len()));
        let pending = handle.enter_all(&self.person, closed)?;
        let mut heads = match self.heads(handle, &pending.entered) {
            Ok(heads) => heads,
            Err(unable) => {
                handle.abandon(&self.person.session_key, &pending.entered);
                return Err(unable);
            }
        };
        let recipients: Vec<_> = pending.entered.iter().map(|room| (room.topic.clone(), room.version)).collect();
        for PendingRoom { room, topic, .. } in pending.entered {
            self.logs.insert(LogId::Room(room), OpenLog::new(topic, self.connection));
        }
        // Without them the counts are too large, which is better than no answer.
        match self.count_others(handle, &state, &heads) {
            Ok(others) => heads.others = others,
            Err(SessionError::Denied(CommandError::Failed { what, error })) => handle.note(what, Err(error)),
            Err(unable) => return Err(unable),
        }
        self.save_marks(handle, self.new_marks(&state, &heads));
        let refused = pending.refused.into_iter().map(|(room, refusal)| LostRoom { room, code: refusal.code() });
        let too_many = too_many.into_iter().map(|room| LostRoom { room, code: RefusalCode::LimitReached });
        let lost: Vec<LostRoom> = refused.chain(too_many).collect();
        self.forget_lost(handle, &lost);
        handle.peer.reply(&Event::Sync(Box::new(self.everything(state, &heads, lost))));
        for (topic, version) in recipients {
            topic.activate(self.connection, Some(version), |_| None).run();
        }
        Ok(())
    }

    /// Forgets the remembered rooms that it may not enter any more. One that has only no place now stays remembered.
    fn forget_lost(&self, handle: &ConnectionHandle, lost: &[LostRoom]) {
        let is_denied = |lost: &&LostRoom| lost.code != RefusalCode::LimitReached;
        for LostRoom { room, .. } in lost.iter().filter(is_denied) {
            handle.note("forgetting a room", handle.services.store.personal.forget(self.user(), room));
        }
    }

    /// The logs that it still receives: not a room from which the user was removed meanwhile, nor the feed of a deleted
    /// account, though the name may have a next owner.
    fn heard(&self) -> impl Iterator<Item = (&LogId, &OpenLog)> {
        self.logs.iter().filter(|(_, open)| open.topic.has(self.connection))
    }

    /// The position of each log, and the number of members of each room.
    fn heads(&self, handle: &ConnectionHandle, entered: &[PendingRoom]) -> Result<Heads, SessionError> {
        let store = &handle.services.store;
        let logs: Vec<LogId> = self.heard().map(|(log, _)| log.clone()).collect();
        let positions = store.log.heads(&logs).during("reading the heads of logs")?;
        let rooms: Vec<RoomName> = self.open_rooms().cloned().collect();
        let counts = store.rooms.counts(&rooms).during("counting members")?;
        let mut heads = Heads {
            positions: logs.into_iter().zip(positions).collect(),
            members: rooms.iter().cloned().zip(counts).collect(),
            rights: HashMap::new(),
            others: HashMap::new(),
        };
        for PendingRoom { room, topic, members, .. } in entered {
            heads.positions.insert(LogId::Room(room.clone()), topic.position_of(self.connection));
            heads.members.insert(room.clone(), *members);
        }
        let rights = store.governance.rights(&rooms).during("reading the rights in rooms")?;
        heads.rights = rooms.into_iter().zip(rights).filter_map(|(room, rights)| Some((room, rights?))).collect();
        Ok(heads)
    }

    /// How many entries after the marks are no messages, for the logs that have something after them.
    fn count_others(
        &self,
        handle: &ConnectionHandle,
        state: &PersonalState,
        heads: &Heads,
    ) -> Result<HashMap<LogId, u64>, SessionError> {
        let rooms = self.heard().filter(|(log, _)| log.room().is_some());
        let read = |(log, open): (&LogId, &OpenLog)| {
            let last = heads.position(log).last;
            let read = read_until(open, state.marks.get(log).copied(), last);
            (read < last).then(|| (log.clone(), read, last))
        };
        let ranges: Vec<(LogId, MessageId, MessageId)> = rooms.filter_map(read).collect();
        let others = handle.services.store.log.others_between(&ranges).during("counting messages")?;
        Ok(ranges.into_iter().map(|(log, ..)| log).zip(others).collect())
    }

    /// Marks for logs that have none, and for what the session wrote.
    fn new_marks(&self, state: &PersonalState, heads: &Heads) -> Vec<Mark> {
        let logs = self.heard().filter(|(log, open)| match log {
            LogId::Inbox(_) => false,
            LogId::Room(_) | LogId::Feed(_) => {
                let last = heads.position(log).last;
                let mark = state.marks.get(log).copied();
                // A log without entries needs no mark. One beyond the log belongs to a numbering that was lost.
                last.0 > 0 && (open.wrote().is_some() || mark.is_none_or(|mark| mark > last))
            }
        });
        logs.map(|(log, open)| {
            let last = heads.position(log).last;
            Mark { log: log.clone(), read: read_until(open, state.marks.get(log).copied(), last), last }
        })
        .collect()
    }

    fn everything(&self, state: PersonalState, heads: &Heads, lost: Vec<LostRoom>) -> Sync {
        let (mut rooms, mut feeds) = (Vec::new(), Vec::new());
        let mut inbox =
            InboxState { epoch: heads.position(&LogId::Inbox(self.user().clone())).epoch, last: MessageId(0) };
        for (log, open) in self.heard() {
            let Head { epoch, last } = heads.position(log);
            let read = read_until(open, state.marks.get(log).copied(), last);
            let others = heads.others.get(log).copied().unwrap_or_default();
            let unread = (last.0 - read.0).saturating_sub(others);
            match log {
                LogId::Room(room) => rooms.push(RoomState {
                    room: room.clone(),
                    members: heads.members.get(room).copied().unwrap_or_default(),
                    topic: heads.rights.get(room).map(|rights| rights.topic.clone()).unwrap_or_default(),
                    role: heads.role(room, &self.person.person()),
                    epoch,
                    last,
                    read,
                    unread,
                }),
                LogId::Feed(user) => feeds.push(FeedState { user: user.clone(), epoch, last, read, unread }),
                LogId::Inbox(_) => inbox = InboxState { epoch, last },
            }
        }
        let direct = |Conversation { peer, last, read, unread }| DirectState { user: peer, last, read, unread };
        let directs = state.conversations.into_iter().take(MAX_CONVERSATIONS).map(direct).collect();
        Sync { current: self.current.clone(), rooms, directs, feeds, inbox, lost }
    }
}

struct Heads {
    positions: HashMap<LogId, Head>,
    members: HashMap<RoomName, usize>,
    rights: HashMap<RoomName, RoomRights>,
    /// Entries behind the mark that are no messages.
    others: HashMap<LogId, u64>,
}

impl Heads {
    fn role(&self, room: &RoomName, person: &Person) -> RoomRole {
        self.rights.get(room).cloned().unwrap_or_default().role(person)
    }

    fn position(&self, log: &LogId) -> Head {
        self.positions.get(log).copied().unwrap_or(Head { epoch: parlor_proto::Epoch(0), last: MessageId(0) })
    }
}

/// Up to where a log is read: the stored mark, or what the session wrote, or else where it began to receive the log. A mark
/// beyond the log belongs to a numbering that was lost: then nothing is read.
fn read_until(open: &OpenLog, mark: Option<MessageId>, last: MessageId) -> MessageId {
    let counts = |mark: MessageId| if mark > last { MessageId(0) } else { mark };
    let known = mark.map(counts).into_iter().chain(open.wrote()).max();
    known.unwrap_or(open.since).min(last)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parlor_proto::Epoch;

    use super::*;
    use crate::delivery::flush::Flush;
    use crate::delivery::topic::Topic;
    use crate::ports::FlushWorkers;

    struct NoFlushWorkers;

    impl FlushWorkers for NoFlushWorkers {
        fn submit(&self, _flush: Flush) {}

        fn run_errand(&self, _errand: Box<dyn FnOnce() + Send>) {}

        fn count(&self) -> usize {
            1
        }
    }

    /// The lobby, heard after the entry `since`.
    fn open(since: u64) -> OpenLog {
        let topic = Topic::new(LogId::Room(RoomName::lobby()), Arc::new(NoFlushWorkers), Arc::default());
        OpenLog { topic: Arc::new(topic), since: MessageId(since), wrote: None }
    }

    #[test]
    fn a_log_is_read_up_to_its_mark_or_the_own_words_or_else_up_to_where_it_was_entered() {
        for (mark, wrote, last, read) in [
            (None, None, 9, 5),
            (Some(2), None, 9, 2),
            (Some(9), None, 9, 9),
            (Some(2), Some(7), 9, 7),
            (Some(8), Some(7), 9, 8),
            (None, Some(3), 9, 3),
            // The mark belongs to a numbering that was lost: nothing of the new one is read, but what was written there.
            (Some(10), None, 9, 0),
            (Some(10), Some(3), 9, 3),
            // The log has a new numbering, of which this server has not heard yet.
            (None, None, 4, 4),
            (None, Some(7), 6, 6),
        ] {
            let open = OpenLog { wrote: wrote.map(|id| (None, MessageId(id))), ..open(5) };
            let shown = read_until(&open, mark.map(MessageId), MessageId(last));
            assert_eq!(shown, MessageId(read), "mark {mark:?}, wrote {wrote:?}, last {last}");
        }
    }

    #[test]
    fn the_newest_of_the_own_words_counts_and_only_in_its_numbering() {
        let mut open = open(0);
        for (id, newest) in [(3, 3), (7, 7), (5, 7)] {
            open.note_written(MessageId(id));
            assert_eq!(open.wrote(), Some(MessageId(newest)));
        }
        open.topic.restart(Epoch(2));
        assert_eq!(open.wrote(), None);
        open.note_written(MessageId(1));
        assert_eq!(open.wrote(), Some(MessageId(1)));
    }
}
