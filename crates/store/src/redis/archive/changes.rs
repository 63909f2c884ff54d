//! Changes a Redis that is being filled by a migration: what was stored before is gone by now, or reads differently. It must not
//! judge whether that is so.

use ::redis::Value;
use parlor_core::ports::LogId;
use parlor_core::rights::RoomRights;
use parlor_proto::{RoomName, UserName};

use super::target::RedisTarget;
use crate::archive::{ArchiveResult, Change, EntryRecord, Key, MovingTarget};
use crate::redis::codec::read_entry;
use crate::redis::connection::command::Command;
use crate::redis::retention::removals;
use crate::redis::{governance, keys, personal};

/// Entries in one request.
const PAGE: &str = "500";

impl MovingTarget for RedisTarget {
    fn change(&mut self, change: Change<'_>) -> ArchiveResult<()> {
        match change {
            Change::Remove(Key::Rights(room)) => self.remove_rights(room)?,
            Change::Remove(Key::Log(log)) => self.remove_log(log),
            Change::Remove(key) => self.remove(key),
            Change::Grow(head) => {
                self.others = head.others;
                self.add("HSET", keys::meta(&head.log), &["top", &head.last.to_string()]);
            }
            Change::Trim(log, first) => self.trim(log, first)?,
            Change::Rewrite(entry) => self.rewrite(entry),
        }
        self.send_much()
    }

    fn settle(&mut self) -> ArchiveResult<()> {
        self.send()
    }

    fn seal(&mut self) -> ArchiveResult<()> {
        self.note_sealed()
    }
}

impl RedisTarget {
    fn remove(&mut self, key: &Key) {
        match key {
            Key::Account(user) => {
                self.add("SREM", keys::USERS.to_owned(), &[user.as_str()]);
                self.add("DEL", keys::user(user), &[]);
            }
            Key::Ticket(user, id) => self.add("HDEL", keys::tickets(user), &[&id.to_string()]),
            Key::Address(user, address) => self.add("ZREM", keys::usual_addresses(user), &[address]),
            Key::Follow(user, publisher) => {
                self.unpair(keys::following(user), publisher, keys::followers(publisher), user);
            }
            Key::Block(user, blocked) => self.unpair(keys::blocks(user), blocked, keys::blocked_by(blocked), user),
            Key::Remembered(user, room) => self.add("SREM", keys::remembered_rooms(user), &[room.as_str()]),
            Key::Mark(user, log) => {
                if let Some(target) = personal::target(log) {
                    self.add("HDEL", keys::marks(user), &[&target]);
                }
            }
            Key::Invitation(id) => {
                self.add("SREM", keys::INVITATIONS.to_owned(), &[&id.to_string()]);
                self.add("DEL", keys::invitation(*id), &[]);
            }
            Key::Conversation(owner, peer) => self.add("HDEL", keys::conversations(owner), &[peer.as_str()]),
            // Both need more than a command each.
            Key::Rights(_) | Key::Log(_) => {}
        }
    }

    fn unpair(&mut self, one: String, other: &UserName, inverse: String, user: &UserName) {
        self.add("SREM", one, &[other.as_str()]);
        self.add("SREM", inverse, &[user.as_str()]);
    }

    fn remove_rights(&mut self, room: &RoomName) -> ArchiveResult<()> {
        // Those that are stored may still wait.
        self.send()?;
        let meta = keys::meta(&LogId::Room(room.clone()));
        let stored: Option<String> = self.call(Command::plain("HGET", meta.clone(), &["rights"]))?;
        let rights = governance::decode(room, stored.as_deref().unwrap_or_default())?;
        let (set, _) = governance::changes(&RoomRights::default(), &rights);
        for (field, _) in &set {
            self.add("HDEL", keys::memberships(room), &[field]);
        }
        self.add("HDEL", meta, &["rights", "rights_seq", "bare"]);
        Ok(())
    }

    fn remove_log(&mut self, log: &LogId) {
        for key in [keys::log(log), keys::amended(log), keys::others(log)] {
            self.add("DEL", key, &[]);
        }
        // The rights of a room are in the same hash.
        self.add("HDEL", keys::meta(log), &["epoch", "top"]);
        for author in self.once.remove(log).unwrap_or_default() {
            keys::once(log, &author).into_iter().for_each(|key| self.add("DEL", key, &[]));
        }
        match log {
            LogId::Room(room) => self.add("ZREM", keys::ROOMS.to_owned(), &[room.as_str()]),
            LogId::Inbox(owner) => self.add("DEL", keys::conversation_index(owner), &[]),
            LogId::Feed(_) => {}
        }
    }

    fn trim(&mut self, log: &LogId, first: u64) -> ArchiveResult<()> {
        let below = format!("({first}");
        self.add("ZREMRANGEBYSCORE", keys::amended(log), &["-inf", &below]);
        self.send()?;
        loop {
            let range = ["-".to_owned(), format!("({first}-0")];
            let old = Command::plain("XRANGE", keys::log(log), &[&range[0], &range[1], "COUNT", PAGE]);
            let old: Vec<Value> = self.call(old)?;
            let old: Vec<_> = old.iter().filter_map(read_entry).collect();
            if old.is_empty() {
                return Ok(());
            }
            for reply in self.router.call_all(removals(log, &old)) {
                reply?;
            }
        }
    }

    /// A stream cannot be changed: the entry stands beside it from now on, as after an edit.
    fn rewrite(&mut self, entry: &EntryRecord) {
        let EntryRecord { log, id, time, from, text, .. } = entry;
        let (number, time, text) = (id.to_string(), time.as_millis(), text.stored());
        self.add("XDEL", keys::log(log), &[&format!("{number}-0")]);
        self.add("ZREMRANGEBYSCORE", keys::amended(log), &[&number, &number]);
        self.add("ZADD", keys::amended(log), &[&number, &format!("{number} {time} {from} {text}")]);
    }
}
