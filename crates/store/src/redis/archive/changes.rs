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

#[cfg(test)]
mod tests {
    use parlor_proto::{InvitationId, MessageId, TicketId};

    use super::super::target::tests::{target, waiting};
    use super::*;
    use crate::archive::Epochs;
    use crate::redis::connection::fake_node::{FakeNode, bulk};

    fn removed(key: Key) -> Vec<String> {
        let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
        target.change(Change::Remove(&key)).unwrap();
        waiting(&target)
    }

    fn name(user: &str) -> UserName {
        user.parse().unwrap()
    }

    fn garden() -> LogId {
        LogId::Room("garden".parse().unwrap())
    }

    #[test]
    fn what_is_removed_leaves_no_other_half_and_no_index() {
        let (ann, bob) = (name("ann"), name("bob"));
        assert_eq!(removed(Key::Account(ann.clone())), ["SREM parlor:users ann", "DEL parlor:user:{ann}"]);
        assert_eq!(
            removed(Key::Follow(ann.clone(), bob.clone())),
            ["SREM parlor:following:{ann} bob", "SREM parlor:followers:{bob} ann"]
        );
        assert_eq!(
            removed(Key::Block(ann.clone(), bob.clone())),
            ["SREM parlor:blocks:{ann} bob", "SREM parlor:blocked-by:{bob} ann"]
        );
        let invitation = ["SREM parlor:invitations 00000007", "DEL parlor:invitation:{00000007}"];
        assert_eq!(removed(Key::Invitation(InvitationId(7))), invitation);
        assert_eq!(removed(Key::Ticket(ann.clone(), TicketId(7))), ["HDEL parlor:tickets:{ann} 00000007"]);
        assert_eq!(
            removed(Key::Address(ann.clone(), "192.0.2.7".to_owned())),
            ["ZREM parlor:addresses:{ann} 192.0.2.7"]
        );
        assert_eq!(removed(Key::Mark(ann.clone(), garden())), ["HDEL parlor:marks:{ann} #garden"]);
        assert_eq!(removed(Key::Mark(ann.clone(), LogId::Feed(bob.clone()))), ["HDEL parlor:marks:{ann} +bob"]);
        assert_eq!(removed(Key::Mark(ann.clone(), LogId::Inbox(bob.clone()))), [""; 0]);
        let room = "garden".parse().unwrap();
        assert_eq!(removed(Key::Remembered(ann.clone(), room)), ["SREM parlor:remembered-rooms:{ann} garden"]);
        assert_eq!(removed(Key::Conversation(ann, bob)), ["HDEL parlor:conversations:{ann} bob"]);
    }

    #[test]
    fn a_log_that_is_removed_leaves_the_rights_and_no_key_of_its_messages() {
        let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
        target.once.entry(garden()).or_default().insert(name("ann"));
        target.once.entry(LogId::Feed(name("ann"))).or_default().insert(name("ann"));
        target.change(Change::Remove(&Key::Log(garden()))).unwrap();
        let expected = [
            "DEL parlor:log:{garden}",
            "DEL parlor:amended:room:{garden}",
            "DEL parlor:others:room:{garden}",
            "HDEL parlor:log-meta:{garden} epoch top",
            "DEL parlor:once:room:{garden}:ann",
            "DEL parlor:once-times:room:{garden}:ann",
            "ZREM parlor:rooms garden",
        ];
        assert_eq!(waiting(&target), expected);
        assert_eq!(target.once.len(), 1, "the keys of the other log are known still");
        let inbox = removed(Key::Log(LogId::Inbox(name("ann"))));
        assert_eq!(inbox.last().unwrap(), "DEL parlor:conversation-index:{ann}");
        let feed = removed(Key::Log(LogId::Feed(name("ann"))));
        assert_eq!(feed.last().unwrap(), "HDEL parlor:feed-meta:{ann} epoch top");
    }

    #[test]
    fn the_fields_of_rights_that_are_removed_are_those_that_were_stored() {
        let mut rights = RoomRights::default();
        rights.invited.insert(name("ann"));
        rights.muted.insert(name("bob"), None);
        let stored = bulk(&rights.stored());
        let node = FakeNode::start(move |line| match line {
            "HGET parlor:log-meta:{garden} rights" => Some(stored.clone()),
            _ => line.starts_with('H').then(|| ":1\r\n".to_owned()).filter(|_| !line.starts_with("HELLO")),
        });
        let mut target = target(&node, Epochs::Kept);
        target.change(Change::Remove(&Key::Rights("garden".parse().unwrap()))).unwrap();
        let expected = [
            "HDEL parlor:room-gen:{garden} !",
            "HDEL parlor:room-gen:{garden} ann+",
            "HDEL parlor:room-gen:{garden} bob!",
            "HDEL parlor:log-meta:{garden} rights rights_seq bare",
        ];
        assert_eq!(waiting(&target), expected);
    }

    #[test]
    fn old_entries_are_trimmed_until_there_are_none() {
        let entry = |id: u64| {
            let fields = ["from", "ann", "time", "7", "text", "x"].map(bulk).concat();
            format!("*1\r\n*2\r\n{}*6\r\n{fields}", bulk(&format!("{id}-0")))
        };
        let pages = std::sync::Mutex::new(vec!["*0\r\n".to_owned(), entry(4), entry(3)]);
        let node = FakeNode::start(move |line| match line.split(' ').next() {
            Some("XRANGE") => pages.lock().unwrap().pop(),
            Some("XTRIM" | "ZREMRANGEBYSCORE" | "HSET") => Some(":1\r\n".to_owned()),
            _ => None,
        });
        target(&node, Epochs::Kept).change(Change::Trim(&garden(), 5)).unwrap();
        let steps: Vec<String> =
            node.heard().into_iter().filter(|line| line.starts_with('X') || line.starts_with('Z')).collect();
        let range = "XRANGE parlor:log:{garden} - (5-0 COUNT 500";
        let expected = [
            "ZREMRANGEBYSCORE parlor:amended:room:{garden} -inf (5",
            range,
            "XTRIM parlor:log:{garden} MINID 4-0",
            range,
            "XTRIM parlor:log:{garden} MINID 5-0",
            range,
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn an_entry_that_reads_differently_stands_beside_the_stream_once() {
        let entry = r##"{"log":"#garden","id":4,"time":"1970-01-01T00:00:00.007Z","from":"ann","text":"two  words"}"##;
        let entry: EntryRecord = serde_json::from_str(entry).unwrap();
        let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
        target.change(Change::Rewrite(&entry)).unwrap();
        let expected = [
            "XDEL parlor:log:{garden} 4-0",
            "ZREMRANGEBYSCORE parlor:amended:room:{garden} 4 4",
            "ZADD parlor:amended:room:{garden} 4 4 7 ann two  words",
        ];
        assert_eq!(waiting(&target), expected);
    }

    #[test]
    fn a_log_that_grows_keeps_its_epoch_and_counts_on() {
        let mut target = target(&FakeNode::start(|_| None), Epochs::Renewed);
        let head =
            crate::archive::LogRecord { log: garden(), epoch: parlor_proto::Epoch(7), last: MessageId(9), others: 3 };
        target.change(Change::Grow(&head)).unwrap();
        assert_eq!((waiting(&target), target.others), (vec!["HSET parlor:log-meta:{garden} top 9".to_owned()], 3));
    }
}
