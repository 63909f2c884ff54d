//! What the reference store keeps for each user besides the account. It must not append to logs.

use std::collections::{BTreeMap, BTreeSet};

use parlor_core::ports::{Conversation, Entry, LogId, Mark, Personal, PersonalState, Recipient, StoreResult};
use parlor_core::rights::RoomRights;
use parlor_proto::{MessageId, RoomName, Timestamp, UserName};

use super::log::Conversations;
use crate::sync::{Mutex, lock};

/// Rooms, marks, conversations and blocks. A leaf lock.
#[derive(Default)]
pub(super) struct MemoryPersonal(Mutex<State>);

#[derive(Default)]
struct State {
    users: BTreeMap<UserName, User>,
    /// Pairs of a user and who is blocked by that user.
    blocks: BTreeSet<(UserName, UserName)>,
}

#[derive(Default)]
struct User {
    /// When the account was created; none without an account.
    created: Option<Timestamp>,
    rooms: BTreeSet<RoomName>,
    marks: BTreeMap<LogId, MessageId>,
    talks: BTreeMap<UserName, Talk>,
}

/// A conversation with one user.
#[derive(Default)]
struct Talk {
    last: MessageId,
    read: MessageId,
    /// Numbers of messages that were received and not read, oldest first.
    unread: BTreeSet<MessageId>,
}

impl MemoryPersonal {
    /// Notes that an account exists.
    pub(super) fn set_account(&self, user: &UserName, created: Timestamp) {
        self.change(user, |user| user.created = Some(created));
    }

    /// Deletes all of a user, also what others keep about the user.
    pub(super) fn forget_user(&self, user: &UserName) {
        let mut state = lock(&self.0);
        state.users.remove(user);
        state.blocks.retain(|(by, blocked)| by != user && blocked != user);
        let feed = LogId::Feed(user.clone());
        for other in state.users.values_mut() {
            other.marks.remove(&feed);
        }
    }

    fn change<T>(&self, user: &UserName, change: impl FnOnce(&mut User) -> T) -> T {
        change(lock(&self.0).users.entry(user.clone()).or_default())
    }
}

impl Personal for MemoryPersonal {
    fn load(&self, user: &UserName) -> StoreResult<PersonalState> {
        self.change(user, |user| {
            let talk = |(peer, talk): (&UserName, &Talk)| Conversation {
                peer: peer.clone(),
                last: talk.last,
                read: talk.read,
                unread: talk.unread.len() as u64,
            };
            let mut conversations: Vec<Conversation> = user.talks.iter().map(talk).collect();
            conversations.sort_by_key(|conversation| std::cmp::Reverse(conversation.last));
            let rooms = user.rooms.iter().cloned().collect();
            Ok(PersonalState { rooms, marks: user.marks.clone(), conversations })
        })
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId, max: usize) -> StoreResult<bool> {
        self.change(user, |user| {
            if user.rooms.iter().filter(|other| *other != room).count() >= max {
                return Ok(false);
            }
            user.rooms.insert(room.clone());
            user.marks.entry(LogId::Room(room.clone())).or_insert(read);
            Ok(true)
        })
    }

    fn forget(&self, user: &UserName, room: &RoomName) -> StoreResult<()> {
        self.change(user, |user| {
            user.rooms.remove(room);
            user.marks.retain(|log, mark| log.room() != Some(room) || mark.0 > 0);
        });
        Ok(())
    }

    fn mark(&self, user: &UserName, marks: &[Mark]) -> StoreResult<()> {
        self.change(user, |user| {
            for Mark { log, read, last } in marks {
                let mark = user.marks.entry(log.clone()).or_default();
                *mark = if *mark > *last { *read } else { (*mark).max(*read) };
            }
        });
        Ok(())
    }

    fn mark_conversations(&self, user: &UserName, read: &[(UserName, MessageId)]) -> StoreResult<()> {
        self.change(user, |user| {
            for (peer, id) in read {
                if let Some(talk) = user.talks.get_mut(peer) {
                    talk.read = talk.read.max(*id);
                    talk.unread = talk.unread.split_off(&talk.read.next());
                }
            }
        });
        Ok(())
    }

    fn block(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        lock(&self.0).blocks.insert((user.clone(), blocked.clone()));
        Ok(())
    }

    fn unblock(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        lock(&self.0).blocks.remove(&(user.clone(), blocked.clone()));
        Ok(())
    }

    fn blocks(&self, user: &UserName) -> StoreResult<Vec<UserName>> {
        let state = lock(&self.0);
        Ok(state.blocks.iter().filter(|(by, _)| by == user).map(|(_, blocked)| blocked.clone()).collect())
    }
}

impl Conversations for MemoryPersonal {
    /// The rights are in memory already.
    fn keep_rights(&self, _room: &RoomName, _rights: &RoomRights) -> StoreResult<()> {
        Ok(())
    }

    fn is_blocked(&self, by: &UserName, user: &UserName) -> StoreResult<bool> {
        Ok(lock(&self.0).blocks.contains(&(by.clone(), user.clone())))
    }

    fn exists(&self, account: &Recipient) -> StoreResult<bool> {
        let state = lock(&self.0);
        Ok(state.users.get(&account.user).is_some_and(|user| user.created == Some(account.created)))
    }

    fn note_sent(&self, sent: &Entry, to: &UserName) {
        self.change(&sent.author, |user| {
            let talk = user.talks.entry(to.clone()).or_default();
            (talk.last, talk.read) = (sent.id, sent.id);
            talk.unread.clear();
        });
    }

    fn note_received(&self, got: &Entry, owner: &UserName) {
        self.change(owner, |user| {
            let talk = user.talks.entry(got.author.clone()).or_default();
            talk.last = got.id;
            talk.unread.insert(got.id);
        });
    }
}
