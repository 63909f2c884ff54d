//! What Redis keeps for each user besides the account: remembered rooms, marks, the states of conversations, blocks. It must
//! not append to logs.
//!
//! A block is in two sets, in two slots. That of the blocked user decides, in the step that appends a message; the other
//! one is the list for the user who blocks.

use std::collections::{BTreeMap, HashMap};

use parlor_core::ports::{Conversation, LogId, Mark, Personal, PersonalState, StoreError, StoreResult};
use parlor_proto::{MessageId, RoomName, Target, UserName};

use super::connection::command::{self, Argument, Command};
use super::connection::script;
use super::keys;
use super::membership::server::Server;
use super::rooms::sorted;

impl Personal for Server {
    fn load(&self, user: &UserName) -> StoreResult<PersonalState> {
        let commands = vec![
            Command::plain("SMEMBERS", keys::remembered_rooms(user), &[]),
            Command::plain("HGETALL", keys::marks(user), &[]),
            ask_for_conversations(user),
        ];
        let mut replies = self.router.call_all(commands).into_iter();
        let mut next = || replies.next().unwrap_or_else(|| Err(StoreError::new("no reply")));
        let rooms: Vec<String> = command::read(next())?;
        let marks: HashMap<String, u64> = command::read(next())?;
        let conversations = read_conversations(next())?;
        let mut rooms: Vec<RoomName> = rooms.iter().filter_map(|room| room.parse().ok()).collect();
        rooms.sort();
        Ok(PersonalState { rooms, marks: read_marks(&marks), conversations })
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId, max: usize) -> StoreResult<bool> {
        let keys = [keys::remembered_rooms(user), keys::marks(user)];
        let target = Target::Room(room.clone()).to_string();
        let args: [&dyn Argument; 4] = [&room.as_str(), &target, &read.0, &max];
        self.call::<i64>(Command::script(script::remember_room(), &keys, &args)).map(|kept| kept > 0)
    }

    fn forget(&self, user: &UserName, room: &RoomName) -> StoreResult<()> {
        let keys = [keys::remembered_rooms(user), keys::marks(user)];
        let target = Target::Room(room.clone()).to_string();
        self.call::<i64>(Command::script(script::forget_room(), &keys, &[&room.as_str(), &target])).map(drop)
    }

    fn mark(&self, user: &UserName, marks: &[Mark]) -> StoreResult<()> {
        let named: Vec<(String, u64, u64)> =
            marks.iter().filter_map(|mark| Some((target(&mark.log)?, mark.read.0, mark.last.0))).collect();
        if named.is_empty() {
            return Ok(());
        }
        let mut args: Vec<&dyn Argument> = Vec::with_capacity(named.len() * 3);
        for (target, read, last) in &named {
            args.extend([target as &dyn Argument, read, last]);
        }
        self.call::<i64>(Command::script(script::move_marks(), &[keys::marks(user)], &args)).map(drop)
    }

    fn mark_conversations(&self, user: &UserName, read: &[(UserName, MessageId)]) -> StoreResult<()> {
        if read.is_empty() {
            return Ok(());
        }
        let keys = [keys::conversations(user), keys::conversation_index(user)];
        let named: Vec<(&str, u64)> = read.iter().map(|(peer, id)| (peer.as_str(), id.0)).collect();
        let mut args: Vec<&dyn Argument> = Vec::with_capacity(named.len() * 2);
        for (peer, id) in &named {
            args.extend([peer as &dyn Argument, id]);
        }
        self.call::<i64>(Command::script(script::read_conversations(), &keys, &args)).map(drop)
    }

    fn block(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.call::<i64>(Command::plain("SADD", keys::blocks(user), &[blocked.as_str()]))?;
        self.call::<i64>(Command::plain("SADD", keys::blocked_by(blocked), &[user.as_str()])).map(drop)
    }

    fn unblock(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.call::<i64>(Command::plain("SREM", keys::blocked_by(blocked), &[user.as_str()]))?;
        self.call::<i64>(Command::plain("SREM", keys::blocks(user), &[blocked.as_str()])).map(drop)
    }

    fn blocks(&self, user: &UserName) -> StoreResult<Vec<UserName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::blocks(user), &[]))?;
        Ok(sorted(&names))
    }
}

/// Asks for the conversations of a user.
pub(super) fn ask_for_conversations(user: &UserName) -> Command {
    Command::plain("HGETALL", keys::conversations(user), &[])
}

/// Reads the answer to [`ask_for_conversations`]: the one with the newest message comes first.
fn read_conversations(reply: StoreResult<::redis::Value>) -> StoreResult<Vec<Conversation>> {
    let stored: HashMap<String, String> = command::read(reply)?;
    let mut read: Vec<Conversation> = stored.iter().filter_map(|(peer, state)| conversation(peer, state)).collect();
    read.sort_by_key(|conversation| std::cmp::Reverse(conversation.last));
    Ok(read)
}

/// Reads the answer to [`ask_for_conversations`]: how many messages are unread.
pub(super) fn read_unread(reply: StoreResult<::redis::Value>) -> StoreResult<Vec<(UserName, u64)>> {
    let unread = read_conversations(reply)?.into_iter().filter(|conversation| conversation.unread > 0);
    Ok(unread.map(|conversation| (conversation.peer, conversation.unread)).collect())
}

/// The name of a log among the marks; none for an inbox, whose conversations have marks of their own.
pub(super) fn target(log: &LogId) -> Option<String> {
    match log {
        LogId::Room(room) => Some(Target::Room(room.clone()).to_string()),
        LogId::Feed(user) => Some(Target::Feed(user.clone()).to_string()),
        LogId::Inbox(_) => None,
    }
}

pub(super) fn read_marks(marks: &HashMap<String, u64>) -> BTreeMap<LogId, MessageId> {
    let read = |(target, &id): (&String, &u64)| {
        let log = match target.parse().ok()? {
            Target::Room(room) => LogId::Room(room),
            Target::Feed(user) => LogId::Feed(user),
            Target::Direct(_) => return None,
        };
        Some((log, MessageId(id)))
    };
    marks.iter().filter_map(read).collect()
}

/// Reads `last read unread`.
pub(super) fn conversation(peer: &str, state: &str) -> Option<Conversation> {
    let mut numbers = state.split(' ').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let (last, read, unread) = (next()?, next()?, next()?);
    Some(Conversation { peer: peer.parse().ok()?, last: MessageId(last), read: MessageId(read), unread })
}

#[cfg(test)]
mod tests {
    use ::redis::Value;

    use super::*;

    fn reply(states: &[(&str, &str)]) -> StoreResult<Value> {
        let text = |text: &str| Value::BulkString(text.into());
        Ok(Value::Map(states.iter().map(|(peer, state)| (text(peer), text(state))).collect()))
    }

    #[test]
    fn conversations_come_with_the_newest_first_and_what_cannot_be_read_not_at_all() {
        let states = [
            ("bob", "9 7 1"),
            ("ann", "12 12 0"),
            ("cyd", "3 0 2"),
            ("a.b", "5 5 5"),
            ("dan", "1 2"),
            ("eve", "1 2 x"),
        ];
        let talks = read_conversations(reply(&states)).unwrap();
        let talks: Vec<_> = talks.iter().map(|it| (it.peer.as_str(), it.last.0, it.read.0, it.unread)).collect();
        assert_eq!(talks, [("ann", 12, 12, 0), ("bob", 9, 7, 1), ("cyd", 3, 0, 2)]);
        let unread = read_unread(reply(&states)).unwrap();
        assert_eq!(unread, [("bob".parse().unwrap(), 1), ("cyd".parse().unwrap(), 2)]);
        assert!(read_unread(Err(StoreError::new("the link broke"))).is_err());
    }

    #[test]
    fn rooms_and_feeds_have_marks_and_conversations_have_their_own() {
        let (room, feed) = (LogId::Room("red".parse().unwrap()), LogId::Feed("bob".parse().unwrap()));
        assert_eq!(target(&room).as_deref(), Some("#red"));
        assert_eq!(target(&feed).as_deref(), Some("+bob"));
        assert_eq!(target(&LogId::Inbox("bob".parse().unwrap())), None);
        let stored = [("#red", 3), ("+bob", 0), ("@bob", 5), ("red", 5), ("#a.b", 5)];
        let stored = stored.map(|(target, read)| (target.to_owned(), read)).into();
        let expected = BTreeMap::from([(room, MessageId(3)), (feed, MessageId(0))]);
        assert_eq!(read_marks(&stored), expected);
    }
}
